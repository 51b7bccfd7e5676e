import MillraceIO

/// The end of the active segment: places blocks, chains them, writes whole pages, rolls to the next segment.
///
/// Touched only by the holder of the log's write turn. What it tells others goes through the index, the catalogue and
/// the set of files to sync.
struct SegmentWriter: ~Copyable {
    private let directory: LogDirectory
    private let pool: SegmentPool
    private let context: SegmentContext
    private var active: Active?
    /// One for all writers: nobody writes into it.
    private static let pad = AlignedMemory(byteCount: Format.pageByteCount)

    // What the next segment needs to know of the last one.
    private var nextNumber: UInt32
    private var previousEndOrdinal: UInt64
    private var previousBlockChecksum: UInt32
    private var nextByteCount: Int
    /// Of the newest record of the log.
    private var lastArrival: UInt64

    private struct Active {
        let open: OpenSegment
        let content: SegmentContent
        let createdNanoseconds: Int64
        /// The bytes of the last, partly filled page: written again, unchanged, with what follows.
        let tail = AlignedMemory(byteCount: Format.pageByteCount)
        var byteOffset: Int
        var blockNumber: UInt32
        var lastChecksum: UInt32
        var greatestArrival: UInt64
        /// Of its first record; nil while it has none.
        var firstArrival: UInt64?
        var recordCount: UInt64
        var rawByteCount: UInt64
        var endOrdinal: UInt64
        var noteSequence: UInt64
        var hasWantedNext = false
        var isEmpty: Bool { blockNumber == 0 }
    }

    /// Where appending goes on after recovery.
    struct Start {
        var nextNumber: UInt32 = 0
        var previousEndOrdinal: UInt64 = 0
        var previousBlockChecksum: UInt32 = 0
        var nextByteCount: Int
        var lastArrival: UInt64 = 0
        /// The active segment, when it was closed cleanly.
        var resumed: Resumed?
    }
    struct Resumed {
        var open: OpenSegment
        var content: SegmentContent
        var byteOffset: Int
        var blockNumber: UInt32
        var lastChecksum: UInt32
        var greatestArrival: UInt64
        var recordCount: UInt64
        var rawByteCount: UInt64
        var endOrdinal: UInt64
        var noteSequence: UInt64
    }

    init(directory: LogDirectory, pool: SegmentPool, context: SegmentContext, start: Start) {
        self.directory = directory
        self.pool = pool
        self.context = context
        nextNumber = start.nextNumber
        previousEndOrdinal = start.previousEndOrdinal
        previousBlockChecksum = start.previousBlockChecksum
        nextByteCount = start.nextByteCount
        lastArrival = start.lastArrival
        if let resumed = start.resumed {
            active = Active(
                open: resumed.open, content: resumed.content,
                createdNanoseconds: context.clock.steadyNanoseconds(), byteOffset: resumed.byteOffset,
                blockNumber: resumed.blockNumber, lastChecksum: resumed.lastChecksum,
                greatestArrival: resumed.greatestArrival,
                // Of its first block's last record: near enough for when to begin the next segment.
                firstArrival: resumed.content.index.count > 0 ? resumed.content.index[0].greatestArrival : nil,
                recordCount: resumed.recordCount,
                rawByteCount: resumed.rawByteCount, endOrdinal: resumed.endOrdinal,
                noteSequence: resumed.noteSequence)
            let partial = resumed.byteOffset % Format.pageByteCount
            active?.tail.memory.copy(resumed.open.memory.slice(resumed.byteOffset - partial, partial), at: 0)
        }
    }

    /// Writes the blocks, in order, in as few writes as their segments allow.
    ///
    /// On an error that `isPassing` nothing of the remaining blocks was written and the call may be repeated with them; any other
    /// error leaves the segment in an unknown state: the log freezes. `done` counts the blocks written, also then.
    mutating func write(_ blocks: inout [EncodedBlock], done: inout Int) throws(LogError) {
        done = 0
        while done < blocks.count {
            if !hasRoom(for: blocks[done]) { try roll(for: blocks[done]) }
            var end = done + 1
            while end < blocks.count, hasRoom(for: blocks[end], after: blocks[done..<end]) { end += 1 }
            try writeRun(&blocks, done..<end)
            done = end
        }
    }

