import MillraceIO

/// Gathers the records of sealed segments, in order, into full blocks, and writes them as one file.
///
/// Everything is in memory until `write`: at most the stored bytes of the segments that were added, and one block. One thread.
struct SegmentMerger: ~Copyable {
    private let scratches: ScratchPool
    private let policy = CompressionPolicy(isEnabled: true)
    private let isHigh: Bool
    private let payloadLimit: Int
    private let logID: UInt64
    /// The block that is being gathered, laid out as a buffer; and the one that is being read.
    private var gathered: AlignedMemory
    private var source: AlignedMemory
    private var count = 0
    private var payloadByteCount = 0
    private var firstOrdinal: UInt64 = 0
    private var firstArrival: UInt64 = 0
    private var blocks: [Block] = []
    private(set) var endOrdinal: UInt64 = 0
    private(set) var recordCount: UInt64 = 0
    private(set) var rawByteCount: UInt64 = 0

    /// An encoded block with room for its header in front, as long as it will be on the disk.
    private struct Block {
        var header: BlockHeader
        let memory: AlignedMemory
    }

    /// - Parameter payloadLimit: raw bytes of a full block.
    init(logID: UInt64, payloadLimit: Int, isHigh: Bool, scratches: ScratchPool) {
        self.logID = logID
        self.scratches = scratches
        self.isHigh = isHigh
        self.payloadLimit = payloadLimit
        gathered = AlignedMemory(byteCount: Self.slotByteCount(payloadLimit), alignment: 64)
        source = gathered
        source = AlignedMemory(byteCount: Self.slotByteCount(payloadLimit), alignment: 64)
    }

    /// Room for that much payload, and for entries of records from 32 bytes on; for one record, however large.
    private static func slotByteCount(_ payload: Int) -> Int {
        BufferLayout.slotByteCount(payload: payload, records: max(payload / 32, 64))
    }

    // MARK: Reading

    /// Adds every record of the segment, which ends with its last one. Costs decoding and encoding.
    /// - Throws: `corrupt`, `io`: the merger is of no use then.
    mutating func add(_ open: OpenSegment, _ content: SegmentContent, _ encoder: inout BlockEncoder) throws(LogError) {
        for number in 0..<content.index.count {
            let block = try StoredBlock(open, content, number: number)
            let needed = BufferLayout.slotByteCount(
                payload: block.header.rawPayloadByteCount, records: block.header.recordCount)
            if source.memory.byteCount < needed { source = AlignedMemory(byteCount: needed, alignment: 64) }
            guard block.decode(into: source.memory, logID: logID, isMapped: false) else {
                throw .corrupt(
                    file: open.name, byteOffset: content.index[number].byteOffset,
                    detail: "the block's directory or payload does not decode")
            }
            take(block.header, &encoder)
        }
        endOrdinal = content.endOrdinal
    }

    private mutating func take(_ header: BlockHeader, _ encoder: inout BlockEncoder) {
        let memory = source.memory
        var start = 0
        for index in 0..<header.recordCount {
            let at = memory.byteCount - Directory.entryByteCount * (index + 1)
            let low = memory.load(UInt64.self, at: at), high = memory.load(UInt64.self, at: at + 8)
            let ordinal = header.firstOrdinal + (high >> 32)
            let recordEnd = Int(low & 0xFFFF_FFFF)
            gather(
                ordinal: ordinal, arrival: header.firstArrivalMilliseconds + (low >> 32), keyAndFlags: high & 0xFFFF_FFFF,
                memory.slice(BufferLayout.payloadAt + start, recordEnd - start), &encoder)
            start = recordEnd
        }
    }

    private mutating func gather(
        ordinal: UInt64, arrival: UInt64, keyAndFlags: UInt64, _ bytes: Memory, _ encoder: inout BlockEncoder
    ) {
        let needed = BufferLayout.payloadAt + payloadByteCount + bytes.byteCount + Directory.entryByteCount * (count + 1)
        // Dense, and near enough in time for a delta: else a block of its own.
        if count > 0,
            payloadByteCount + bytes.byteCount > payloadLimit || needed > gathered.memory.byteCount
                || ordinal != firstOrdinal + UInt64(count) || arrival - firstArrival > UInt64(UInt32.max)
                || count == Format.greatestRecordCount
        {
            close(&encoder)
        }
        if count == 0 {
            (firstOrdinal, firstArrival) = (ordinal, arrival)
            let needed = BufferLayout.slotByteCount(payload: bytes.byteCount, records: 1)
            if gathered.memory.byteCount < needed { gathered = AlignedMemory(byteCount: needed, alignment: 64) }
        }
        let memory = gathered.memory
        memory.copy(bytes, at: BufferLayout.payloadAt + payloadByteCount)
        payloadByteCount += bytes.byteCount
        let at = memory.byteCount - Directory.entryByteCount * (count + 1)
        memory.store(UInt64(payloadByteCount) | (arrival - firstArrival) << 32, at: at)
        memory.store(keyAndFlags | UInt64(count) << 32, at: at + 8)
        count += 1
    }

