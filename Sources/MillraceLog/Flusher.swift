import MillraceIO
import Synchronization

/// What a step did, and what keeps it from doing more.
package enum FlushOutcome: Sendable, Equatable {
    /// So many records were handed to the operating system, or are on their way in another thread's hands.
    case progress
    /// Nothing to do that the caller asked for.
    case nothing
    /// There is work, but it cannot be done now; try again when space returns.
    case blocked(LogError)
}

/// Takes a log's records from its buffers to its segments: cut, encode, order, write.
///
/// Any thread may call `step`, several at once: cutting is short and under a lock, encoding runs in parallel, writing is done
/// in ticket order by one thread at a time, the holder of the write turn. The writer role is never needed: a producer that is
/// not scheduled cannot delay those who wait for durability.
final class Flusher: Sendable {
    private struct State {
        // The next record to cut.
        var bufferIndex: UInt64 = 0
        var cutOrdinal: UInt64
        var nextTicket: UInt64 = 0
        // The next block to write, and those that are encoded but not written.
        var nextToWrite: UInt64 = 0
        var encoded: [UInt64: EncodedBlock] = [:]
        var isWriting = false
        /// Who waits for the write turn: no run is begun until they have had it.
        var waitingCount = 0
        /// Cuts that are being encoded: their buffers are read.
        var encodingCount = 0
        var isRetired = false
        /// Where the batch began that the last written block leaves unfinished.
        var unfinishedBatchOrdinal: UInt64?
        /// Why nothing is written at the moment; it passes.
        var obstacle: LogError?
        /// Buffers that ended behind a block that is not written yet, by its ticket.
        var finishedBehind: [UInt64: [(SlotReference, UInt64)]] = [:]
    }
    /// Cut and encoded blocks that may wait for their turn: more would only take memory.
    private static let greatestBacklog: UInt64 = 32
    private static let greatestRunByteCount = 1 << 20
    /// Runs that one thread writes for others before somebody else has the turn.
    private static let greatestRunCount = 16

    private let state: Guarded<State>
    /// Notified when the write turn is given back.
    private let turnIsFree = EventCount()
    private let segments: Owned<SegmentWriter>
    private let arena: Arena
    private let buffers: BufferList
    private let watermarks: Watermarks
    private let progress: WriteProgress
    private let failure: LogFailure
    private let scratches: ScratchPool
    private let space: EventCount
    private let gate: SyncGate
    private let signal: FlushSignal
    private let logID: UInt64
    let policy: CompressionPolicy

    init(
        segments: consuming SegmentWriter, arena: Arena, buffers: BufferList, watermarks: Watermarks,
        progress: WriteProgress, failure: LogFailure, scratches: ScratchPool, space: EventCount, gate: SyncGate, signal: FlushSignal,
        logID: UInt64, policy: CompressionPolicy
    ) {
        self.segments = Owned(segments)
        self.arena = arena
        self.buffers = buffers
        self.watermarks = watermarks
        self.progress = progress
        self.failure = failure
        self.scratches = scratches
        self.space = space
        self.gate = gate
        self.signal = signal
        self.logID = logID
        self.policy = policy
        state = Guarded(State(cutOrdinal: watermarks.value(.published)))
    }

    /// Why appends are refused at the moment, though it passes; nil when they are not.
    var obstacle: LogError? { state.withLock { $0.obstacle } }

    /// One cut, its encoding, and the writes that are then due.
    ///
    /// With `partial` the records of the open buffer are cut too; otherwise only buffers that are full or closed.
    func step(_ encoder: inout BlockEncoder, partial: Bool) -> FlushOutcome {
        if failure.isFailed { return .nothing }
        let hasBacklog = state.withLock { $0.nextTicket - $0.nextToWrite >= Self.greatestBacklog }
        guard !hasBacklog, let cut = state.withLock({ nextCut(&$0, partial: partial) }) else {
            return writeDue() ?? .nothing
        }
        let block = encoder.encode(cut, policy: policy, backlog: progress.backlog)
        state.withLock { state in
            state.encodingCount -= 1
            state.encoded[cut.ticket] = block
        }
        return writeDue() ?? .progress
    }

    /// True when a full or closed buffer waits to be cut.
    var hasFullBuffer: Bool {
        let index = state.withLock { $0.bufferIndex }
        return buffers.count > index + 1
    }
    /// Two of them at least: as much as one thread encodes while another is woken.
    var hasSeveralFullBuffers: Bool {
        let index = state.withLock { $0.bufferIndex }
        return buffers.count > index + 2
    }
    /// False of a log that failed: what it did not write it never will.
    var hasUncut: Bool { !failure.isFailed && state.withLock { $0.cutOrdinal } < watermarks.value(.published) }

    /// Blocks are encoded that nobody writes: whoever does next takes them along.
    var hasDue: Bool {
        state.withLock { !$0.encoded.isEmpty && !$0.isWriting && $0.waitingCount == 0 && $0.encoded.keys.contains($0.nextToWrite) }
    }

    // MARK: Cutting

