import MillraceIO
import MillraceLog
import Testing

/// Aim: a block header is believed only where it was written and only as it was written. Method: headers put down by hand from
/// docs/FORMAT.md section 5, then every bit turned, every identity changed, every size made impossible under a checksum that is right.
@Suite struct BlockHeaderTests {
    static let byteOffset = 12_288
    static let fileByteCount = 40_960

    struct Fields {
        var bodyChecksum: UInt32 = 0xB0D1_E5C1
        var firstOrdinal: UInt64 = 1 << 40 | 5
        var durable: UInt64 = 1 << 40 | 3
        var firstArrival: UInt64 = 1_735_689_600_123
        var recordCount: UInt32 = 7
        var arrivalSpan: UInt32 = 999
        var directoryByteCount: UInt32 = 33
        var rawPayloadByteCount: UInt32 = 400
        var storedPayloadByteCount: UInt32 = 400
        var previousChecksum: UInt32 = 0xFEED_BEEF
        var blockNumber: UInt32 = 12
        var codec: UInt8 = 1
        var flags: UInt16 = 0
        var extensions: [UInt8] = []
    }

    /// A file with the header at `byteOffset` and a right checksum.
    static func file(
        _ fields: Fields = Fields(), at byteOffset: Int = byteOffset, fileByteCount: Int = fileByteCount,
        identity: SegmentIdentity = Sample.identity
    ) -> Bytes {
        precondition(fields.extensions.count % 8 == 0)
        let bytes = Bytes(count: fileByteCount)
        bytes.put(fields.bodyChecksum, at: byteOffset + 4).put(fields.firstOrdinal, at: byteOffset + 8)
        bytes.put(fields.durable, at: byteOffset + 16).put(fields.firstArrival, at: byteOffset + 24)
        bytes.put(fields.recordCount, at: byteOffset + 32).put(fields.arrivalSpan, at: byteOffset + 36)
        bytes.put(fields.directoryByteCount, at: byteOffset + 40).put(fields.rawPayloadByteCount, at: byteOffset + 44)
        bytes.put(fields.storedPayloadByteCount, at: byteOffset + 48).put(fields.previousChecksum, at: byteOffset + 52)
        bytes.put(fields.blockNumber, at: byteOffset + 56).put(fields.codec, at: byteOffset + 60)
        bytes.put(UInt8(fields.extensions.count / 8), at: byteOffset + 61).put(fields.flags, at: byteOffset + 62)
        for (index, byte) in fields.extensions.enumerated() { bytes.put(byte, at: byteOffset + 64 + index) }
        let end = byteOffset + 64 + fields.extensions.count
        bytes.put(bytes.checksum(byteOffset + 4..<end, continuing: identity.positioned(byteOffset)), at: byteOffset)
        return bytes
    }

    static func decode(
        _ file: Bytes, at byteOffset: Int = byteOffset, limit: Int? = nil, identity: SegmentIdentity = Sample.identity
    ) -> BlockHeader? {
        file.lend { BlockHeader.decode($0, at: byteOffset, limit: limit ?? $0.byteCount, identity: identity) }
    }

    static func batchContinues(_ index: UInt32) -> [UInt8] {
        [1, 1, 0, 0] + (0..<4).map { UInt8(truncatingIfNeeded: index >> UInt32(8 * $0)) }
    }

    static func covers(_ ordinalCount: UInt32) -> [UInt8] {
        [128, 1, 0, 0] + (0..<4).map { UInt8(truncatingIfNeeded: ordinalCount >> UInt32(8 * $0)) }
    }

    @Test func `every field stands where the document says`() throws {
        let header = try #require(Self.decode(Self.file()))
        let fields = Fields()
        #expect(header.bodyChecksum == fields.bodyChecksum)
        #expect(header.firstOrdinal == fields.firstOrdinal)
        #expect(header.durableOrdinal == fields.durable)
        #expect(header.firstArrivalMilliseconds == fields.firstArrival)
        #expect(header.recordCount == 7)
        #expect(header.arrivalSpanMilliseconds == 999)
        #expect(header.greatestArrivalMilliseconds == fields.firstArrival + 999)
        #expect(header.directoryByteCount == 33)
        #expect(header.rawPayloadByteCount == 400)
        #expect(header.storedPayloadByteCount == 400)
        #expect(header.previousChecksum == fields.previousChecksum)
        #expect(header.blockNumber == 12)
        #expect(header.codec == .raw)
        #expect(!header.hasGaps)
        #expect(header.unfinishedBatchIndex == nil)
        #expect(header.headerByteCount == 64)
        #expect(header.blockByteCount == 504)
    }

