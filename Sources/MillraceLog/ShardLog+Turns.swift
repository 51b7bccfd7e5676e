import MillraceIO
import Synchronization

/// What the store's threads do for a log when its turn comes. By hand the same is reached through the steps of `ShardLog`.
extension ShardLog {
    /// Cuts of ordinary buffers that one turn takes before other logs have theirs: some 256 KiB.
    private static var quantum: Int { 4 }
    /// How long a log whose disk is full, or that may open no file, waits before it looks again.
    private static var retryNanoseconds: Int64 { 100_000_000 }

    /// Whether a log that nobody waits for has so much unsynced that it waits for the device, while somebody waits for another's durability:
    /// each of its syncs takes what it has written meanwhile, and the other's comes behind that. Never without a sync to wait for: what
    /// is written of a batch that is not whole yet no sync makes durable.
    private var isHeldBack: Bool {
        guard hasMuchUnsynced, shared.scheduler.hasThreads, !failure.isFailed, !isAwaited, !isSyncAwaited else { return false }
        let now = shared.clock.steadyNanoseconds()
        return shared.lastDurabilityWait.isLately(now) && !duties.lastDurabilityWait.isLately(now)
            && watermarks.value(.written) > watermarks.value(.durable)
    }
    private var hasMuchUnsynced: Bool {
        gate.unsyncedByteCount.load(ordering: .sequentiallyConsistent) >= shared.configuration.unsyncedByteLimit
    }

    /// Leaves the log to whoever has it go on; false when it is the caller's all the same.
    private func holdBack() -> Bool {
        duties.isHeldBack.store(true, ordering: .sequentiallyConsistent)
        // Set first, then looked once more: a sync that has begun meanwhile did not see it.
        considerSync()
        return isHeldBack || !duties.isHeldBack.exchange(false, ordering: .sequentiallyConsistent)
    }

    /// Has a worker take the log again if it was held back and is not to be any more: called when a sync has begun, and by who comes to wait.
    func goOn() {
        guard duties.isHeldBack.load(ordering: .sequentiallyConsistent), !isHeldBack,
            duties.isHeldBack.exchange(false, ordering: .sequentiallyConsistent)
        else { return }
        shared.scheduler.enqueue(signal)
    }

    /// The log's signal is `queued` and this thread has it.
    func workTurn(_ encoder: inout BlockEncoder, lingerIsOver: Bool = false) {
        var isMore = false
        for _ in 0..<Self.quantum {
            // The signal stays `queued`: `goOn` has a worker take it again.
            if isHeldBack, holdBack() { return }
            let partial = lingerIsOver || isAwaited
            switch flusher.step(&encoder, partial: partial) {
            case .progress:
                isMore = true
                settleWaiters()
                continue
            case .nothing:
                isMore = false
                // A write that failed leaves nothing to do, and tasks that wait for it.
                if failure.isFailed { settleWaiters() }
            case .blocked(let error):
                duties.refuse(error)
                settleWaiters(blockedBy: error)
                shared.scheduler.schedule(self, at: shared.clock.steadyNanoseconds() + Self.retryNanoseconds, .retry)
                return
            }
            break
        }
        if duties.obstacle?.isPassing == true {
            if flusher.obstacle == nil {
                duties.accept()
                shared.spaceReturned()
                shared.space.notify()
            } else if !isMore, !failure.isFailed {
                // A producer has the blocks in hand, and may meet the same obstacle. Appends are refused, so nobody else would look again.
                shared.scheduler.schedule(self, at: shared.clock.steadyNanoseconds() + Self.retryNanoseconds, .retry)
                return
            }
        }
        // Looked at for a sync after the signal is left: who asks for one before that counts on this turn.
        defer { considerSync() }
        if isMore {
            shared.scheduler.enqueue(signal)
        } else if flusher.hasUncut {
            signal.leave(to: .lingering)
            if flusher.hasFullBuffer || flusher.hasDue || isAwaited {
                if signal.endLinger() { shared.scheduler.enqueue(signal) }
            } else {
                let linger = Int64(shared.configuration.lingerMilliseconds) * 1_000_000
                shared.scheduler.schedule(self, at: shared.clock.steadyNanoseconds() + linger, .flush)
            }
        } else {
            signal.leave(to: .idle)
            if flusher.hasUncut || flusher.hasDue { signal.queue() }
        }
    }

