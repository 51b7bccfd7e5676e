import Millrace
import MillraceIO
import MillraceLog
import MillraceModel

/// Lives one plan: does its steps, takes states on the way, and has each of them checked. One thread.
struct CrashLife {
    private let plan: CrashPlan
    private var check: CrashCheck
    private var disk = ShadowIO()
    private let clock = ManualClock()
    private let hook = CrashHook()
    private var store: OpenStore?
    private var model = StoreModel()
    private var pins: [Pin] = []
    private var boot: UInt64 = 0
    private var step = 0
    private var arrival: UInt64 = 1_000_000
    /// Something was made to fail since the process started: errors are expected.
    private var isFaulted = false
    private var isFull = false
    private var createdCount = 0

    /// A cursor that holds an image, and the bytes it holds. A class because a cursor cannot be copied.
    private final class Pin {
        let cursor: Cursor
        let count: Int
        let bytes: [UInt8]
        init?(_ cursor: consuming Cursor, count: Int) {
            guard let bytes = cursor.heldBytes(count: count) else { return nil }
            self.cursor = cursor
            self.count = count
            self.bytes = bytes
        }
    }

    init(_ plan: CrashPlan, directory: String? = nil) {
        self.plan = plan
        check = CrashCheck(plan: plan, directory: directory)
    }

    var stateCount: Int { check.stateCount }

    /// - Throws: `CrashFailure` with the place it happened at.
    mutating func run() throws(CrashFailure) {
        do {
            try open(draw: plan.seed)
            for index in plan.steps.indices {
                step = index
                try run(plan.steps[index])
            }
            try releasePins()
            store?.abandon()
        } catch let error {
            store?.abandon()
            disk.fault = nil
            var failure = error as? CrashFailure ?? CrashFailure(.unexpectedError, "\(error)")
            failure.seed = plan.seed
            failure.state = stateCount
            failure.step = step
            failure.steps = plan.steps[...min(step, plan.steps.count - 1)].map(\.operation.description)
            throw failure
        }
    }

    // MARK: Steps

    private mutating func run(_ step: CrashPlan.Step) throws {
        let dice = SeededEntropy(seed: step.draw)
        hook.begin(disk, model, store?.engine.openLogs ?? [], dice)
        do {
            try perform(step.operation, dice)
        } catch let error as LogError {
            guard isFaulted || isFull, error.isExpectedOfTrouble else { throw error }
        } catch let error as KinesisError {
            guard isFaulted || isFull else { throw error }
        }
        for state in hook.end() { try check(state) }
        try checkPins(dice)
        try takeStates(dice)
    }

    private mutating func check(_ taken: CrashHook.Taken) throws {
        try check.run(
            CrashState(
                disk: taken.disk, model: taken.model, promised: taken.promises.durable, durable: taken.promises.durable,
                boot: boot + 1),
            draw: taken.draw)
    }

    /// States between two steps: after power loss, all of them where there are few, and after the death of the process alone.
    private mutating func takeStates(_ dice: SeededEntropy) throws {
        guard dice.chance(0.5) else { return }
        let promises = promises()
        func state(_ disk: ShadowIO, isKill: Bool) -> CrashState {
            CrashState(
                disk: disk, model: model, promised: isKill ? promises.written : promises.durable,
                durable: promises.durable, boot: isKill ? boot : boot + 1)
        }
        if dice.chance(0.25) {
            try check.run(state(disk.kill(), isKill: true), draw: dice.next())
        }
        let unitByteCount = dice.chance(0.5) ? 512 : 4096
        let pending = disk.pendingUnitCount(unitByteCount: unitByteCount)
        if pending > 0, pending <= 12, dice.chance(pending <= 6 ? 0.1 : 0.005) {
            for mask in 0..<UInt64(1) << UInt64(pending) {
                try check.run(state(disk.crash(mask: mask, unitByteCount: unitByteCount), isKill: false), draw: dice.next())
            }
            return
        }
        for _ in 0..<1 + dice.next(below: 8) {
            try check.run(state(disk.crash(entropy: dice), isKill: false), draw: dice.next())
        }
    }

    private func promises() -> StoreModel.Promises { StoreModel.Promises(store?.engine.openLogs ?? []) }