    @Test(arguments: [
        Fields(), Fields(flags: 2, extensions: covers(7)), Fields(flags: 1, extensions: batchContinues(0)),
        Fields(flags: 2, extensions: covers(1 << 31 - 1)),
        Fields(
            recordCount: 0, directoryByteCount: 25, rawPayloadByteCount: 0, storedPayloadByteCount: 0, flags: 2, extensions: covers(1)),
        Fields(directoryByteCount: 20, rawPayloadByteCount: 9000, storedPayloadByteCount: 100, codec: 2),
        Fields(directoryByteCount: 20, rawPayloadByteCount: 9000, storedPayloadByteCount: 100, codec: 3),
        Fields(
            firstOrdinal: UInt64(Int64.max), durable: 0, firstArrival: 0, recordCount: 1, arrivalSpan: UInt32.max,
            directoryByteCount: 20, rawPayloadByteCount: 0, storedPayloadByteCount: 0, previousChecksum: 0, blockNumber: 0),
    ]) func `a decoded header encodes to the bytes it came from`(fields: Fields) throws {
        let file = Self.file(fields)
        var header = try #require(Self.decode(file))
        let again = Bytes(count: 512)
        again.lend { header.encode(into: $0, at: Self.byteOffset, identity: Sample.identity) }
        let count = header.headerByteCount
        #expect(again.array.prefix(count) == file.array[Self.byteOffset..<Self.byteOffset + count])
        #expect(again.get(UInt32.self, at: 0) == header.checksum)
    }

