import MillraceIO

/// The records of a block that was decoded into memory, in order: what compaction reads.
struct DecodedBlock: Sequence, IteratorProtocol {
    struct Record {
        let ordinal: UInt64
        /// Milliseconds since 1970 UTC.
        let arrival: UInt64
        /// As in its directory entry.
        let keyAndFlags: UInt64
        /// Key and data.
        let bytes: Memory

        var key: Memory { bytes.slice(0, Int(keyAndFlags & 0xFFFF)) }
        /// A record without data says that its key is gone.
        var isTombstone: Bool { bytes.byteCount == Int(keyAndFlags & 0xFFFF) }
    }

    private let memory: Memory
    private let header: BlockHeader
    private var index = 0
    private var start = 0

    /// - Parameter memory: a buffer (`BufferLayout`), kept by the caller as long as this and its records.
    init(_ memory: Memory, _ header: BlockHeader) {
        self.memory = memory
        self.header = header
    }

    mutating func next() -> Record? {
        guard index < header.recordCount else { return nil }
        let at = memory.byteCount - Directory.entryByteCount * (index + 1)
        let low = memory.load(UInt64.self, at: at), high = memory.load(UInt64.self, at: at + 8)
        let end = Int(low & 0xFFFF_FFFF)
        defer { (index, start) = (index + 1, end) }
        return Record(
            ordinal: header.firstOrdinal + (high >> 32), arrival: header.firstArrivalMilliseconds + (low >> 32),
            keyAndFlags: high & 0xFFFF_FFFF, bytes: memory.slice(BufferLayout.payloadAt + start, end - start))
    }
}
