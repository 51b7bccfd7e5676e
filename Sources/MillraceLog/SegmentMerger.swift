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
    /// Asked behind every block that is read or made.
    private let pace: StepPace?
    /// Asked in front of every block that is read: whether nobody needs any of this any more.
    var isPointless: () -> Bool = { false }
    /// It was so, and not everything was added: the merger is of no use.
    private(set) var isGivenUp = false
    /// The block that is being gathered, laid out as a buffer; and the one that is being read.
    private var gathered: AlignedMemory
    private var source: AlignedMemory
    /// Segments are read from one end to the other.
    private var stretch = ReadStretch(goesOn: true, byteCount: 1 << 20)
    private var count = 0
    private var payloadByteCount = 0
    private var firstOrdinal: UInt64 = 0
    private var firstArrival: UInt64 = 0
    /// The block stands for the ordinals from its first one up to here, whether their records are in it or were removed.
    private var nextOrdinal: UInt64 = 0
    /// Of all records that the block stands for.
    private var greatestArrival: UInt64 = 0
    private var blocks: [Block] = []
    private(set) var endOrdinal: UInt64 = 0
    private(set) var recordCount: UInt64 = 0
    private(set) var rawByteCount: UInt64 = 0
    /// Records that the filter has removed.
    private(set) var removedCount: UInt64 = 0
    private(set) var hasGaps = false

    /// An encoded block with room for its header in front, as long as it will be on the disk.
    private struct Block {
        var header: BlockHeader
        let memory: AlignedMemory
    }

    /// - Parameter payloadLimit: raw bytes of a full block.
    init(logID: UInt64, payloadLimit: Int, isHigh: Bool, scratches: ScratchPool, pace: StepPace?) {
        self.logID = logID
        self.pace = pace
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

    /// Adds the records of the segment, which ends with its last one, that the filter lets pass. Costs decoding and encoding.
    /// - Throws: `corrupt`, `io`: the merger is of no use then.
    mutating func add(
        _ open: OpenSegment, _ content: SegmentContent, _ filter: KeyFilter? = nil, _ encoder: inout BlockEncoder
    ) throws(LogError) {
        for number in 0..<content.index.count {
            isGivenUp = isGivenUp || isPointless()
            if isGivenUp { return }
            let header = try read(open, content, number: number)
            take(header, filter, &encoder)
        }
        endOrdinal = content.endOrdinal
    }

    /// How many records of the segment the filter would remove. Costs decoding. Nothing is added.
    /// - Throws: as `add`.
    mutating func count(removedBy filter: KeyFilter, in open: OpenSegment, _ content: SegmentContent) throws(LogError) -> Int {
        var count = 0
        for number in 0..<content.index.count {
            let header = try read(open, content, number: number)
            for record in DecodedBlock(source.memory, header) where !filter.lets(record) { count += 1 }
        }
        return count
    }

    /// Reads the keys of the segment into the table; those of tombstones alone that arrived before `tombstonesBefore`, if it is given.
    /// False when there was no room for one of them: those in front of it are in the table then.
    /// - Throws: as `add`.
    mutating func note(
        keysOf open: OpenSegment, _ content: SegmentContent, tombstonesBefore: UInt64?, in table: KeyTable
    ) throws(LogError) -> Bool {
        if tombstonesBefore == 0 { return true }
        for number in 0..<content.index.count {
            let header = try read(open, content, number: number)
            for record in DecodedBlock(source.memory, header) {
                if let tombstonesBefore, !record.isTombstone || record.arrival >= tombstonesBefore { continue }
                if seeded(.tombstoneFirst), record.isTombstone { continue }
                if !table.note(record.key, ordinal: record.ordinal) { return false }
            }
        }
        return true
    }

    /// Decodes a block into `source`.
    private mutating func read(_ open: OpenSegment, _ content: SegmentContent, number: Int) throws(LogError) -> BlockHeader {
        let block = try StoredBlock(open, content, number: number, residentBelow: stretch.bring(number, of: open, content))
        let needed = BufferLayout.slotByteCount(
            payload: block.header.rawPayloadByteCount, records: block.header.recordCount)
        if source.memory.byteCount < needed { source = AlignedMemory(byteCount: needed, alignment: 64) }
        guard block.decode(into: source.memory, logID: logID, isMapped: false) else {
            throw .corrupt(
                file: open.name, byteOffset: content.index[number].byteOffset,
                detail: "the block's directory or payload does not decode")
        }
        pace?.pause()
        return block.header
    }

    private mutating func take(_ header: BlockHeader, _ filter: KeyFilter?, _ encoder: inout BlockEncoder) {
        for record in DecodedBlock(source.memory, header) {
            if let filter, !filter.lets(record) {
                removedCount += 1
                cover(from: header.firstOrdinal, to: record.ordinal + 1, arrival: record.arrival, &encoder)
            } else {
                cover(from: header.firstOrdinal, to: record.ordinal, arrival: record.arrival, &encoder)
                gather(record, &encoder)
            }
        }
        cover(from: header.firstOrdinal, to: header.endOrdinal, arrival: header.greatestArrivalMilliseconds, &encoder)
    }

    /// Whether the block that is being gathered stands for anything yet.
    private var isBegun: Bool { count > 0 || nextOrdinal > firstOrdinal }

    private mutating func begin(at ordinal: UInt64, arrival: UInt64) {
        (firstOrdinal, nextOrdinal) = (ordinal, ordinal)
        (firstArrival, greatestArrival) = (arrival, arrival)
    }

    /// The block stands for the ordinals up to `end`, too, of which those from its own end on have no record; `start` is the
    /// first ordinal of the block they come from.
    private mutating func cover(from start: UInt64, to end: UInt64, arrival: UInt64, _ encoder: inout BlockEncoder) {
        let from = isBegun && nextOrdinal >= start ? nextOrdinal : start
        guard end > from else { return }
        if isBegun, from != nextOrdinal || end - firstOrdinal > UInt64(Int32.max) || arrival - firstArrival > UInt64(UInt32.max) {
            close(&encoder)
        }
        if !isBegun { begin(at: from, arrival: arrival) }
        nextOrdinal = end
        greatestArrival = max(greatestArrival, arrival)
    }

    private mutating func gather(_ record: DecodedBlock.Record, _ encoder: inout BlockEncoder) {
        let bytes = record.bytes
        let needed = BufferLayout.payloadAt + payloadByteCount + bytes.byteCount + Directory.entryByteCount * (count + 1)
        // The next ordinal, and near enough in time for a delta: else a block of its own.
        if isBegun,
            count > 0 && (payloadByteCount + bytes.byteCount > payloadLimit || needed > gathered.memory.byteCount)
                || record.ordinal != nextOrdinal || record.arrival - firstArrival > UInt64(UInt32.max)
                || record.ordinal - firstOrdinal >= UInt64(Int32.max) || count == Format.greatestRecordCount
        {
            close(&encoder)
        }
        if !isBegun { begin(at: record.ordinal, arrival: record.arrival) }
        if count == 0 {
            let needed = BufferLayout.slotByteCount(payload: bytes.byteCount, records: 1)
            if gathered.memory.byteCount < needed { gathered = AlignedMemory(byteCount: needed, alignment: 64) }
        }
        let memory = gathered.memory
        memory.copy(bytes, at: BufferLayout.payloadAt + payloadByteCount)
        payloadByteCount += bytes.byteCount
        let at = memory.byteCount - Directory.entryByteCount * (count + 1)
        memory.store(UInt64(payloadByteCount) | (record.arrival - firstArrival) << 32, at: at)
        memory.store(record.keyAndFlags | (record.ordinal - firstOrdinal) << 32, at: at + 8)
        count += 1
        nextOrdinal = record.ordinal + 1
        greatestArrival = max(greatestArrival, record.arrival)
    }

    /// Encodes what is gathered.
    private mutating func close(_ encoder: inout BlockEncoder) {
        guard isBegun else { return }
        let ordinalCount = Int(nextOrdinal - firstOrdinal)
        if count == 0 {
            blocks.append(emptyBlock(ordinalCount))
        } else {
            blocks.append(encode(ordinalCount, &encoder))
        }
        hasGaps = hasGaps || ordinalCount > count
        recordCount += UInt64(count)
        rawByteCount += UInt64(payloadByteCount)
        (count, payloadByteCount) = (0, 0)
        firstOrdinal = nextOrdinal
        pace?.pause()
    }

    private func encode(_ ordinalCount: Int, _ encoder: inout BlockEncoder) -> Block {
        gathered.memory.store(firstArrival, at: BufferLayout.firstArrivalAt)
        let cut = Cut(
            ticket: 0, slot: .none, memory: gathered.memory, logID: logID, range: 0..<count, firstOrdinal: firstOrdinal,
            unfinishedBatchIndex: nil, bufferIndex: 0, finishesBuffer: false)
        let encoded = encoder.encode(
            cut, policy: policy, backlog: 0, isHigh: isHigh, coveredOrdinalCount: ordinalCount == count ? nil : ordinalCount)
        var header = encoded.header
        header.arrivalSpanMilliseconds = UInt32(greatestArrival - header.firstArrivalMilliseconds)
        let memory = AlignedMemory(byteCount: header.blockByteCount)
        memory.memory.fill()
        let directory = header.directoryByteCount
        memory.memory.copy(encoded.scratch.memory.slice(encoded.directoryAt, directory), at: header.headerByteCount)
        memory.memory.copy(encoded.payload, at: header.headerByteCount + directory)
        scratches.give(encoded.scratch)
        return Block(header: header, memory: memory)
    }

    /// One that stands for removed records alone: the columns of its directory have no bits.
    private func emptyBlock(_ ordinalCount: Int) -> Block {
        let directoryByteCount = Directory.greatestByteCount(recordCount: 0, hasGaps: true)
        var header = BlockHeader(
            bodyChecksum: 0, firstOrdinal: firstOrdinal, durableOrdinal: 0, firstArrivalMilliseconds: firstArrival, recordCount: 0,
            arrivalSpanMilliseconds: UInt32(greatestArrival - firstArrival), directoryByteCount: directoryByteCount,
            rawPayloadByteCount: 0, storedPayloadByteCount: 0, previousChecksum: 0, blockNumber: 0, codec: .raw,
            coveredOrdinalCount: ordinalCount, extensionByteCount: 8)
        let memory = AlignedMemory(byteCount: header.blockByteCount)
        memory.memory.fill()
        header.bodyChecksum = CRC32C.of(memory.memory.slice(header.headerByteCount, directoryByteCount))
        return Block(header: header, memory: memory)
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
        var header = header
        header.mayHaveGaps = hasGaps
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
                    ordinalCount: block.ordinalCount))
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