    /// Somebody waits for records of this log to be written or durable.
    var isAwaited: Bool { duties.wants(.written, above: watermarks.value(.written)) }

    /// A task waits for records of this log to be durable.
    var isSyncAwaited: Bool { duties.wants(.durable, above: watermarks.value(.durable)) }

    var isRefusingForSpace: Bool {
        if case .storageFull = duties.obstacle ?? flusher.obstacle { return true }
        return false
    }

    func timerFired(_ duty: TimerHeap.Duty, _ encoder: inout BlockEncoder) {
        switch duty {
        case .flush:
            if signal.endLinger() { workTurn(&encoder, lingerIsOver: true) }
        case .retry:
            // The signal stayed `queued` all the time.
            workTurn(&encoder, lingerIsOver: true)
        case .sync:
            duties.isSyncTimerSet.store(false, ordering: .sequentiallyConsistent)
            if watermarks.value(.written) > watermarks.value(.durable) { queueSync() }
        case .idle:
            duties.isIdleTimerSet.store(false, ordering: .sequentiallyConsistent)
            // Quiet since the timer was set? Else it is set again: a note within two periods of the last record.
            guard duties.publishedAtIdleTimer.load(ordering: .relaxed) == watermarks.value(.published) else {
                return considerNote()
            }
            duties.isIdleDue.store(true, ordering: .sequentiallyConsistent)
            queueSync()
        }
    }

    /// Has a sync thread look after the log. Where there is none, whoever drives the steps does.
    func queueSync() {
        if shared.scheduler.hasThreads, duties.isSyncQueued.claim() { shared.scheduler.enqueueSync(self) }
    }

    /// Syncs now when somebody waits for it or much is unsynced, else after the interval.
    func considerSync() {
        guard shared.scheduler.hasThreads else { return }
        goOn()
        // A task may have come while the sync ended that served it, one of those that tell nobody (the journal's draining).
        guard watermarks.value(.written) > watermarks.value(.durable), !failure.isFailed else { return settleWaiters() }
        if isSyncAwaited || hasMuchUnsynced {
            // Who syncs now calls for the next one: a thread that only looked whether he is ready would look all the time.
            if !gate.isAwaitedWhileBusy() { queueSync() }
        } else if duties.isSyncTimerSet.claim() {
            let interval = Int64(shared.configuration.syncIntervalMilliseconds) * 1_000_000
            shared.scheduler.schedule(self, at: shared.clock.steadyNanoseconds() + interval, .sync)
        }
    }

    /// A sync thread's turn for this log; true when it is to be synced together with others.
    func beginSyncTurn() -> Bool {
        duties.isSyncQueued.store(false, ordering: .sequentiallyConsistent)
        let isIdle = duties.isIdleDue.exchange(false, ordering: .sequentiallyConsistent)
        if !isIdle, !gate.needsSync(shared.journal.greatestLogByteCount) { return true }
        // A log that fails is frozen, and says so to everybody who waits or comes.
        if isIdle { _ = try? idleStep() } else { _ = try? gate.sync() }
        didSync()
        return false
    }

    /// Somebody has synced, or found somebody else at it.
    func didSync() {
        settleWaiters()
        considerSync()
        considerNote()
    }

    /// Has the durable note written once the log has been quiet for a while.
    func considerNote() {
        guard shared.scheduler.hasThreads, !failure.isFailed else { return }
        let durable = watermarks.value(.durable)
        if durable == watermarks.value(.published), durable > duties.notedDurable, duties.isIdleTimerSet.claim() {
            duties.publishedAtIdleTimer.store(durable, ordering: .relaxed)
            let idle = Int64(shared.configuration.idleMilliseconds) * 1_000_000
            shared.scheduler.schedule(self, at: shared.clock.steadyNanoseconds() + idle, .idle)
        }
    }
}