    @Test func `extensions that are not known and not mandatory are skipped`() throws {
        var extensions = [UInt8](repeating: 0xEE, count: 5 * 8)
        (extensions[0], extensions[1]) = (2, 5)
        var run = [UInt8](repeating: 0xDD, count: 8)
        (run[0], run[1]) = (127, 1)
        let header = try #require(
            Self.decode(Self.file(Fields(flags: 1, extensions: extensions + Self.batchContinues(4) + run))))
        #expect(header.unfinishedBatchIndex == 4)
        #expect(header.headerByteCount == 64 + 56)
        let most = [UInt8]([200 &- 100, 255]) + [UInt8](repeating: 0, count: 255 * 8 - 2)
        #expect(Self.decode(Self.file(Fields(extensions: most)))?.headerByteCount == 64 + 255 * 8)
    }

    // MARK: Refusals

    @Test(arguments: [
        Fields(flags: 2), Fields(extensions: covers(7)), Fields(flags: 2, extensions: covers(6)),
        Fields(recordCount: 0, flags: 2, extensions: covers(0)), Fields(recordCount: 0), Fields(flags: 2, extensions: covers(1 << 31)),
        Fields(flags: 3, extensions: batchContinues(6) + covers(9)),
    ]) func `a block that stands for more ordinals than it holds records of says for how many, and no other does`(fields: Fields) {
        #expect(Self.decode(Self.file(fields)) == nil)
    }

    @Test(arguments: [
        Fields(), Fields(flags: 1, extensions: batchContinues(3)),
        Fields(rawPayloadByteCount: 9000, storedPayloadByteCount: 100, codec: 2),
    ]) func `no header with one bit turned is believed`(fields: Fields) {
        let file = Self.file(fields)
        for bit in 8 * Self.byteOffset..<8 * (Self.byteOffset + 64 + fields.extensions.count) {
            file.flip(bit: bit)
            if Self.decode(file) != nil { Issue.record("bit \(bit - 8 * Self.byteOffset) of the header turned") }
            file.flip(bit: bit)
        }
        #expect(Self.decode(file) != nil)
    }

    @Test func `a header of another store, log, base, salt or place is not believed`() {
        let file = Self.file()
        for other in Sample.others { #expect(Self.decode(file, identity: other.identity) == nil, "\(other.what)") }
        let moved = Bytes(count: Self.fileByteCount)
        for byteOffset in [0, 8, 4096, Self.byteOffset - 8, Self.byteOffset + 8, 20_480] {
            file.lend { file in moved.lend { $0.copy(file.slice(Self.byteOffset, 64), at: byteOffset) } }
            #expect(Self.decode(moved, at: byteOffset) == nil, "at \(byteOffset)")
        }
    }

    @Test func `sizes and counts that cannot be true are refused under a right checksum`() {
        let impossible: [(String, Fields)] = [
            ("no record", Fields(recordCount: 0)),
            ("records", Fields(recordCount: UInt32(Format.greatestRecordCount) + 1)),
            ("records", Fields(recordCount: UInt32.max)),
            ("payload", Fields(rawPayloadByteCount: (64 << 20) + 1, storedPayloadByteCount: (64 << 20) + 1)),
            ("payload", Fields(rawPayloadByteCount: UInt32.max, storedPayloadByteCount: UInt32.max)),
            ("directory", Fields(directoryByteCount: UInt32(Directory.greatestByteCount(recordCount: 7, hasGaps: false)) + 1)),
            ("directory", Fields(directoryByteCount: UInt32.max)),
            ("ordinal", Fields(firstOrdinal: 1 << 63)),
            ("arrival", Fields(firstArrival: UInt64.max - 998)),
            ("raw payload of two sizes", Fields(storedPayloadByteCount: 399)),
            ("nothing compressed", Fields(storedPayloadByteCount: 0, codec: 2)),
            ("ratio", Fields(rawPayloadByteCount: 255 * 10 + 65, storedPayloadByteCount: 10, codec: 2)),
            ("ratio", Fields(rawPayloadByteCount: 255 * 10 + 65, storedPayloadByteCount: 10, codec: 3)),
            ("codec", Fields(codec: 0)), ("codec", Fields(codec: 4)), ("codec", Fields(codec: 255)),
            ("encrypted", Fields(flags: 4)), ("flag", Fields(flags: 8)), ("flag", Fields(flags: 0x8000)),
            ("flag without extension", Fields(flags: 1)),
            ("extension without flag", Fields(extensions: Self.batchContinues(0))),
            ("batch index", Fields(flags: 1, extensions: Self.batchContinues(7))),
            ("batch index", Fields(flags: 1, extensions: Self.batchContinues(UInt32.max))),
            ("extension of no length", Fields(extensions: [2, 0, 0, 0, 0, 0, 0, 0])),
            ("extension beyond the end", Fields(extensions: [2, 2, 0, 0, 0, 0, 0, 0])),
            ("mandatory extension", Fields(extensions: [128, 1, 0, 0, 0, 0, 0, 0])),
            ("mandatory extension", Fields(extensions: [255, 1, 0, 0, 0, 0, 0, 0])),
        ]
        for (what, fields) in impossible { #expect(Self.decode(Self.file(fields)) == nil, "\(what)") }
        #expect(Self.decode(Self.file(Fields(firstArrival: UInt64.max - 999))) != nil)
        #expect(Self.decode(Self.file(Fields(rawPayloadByteCount: 255 * 10 + 64, storedPayloadByteCount: 10, codec: 2))) != nil)
    }

    @Test func `a block that does not end before the limit is refused, wherever the limit is`() {
        let file = Self.file()
        let end = Self.byteOffset + 64 + 33 + 400
        for limit in [0, Self.byteOffset, Self.byteOffset + 63, Self.byteOffset + 64, end - 1] {
            #expect(Self.decode(file, limit: limit) == nil, "limit \(limit)")
        }
        #expect(Self.decode(file, limit: end) != nil)
        #expect(Self.decode(file, limit: Int.max) != nil)
        for byteOffset in [-1, -8, Int.min, Self.fileByteCount - 63, Self.fileByteCount, Int.max - 100] {
            #expect(Self.decode(file, at: byteOffset) == nil)
        }
    }

    @Test func `memory that is shorter than a header holds none`() {
        for byteCount in [0, 1, 63] {
            let memory = AlignedMemory(byteCount: byteCount)
            memory.withMemory { memory in
                #expect(BlockHeader.decode(memory, standingAt: Self.byteOffset, identity: Sample.identity) == nil)
            }
        }
    }

    @Test func `random bytes are no header`() {
        let entropy = SeededEntropy(seed: 21)
        let file = Bytes(count: 4096)
        for _ in 0..<200 {
            for at in stride(from: 0, to: 4096, by: 8) { file.put(entropy.next(), at: at) }
            for at in stride(from: 0, to: 4096, by: 8) { #expect(Self.decode(file, at: at) == nil) }
        }
    }
}
