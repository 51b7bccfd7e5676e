import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

/// Aim: a payload in chunks comes back as it was, whichever of its chunks compress, and a table of lengths that lies is refused.
/// Method: large records through a log, read from their blocks; then payloads with a wrong table.
@Suite struct ChunkedPayloadTests {
    private static let chunk = Format.chunkByteCount

    private func noise(_ byteCount: Int) -> [UInt8] {
        let dice = SeededEntropy(seed: 5)
        return (0..<byteCount).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
    }

    /// Appends one record, has it written, and reads it from its block. The block's codec.
    private func codec(_ data: [UInt8]) throws -> UInt8? {
        var harness = Harness()
        harness.configuration.greatestRecordByteCount = 10 << 20
        harness.configuration.memoryByteCount = 64 << 20
        harness.configuration.writeShareByteCount = 40 << 20
        harness.configuration.unwrittenByteLimit = 36 << 20
        harness.configuration.firstSegmentByteCount = 64 << 10
        harness.configuration.greatestSegmentByteCount = 4 << 20
        let store = try harness.open()
        let log = try store.createLog(1)
        let record = PlainRecord(key: Array("k".utf8), data: data)
        try log.append(record)
        while log.flushStep() == .progress {}
        store.dropCache()
        #expect(try log.readAll(level: .written).records.map(\.record) == [record])
        let image = DiskImage(harness.disk)
        return image.segments.last.flatMap { image.files[$0] }?[Format.blocksByteOffset + 60]
    }

    @Test func `a large record that compresses is stored in chunks, those that do not compress as they are`() throws {
        let text = [UInt8](repeating: 97, count: 3 * Self.chunk)
        #expect(try codec(text + noise(Self.chunk) + text + [1, 2, 3]) == BlockCodec.lz4Chunked.rawValue)
    }

    @Test func `a large record of which little compresses is stored as it is, however it begins`() throws {
        // What looks worth it in the first 64 KiB is not in the rest.
        #expect(try codec([UInt8](repeating: 97, count: Self.chunk) + noise(5 * Self.chunk)) == BlockCodec.raw.rawValue)
        #expect(try codec(noise(5 * Self.chunk)) == BlockCodec.raw.rawValue)
    }

    private func decode(_ stored: Bytes, byteCount: Int) -> Bool {
        let payload = AlignedMemory(byteCount: byteCount)
        return payload.withMemory { payload in stored.lend { ChunkedPayload.decode($0, into: payload) } }
    }

    @Test func `a table of lengths that does not fit what is stored is refused`() {
        // Two chunks, the second of 8 bytes, both stored as they are.
        let byteCount = Self.chunk + 8
        let right = Bytes(count: 8 + byteCount).put(UInt32(Self.chunk), at: 0).put(UInt32(8), at: 4)
        #expect(decode(right, byteCount: byteCount))
        // Not even room for the table.
        #expect(!decode(Bytes(count: 7), byteCount: byteCount))
        // A length behind the end; one that leaves bytes over; one of bytes that are no LZ4 block.
        #expect(!decode(Bytes(copying: right.array).put(UInt32(9), at: 4), byteCount: byteCount))
        #expect(!decode(Bytes(copying: right.array + [0]), byteCount: byteCount))
        #expect(!decode(Bytes(copying: right.array).put(UInt32.max, at: 0), byteCount: byteCount))
        #expect(!decode(Bytes(copying: right.array).put(UInt32(Self.chunk - 1), at: 0), byteCount: byteCount))
    }
}
