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
    private let plan: SimulationPlan
    private var disk = ShadowIO()
    private let clock = ManualClock()
    private let hook = SimulationHook()
    private var actor: StreamActor?
    /// What the clocks said when the store was opened.
    private var opened: (wall: Int64, steady: Int64) = (0, 0)
    /// What was promised by logs that are not open now.
    private var promises = StoreModel.Promises()
    private var boot: UInt64 = 1
    private var step = 0
    /// Steps left until the process ends after something failed; nil while nothing has.
    private var troubleLeft: Int?
    /// Something failed since the disk was last whole.
    private var wasFaulted = false
    private(set) var outcome = SeedSearch.Outcome()
    private(set) var trace: UInt64 = 0

    init(_ plan: SimulationPlan) { self.plan = plan }

    mutating func run() {
        do {
            hook.attach(disk)
            try open(ReferenceStore(), draw: plan.seed)
            for index in plan.steps.indices {
                step = index
                outcome.actionCount += 1
                try run(plan.steps[index])
                actor?.note(UInt64(disk.callCount(.write)) << 20 | UInt64(disk.callCount(.sync)))
            }
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
        (outcome.callCount, outcome.answerCount) = (actor?.callCount ?? 0, actor?.answerCount ?? 0)
        actor?.store.abandon()
        actor = nil
        hook.reset()
        disk.fault = nil
    }

    // MARK: Time

    private var nowMilliseconds: UInt64 { UInt64(clock.wallNanoseconds() / 1_000_000) }

    /// The time by which records grow old: the wall's, but at most an hour ahead of what has passed since the opening.
    private var agingMilliseconds: UInt64 {
        let passed = opened.wall + (clock.steadyNanoseconds() - opened.steady) + 3_600_000_000_000
        return UInt64(max(0, min(clock.wallNanoseconds(), passed)) / 1_000_000)
    }

    private mutating func move(_ milliseconds: Int64, isTimePassing: Bool) {
        // 1980 to 2200, so that nanoseconds do not end.
        let now = Int64(nowMilliseconds)
        let to = now + milliseconds
        guard (315_532_800_000...7_258_118_400_000).contains(to) else { return }
        outcome.virtualMilliseconds += abs(milliseconds)
        if isTimePassing {
            guard clock.steadyNanoseconds() < 5_000_000_000_000_000_000 else { return }
            clock.advance(milliseconds: milliseconds)
        } else {
            clock.setWall(nanoseconds: to * 1_000_000)
        }
    }

    // MARK: Steps

    private mutating func run(_ step: SimulationPlan.Step) throws {
        let dice = SeededEntropy(seed: step.draw)
        let (now, aging) = (nowMilliseconds, agingMilliseconds)
        actor?.model.now = now
        actor?.model.aging = aging
        if hook.isArmed { look() }
        if let left = troubleLeft {
            troubleLeft = left - 1
            if left <= 0 { return try restart([.close, .kill, .losePower][dice.next(below: 3)], dice) }
        }
        switch step.action {
        case .advanceClock(let milliseconds): move(milliseconds, isTimePassing: true)
        case .setClock(let milliseconds): move(milliseconds, isTimePassing: false)
        case .closeAndReopen: try restart(.close, dice)
        case .kill: try restart(.kill, dice)
        case .losePower: try restart(.losePower, dice)
        case .losePowerDuringNext(let call): hook.takeState(atCall: call, draw: dice.next())
        case .failCall(let operation, let call, let errorNumber, let isPermanent):
            hook.fail(operation, call: call, errorNumber: errorNumber, isPermanent: isPermanent)
        case .leaveRoom(let byteCount):
            hook.expectTrouble()
            disk.capacityByteCount = disk.allocatedByteCount + byteCount
        case .dropCache: actor?.store.engine.dropCache()
        case .flush, .sync, .idle, .prepare: try work(step.action, dice)
        default: try serve(step.action, dice)
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
            case .putRecord, .putRecords: true
            default: false
            }
        // While something fails, only records are put: what else an answer would mean is not known.
        if troubleLeft != nil, !isPut { return }
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
                let target = Target(action, actor)
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
        let candidates = [actor.model] + (before.map { [$0] } ?? [])
        self.actor = actor
        if let taken = hook.take() {
            try restart(.losePower, dice, candidates: candidates, target: nil, from: taken)
        }
    }

    /// Streams that a reshard may have changed in a way that no answer told.
    private struct Target {
        let streams: [Int]
        /// How many shards it wanted; nil when that was the store's to say.
        let count: Int?

        init?(_ action: StreamAction, _ actor: StreamActor) {
            switch action {
            case .updateShardCount(let stream, let choice):
                guard let count = actor.count(choice, stream) else { return nil }
                (streams, self.count) = ([stream], count)
            case .scale:
                let names = actor.model.streams.filter { $0.value.mode == .onDemand }.keys.sorted()
                (streams, count) = (names.map { Int($0.dropFirst()) ?? 0 }, nil)
            default: return nil
            }
        }
    }

    private mutating func restartFromTaken(_ dice: SeededEntropy, _ candidates: [ReferenceStore]) throws {
        if let taken = hook.take() { try restart(.losePower, dice, candidates: candidates, target: nil, from: taken) }
    }

    // MARK: The end of the process

    private enum End { case close, kill, losePower }

    /// - Parameters:
    ///   - candidates: what the store may be when it is open again; the first that fits is. None: what the model is.
    ///   - target: the reshard that may have happened to the last of them.
    ///   - taken: the disk to go on with, when the power failed within a call.
    private mutating func restart(
        _ end: End, _ dice: SeededEntropy, candidates: [ReferenceStore] = [], target: Target? = nil,
        from taken: SimulationHook.Taken? = nil
    ) throws {
        guard let actor else { return }
        outcome.restartCount += 1
        if taken == nil { look() }
        var promised = taken?.promises ?? hook.currentPromises()
        var end = end
        var taken = taken
        if taken == nil, end == .close {
            do throws(KinesisError) {
                try actor.store.closeBlocking()
                promised = hook.currentPromises()
            } catch {
                guard hook.isFaulted else { throw StreamMismatch("closing failed: \(error)") }
            }
            // Power failed while it closed.
            if let state = hook.take() { (taken, end, promised) = (state, .losePower, state.promises) }
        }
        actor.store.abandon()
        var candidates = candidates.isEmpty ? [actor.model] : candidates
        // The power failed before the action came to its end: nobody was told the numbers it gave.
        if taken != nil, let before = candidates.last { candidates[0].forgetNumbers(since: before) }
        wasFaulted = wasFaulted || hook.isFaulted
        hook.resetFault()
        disk.capacityByteCount = 1 << 40
        troubleLeft = nil
        switch end {
        case .close: break
        case .kill: replaceDisk(disk.kill())
        case .losePower: losePower(taken?.disk ?? disk.crash(entropy: dice))
        }
        self.promises.durable.merge(promised.durable) { $1 }
        self.promises.written = end == .losePower ? self.promises.durable : self.promises.written.merging(promised.written) { $1 }
        hook.look(at: [], self.promises)
        var next = try reopened(actor, dice)
        // Power failed while it opened: nothing but what was durable before is promised.
        while let state = hook.take() {
            next.store.abandon()
            losePower(state.disk)
            self.promises.written = self.promises.durable
            hook.look(at: [], self.promises)
            next = try reopened(actor, dice)
        }
        next.model = try settle(candidates, target, &next)
        self.actor = next
        look()
        if dice.chance(0.1) { try sweep() }
        // Power failed while all was read.
        try restartFromTaken(dice, [])
    }

    private mutating func replaceDisk(_ next: ShadowIO) {
        disk.fault = nil
        disk = next
        hook.attach(disk)
    }

    private mutating func losePower(_ next: ShadowIO) {
        replaceDisk(next)
        boot += 1
        clock.restart(bootIdentity: (1000 + boot, boot))
    }

    private mutating func reopened(_ actor: StreamActor, _ dice: SeededEntropy) throws -> StreamActor {
        disk.capacityByteCount = 1 << 40
        // After faults there may be files that were begun and never used, which verification cannot tell from lost ones.
        if !wasFaulted, dice.chance(0.1) {
            let damage = try StoreVerification.run(at: "/store", io: disk).findings.filter { $0.severity == .damage }
            if !damage.isEmpty { throw StreamMismatch("verification finds damage: \(damage)") }
        }
        var next = actor
        next.store = try newStore(dice.next())
        next.allowsTrouble = false
        return next
    }

    private mutating func newStore(_ draw: UInt64) throws -> StreamStore {
        opened = (clock.wallNanoseconds(), clock.steadyNanoseconds())
        return try StreamStore(
            at: "/store", io: disk, clock: clock, entropy: SeededEntropy(seed: draw), configuration: plan.configuration)
    }

    private mutating func open(_ model: ReferenceStore, draw: UInt64) throws {
        var actor = StreamActor(try newStore(draw), model)
        actor.looksAtLevels = true
        self.actor = actor
        look()
    }

    /// Has the disk's calls know what is promised now.
    private func look() { hook.look(at: actor?.store.engine.openLogs ?? [], promises) }

    // MARK: What is left

    /// The candidate that the store is, with the records that are left.
    private func settle(
        _ candidates: [ReferenceStore], _ target: Target?, _ actor: inout StreamActor
    ) throws -> ReferenceStore {
        var refused: [String] = []
        for (index, candidate) in candidates.enumerated() {
            var model = candidate
            model.reopened(
                now: nowMilliseconds, aging: agingMilliseconds, kept: actor.store.keptMilliseconds,
                horizons: actor.store.catalogueState.streams.values.reduce(into: [:]) {
                    $0[$1.name.text] = $1.settings.horizonFloorMilliseconds
                }, countingOnFrom: candidates[0])
            actor.model = model
            for name in model.streams.keys.sorted() where (try? actor.store.stream(name)) != nil {
                do { try actor.learnClosings(Int(name.dropFirst()) ?? 0) } catch { refused.append("\(error)") }
            }
            model = actor.model
            if let target, index == candidates.count - 1, try actor.view(actor.store) != actor.view(model) {
                do {
                    for stream in target.streams { try actor.adoptShards(stream, target.count) }
                    model = actor.model
                } catch { refused.append("\(error)") }
            }
            let (found, wanted) = (try actor.view(actor.store), try actor.view(model))
            if found == wanted {
                try settleRecords(&model, actor)
                try checkLogs(model, actor)
                return model
            }
            refused.append(StreamView.difference(found, wanted))
        }
        throw StreamMismatch("after the end of the process " + refused.joined(separator: "; or "))
    }

    private func settleRecords(_ model: inout ReferenceStore, _ actor: StreamActor) throws {
        for name in model.streams.keys.sorted() {
            guard let handle = try? actor.store.stream(name), var stream = model.streams[name] else { continue }
            var aged = stream
            aged.raiseHorizon(agingMilliseconds)
            for index in stream.shards.indices {
                let log = try actor.store.engine.log(handle.shards[index].logID)
                try stream.shards[index].settle(
                    log, promised: promises.written[log.id] ?? 0, horizon: aged.horizon, name: "\(name)/\(index)")
            }
            model.streams[name] = stream
        }
    }

    /// Nothing is left on the disk of streams that are gone, or never came to be.
    private func checkLogs(_ model: ReferenceStore, _ actor: StreamActor) throws {
        let logs = try model.streams.keys.flatMap { try actor.store.stream($0).shards.map(\.logID) }
        let found = try actor.store.engine.logIDs().filter { $0 != LogStore.catalogueLogID }
        guard found.sorted() == logs.sorted() else {
            throw StreamMismatch("there are logs \(found.sorted()) of shards \(logs.sorted())")
        }
    }

    /// Reads every shard to its end, as a client does.
    private mutating func sweep() throws {
        guard var actor else { return }
        defer { self.actor = actor }
        (actor.model.now, actor.model.aging) = (nowMilliseconds, agingMilliseconds)
        for name in actor.model.streams.keys.sorted() { try actor.readAll(Int(name.dropFirst()) ?? 0) }
    }
}