    private func hasRoom(for block: EncodedBlock, after placed: ArraySlice<EncodedBlock> = []) -> Bool {
        guard let active else { return false }
        let first = placed.first?.header.firstArrivalMilliseconds ?? block.header.firstArrivalMilliseconds
        let age = block.header.greatestArrivalMilliseconds - min(active.firstArrival ?? first, block.header.greatestArrivalMilliseconds)
        // A block is never without a segment: alone it may span any time.
        if active.firstArrival != nil || !placed.isEmpty, age > context.segmentMilliseconds() { return false }
        var end = active.byteOffset + block.header.blockByteCount
        for block in placed { end += block.header.blockByteCount }
        let entries = active.content.index.count + placed.count + 1
        return Format.alignPage(end) + Format.alignPage(entries * Format.indexEntryByteCount) + Format.pageByteCount
            <= active.open.memory.byteCount
    }

    private mutating func writeRun(_ blocks: inout [EncodedBlock], _ range: Range<Int>) throws(LogError) {
        guard var active = active.take() else { preconditionFailure("a run is written into an active segment") }
        defer { self.active = active }
        let identity = active.content.identity
        let partial = active.byteOffset % Format.pageByteCount
        let start = active.byteOffset - partial, blocksStart = active.byteOffset
        var pieces: [Memory] = []
        if partial > 0 { pieces.append(active.tail.memory.slice(0, partial)) }
        var entries: [SparseIndex.Entry] = []
        let durableOrdinal = context.durableOrdinal()
        for position in range {
            let block = blocks[position]
            var header = block.header
            header.previousChecksum = active.lastChecksum
            header.blockNumber = active.blockNumber
            header.durableOrdinal = durableOrdinal
            header.encode(into: block.scratch.memory, at: active.byteOffset, identity: identity)
            blocks[position].header = header
            let front = block.scratch.memory.slice(0, block.directoryAt + header.directoryByteCount)
            if header.codec == .raw {
                pieces.append(front)
                if block.payload.byteCount > 0 { pieces.append(block.payload) }
            } else {
                pieces.append(block.scratch.memory.slice(0, front.byteCount + block.payload.byteCount))
            }
            let padding = header.blockByteCount - header.headerByteCount - header.bodyByteCount
            if padding > 0 { pieces.append(Self.pad.memory.slice(0, padding)) }
            active.greatestArrival = max(active.greatestArrival, header.greatestArrivalMilliseconds)
            active.firstArrival = active.firstArrival ?? header.firstArrivalMilliseconds
            entries.append(
                SparseIndex.Entry(
                    firstOrdinal: header.firstOrdinal, greatestArrival: active.greatestArrival,
                    byteOffset: active.byteOffset, ordinalCount: header.recordCount))
            active.byteOffset += header.blockByteCount
            active.blockNumber += 1
            active.lastChecksum = header.checksum
            active.recordCount += UInt64(header.recordCount)
            active.rawByteCount += UInt64(header.rawPayloadByteCount)
            active.endOrdinal = block.cut.endOrdinal
        }
        let rest = Format.alignPage(active.byteOffset) - active.byteOffset
        if rest > 0 { pieces.append(Self.pad.memory.slice(0, rest)) }
        try systemCall { () throws(IOError) in try directory.io.write(active.open.file, at: start, pieces) }
        context.didWriteBlocks(.init(open: active.open, identity: identity, bytes: blocksStart..<active.byteOffset))
        // The first piece of a partial page is the tail itself, in place already.
        Self.keep(
            partial > 0 ? pieces.dropFirst() : pieces[...], from: start + partial, upTo: active.byteOffset, in: active.tail)
        for entry in entries { active.content.index.append(entry) }
        lastArrival = max(lastArrival, active.greatestArrival)
        if !active.hasWantedNext, active.byteOffset > active.open.memory.byteCount / 2 {
            active.hasWantedNext = true
            context.wantsSpare(byteCountAfter(active, isFull: true))
        }
    }

    /// Keeps the bytes of the last, partial page out of the pieces just written one after the other from `start` on.
    private static func keep(_ pieces: ArraySlice<Memory>, from start: Int, upTo end: Int, in tail: AlignedMemory) {
        let pageStart = end - end % Format.pageByteCount
        var position = start
        for piece in pieces {
            let from = max(position, pageStart), to = min(position + piece.byteCount, end)
            if from < to { tail.memory.copy(piece.slice(from - position, to - from), at: from - pageStart) }
            position += piece.byteCount
        }
    }