    private mutating func perform(_ operation: CrashPlan.Operation, _ dice: SeededEntropy) throws {
        switch operation {
        case .createLog: try create(dice)
        case .append(let index):
            guard let log = try log(index) else { return }
            let record = PlainRecord.drawn(from: dice), arrival = nextArrival(log.id, dice)
            let ordinal = try log.append(record, arrival: arrival)
            try model.logs[log.id]?.append(ordinal..<ordinal + 1, [record], arrival: arrival)
        case .batch(let index, let count):
            guard let log = try log(index) else { return }
            let records = (0..<count).map { _ in PlainRecord.drawn(from: dice) }
            let arrival = nextArrival(log.id, dice)
            let range = try log.append(records, arrival: arrival)
            try model.logs[log.id]?.append(range, records, arrival: arrival)
        case .flush(let index, let partial): _ = try log(index)?.flushStep(partial: partial)
        case .sync(let index): _ = try log(index)?.syncStep()
        case .commit:
            guard let engine = store?.engine else { return }
            for index in 0..<min(3, model.logs.count) where dice.chance(0.6) {
                try perform(.batch(log: index, count: 1 + dice.next(below: 12)), dice)
                hook.modelChanged(model)
            }
            for log in engine.openLogs { _ = log.flushStep() }
            engine.commitStep(engine.openLogs)
            _ = try engine.prepareStep()
        case .wait(let index, let level):
            guard let log = try log(index) else { return }
            try log.wait(level, below: log.tip(.published))
        case .idle(let index): _ = try log(index)?.idleStep()
        case .pin(let index): try pin(index, dice)
        case .dropCache: store?.engine.dropCache()
        case .scan(let index):
            guard let log = try log(index), let entries = model.logs[log.id], !isFaulted else { return }
            let count = try entries.judge(log, level: .published, promised: log.tip(.published))
            try entries.judgeSeeks(log, count: count, level: .published, dice)
        case .compact(let index): try compact(index, dice)
        case .sweep(let index, let percent): try sweep(index, percent, dice)
        case .close: try restart(.close, dice)
        case .kill: try restart(.kill, dice)
        case .powerLoss: try restart(.powerLoss, dice)
        case .rot(let index): try rot(index, dice)
        case .fault(let operation, let call, let errorNumber, let isPermanent):
            isFaulted = true
            hook.plan(operation, call: call, errorNumber: errorNumber, isPermanent: isPermanent)
        case .room(let byteCount):
            isFull = isFull || byteCount != nil
            disk.capacityByteCount = byteCount.map { disk.allocatedByteCount + $0 } ?? 1 << 40
        case .setClock(let hours):
            clock.setWall(nanoseconds: max(0, clock.wallNanoseconds() + Int64(hours) * 3_600_000_000_000))
        }
    }

    /// The log that the steps call `index`; nil when there is none yet.
    private func log(_ index: Int) throws -> ShardLog? {
        let ids = model.logs.keys.sorted()
        guard !ids.isEmpty else { return nil }
        return try store?.engine.log(ids[index % ids.count])
    }

    private mutating func create(_ dice: SeededEntropy) throws {
        guard let store, model.logs.count < 6 else { return }
        createdCount += 1
        guard let streams = store.streams else {
            let id = UInt64(createdCount)
            model.maybeLogs.insert(id)
            hook.modelChanged(model)
            _ = try store.engine.createLog(id)
            model.maybeLogs.remove(id)
            model.logs[id] = LogModel()
            return
        }
        let name = "stream-\(createdCount)", count = 1 + dice.next(below: 3)
        model.maybeStreams[name] = count
        hook.modelChanged(model)
        let stream = try streams.createStreamBlocking(name, shards: count, ack: .durable)
        model.maybeStreams[name] = nil
        model.streams[name] = stream.shards.map(\.logID)
        for shard in stream.shards { model.logs[shard.logID] = LogModel() }
    }

    /// Now and then earlier than before, as from a clock that was set back.
    private mutating func nextArrival(_ id: UInt64, _ dice: SeededEntropy) -> UInt64 {
        arrival += UInt64(dice.next(below: 3))
        guard model.isIntact, let log = model.logs[id], log.lastArrival > 0, log.entries.last?.arrival == log.lastArrival,
            dice.chance(0.05)
        else { return arrival }
        return arrival - 1000
    }

