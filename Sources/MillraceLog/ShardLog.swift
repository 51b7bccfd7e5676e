import MillraceIO
import Synchronization

/// One shard's log: all its segments, in order, one writer, many readers. A coordinator: it calls, others compute.
///
/// Every background duty is a step that somebody calls; threads merely loop over them. All methods from any thread.
package final class ShardLog: Sendable {
    package let id: UInt64
    package let watermarks: Watermarks
    /// What opening found.
    package let recovery: RecoveryReport
    let shared: StoreShared
    let flusher: Flusher
    let gate: SyncGate
    let failure: LogFailure
    let signal: FlushSignal
    let duties: LogDuties
    let retention: LogRetention
    let writer: ShardWriter
    let reader: LogReader
    let waiters: AsyncWaiters

    /// - Throws: `io`, of a directory that is missing, too; what recovery throws.
    init(id: UInt64, shared: StoreShared, logs: OpenDirectory) throws(LogError) {
        let configuration = shared.configuration
        let directory = LogDirectory(in: logs, logID: id, storeLow: shared.storeLow, storeHigh: shared.storeHigh)
        let recovered = try Recovery.run(
            directory, boot: shared.clock.bootIdentity(), firstSegmentByteCount: configuration.firstSegmentByteCount)
        let firstOrdinal = try shared.generations.firstOrdinal(
            opened: shared.generation, behind: max(recovered.report.endOrdinal, recovered.horizon))
        let watermarks = Watermarks(at: firstOrdinal)
        let failure = LogFailure()
        let buffers = BufferList()
        let progress = WriteProgress(limitByteCount: configuration.unwrittenByteLimit)
        let reader = LogReader(
            logID: id, shared: shared, watermarks: watermarks, buffers: buffers,
            catalog: SegmentCatalog(recovered.segments), firstOrdinal: firstOrdinal)
        let waiters = AsyncWaiters()
        let duties = LogDuties()
        let retention = LogRetention(trimmedOrdinal: recovered.horizon)
        let signal = FlushSignal(buffers: buffers, scheduler: shared.scheduler, waiters: waiters)
        let gate = SyncGate(
            io: shared.io, poolDirectory: shared.pool.directory, watermarks: watermarks, failure: failure,
            hasBegun: { if duties.isHeldBack.load(ordering: .sequentiallyConsistent) { signal.target?.goOn() } },
            isFree: { signal.target?.queueSync() })
        let context = SegmentContext(
            clock: shared.clock, entropy: shared.entropy,
            greatestSegmentByteCount: configuration.greatestSegmentByteCount,
            mayUseReserve: id == LogStore.catalogueLogID, durableOrdinal: { watermarks.value(seeded(.durableAhead) ? .written : .durable) },
            trimmedOrdinal: { retention.trimmedOrdinal.load(ordering: .relaxed) },
            writtenOrdinal: { watermarks.value(.written) },
            didWrite: { gate.didWrite($0) }, didWriteBlocks: { gate.didWriteBlocks($0) },
            didChangeNames: { gate.didChangeNames(in: $0) }, segmentStarted: { reader.add($0) },
            wantsSpare: { byteCount in
                guard shared.scheduler.hasThreads else { return }
                shared.pool.want(byteCount: byteCount, isZeroed: duties.takeDurabilityWait(), for: id)
                shared.scheduler.wakePreparer()
            }, segmentMilliseconds: { retention.segmentMilliseconds.load(ordering: .relaxed) }, isZeroed: { duties.takeDurabilityWait() })
        self.id = id
        self.shared = shared
        self.watermarks = watermarks
        self.failure = failure
        self.gate = gate
        self.reader = reader
        self.signal = signal
        self.duties = duties
        self.retention = retention
        self.waiters = waiters
        flusher = Flusher(
            segments: SegmentWriter(directory: directory, pool: shared.pool, context: context, start: recovered.start),
            arena: shared.arena, buffers: buffers, watermarks: watermarks, progress: progress, failure: failure,
            scratches: shared.scratches, space: shared.space, gate: gate, signal: signal,
            logID: id, policy: CompressionPolicy(isEnabled: configuration.isCompressing))
        writer = ShardWriter(
            appender: Appender(
                arena: shared.arena, buffers: buffers, watermarks: watermarks, progress: progress,
                limits: shared.bufferLimits, logID: id, lastArrival: recovered.lastArrival,
                generations: shared.generations, ordinalsPerGeneration: configuration.ordinalsPerGeneration),
            handOffByteLimit: configuration.handOffByteLimit, failure: failure, signal: signal)
        recovery = recovered.report
        watermarks.raiseTrimmed(to: max(recovered.segments.first?.baseOrdinal ?? firstOrdinal, recovered.horizon))
        signal.bind(self)
    }

    // MARK: Appending

    /// Appends one record; it is published when this returns. Its ordinal.
    /// - Parameter arrival: milliseconds since 1970 UTC; raised to the last record's when it is less.
    /// - Throws: `wouldBlock`, `storageFull`, `io` for want of descriptors, `recordTooLarge`, `keyTooLong`, `frozen`, `ended`, `removed`, `closed`: nothing was appended.
    @inline(__always)
    package func append(key: RawSpan, data: RawSpan, arrival: UInt64) throws(LogError) -> UInt64 {
        if let refusal = duties.refusal { throw refusal }
        return try writer.append(key: key, data: data, arrival: arrival)
    }

    /// The same, apart so that what is never led does not ask whether it is (14 instructions).
    /// - Parameter isLed: the caller goes on to `wait` for the record, on this thread and before anything that may block. Until then no
    ///   thread of the store is called for it.
    package func append(key: RawSpan, data: RawSpan, arrival: UInt64, isLed: Bool) throws(LogError) -> UInt64 {
        if let refusal = duties.refusal { throw refusal }
        return try writer.append(key: key, data: data, arrival: arrival, isLed: isLed)
    }

    /// Appends what `body` adds, all or nothing, visible at once. Ordinals of the records: one range, dense.
    /// - Throws: as `append(key:data:arrival:isLed:)`, and what `body` throws.
    package func append(
        arrival: UInt64, isLed: Bool = false, _ body: (borrowing RecordSink) throws(LogError) -> Void
    ) throws(LogError) -> Range<UInt64> {
        if let refusal = duties.refusal { throw refusal }
        return try writer.append(arrival: arrival, isLed: isLed, body)
    }

    /// Appends one record and returns when it has reached `level`; the calling thread cuts, writes and syncs where nobody else does.
    /// - Throws: as `append(key:data:arrival:isLed:)` and `wait`; after an error of the latter the record may still be kept later.
    package func append(key: RawSpan, data: RawSpan, arrival: UInt64, reaching level: Level) throws(LogError) -> UInt64 {
        let ordinal = try append(key: key, data: data, arrival: arrival, isLed: level > .published)
        if level > .published { try wait(level, below: ordinal + 1) }
        return ordinal
    }

    /// The same for a batch.
    package func append(
        arrival: UInt64, reaching level: Level, _ body: (borrowing RecordSink) throws(LogError) -> Void
    ) throws(LogError) -> Range<UInt64> {
        let range = try append(arrival: arrival, isLed: level > .published, body)
        if level > .published { try wait(level, below: range.upperBound) }
        return range
    }

    /// Calls the store's threads for what was appended and will not be waited for at once after all.
    package func giveUpLead() { signal.queue() }

    /// Every record appended from the return of this call on carries the mark, a number that the engine keeps and does not
    /// know; 0 at first. Not kept on disk but with the records. Waits for batches that run or are queued. `mark` is asked between
    /// two batches, so that of several calls the last one to ask has the last word.
    package func setMark(_ mark: @escaping @Sendable () -> UInt8) {
        writer.withRole { appender in appender.setMark(mark()) }
    }

    /// The log is one of many that the same threads write to by turns: each append then has the place of the next one brought into the
    /// processor's caches. Waits as `setMark`.
    package func setTakesTurns() { writer.withRole { appender in appender.setTakesTurns() } }

    /// Sleeps until memory was freed somewhere in the store, or so long: after `wouldBlock`, before trying again.
    package func waitForRoom(nanoseconds: Int64) {
        // In a store without threads nobody else makes room.
        if !shared.scheduler.hasThreads, flushStep() == .progress { return }
        let key = shared.space.prepare()
        signal.queue()
        shared.space.wait(key, nanoseconds: nanoseconds)
    }

    // MARK: Waiting for a level

    /// Blocks until every record below `ordinal` (published already) has reached the level. The caller works instead of waiting
    /// where it can: it cuts and writes, and leads the sync when nobody else does.
    /// - Throws: `frozen`; `storageFull`, or `io` for want of descriptors (the records stay pending and may still be written later); `timedOut`.
    package func wait(_ level: Level, below ordinal: UInt64, nanoseconds: Int64 = -1) throws(LogError) {
        do throws(LogError) { try bring(level, below: ordinal, nanoseconds: nanoseconds) } catch {
            giveUpLead()
            throw error
        }
    }

    private func bring(_ level: Level, below ordinal: UInt64, nanoseconds: Int64) throws(LogError) {
        // Of a large batch workers encode what this thread has not come to.
        if watermarks.value(.written) < ordinal, flusher.hasSeveralFullBuffers { callWorkers() }
        let deadline = nanoseconds < 0 ? Int64.max : shared.clock.steadyNanoseconds() + nanoseconds
        // What the caller writes or syncs may be what tasks wait for, and may need a sync or a note later.
        defer {
            settleWaiters()
            considerSync()
            considerNote()
        }
        while watermarks.value(level) < ordinal {
            try failure.check()
            if level == .durable { noteDurabilityWait() }
            if level == .durable, shared.commits.joins(self) {
                try sleep(.durable, below: ordinal, deadline, unless: { !shared.commits.isLed })
                if let error = flusher.obstacle { throw error }
                continue
            }
            if watermarks.value(.written) < ordinal {
                switch shared.withEncoder({ flusher.step(&$0, partial: true) }) {
                case .progress: continue
                case .blocked(let error): throw error
                case .nothing:
                    // Somebody else has the records in hand.
                    try sleep(.written, below: ordinal, deadline)
                    continue
                }
            }
            if gate.needsSync(shared.journal.greatestLogByteCount) {
                if try gate.sync() != .busy { continue }
            } else if shared.commits.sync([self]) == .led, !gate.isBusy {
                continue
            }
            try sleep(.durable, below: ordinal, deadline, unless: { !shared.commits.isLed && !gate.isBusy })
        }
    }

    /// Writes what was published when it is called, unless somebody else does just now.
    func writePublished() {
        let end = watermarks.value(.published)
        while watermarks.value(.written) < end {
            guard case .progress = shared.withEncoder({ flusher.step(&$0, partial: true) }) else { return }
        }
    }

    /// Writes records of several logs of one store, and syncs them for `durable`, together where that is possible. What became of them, `wait`
    /// tells for each log.
    /// - Parameter byteCount: key and data of the records, all together.
    package static func bringAlong(_ places: [(log: ShardLog, endOrdinal: UInt64)], _ level: Level, byteCount: Int) {
        guard let shared = places.first?.log.shared else { return }
        // Of many logs, or of much to compress, workers write some meanwhile, from the far end on.
        if places.count >= manyLogs || shared.configuration.isCompressing && byteCount >= muchToCompress {
            for (log, ordinal) in places[(places.count / 2)...].reversed() { log.ask(.written, below: ordinal) }
        }
        guard level == .durable else { return }
        var logs: [ShardLog] = []
        for (log, ordinal) in places where log.watermarks.value(.durable) < ordinal {
            log.noteDurabilityWait()
            guard (try? log.wait(.written, below: ordinal)) != nil, !log.gate.needsSync(shared.journal.greatestLogByteCount) else { continue }
            logs.append(log)
        }
        if logs.count > 1 { _ = shared.commits.sync(logs) }
    }

    /// So many logs that waking a worker costs less than what it does.
    private static var manyLogs: Int { 16 }
    /// The same of bytes: some 60 us of LZ4.
    private static var muchToCompress: Int { 64 << 10 }

    /// Has the store's threads bring the records to the level, for somebody who waits for them later.
    package func ask(_ level: Level, below ordinal: UInt64) {
        guard level > .published, watermarks.value(level) < ordinal else { return }
        want(level, ordinal)
        callWorkers()
    }

    private func callWorkers() {
        signal.queue()
        goOn()
    }
    private func want(_ level: Level, _ ordinal: UInt64) {
        if level == .durable { noteDurabilityWait() }
        duties.want(level, ordinal)
    }
    private func noteDurabilityWait() {
        let now = shared.clock.steadyNanoseconds()
        duties.noteDurabilityWait(now)
        shared.lastDurabilityWait.note(now)
    }

    /// Until the sync that somebody else leads has ended. No wait for a record's durability: nothing is prepared or held back for it.
    func waitForSync() throws(LogError) { try sleep(.durable, below: .max, .max, unless: { !gate.isBusy }) }

    private func sleep(
        _ level: Level, below ordinal: UInt64, _ deadline: Int64, unless isOver: () -> Bool = { false }
    ) throws(LogError) {
        // Bounded, so that a turn given up in the meantime (a full disk, say) is taken again.
        let now = shared.clock.steadyNanoseconds()
        guard now < deadline else { throw .timedOut }
        _ = watermarks.wait(
            level, for: ordinal, nanoseconds: min(deadline - now, 10_000_000), bits: { level == .durable ? gate.wakeBit(below: ordinal) : .max },
            unless: { failure.isFailed || isOver() })
    }

    /// Suspends until every record below `ordinal` has reached the level. Threads of the store do the work.
    /// - Throws: as `wait`.
    package func waitAsync(_ level: Level, below ordinal: UInt64) async throws(LogError) {
        if watermarks.value(level) >= ordinal { return }
        let result: Result<Void, LogError> = await withCheckedContinuation { continuation in
            waiters.add(level, ordinal, continuation)
            // Registered first, then looked at once more: whoever advances the level after that sees the waiter.
            settleWaiters(blockedBy: duties.obstacle)
            want(level, ordinal)
            callWorkers()
        }
        try result.get()
    }

    /// Resumes everybody whose level is reached, or all when the log cannot go on.
    func settleWaiters(blockedBy error: LogError? = nil) {
        guard waiters.isWaiting else { return }
        waiters.settle(
            watermarks: watermarks, ended: endOrdinal, failure: failure.error ?? (error == .closed ? error : nil),
            blocked: error)
    }

    // MARK: Steps

    /// Cuts, encodes and writes what there is, to the last published record with `partial`.
    package func flushStep(partial: Bool = true) -> FlushOutcome {
        let outcome = shared.withEncoder { flusher.step(&$0, partial: partial) }
        settleWaiters()
        return outcome
    }

    /// Syncs what is written and raises `durable`.
    package func syncStep() throws(LogError) -> Bool {
        let outcome = try gate.sync()
        settleWaiters()
        return outcome == .synced
    }

    /// Writes and syncs a durable note when the log has been quiet: afterwards damage anywhere below the tip is told from a
    /// torn tail. Lets go of the open buffer. False when there is nothing to note, or somebody is at work.
    package func idleStep() throws(LogError) -> Bool {
        _ = writer.withRoleIfFree { $0.closeBuffer() }
        _ = flushStep()
        let durable = watermarks.value(.durable)
        guard durable == watermarks.value(.published), durable > duties.notedDurable else { return false }
        guard try flusher.writeNote(isCleanClose: false) == .written else { return false }
        duties.noted(durable)
        _ = try gate.sync()
        return true
    }

    /// Makes everything durable and notes that the log was closed. Nothing may be appended meanwhile or after.
    /// - Throws: `frozen` when some records are not durable, now or since long.
    func close() throws(LogError) {
        duties.refuse(.closed)
        defer { settleWaiters(blockedBy: .closed) }
        if let error = failure.error {
            // Whoever put what is not kept hears of it here at the latest.
            if watermarks.value(.durable) < watermarks.value(.published) { throw error }
            return
        }
        _ = writer.withRoleIfFree { $0.closeBuffer() }
        try wait(.durable, below: watermarks.value(.published))
        // In both slots, one after the other: whichever page is damaged later, the other says how far the log was durable.
        for _ in 0..<2 where try flusher.writeNote(isCleanClose: true) == .written { _ = try gate.sync() }
    }

    // MARK: Reading

    /// A cursor at `ordinal` that sees records at `level` or better.
    package func cursor(at ordinal: UInt64, level: Level) -> Cursor {
        Cursor(log: self, level: level, position: ordinal)
    }
    /// Ordinal of the oldest record there may be.
    package var trimHorizon: UInt64 { watermarks.trimmed }
    /// The next ordinal to become visible at the level.
    package func tip(_ level: Level) -> UInt64 { watermarks.value(level) }
    package var segmentCount: Int { reader.snapshot.segments.count }
    package var segments: SegmentCatalog { reader.snapshot }
    package var syncCount: Int { gate.syncCount.load(ordering: .relaxed) }

    func visible(_ level: Level, _ position: UInt64) throws(LogError) -> UInt64 {
        guard failure.isFailed else { return watermarks.value(level) }
        if failure.isRemoved { throw .removed }
        // What was never durable when the log failed is void, whoever saw it.
        let durable = watermarks.value(.durable)
        if position >= durable { try failure.check() }
        return durable
    }
    func locate(_ position: UInt64, visible: UInt64, along stretch: inout ReadStretch) throws(LogError) -> LogReader.Place {
        try reader.locate(position, visible: visible, along: &stretch)
    }
    func firstOrdinal(arrivingAtOrAfter milliseconds: UInt64) throws(LogError) -> UInt64 {
        try reader.firstOrdinal(arrivingAtOrAfter: milliseconds)
    }
    func waitForRecord(after position: UInt64, _ level: Level, nanoseconds: Int64) -> Bool {
        let wakeCount = duties.readerWakeCount.load(ordering: .sequentiallyConsistent)
        return watermarks.wait(level, for: position + 1, nanoseconds: nanoseconds) {
            failure.isFailed || duties.isClosed || isEnd(position)
                || duties.readerWakeCount.load(ordering: .sequentiallyConsistent) != wakeCount
        }
    }
    /// Suspends until a record above `position` has reached the level, the task is cancelled, `position` is the end of an
    /// ended log, or `wakeReaders` was called: without a record there then.
    /// - Throws: `frozen`, `removed`, `closed`.
    package func waitForRecordAsync(after position: UInt64, _ level: Level) async throws(LogError) {
        if watermarks.value(level) > position { return }
        let reader = waiters.newReader()
        let result: Result<Void, LogError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waiters.add(level, position + 1, reader: reader, continuation)
                settleWaiters(blockedBy: duties.obstacle)
                // Registered first: a cancellation finds the waiter, or came before and is seen here.
                if Task.isCancelled { waiters.cancel(reader) }
            }
        } onCancel: {
            waiters.cancel(reader)
        }
        try result.get()
    }
}
