import Millrace
import MillraceIO
import MillraceLog
import MillraceModel

/// Lives one plan with a store of streams: one thread, a clock by hand, a disk in memory that fails and loses power; and holds
/// everything that is answered, and everything that is there after each end of the process, against the model.
///
/// What a crash or a fault leaves open is settled at the next opening: an action that was not answered has happened wholly or
/// not at all, and of a shard's records the promised ones are there, and a stretch without holes of those behind them.
struct Simulation {
    let plan: SimulationPlan
    var disk = ShadowIO()
    let clock = ManualClock()
    let hook = SimulationHook()
    var actor: StreamActor?
    /// What the clocks said when the store was opened.
    var opened: (wall: Int64, steady: Int64) = (0, 0)
    /// What was promised by logs that are not open now.
    var promises = StoreModel.Promises()
    var boot: UInt64 = 1
    private var step = 0
    /// Steps left until the process ends after something failed; nil while nothing has.
    var troubleLeft: Int?
    /// Something failed since the disk was last whole.
    var wasFaulted = false
    /// The life is over: everything is looked at.
    var isLast = false
    var outcome = SeedSearch.Outcome()
    private(set) var trace: UInt64 = 0

    init(_ plan: SimulationPlan) { self.plan = plan }

    mutating func run() {
        do {
            try open()
            for index in plan.steps.indices {
                step = index
                outcome.actionCount += 1
                try run(plan.steps[index])
                actor?.note(UInt64(disk.callCount(.write)) << 20 | UInt64(disk.callCount(.sync)))
            }
            isLast = true
            try restart(.close, SeededEntropy(seed: plan.seed))
            try sweep()
            end()
        } catch {
            end()
            outcome.failure = SimulationFailure(
                seed: plan.seed, step: step, detail: "\(error)", lines: plan.steps[...step].map(\.action.line),
                kind: "simulation")
        }
    }

    private mutating func end() {
        trace = actor?.trace ?? 0
        outcome.tally = actor?.tally ?? StreamTally()
        actor?.store.abandon()
        actor = nil
        hook.reset()
        disk.fault = nil
    }

    // MARK: Time

    var nowMilliseconds: UInt64 { UInt64(clock.wallNanoseconds() / 1_000_000) }

    /// The time by which records grow old: the wall's, but at most an hour ahead of what has passed since the opening.
    var agingMilliseconds: UInt64 {
        let passed = opened.wall + (clock.steadyNanoseconds() - opened.steady) + 3_600_000_000_000
        return UInt64(max(0, min(clock.wallNanoseconds(), passed)) / 1_000_000)
    }

    /// Tells the model what time it is.
    func tell(_ model: inout ReferenceStore) {
        (model.now, model.aging, model.steady) = (nowMilliseconds, agingMilliseconds, clock.steadyNanoseconds())
    }

    private mutating func tellActor() {
        guard var actor = actor.take() else { return }
        tell(&actor.model)
        self.actor = actor
    }

    private mutating func move(_ milliseconds: Int64, isTimePassing: Bool) {
        // 1980 to 2200, so that nanoseconds do not end.
        let now = Int64(nowMilliseconds)
        let to = now + milliseconds
        guard (315_532_800_000...7_258_118_400_000).contains(to) else { return }
        outcome.virtualMilliseconds += abs(milliseconds)
        if isTimePassing {
            // Budgets are counted for eight years from when a process began; the clock itself ends later.
            let passed = clock.steadyNanoseconds() - opened.steady + milliseconds * 1_000_000
            guard clock.steadyNanoseconds() < 5_000_000_000_000_000_000,
                plan.options.capacity == .off || passed < 8 * 31_536_000_000_000_000
            else { return }
            clock.advance(milliseconds: milliseconds)
        } else {
            clock.setWall(nanoseconds: to * 1_000_000)
        }
    }

    // MARK: Steps