    /// What was damaged is not swept: nobody could say then whether it is to be declared.
    private mutating func sweep(_ index: Int, _ percent: Int, _ dice: SeededEntropy) throws {
        guard model.isIntact, let log = try log(index), let entries = model.logs[log.id]?.entries, let last = entries.last else { return }
        let count = entries.count * percent / 100
        var limits = RetentionLimits()
        limits.expiredBefore = count < entries.count ? entries[count].arrival : last.arrival + 1
        if dice.chance(0.3) { limits.removalByteLimit = 1 }
        if dice.chance(0.3) { limits.segmentMilliseconds = 5 }
        model.logs[log.id]?.expire(before: limits.expiredBefore, below: log.tip(.durable))
        hook.modelChanged(model)
        try judgeHorizon(of: log, log.sweep(limits), model)
    }

    private func judgeHorizon(of log: ShardLog, _ outcome: SweepOutcome, _ model: StoreModel) throws {
        guard let model = model.logs[log.id], model.count(below: outcome.horizon) > model.count(below: model.forgettable) else { return }
        throw CrashFailure(.lost, "the horizon of log \(log.id) is \(outcome.horizon), allowed is \(model.forgettable)")
    }

    private mutating func compact(_ index: Int, _ dice: SeededEntropy) throws {
        guard model.isIntact, let log = try log(index) else { return }
        if dice.chance(0.5) { return try thinOut(log, dice) }
        var limits = CompactionLimits()
        limits.blockByteCount = plan.configuration.bufferByteCount
        limits.rawByteLimit = dice.chance(0.5) ? 64 << 10 : 1 << 20
        if dice.chance(0.3) { limits.coldBefore = arrival }
        for _ in 0..<1 + dice.next(below: 3) {
            try paced(log, dice) { pace throws(LogError) in try log.compactStep(limits, pace: pace) }
        }
    }

    /// A step of compaction; now and then with sweeps where it can wait, as another thread may do them.
    private mutating func paced(
        _ log: ShardLog, _ dice: SeededEntropy, _ step: (StepPace?) throws(LogError) -> CompactionOutcome
    ) throws {
        guard dice.chance(0.3), let entries = model.logs[log.id]?.entries, !entries.isEmpty else {
            _ = try step(nil)
            return
        }
        var limits = RetentionLimits()
        limits.expiredBefore = entries[dice.next(below: entries.count)].arrival
        if dice.chance(0.3) { limits.removalByteLimit = 1 }
        var model = model
        var failure: LogError?
        var outcome = SweepOutcome()
        let share = dice.chance(0.5) ? 0.5 : 0.05
        let pace = StepPace(clock: clock, processors: nil, workNanoseconds: 0) { [hook] _ in
            guard failure == nil, dice.chance(share) else { return true }
            // The step may have made more durable.
            model.logs[log.id]?.expire(before: limits.expiredBefore, below: log.tip(.durable))
            hook.modelChanged(model)
            do throws(LogError) { outcome = try log.sweep(limits) } catch { failure = error }
            return true
        }
        defer { self.model = model }
        _ = try step(pace)
        if let failure { throw failure }
        try judgeHorizon(of: log, outcome, model)
    }

    /// Key compaction: a pass, or a part of one.
    private mutating func thinOut(_ log: ShardLog, _ dice: SeededEntropy) throws {
        var limits = KeyCompactionLimits()
        limits.rawByteLimit = dice.chance(0.5) ? 64 << 10 : 1 << 20
        limits.leastNewShare = 0
        // Room for one key, or two.
        if dice.chance(0.6) { limits.tableByteLimit = dice.chance(0.5) ? 1_060 : 1_100 }
        if dice.chance(0.75) { limits.tombstonesBefore = arrival + 1 }
        // What is written a step may make durable, and then go by it.
        model.logs[log.id]?.thinOut(below: log.tip(.written), tombstonesBefore: limits.tombstonesBefore)
        hook.modelChanged(model)
        for _ in 0..<1 + dice.next(below: 12) {
            try paced(log, dice) { pace throws(LogError) in try log.keyCompactStep(limits, pace: pace) }
        }
    }