    /// The next segment doubles when the last one filled within a minute; it is half as large when that was left, for its age, with more
    /// than half of its room.
    private func byteCountAfter(_ active: borrowing Active, isFull: Bool) -> Int {
        let age = context.clock.steadyNanoseconds() - active.createdNanoseconds
        let byteCount = active.open.memory.byteCount
        if isFull { return age < 60_000_000_000 ? min(byteCount * 2, context.greatestSegmentByteCount) : byteCount }
        return active.byteOffset < byteCount / 2 ? max(byteCount / 2, min(byteCount, Self.leastHalvedByteCount)) : byteCount
    }
    private static let leastHalvedByteCount = 64 << 10

    private mutating func roll(for block: EncodedBlock) throws(LogError) {
        if let active, !active.isEmpty {
            // Three quarters: a large block may not fit what is left.
            let isFull = active.byteOffset >= active.open.memory.byteCount / 4 * 3
            nextByteCount = byteCountAfter(active, isFull: isFull)
        }
        var byteCount = nextByteCount
        let needed = Format.blocksByteOffset + Format.alignPage(block.header.blockByteCount) + 2 * Format.pageByteCount
        while byteCount < needed { byteCount *= 2 }
        try start(at: block.header.firstOrdinal, byteCount: byteCount)
        nextByteCount = byteCount
    }

    /// Begins an empty segment, without room for a block, behind one whose records are all below `horizon`, so that this one can go
    /// and the log still knows where it ended; or where there is no active one to write a note in. The next block's segment takes
    /// the place of the empty one.
    /// - Throws: `storageFull`: then nothing has changed, or the newest segment is sealed; `io`.
    mutating func startEmpty(below horizon: UInt64) throws(LogError) {
        if let active, active.isEmpty || active.endOrdinal > horizon { return }
        try start(at: active?.endOrdinal ?? max(previousEndOrdinal, context.durableOrdinal()), byteCount: Format.emptySegmentByteCount)
    }

    private mutating func start(at baseOrdinal: UInt64, byteCount: Int) throws(LogError) {
        // Held until the new name is synced, so that no want of descriptors comes between.
        let names = try systemCall { () throws(IOError) in try directory.open() }
        // The new file first: when there is no space, the old segment stays as it is.
        let prepared = try pool.take(
            byteCount: byteCount, isZeroed: context.isZeroed(), for: directory.logID, mayUseReserve: context.mayUseReserve)
        // An empty one of the same name makes way, and leaves its place in the chain to this one.
        let emptied = active.flatMap { $0.isEmpty && $0.content.identity.baseOrdinal == baseOrdinal ? $0 : nil }
        let replaced = emptied?.content.header
        do throws(LogError) {
            if active != nil, emptied == nil { try seal(isByRecovery: false) }
        } catch {
            pool.discard(prepared)
            throw error
        }
        let name = FileNames.segment(baseOrdinal)
        let header = SegmentHeader(
            identity: SegmentIdentity(
                storeLow: directory.storeLow, storeHigh: directory.storeHigh, logID: directory.logID,
                baseOrdinal: baseOrdinal, salt: context.entropy.next()),
            segmentNumber: replaced?.segmentNumber ?? nextNumber, fileByteCount: byteCount,
            previousEndOrdinal: replaced?.previousEndOrdinal ?? previousEndOrdinal,
            previousBlockChecksum: replaced?.previousBlockChecksum ?? previousBlockChecksum,
            createdMilliseconds: UInt64(max(0, context.clock.wallNanoseconds() / 1_000_000)))
        let head = AlignedMemory(byteCount: Format.blocksByteOffset)
        let checksum = header.encode(into: head.memory.slice(0, Format.pageByteCount))
        let open = try OpenSegment(io: directory.io, file: prepared.file, name: name, byteCount: byteCount)
        let content = SegmentContent(
            header: header, headerChecksum: checksum, index: SparseIndex(), endOrdinal: .max)
        active = Active(
            open: open, content: content, createdNanoseconds: context.clock.steadyNanoseconds(),
            byteOffset: Format.blocksByteOffset, blockNumber: 0, lastChecksum: checksum,
            // One that is begun to be empty has to know it: there may be no other soon.
            greatestArrival: byteCount == Format.emptySegmentByteCount ? lastArrival : 0,
            firstArrival: nil, recordCount: 0, rawByteCount: 0, endOrdinal: header.identity.baseOrdinal, noteSequence: 0)
        // A note in each slot: whichever two of the three pages are lost, the segment is still who it is.
        let durable = context.durableOrdinal()
        for _ in 0..<2 {
            guard
                let note = nextNote(
                    durable: durable, written: context.writtenOrdinal(), isCleanClose: false)
            else { preconditionFailure("the segment was just started") }
            let noteAt = DurableNote.byteOffset(ofSequence: note.sequence)
            note.encode(into: head.memory.slice(noteAt, Format.pageByteCount), identity: header.identity)
        }
        do {
            try directory.io.write(open.file, at: 0, [head.memory])
            // What the empty one's notes say of the horizon must not be lost with its name.
            if replaced != nil { try directory.io.sync(open.file) }
            try directory.io.rename(prepared.name, in: pool.directory, to: name, in: names.handle)
        } catch {
            // A full disk may have no room for the name: then there is no new segment, and the old one is sealed
            // already, unless it is empty.
            active = emptied
            try? directory.io.unlink(prepared.name, in: pool.directory)
            throw pool.refusal(error, byteCount: byteCount)
        }
        context.didWrite(open)
        context.didChangeNames(names)
        nextNumber = header.segmentNumber &+ 1
        context.segmentStarted(
            Segment(SegmentName(header.identity.baseOrdinal), in: directory, open: open, content: content))
    }