    private func nextCut(_ state: inout State, partial: Bool) -> Cut? {
        while true {
            // `published` first, then the buffer's end: if the buffer is still open by then, all of `published` is in it.
            let published = watermarks.value(.published)
            guard !state.isRetired, state.bufferIndex < buffers.count else { return nil }
            let (base, slot) = buffers.entry(state.bufferIndex)
            // Without a published record it may still be taken back.
            guard base < published else { return nil }
            let memory = arena.memory(slot)
            let closedAt = memory.loadAcquire(at: BufferLayout.endOrdinalAt)
            let end = closedAt == 0 ? published : min(published, closedAt)
            let start = max(state.cutOrdinal, base)
            let isFinished = closedAt != 0 && end == closedAt
            if start >= end {
                guard isFinished else { return nil }
                // Nothing left in it: its last block was cut while it was still open.
                finishBuffer(&state, slot)
                continue
            }
            guard partial || isFinished else { return nil }
            let unfinished = memory.loadRelaxed(at: BufferLayout.unfinishedBatchAt)
            var unfinishedIndex: Int?
            if isFinished, unfinished != BufferLayout.noUnfinishedBatch {
                unfinishedIndex = max(0, Int(base + unfinished) - Int(start))
            }
            let cut = Cut(
                ticket: state.nextTicket, slot: slot, memory: memory, logID: logID,
                range: Int(start - base)..<Int(end - base), firstOrdinal: start,
                unfinishedBatchIndex: unfinishedIndex, bufferIndex: state.bufferIndex, finishesBuffer: isFinished)
            state.nextTicket += 1
            state.encodingCount += 1
            state.cutOrdinal = end
            if isFinished { state.bufferIndex += 1 }
            return cut
        }
    }

    /// A buffer that was cut to its end before it was closed. Its blocks may still be on their way.
    private func finishBuffer(_ state: inout State, _ slot: SlotReference) {
        let index = state.bufferIndex
        state.bufferIndex += 1
        if state.nextToWrite == state.nextTicket, !state.isWriting {
            release(slot, bufferIndex: index)
        } else {
            // The last block before this point releases it, when it is written.
            state.finishedBehind[state.nextTicket - 1, default: []].append((slot, index))
        }
    }

    private func release(_ slot: SlotReference, bufferIndex: UInt64) {
        progress.setOldestUnwrittenBuffer(bufferIndex + 1)
        release(slot)
    }

    private func release(_ slot: SlotReference) {
        // Once for each buffer, whoever comes first: one who writes, or who removes the log.
        guard arena.makeEvictable(slot) else { return }
        progress.release(arena.memory(slot).byteCount)
        space.notify()
    }

    // MARK: Writing

    /// Writes what is due, if nobody else is writing. nil when nothing was due. Of a log that others write to without a pause
    /// something always is: after so many runs a worker is called for the rest.
    private func writeDue(runCount: Int = greatestRunCount) -> FlushOutcome? {
        var outcome: FlushOutcome?
        for _ in 0..<runCount {
            var run = state.withLock { takeRun(&$0) }
            guard !run.isEmpty else { return outcome }
            var done = 0
            if seeded(.ackBeforeWrite), let last = run.last, last.header.unfinishedBatchIndex == nil {
                watermarks.advance(.written, to: last.cut.endOrdinal)
            }
            do {
                try segments.with { segments throws(LogError) in try segments.write(&run, done: &done) }
                outcome = .progress
            } catch {
                guard error.isPassing else {
                    freeze(error)
                    return .nothing
                }
                state.withLock { $0.obstacle = error }
                outcome = .blocked(error)
            }
            complete(run[..<done], isWhole: done == run.count)
            let rest = run[done...]
            let behind = state.withLock { state -> [(SlotReference, UInt64)] in
                for block in rest { state.encoded[block.cut.ticket] = block }
                state.nextToWrite += UInt64(done)
                state.isWriting = false
                // Also buffers that were found to end behind these blocks only now.
                let tickets = state.finishedBehind.keys.filter { $0 < state.nextToWrite }.sorted()
                return tickets.flatMap { state.finishedBehind.removeValue(forKey: $0) ?? [] }
            }
            turnIsFree.notify()
            for (slot, index) in behind { release(slot, bufferIndex: index) }
            if done < run.count { return outcome }
        }
        // Encoded before this look, it is seen; behind it, the turn was found free.
        if hasDue { signal.queue() }
        return outcome
    }

    private func takeRun(_ state: inout State) -> [EncodedBlock] {
        guard !state.isWriting, state.waitingCount == 0 else { return [] }
        var run: [EncodedBlock] = []
        var byteCount = 0
        while byteCount < Self.greatestRunByteCount,
            let block = state.encoded.removeValue(forKey: state.nextToWrite + UInt64(run.count))
        {
            byteCount += block.header.blockByteCount
            run.append(block)
        }
        state.isWriting = !run.isEmpty
        return run
    }

