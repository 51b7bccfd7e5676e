import MillraceIO
import MillraceLog

/// The header of a block, as the engine wrote it: encoded, and decoded with its checks.
func registerBlockHeaders() {
    measure("block-header-encode") {
        let segment = try WrittenSegment()
        let page = AlignedMemory(byteCount: Format.pageByteCount)
        return Timed { count in
            var header = segment.header
            var sum: UInt32 = 0
            page.withMemory { page in
                for index in 0..<count {
                    header.blockNumber = UInt32(index)
                    header.encode(into: page, at: Format.blocksByteOffset, identity: segment.identity)
                    sum ^= header.checksum
                }
            }
            return Int(sum)
        }
    }
    measure("block-header-decode") {
        let segment = try WrittenSegment()
        return Timed { count in
            var sum = 0
            for _ in 0..<count { sum += try segment.decode().recordCount }
            return sum
        }
    }
}

/// A segment with one block of flights.
private struct WrittenSegment {
    private let bytes: AlignedMemory
    let identity: SegmentIdentity
    let header: BlockHeader

    init() throws {
        let store = try MemoryStore(isDropping: false)
        _ = try store.appendBatch(try Fixture.flights(), from: 0, count: 200)
        store.flush()
        let (name, bytes) = try store.firstSegment()
        self.bytes = bytes
        let page = try bytes.withMemory { try SegmentHeader.decode($0.slice(0, Format.pageByteCount), file: name) }
        guard let page else { throw BenchError("the segment has no header") }
        identity = page.header.identity
        header = try Self.decode(bytes, page.header.identity)
    }

    func decode() throws -> BlockHeader { try Self.decode(bytes, identity) }

    private static func decode(_ bytes: AlignedMemory, _ identity: SegmentIdentity) throws -> BlockHeader {
        let header = bytes.withMemory { memory in
            BlockHeader.decode(memory, at: Format.blocksByteOffset, limit: memory.byteCount, identity: identity)
        }
        guard let header else { throw BenchError("the segment has no block") }
        return header
    }
}