    // MARK: Lent views

    private mutating func pin(_ index: Int, _ dice: SeededEntropy) throws {
        guard pins.count < 3, let log = try log(index), let entries = model.logs[log.id]?.entries, !entries.isEmpty else {
            return
        }
        let start = dice.next(below: entries.count)
        var cursor = log.cursor(at: max(entries[start].ordinal, log.trimHorizon), level: .published)
        guard case .records(let count) = try cursor.fetch(), let pin = Pin(cursor, count: count) else { return }
        pins.append(pin)
    }

    private mutating func checkPins(_ dice: SeededEntropy) throws {
        guard !pins.isEmpty else { return }
        for pin in pins { try check(pin) }
        if dice.chance(0.1) { pins.removeFirst() }
    }

    private mutating func releasePins() throws {
        for pin in pins { try check(pin) }
        pins = []
    }

    private func check(_ pin: Pin) throws {
        guard pin.cursor.heldBytes(count: pin.count) == pin.bytes else {
            throw CrashFailure(.viewChanged, "\(pin.count) records from \(pin.cursor.position) on")
        }
    }

    // MARK: The end of the process

    private enum End { case close, kill, powerLoss }

    private mutating func restart(_ end: End, _ dice: SeededEntropy) throws {
        try releasePins()
        var promises = promises()
        var isClean = false
        if let store {
            if end == .close {
                do {
                    try store.close()
                    isClean = !isFaulted && !isFull
                    promises = StoreModel.Promises(store.engine.openLogs)
                } catch {
                    guard isFaulted || isFull else { throw error }
                }
            }
            store.abandon()
        }
        store = nil
        for state in hook.end() { try check(state) }
        disk.fault = nil
        hook.clearFault()
        disk.capacityByteCount = 1 << 40
        (isFaulted, isFull) = (false, false)
        switch end {
        case .close: break
        case .kill: disk = disk.kill()
        case .powerLoss:
            disk = disk.crash(entropy: dice)
            boot += 1
            clock.restart(bootIdentity: (1000 + boot, boot))
        }
        // Power may fail while nobody has the store open.
        if end == .close, dice.chance(0.5) {
            try check.run(
                CrashState(
                    disk: disk.crash(entropy: dice), model: model, promised: promises.durable, durable: promises.durable, boot: boot + 1),
                draw: dice.next())
        }
        let promised = end == .powerLoss ? promises.durable : promises.written
        hook.begin(disk, model, [], dice, promises: promises)
        try open(draw: dice.next())
        guard let store else { return }
        try CrashCheck.judge(store, &model, promised, dice, expectsClean: isClean)
    }

    private mutating func open(draw: UInt64) throws { store = try OpenStore(plan, on: disk, clock: clock, draw: draw) }

    // MARK: Damage

    private mutating func rot(_ index: Int, _ dice: SeededEntropy) throws {
        guard let log = try log(index), let store, !isFaulted, !isFull else { return }
        let id = log.id, identity = store.engine.storeIdentity
        try releasePins()
        try store.close()
        store.abandon()
        self.store = nil
        for state in hook.end() { try check(state) }
        let rotter = BitRot(disk: disk, storeLow: identity.low, storeHigh: identity.high)
        // Blocks are damaged one by one; of the pages that are there twice, one in a life.
        if let damaged = try rotter.turnBit(ofLog: id, mayHitPages: model.isIntact, dice) { model.logs[id]?.damage(damaged) }
        model.isIntact = false
        hook.begin(disk, model, [], dice, promises: StoreModel.Promises(store.engine.openLogs))
        try open(draw: dice.next())
        guard let opened = self.store else { return }
        try CrashCheck.judge(opened, &model, StoreModel.Promises(store.engine.openLogs).durable, dice)
    }
}

extension LogError {
    /// What a log may answer while something below it fails.
    fileprivate var isExpectedOfTrouble: Bool {
        switch self {
        case .io, .wouldBlock, .storageFull, .frozen, .closed: true
        default: false
        }
    }
}