    /// Encodes what is gathered.
    private mutating func close(_ encoder: inout BlockEncoder) {
        guard count > 0 else { return }
        gathered.memory.store(firstArrival, at: BufferLayout.firstArrivalAt)
        let cut = Cut(
            ticket: 0, slot: .none, memory: gathered.memory, logID: logID, range: 0..<count, firstOrdinal: firstOrdinal,
            unfinishedBatchIndex: nil, bufferIndex: 0, finishesBuffer: false)
        let encoded = encoder.encode(cut, policy: policy, backlog: 0, isHigh: isHigh)
        let memory = AlignedMemory(byteCount: encoded.header.blockByteCount)
        memory.memory.fill()
        let directory = encoded.header.directoryByteCount
        memory.memory.copy(encoded.scratch.memory.slice(encoded.directoryAt, directory), at: Format.blockHeaderByteCount)
        memory.memory.copy(encoded.payload, at: Format.blockHeaderByteCount + directory)
        scratches.give(encoded.scratch)
        blocks.append(Block(header: encoded.header, memory: memory))
        recordCount += UInt64(count)
        rawByteCount += UInt64(payloadByteCount)
        (count, payloadByteCount) = (0, 0)
    }

    // MARK: Writing

    /// Ends the last block. No record is added any more.
    mutating func end(_ encoder: inout BlockEncoder) { close(&encoder) }

    /// Bytes of the file that `write` makes.
    var fileByteCount: Int { indexByteOffset + Format.alignPage(blocks.count * Format.indexEntryByteCount) + Format.pageByteCount }
    var blockCount: Int { blocks.count }
    private var blocksEnd: Int { Format.blocksByteOffset + blocks.reduce(0) { $0 + $1.header.blockByteCount } }
    private var indexByteOffset: Int { Format.alignPage(blocksEnd) }

    /// Writes header, notes, blocks, index and footer into a file that reads as zeros and has `fileByteCount` bytes, and maps it.
    /// Nothing is synced.
    /// - Parameter header: of the segment whose place it takes first; `fileByteCount` as here.
    mutating func write(
        _ header: SegmentHeader, into prepared: PreparedFile, named name: String, io: any StorageIO, note: DurableNote
    ) throws(LogError) -> (OpenSegment, SegmentContent) {
        let head = AlignedMemory(byteCount: Format.blocksByteOffset)
        head.memory.fill()
        let checksum = header.encode(into: head.memory.slice(0, Format.pageByteCount))
        let index = SparseIndex()
        var byteOffset = Format.blocksByteOffset
        var lastChecksum = checksum
        var greatestArrival: UInt64 = 0
        for number in blocks.indices {
            blocks[number].header.previousChecksum = lastChecksum
            blocks[number].header.blockNumber = UInt32(number)
            blocks[number].header.durableOrdinal = endOrdinal
            let memory = blocks[number].memory.memory
            blocks[number].header.encode(into: memory, at: byteOffset, identity: header.identity)
            let block = blocks[number].header
            lastChecksum = block.checksum
            greatestArrival = max(greatestArrival, block.greatestArrivalMilliseconds)
            index.append(
                SparseIndex.Entry(
                    firstOrdinal: block.firstOrdinal, greatestArrival: greatestArrival, byteOffset: byteOffset,
                    recordCount: block.recordCount))
            byteOffset += block.blockByteCount
        }
        var note = note
        note.durableOrdinal = endOrdinal
        note.writtenOrdinal = endOrdinal
        note.durableByteOffset = byteOffset
        note.writtenByteOffset = byteOffset
        note.lastArrivalMilliseconds = greatestArrival
        note.blockCount = UInt32(blocks.count)
        note.lastBlockChecksum = lastChecksum
        note.headerChecksum = checksum
        note.segmentNumber = header.segmentNumber
        for sequence in 1...UInt64(2) {
            note.sequence = sequence
            let at = DurableNote.byteOffset(ofSequence: sequence)
            note.encode(into: head.memory.slice(at, Format.pageByteCount), identity: header.identity)
        }
        let open = try OpenSegment(io: io, file: prepared.file, name: name, byteCount: prepared.byteCount)
        let content = SegmentContent(header: header, headerChecksum: checksum, index: index, endOrdinal: endOrdinal)
        try writeBlocks(open, head)
        _ = try Sealing.write(
            open, content: content, blocksEnd: byteOffset, endOrdinal: endOrdinal, greatestArrival: greatestArrival,
            recordCount: recordCount, rawByteCount: rawByteCount, lastChecksum: blocks.isEmpty ? 0 : lastChecksum,
            isByRecovery: false)
        return (open, content)
    }

    /// In writes of about a megabyte.
    private func writeBlocks(_ open: OpenSegment, _ head: AlignedMemory) throws(LogError) {
        var pieces = [head.memory]
        var at = 0
        var byteCount = head.memory.byteCount
        for block in blocks {
            if byteCount > 1 << 20 || pieces.count == 512 {
                try systemCall { () throws(IOError) in try open.io.write(open.file, at: at, pieces) }
                at += byteCount
                (pieces, byteCount) = ([], 0)
            }
            pieces.append(block.memory.memory)
            byteCount += block.memory.memory.byteCount
        }
        try systemCall { () throws(IOError) in try open.io.write(open.file, at: at, pieces) }
    }
}