    /// Tells everybody that the blocks are written. Called by the holder of the write turn.
    private func complete(_ blocks: ArraySlice<EncodedBlock>, isWhole: Bool) {
        guard let last = blocks.last else { return }
        var finished: [(SlotReference, UInt64)] = []
        let written = state.withLock { state -> UInt64 in
            if isWhole { state.obstacle = nil }
            for block in blocks {
                if let start = block.header.unfinishedBatchIndex {
                    if start > 0 || state.unfinishedBatchOrdinal == nil {
                        state.unfinishedBatchOrdinal = block.header.firstOrdinal + UInt64(start)
                    }
                } else {
                    state.unfinishedBatchOrdinal = nil
                }
                if block.cut.finishesBuffer { finished.append((block.cut.slot, block.cut.bufferIndex)) }
            }
            return state.unfinishedBatchOrdinal ?? last.cut.endOrdinal
        }
        gate.unsyncedByteCount.add(blocks.reduce(0) { $0 + $1.header.blockByteCount }, ordering: .relaxed)
        if written > watermarks.value(.written) { watermarks.advance(.written, to: written) }
        for block in blocks { scratches.give(block.scratch) }
        for (slot, index) in finished { release(slot, bufferIndex: index) }
    }

    private func freeze(_ error: LogError) {
        if case .io(let cause) = error { failure.set(.frozen(cause: cause)) } else { failure.set(error) }
        state.withLock { state in
            state.encoded = [:]
            state.isWriting = false
        }
        turnIsFree.notify()
        for level in Level.allCases { watermarks.wake(level) }
        space.notify()
    }

    // MARK: The end

    /// Lets go of every buffer and of the active segment for good, once nobody encodes or writes any more. The log has failed by
    /// then, and no append succeeds; what was not written never is.
    func retire() {
        while !takeLastTurn() {
            let key = space.prepare()
            space.wait(key, nanoseconds: 200_000)
        }
        // The turn is this caller's for ever. Who waits for it is told so.
        turnIsFree.notify()
        segments.with { $0.letGo() }
        for slot in buffers.slots { release(slot) }
    }

    private func takeLastTurn() -> Bool {
        state.withLock { state in
            precondition(!state.isRetired, "a log is removed once")
            guard !state.isWriting, state.encodingCount == 0 else { return false }
            // Never given back.
            state.isWriting = true
            state.isRetired = true
            state.encoded = [:]
            state.finishedBehind = [:]
            return true
        }
    }

    // MARK: Notes and the end of a segment

    enum NoteOutcome: Sendable {
        case written
        /// Somebody is writing.
        case busy
        /// There is no segment to write it in: nothing was appended since the log was recovered.
        case noSegment
    }

    /// Writes a durable note. Nothing is synced.
    /// - Parameter waits: for the run that is being written just now; otherwise it is `busy` then.
    func writeNote(isCleanClose: Bool, waits: Bool = false) throws(LogError) -> NoteOutcome {
        guard waits ? waitForTurn() : takeTurn() else { return .busy }
        defer { giveTurnBack() }
        let written = watermarks.value(.written)
        let durable = watermarks.value(.durable)
        do {
            return try segments.with { segments throws(LogError) in
                try segments.writeNote(durable: durable, written: written, isCleanClose: isCleanClose)
            } ? .written : .noSegment
        } catch {
            freeze(error)
            throw error
        }
    }

    /// Begins an empty segment behind one whose records are all below `horizon`, unless the newest is empty already. False when
    /// somebody is writing, and `waits` does not say to wait for that. Nothing is synced.
    /// - Throws: `storageFull`, `io`.
    func startEmptySegment(below horizon: UInt64, waits: Bool = false) throws(LogError) -> Bool {
        guard waits ? waitForTurn() : takeTurn() else { return false }
        defer { giveTurnBack() }
        do {
            try segments.with { segments throws(LogError) in try segments.startEmpty(below: horizon) }
        } catch {
            if error.isPassing { throw error }
            freeze(error)
            throw error
        }
        return true
    }

    private func takeTurn() -> Bool {
        state.withLock { state in
            guard !state.isWriting else { return false }
            state.isWriting = true
            return true
        }
    }

    /// The turn behind whoever has it, and before the next run. False of a log that was retired, or has failed meanwhile: nothing more is
    /// written into that.
    private func waitForTurn() -> Bool {
        state.withLock { $0.waitingCount += 1 }
        while true {
            let key = turnIsFree.prepare()
            let isTaken: Bool? = state.withLock { state in
                let isOver = state.isRetired || failure.isFailed
                if state.isWriting, !isOver { return nil }
                state.waitingCount -= 1
                if isOver { return false }
                state.isWriting = true
                return true
            }
            if let isTaken {
                turnIsFree.cancel()
                return isTaken
            }
            turnIsFree.wait(key)
        }
    }

    private func giveTurnBack() {
        state.withLock { $0.isWriting = false }
        turnIsFree.notify()
        // A block that was encoded meanwhile found the turn taken: it is this caller's to write, or to have written.
        _ = writeDue(runCount: 1)
    }
}