    /// Lets go of the active segment as it is. Nothing is written afterwards.
    mutating func letGo() { active = nil }

    /// Writes index and footer of the active segment, which ends with that. The footer is a shortcut: no sync of its own.
    private mutating func seal(isByRecovery: Bool) throws(LogError) {
        guard let sealed = active.take() else { return }
        let previous = try Sealing.write(
            sealed.open, content: sealed.content, blocksEnd: sealed.byteOffset, endOrdinal: sealed.endOrdinal,
            greatestArrival: sealed.greatestArrival, recordCount: sealed.recordCount,
            rawByteCount: sealed.rawByteCount, lastChecksum: sealed.blockNumber == 0 ? 0 : sealed.lastChecksum,
            isByRecovery: isByRecovery)
        context.didWrite(sealed.open)
        sealed.content.seal(endOrdinal: sealed.endOrdinal)
        previousEndOrdinal = sealed.endOrdinal
        previousBlockChecksum = previous
    }

    /// Writes a durable note, without syncing it. Returns false when there is no active segment.
    mutating func writeNote(durable: UInt64, written: UInt64, isCleanClose: Bool) throws(LogError) -> Bool {
        guard let note = nextNote(durable: durable, written: written, isCleanClose: isCleanClose), let active else {
            return false
        }
        let page = AlignedMemory(byteCount: Format.pageByteCount)
        note.encode(into: page.memory, identity: active.content.identity)
        let at = DurableNote.byteOffset(ofSequence: note.sequence)
        try systemCall { () throws(IOError) in try directory.io.write(active.open.file, at: at, [page.memory]) }
        context.didWrite(active.open)
        return true
    }

    private mutating func nextNote(durable: UInt64, written: UInt64, isCleanClose: Bool) -> DurableNote? {
        guard var active = active.take() else { return nil }
        defer { self.active = active }
        active.noteSequence += 1
        let boot = context.clock.bootIdentity()
        return DurableNote(
            sequence: active.noteSequence, durableOrdinal: durable,
            durableByteOffset: durable >= active.endOrdinal ? active.byteOffset : 0, writtenOrdinal: written,
            writtenByteOffset: active.byteOffset, bootLow: boot.0, bootHigh: boot.1,
            milliseconds: UInt64(max(0, context.clock.wallNanoseconds() / 1_000_000)),
            lastArrivalMilliseconds: active.greatestArrival, isCleanClose: isCleanClose,
            blockCount: active.blockNumber, lastBlockChecksum: active.lastChecksum,
            segmentNumber: active.content.header.segmentNumber, headerChecksum: active.content.headerChecksum,
            trimmedOrdinal: context.trimmedOrdinal())
    }
}
