import MillraceIO
package import MillraceModel

/// One consumer's subscription to one shard: events as they come, for five minutes.
///
/// A class because the sequence of events and its tasks share it. One task at a time asks for an event.
///
/// Nothing is read ahead: an event is read when it is asked for, so a slow consumer keeps its own records waiting in the
/// log, costs no memory, and slows nobody. While there are no records the asking task sleeps, woken by the record that
/// comes; one more task sleeps until the subscription's end. No image of the log is held between events. `poll` is
/// the same without tasks, for who drives a store by hand.
package final class Subscription: Sendable {
    private let shard: any SubscribedShard
    private let terms: SubscriptionTerms
    private let seat: SubscriptionSeat
    private let registry: SubscriptionRegistry
    private let clock: any Clock
    private let sleep: Sleep
    private let deadline: Int64
    private let state: Guarded<State>

    private struct State {
        /// To be read next.
        var ordinal: UInt64
        /// Of the last record that was pushed, while nothing was skipped since.
        var lastNumber: SequenceNumber?
        var millisBehindLatest: Int64 = 0
        /// When the last event was given, or the subscription began.
        var lastEventNanoseconds: Int64
        /// The budget is paid for from then on.
        var paidNanoseconds: Int64 = .min
        /// Told after the event whose number lies behind it.
        var damage: KinesisError?
        var isWarm = false
        var isBusy = false
        var isOver = false
        var watcher: Watcher?
        var alarm: Alarm?
    }

    private struct Alarm {
        let dueNanoseconds: Int64
        let task: Task<Void, Never>
    }

    /// A task that sleeps until there are records, then says so and rings.
    private struct Watcher {
        let finding: Finding
        let task: Task<Void, Never>
    }

    private typealias Finding = Guarded<Result<Void, KinesisError>?>

    init(
        _ shard: any SubscribedShard, from ordinal: UInt64, terms: SubscriptionTerms, seat: SubscriptionSeat,
        registry: SubscriptionRegistry, clock: any Clock, sleep: @escaping Sleep
    ) {
        self.shard = shard
        self.terms = terms
        self.seat = seat
        self.registry = registry
        self.clock = clock
        self.sleep = sleep
        deadline = seat.startNanoseconds + terms.lifetimeNanoseconds
        state = Guarded(State(ordinal: ordinal, lastEventNanoseconds: seat.startNanoseconds))
    }

    deinit { finish() }

    /// How often a task of the subscription woke: none does while there are no records and no heartbeats.
    package var wakeCount: Int { seat.wakeCount }

    /// The next event, once there is one; nil at the end: after five minutes, when another subscription took over, when
    /// the consumer or the stream went, after the event with the children of a closed shard; or when the task is
    /// cancelled, which does not end the subscription.
    ///
    /// A subscription that resumes behind the event's `continuationSequenceNumber` (AFTER_SEQUENCE_NUMBER) misses no
    /// record and repeats none. Records that retention took are passed over. Of records that are damaged an event without records tells where
    /// reading goes on behind them, and the error comes next: whoever subscribes anew does not meet them again.
    /// - Throws: `storage`: `corrupt`, once, and then it goes on; `frozen`, `closed`, `io`.
    package func next() async throws(KinesisError) -> SubscribeToShardEvent? {
        beginAsking()
        defer { state.withLock { $0.isBusy = false } }
        while !Task.isCancelled {
            let now = clock.steadyNanoseconds()
            switch step(now, isAtTip: state.withLock { $0.watcher != nil }) {
            case .end:
                finish()
                return nil
            case .give(let event): return event
            case .fail(let damage): throw damage
            case .look(let isWarm):
                if let event = try await look(isWarm: isWarm) { return event }
            case .sleep(let due):
                setAlarm(due, now: now)
                await seat.bell.wait()
                seat.countWake()
                try takeFinding()
            }
        }
        return nil
    }

    /// What a subscription has to say at a moment.
    package enum Standing: Sendable {
        case event(SubscribeToShardEvent)
        /// Nothing yet: until a record comes, or until that time by the steady clock.
        case waiting(untilNanoseconds: Int64)
        case ended
    }

    /// What `next` would answer now, on the calling thread: it may wait for the disk, and for nothing else. Not beside `next`.
    ///
    /// - Throws: as `next`.
    package func poll() throws(KinesisError) -> Standing {
        beginAsking()
        defer { state.withLock { $0.isBusy = false } }
        var isAtTip = false
        while true {
            switch step(clock.steadyNanoseconds(), isAtTip: isAtTip) {
            case .end:
                finish()
                return .ended
            case .give(let event): return .event(event)
            case .fail(let damage): throw damage
            case .look:
                let found = try shard.fetchBlocking(
                    from: state.withLock { $0.ordinal }, recordCount: terms.eventRecordCount, byteCount: terms.eventByteCount)
                if let event = try take(found) { return .event(event) }
                isAtTip = true
            case .sleep(let due): return .waiting(untilNanoseconds: due)
            }
        }
    }

    private func beginAsking() {
        state.withLock { state in
            precondition(!state.isBusy, "one task at a time asks a subscription for events")
            state.isBusy = true
            // What was in memory at the last call need not be any more.
            state.isWarm = false
        }
    }

    // MARK: Deciding

    private enum Step {
        case end
        case give(SubscribeToShardEvent)
        case fail(KinesisError)
        case look(isWarm: Bool)
        /// Until somebody rings, at the latest at that time.
        case sleep(until: Int64)
    }

    /// - Parameter isAtTip: nothing is there to be read, as far as is known.
    private func step(_ now: Int64, isAtTip: Bool) -> Step {
        state.withLock { state in
            if state.isOver || seat.isEnded || now >= deadline { return .end }
            if let damage = state.damage.take() { return .fail(damage) }
            if !isAtTip, now >= state.paidNanoseconds { return .look(isWarm: state.isWarm) }
            var due = deadline
            if now < state.paidNanoseconds {
                due = min(due, state.paidNanoseconds)
                state.isWarm = false
            }
            if let heartbeat = terms.heartbeatNanoseconds {
                let heartbeatDue = state.lastEventNanoseconds + heartbeat
                if now >= heartbeatDue {
                    state.lastEventNanoseconds = now
                    return .give(event(state, records: []))
                }
                due = min(due, heartbeatDue)
            }
            return .sleep(until: due)
        }
    }

    private func event(_ state: State, records: [Record]) -> SubscribeToShardEvent {
        SubscribeToShardEvent(
            records: records, continuationSequenceNumber: continuation(state),
            millisBehindLatest: state.millisBehindLatest)
    }

    /// The number behind which reading goes on at `state.ordinal`. Where no record was pushed it is the number that a
    /// record just in front would have: only its ordinal counts when a position is taken from it.
    private func continuation(_ state: State) -> SequenceNumber {
        if let number = state.lastNumber { return number }
        let second = UInt64(max(0, clock.wallNanoseconds())) / 1_000_000_000
        return SequenceNumber(
            shardCreationSecond: shard.creationSecond, shardID: shard.shardID, ordinal: max(1, state.ordinal) - 1,
            recordSecond: min(second, SequenceNumber.maximumSecond))
    }

    // MARK: Reading

    private func look(isWarm: Bool) async throws(KinesisError) -> SubscribeToShardEvent? {
        let ordinal = state.withLock { $0.ordinal }
        let found = try await shard.fetch(
            from: ordinal, recordCount: terms.eventRecordCount, byteCount: terms.eventByteCount, isWarm: isWarm)
        if let event = try take(found) { return event }
        watch(from: found.nextOrdinal)
        return nil
    }

    /// The event of what was found; nil at the tip.
    private func take(_ found: SubscribedRecords) throws(KinesisError) -> SubscribeToShardEvent? {
        let (now, wall) = (clock.steadyNanoseconds(), clock.wallNanoseconds() / 1_000_000)
        if let damage = found.damage {
            return state.withLock { state in
                (state.ordinal, state.lastNumber, state.damage) = (found.nextOrdinal, nil, damage)
                state.lastEventNanoseconds = now
                return event(state, records: [])
            }
        }
        guard let last = found.records.last else { return try atTip(found.nextOrdinal) }
        let byteCount = found.records.reduce(0) { $0 + $1.byteCount }
        let wait = terms.budget(byteCount, now)
        return state.withLock { state in
            state.ordinal = found.nextOrdinal
            state.lastNumber = last.sequenceNumber
            state.millisBehindLatest = found.isAtTip ? 0 : max(0, wall - last.approximateArrivalMilliseconds)
            state.lastEventNanoseconds = now
            if wait > 0 { state.paidNanoseconds = now + wait }
            state.isWarm = false
            return event(state, records: found.records)
        }
    }

    /// Nothing is visible at the place: the shard's end, which is told, or the tip.
    private func atTip(_ ordinal: UInt64) throws(KinesisError) -> SubscribeToShardEvent? {
        state.withLock { state in
            if ordinal != state.ordinal { (state.ordinal, state.lastNumber) = (ordinal, nil) }
            state.millisBehindLatest = 0
        }
        guard let children = try shard.childShards(at: ordinal) else { return nil }
        finish()
        return SubscribeToShardEvent(
            records: [], continuationSequenceNumber: nil, millisBehindLatest: 0, childShards: children)
    }

    private func watch(from ordinal: UInt64) {
        let finding = Finding(nil)
        let task = Task { [shard, seat] in
            let result: Result<Void, KinesisError>
            do throws(KinesisError) {
                result = .success(try await shard.waitForRecord(from: ordinal))
            } catch { result = .failure(error) }
            finding.withLock { $0 = result }
            seat.bell.ring()
        }
        state.withLock { $0.watcher = Watcher(finding: finding, task: task) }
    }

    /// After a ring: if the watcher is through, there are records, or an error.
    private func takeFinding() throws(KinesisError) {
        let result = state.withLock { state -> Result<Void, KinesisError>? in
            guard let result = state.watcher?.finding.withLock({ $0 }) else { return nil }
            state.watcher = nil
            state.isWarm = true
            return result
        }
        try result?.get()
    }

    // MARK: Waking and ending

    /// Has the bell rung at that time, unless it is set to an earlier one.
    private func setAlarm(_ due: Int64, now: Int64) {
        state.withLock { state in
            if let alarm = state.alarm, alarm.dueNanoseconds > now, alarm.dueNanoseconds <= due { return }
            state.alarm?.task.cancel()
            let task = Task { [seat, clock, sleep] in
                while !Task.isCancelled {
                    let rest = due - clock.steadyNanoseconds()
                    if rest <= 0 { return seat.bell.ring() }
                    await sleep(rest)
                    seat.countWake()
                }
            }
            state.alarm = Alarm(dueNanoseconds: due, task: task)
        }
    }

    private func finish() {
        state.withLock { state in
            state.isOver = true
            state.watcher?.task.cancel()
            state.alarm?.task.cancel()
            (state.watcher, state.alarm) = (nil, nil)
        }
        registry.leave(seat)
    }
}