    private mutating func run(_ step: SimulationPlan.Step) throws {
        let dice = SeededEntropy(seed: step.draw)
        tellActor()
        if hook.isArmed { look() }
        if let left = troubleLeft {
            troubleLeft = left - 1
            if left <= 0 { return try restart([.close, .kill, .losePower][dice.next(below: 3)], dice) }
        }
        switch step.action {
        case .advanceClock(let milliseconds): move(milliseconds, isTimePassing: true)
        case .passTime(let microseconds): clock.advance(nanoseconds: microseconds * 1000)
        case .setClock(let milliseconds): move(milliseconds, isTimePassing: false)
        case .closeAndReopen: try restart(.close, dice)
        case .kill: try restart(.kill, dice)
        case .losePower: try restart(.losePower, dice)
        case .losePowerDuringNext(let call):
            hook.takeState(atCall: call, draw: dice.next())
            hook.attach(disk)
        case .failCall(let operation, let call, let errorNumber, let isPermanent):
            hook.fail(operation, call: call, errorNumber: errorNumber, isPermanent: isPermanent)
            hook.attach(disk)
        case .leaveRoom(let byteCount):
            hook.expectTrouble()
            disk.capacityByteCount = disk.allocatedByteCount + byteCount
        case .dropCache: actor?.store.engine.dropCache()
        case .flush, .sync, .idle, .prepare: try work(step.action, dice)
        case .scale(let minutes): try scale(minutes, dice)
        case .pollAt(let slot, let milliseconds), .subscribeAgain(let slot, let milliseconds):
            if let start = actor?.subscriptions[slot]?.place.startNanoseconds {
                let left = start / 1_000_000 + milliseconds - clock.steadyNanoseconds() / 1_000_000
                if left > 0 { move(left, isTimePassing: true) }
                tellActor()
            }
            try serve(step.action, dice)
        default: try serve(step.action, dice)
        }
    }

    private mutating func scale(_ minutes: Int, _ dice: SeededEntropy) throws {
        guard actor?.model.streams.values.contains(where: { $0.mode == .onDemand }) == true else { return }
        try serve(.scale(minutes: 1), dice)
        // Of one minute it is known which of two states a loss of power leaves.
        if hook.isArmed || troubleLeft != nil { return }
        for _ in 1..<max(1, minutes) {
            move(60_000, isTimePassing: true)
            tellActor()
            try serve(.scale(minutes: 1), dice)
        }
    }

    private mutating func work(_ action: StreamAction, _ dice: SeededEntropy) throws {
        guard let engine = actor?.store.engine else { return }
        let logs = engine.openLogs
        func log(_ index: Int) -> ShardLog { logs[index % logs.count] }
        do throws(LogError) {
            switch action {
            case .flush(let index, let partial): _ = log(index).flushStep(partial: partial)
            case .sync(let index): _ = try log(index).syncStep()
            case .idle(let index): _ = try log(index).idleStep()
            default: _ = try engine.prepareStep()
            }
        } catch {
            guard hook.isFaulted else { throw StreamMismatch("\(action.line) failed: \(error)") }
            if troubleLeft == nil { troubleLeft = dice.next(below: 6) }
        }
        try restartFromTaken(dice, [])
    }

    private mutating func serve(_ action: StreamAction, _ dice: SeededEntropy) throws {
        let isPut =
            switch action {
            case .putRecord, .putRecords, .burst: true
            default: false
            }
        // While something fails, only records are put: what else an answer would mean is not known.
        if troubleLeft != nil, !isPut { return }
        // Nor much at once: what a full disk does not take stays in memory, and nobody is there to make room in it.
        if troubleLeft != nil, case .burst = action { return }
        guard var actor = actor.take() else { return }
        let isArmed = hook.isArmed
        var before = isArmed ? actor.model : nil
        actor.allowsTrouble = isArmed
        var action = action
        if isArmed, case .registerConsumers(let stream, _, let from) = action {
            action = .registerConsumers(stream, count: 1, from: from)
        }
        do {
            try actor.perform(action)
        } catch let trouble as StreamTrouble {
            guard hook.isFaulted else {
                self.actor = actor
                throw StreamMismatch("\(action.line) failed: \(trouble.error)")
            }
            actor.note(2)
            let isCreating = !isPut
            self.actor = actor
            if isCreating {
                let candidates = [actor.model] + (before.map { [$0] } ?? [])
                let target = ReshardTarget(action, actor)
                before = nil
                if hook.isArmed, let taken = hook.take() {
                    return try restart(.losePower, dice, candidates: candidates, target: target, from: taken)
                }
                return try restart([.close, .kill, .losePower][dice.next(below: 3)], dice, candidates: candidates, target: target)
            }
            if troubleLeft == nil { troubleLeft = dice.next(below: 6) }
            actor = self.actor.take() ?? actor
        } catch {
            self.actor = actor
            throw error
        }
        self.actor = actor
        if let taken = hook.take() {
            let candidates = [actor.model] + (before.map { [$0] } ?? [])
            // Streams are scaled one after the other: the power may have failed between two.
            let target = action == .scale(minutes: 1) ? ReshardTarget(action, actor) : nil
            try restart(.losePower, dice, candidates: candidates, target: target, from: taken)
        }
    }
}
