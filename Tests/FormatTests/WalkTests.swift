import MillraceIO
import MillraceLog
import Testing

/// Aim: a walk over blocks tells lost records from bytes that never were any. Method: blocks put down by hand.
@Suite struct WalkTests {
    @Test func `a stretch of bytes between blocks that no record is missing from is damage without a hole`() throws {
        var fields = BlockHeaderTests.Fields()
        fields.firstOrdinal = Sample.identity.baseOrdinal
        fields.blockNumber = 0
        // 64 bytes behind the place where the first block belongs.
        let at = Format.blocksByteOffset + 64
        let bytes = BlockHeaderTests.file(fields, at: at)
        let body = bytes.checksum(at + 64..<at + 64 + Int(fields.directoryByteCount + fields.storedPayloadByteCount))
        fields.bodyChecksum = body
        let file = BlockHeaderTests.file(fields, at: at)
        file.lend { memory in
            var walk = BlockWalk(memory, identity: Sample.identity, headerChecksum: fields.previousChecksum)
            walk.run()
            #expect(walk.recordCount == 0)
            walk.runThroughDamage()
            #expect(walk.recordCount == UInt64(fields.recordCount))
            #expect(walk.damage.map(\.bytes) == [Format.blocksByteOffset..<at])
            #expect(walk.damage.allSatisfy { $0.ordinals.isEmpty })
            #expect(walk.index.count == 1)
            #expect(!walk.index[0].isHole)
        }
    }
}
