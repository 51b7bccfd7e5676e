import MillraceIO
import MillraceLog

/// A seeded life of a store on a disk whose calls fail at random. After every opening and again and again between, what can be
/// read is held against what was appended and acknowledged.
///
/// With a disk in memory the power may fail too. Without threads a life repeats exactly.
package struct FaultLife {
    package struct Failure: Error, CustomStringConvertible {
        package let seed: UInt64
        package let what: String
        package let steps: [String]
        package var description: String { "seed \(seed): \(what)\nsteps: \(steps.joined(separator: ", "))" }
    }

    private let seed: UInt64
    private let entropy: SeededEntropy
    private let path: String
    private let configuration: LogConfiguration
    private let clock: any Clock
    private var disk: ShadowIO?
    private var io: FaultIO
    private var plan: FaultIO.Plan?
    private var injectedBefore = 0
    private var boot: UInt64 = 1
    private var models: [LogModel] = [LogModel(), LogModel()]
    /// Records below were acknowledged as durable, as written.
    private var durables: [UInt64] = [0, 0]
    private var writtens: [UInt64] = [0, 0]
    /// Whether the log failed in this opening: then only what was durable is promised.
    private var hasFailed = [false, false]
    private var isCreated = [false, false]
    /// A fault happened since the store was opened: then errors are no wonder.
    private var isInjected = false
    private var broken: String?
    private var steps: [String] = []
    package private(set) var tally = Tally()

    /// A life on a disk in memory, without threads.
    package init(seed: UInt64) {
        let disk = ShadowIO()
        self.init(seed: seed, base: disk, disk: disk, path: "/store", clock: ManualClock(), hasThreads: false)
    }

    /// A life on a real disk, at `path`, which must not exist.
    package init(seed: UInt64, path: String, hasThreads: Bool) {
        self.init(
            seed: seed, base: PosixIO(), disk: nil, path: path, clock: SystemClock(), hasThreads: hasThreads)
    }

    private init(
        seed: UInt64, base: any StorageIO, disk: ShadowIO?, path: String, clock: any Clock, hasThreads: Bool
    ) {
        self.seed = seed
        self.disk = disk
        self.path = path
        self.clock = clock
        io = FaultIO(base)
        entropy = SeededEntropy(seed: seed)
        var configuration = Harness.smallConfiguration
        configuration.memoryByteCount = 4 << 20
        configuration.writeShareByteCount = 2 << 20
        configuration.unwrittenByteLimit = 2 << 20
        configuration.greatestRecordByteCount = 64 << 10
        configuration.bufferByteCount = [512, 1024, 4096][entropy.next(below: 3)]
        configuration.isCompressing = entropy.chance(0.6)
        configuration.reserveByteCount = entropy.chance(0.3) ? 64 << 10 : 0
        configuration.workerCount = hasThreads ? 2 : 0
        configuration.idleMilliseconds = 20
        configuration.syncIntervalMilliseconds = 5
        self.configuration = configuration
    }

    private func below(_ count: Int) -> Int { entropy.next(below: count) }
    private func failure(_ what: String) -> Failure { Failure(seed: seed, what: what, steps: steps) }

    // MARK: Faults

    /// Counts what the plan did, and puts another in its place.
    private mutating func replace(_ next: FaultIO.Plan?) {
        let injected = io.injectedCount
        if let plan, injected > injectedBefore {
            tally.faults[FaultDraw.kind(plan), default: 0] += injected - injectedBefore
            isInjected = true
        }
        injectedBefore = injected
        plan = next
        io.setPlans(next.map { [$0] } ?? [])
    }

    private mutating func drawFault() {
        guard plan == nil ? below(5) == 0 : below(6) == 0 else { return }
        let next = plan == nil || below(2) == 0 ? FaultDraw.plan(entropy, callCount: io.callCount) : nil
        steps.append(next.map { "[\(FaultDraw.kind($0))]" } ?? "[no fault]")
        replace(next)
    }

    // MARK: The life

    /// Runs `stepCount` steps in a few openings, then compares once more without faults.
    package mutating func run(stepCount: Int) throws(Failure) {
        while tally.steps < stepCount {
            guard let store = try open() else { continue }
            try live(store, until: min(stepCount, tally.steps + 5 + below(60)))
            try end(store)
        }
        guard let store = try open(withFaults: false) else { throw failure("a store without faults does not open") }
        for index in 0..<2 where isCreated[index] { try compare(try log(store, index), index, "at the end") }
        store.abandon()
    }

    /// Opens the store and compares both logs; nil when the opening failed by a fault.
    private mutating func open(withFaults: Bool = true) throws(Failure) -> LogStore? {
        replace(nil)
        replace(!withFaults || below(3) > 0 ? nil : FaultDraw.plan(entropy, callCount: io.callCount))
        isInjected = false
        if let open = disk?.openHandleCount, open > 0 { throw failure("\(open) handles were left open") }
        tally.steps += 1
        steps.append(plan.map { "[\(FaultDraw.kind($0))] open" } ?? "open")
        let opened: LogStore
        do throws(LogError) {
            let store = try LogStore(
                at: path, create: true, io: io, clock: clock, entropy: SeededEntropy(seed: entropy.next()),
                configuration: configuration)
            tally.openings += 1
            opened = store
        } catch {
            tally.failedOpenings += 1
            try expectInjected(error, "open")
            return nil
        }
        for index in 0..<2 {
            guard isCreated[index] else {
                hasFailed[index] = false
                continue
            }
            guard try recover(opened, index) else { return nil }
        }
        return opened
    }

    /// False when a fault kept the log from opening; the store is let go then.
    private mutating func recover(_ store: LogStore, _ index: Int) throws(Failure) -> Bool {
        let log: ShardLog
        do throws(LogError) { log = try store.log(UInt64(index + 1)) } catch {
            tally.failedOpenings += 1
            try expectInjected(error, "recover")
            store.abandon()
            return false
        }
        // A first page that was torn as it was written is reported, and costs no record.
        if log.recovery.damage.contains(where: { !$0.ordinals.isEmpty }) { throw failure("damage was reported: \(log.recovery)") }
        replace(nil)
        try compare(log, index, "after opening; \(log.recovery)")
        hasFailed[index] = false
        return true
    }

    private mutating func log(_ store: LogStore, _ index: Int) throws(Failure) -> ShardLog {
        do throws(LogError) { return try store.log(UInt64(index + 1)) } catch {
            throw failure("log \(index + 1) does not open: \(error)")
        }
    }

    private mutating func live(_ store: LogStore, until end: Int) throws(Failure) {
        while tally.steps < end {
            tally.steps += 1
            drawFault()
            let index = below(4) == 0 ? 1 : 0
            if !isCreated[index] {
                guard try create(store, index) else { return }
            }
            let log = try log(store, index)
            do throws(LogError) {
                try step(store, log, index)
            } catch {
                try take(error, log, index)
            }
            if let broken { throw failure(broken) }
            note(log, index)
            if hasFailed[0] || hasFailed[1], below(4) == 0 { return }
        }
    }

    private mutating func create(_ store: LogStore, _ index: Int) throws(Failure) -> Bool {
        steps.append("create \(index + 1)")
        do throws(LogError) {
            _ = try store.createLog(UInt64(index + 1))
            isCreated[index] = true
            return true
        } catch {
            try expectInjected(error, "create")
            return false
        }
    }

    private mutating func step(_ store: LogStore, _ log: ShardLog, _ index: Int) throws(LogError) {
        switch below(16) {
        case 0...3: try append(log, index, count: 1, isBatch: false)
        case 4...7: try append(log, index, count: 1 + below(below(4) == 0 ? 60 : 12), isBatch: true)
        case 8, 9:
            let level: Level = below(2) == 0 ? .durable : .written
            steps.append("wait \(index + 1) \(level)")
            try log.wait(level, below: log.tip(.published), nanoseconds: 20_000_000_000)
        case 10, 11:
            steps.append("flush \(index + 1)")
            if case .blocked(let error) = log.flushStep(partial: below(2) == 0) { throw error }
        case 12:
            steps.append("sync \(index + 1)")
            _ = try log.syncStep()
        case 13:
            steps.append("idle \(index + 1)")
            _ = try log.idleStep()
        case 14:
            steps.append("prepare")
            _ = try store.prepareStep()
        default:
            steps.append("read \(index + 1)")
            store.dropCache()
            try read(log, index)
        }
    }

    private mutating func append(_ log: ShardLog, _ index: Int, count: Int, isBatch: Bool) throws(LogError) {
        steps.append(isBatch ? "batch \(index + 1) of \(count)" : "append \(index + 1)")
        let records = (0..<count).map { _ in PlainRecord.drawn(from: entropy, greatestByteCount: 5000) }
        let arrival = UInt64(tally.steps)
        let range: Range<UInt64>
        if isBatch {
            range = try log.append(records, arrival: arrival)
        } else {
            let ordinal = try log.append(records[0], arrival: arrival)
            range = ordinal..<ordinal + 1
        }
        tally.records += count
        if hasFailed[index] { broken = "a frozen log took a record" }
        do throws(CrashFailure) { try models[index].append(range, records, arrival: arrival) } catch {
            broken = "\(error.invariant.rawValue): \(error.detail)"
        }
    }

    /// Lets go of the store: closed, or as by a kill; on a disk in memory the power may fail with it.
    private mutating func end(_ store: LogStore) throws(Failure) {
        for index in 0..<2 where isCreated[index] { note(try log(store, index), index) }
        if below(2) == 0 {
            steps.append("close")
            try close(store)
        } else {
            steps.append("abandon")
            store.abandon()
        }
        if disk != nil, below(3) == 0 { losePower() }
    }

    private mutating func losePower() {
        guard let lost = disk else { return }
        replace(nil)
        steps.append("power loss")
        tally.powerLosses += 1
        let next = lost.crash(entropy: entropy)
        disk = next
        io = FaultIO(next)
        injectedBefore = 0
        boot += 1
        (clock as? ManualClock)?.restart(bootIdentity: (1000 + boot, boot))
        // Only what was durable survives that.
        hasFailed = [true, true]
    }

    private mutating func close(_ store: LogStore) throws(Failure) {
        do throws(LogError) { try store.close() } catch {
            try expectInjected(error, "close")
            // What was not durable before stays open.
            hasFailed = [true, true]
            return
        }
        for index in 0..<2 where isCreated[index] {
            guard let last = models[index].entries.last?.ordinal, last >= durables[index] else { continue }
            if hasFailed[index] { throw failure("a frozen log was closed without an error, and not all of it is durable") }
            durables[index] = last + 1
        }
    }

    // MARK: Promises

    /// What is acknowledged by now, and whether that is void: the log may have failed while nobody asked.
    private mutating func note(_ log: ShardLog, _ index: Int) {
        var cursor = log.cursor(at: .max, level: .published)
        if !hasFailed[index], (try? cursor.fetch()) == nil {
            hasFailed[index] = true
            tally.frozenLogs += 1
        }
        durables[index] = max(durables[index], log.tip(.durable))
        writtens[index] = max(writtens[index], log.tip(.written))
    }

    /// An error is right when a fault was injected, and of a kind that a fault may have.
    private func expectInjected(_ error: LogError, _ what: String) throws(Failure) {
        guard isInjected || io.injectedCount > injectedBefore else {
            throw failure("\(what) failed with no fault injected: \(error)")
        }
        switch error {
        case .io, .storageFull, .frozen: return
        default: throw failure("\(what) failed with \(error)")
        }
    }

    private mutating func take(_ error: LogError, _ log: ShardLog, _ index: Int) throws(Failure) {
        steps.append("(\(error))")
        if io.injectedCount > injectedBefore { isInjected = true }
        guard isInjected || error.isAboutMemory else { throw failure("\(error) with no fault injected") }
        switch error {
        case .frozen:
            if !hasFailed[index] {
                tally.frozenLogs += 1
                hasFailed[index] = true
            }
            try checkFrozen(log, index)
        case .storageFull, .wouldBlock: replace(nil)
        case .io: break
        default: throw failure("unexpected: \(error)")
        }
    }

    /// A frozen log takes nothing, acknowledges nothing, and serves everything that was durable.
    private mutating func checkFrozen(_ log: ShardLog, _ index: Int) throws(Failure) {
        let durable = log.tip(.durable)
        replace(nil)
        var refused = false
        do throws(LogError) { try log.append(PlainRecord("k", "refused")) } catch { refused = true }
        if !refused { throw failure("a frozen log took a record") }
        do throws(LogError) { try log.wait(.durable, below: durable + 1, nanoseconds: 20_000_000_000) } catch {
            guard case .frozen = error else { throw failure("a frozen log's wait ended with \(error)") }
        }
        if log.tip(.durable) != durable { throw failure("a frozen log became more durable") }
        do throws(LogError) { try read(log, index) } catch {
            guard case .frozen = error else { throw failure("a frozen log reads with \(error)") }
        }
    }

    /// Everything visible at a level is what was appended, in order and whole.
    ///
    /// - Throws: what reading throws.
    private mutating func read(_ log: ShardLog, _ index: Int) throws(LogError) {
        let level = Level.allCases[below(3)]
        do {
            tally.comparisons += try models[index].judge(log, level: level, promised: log.tip(level))
        } catch let error as LogError {
            throw error
        } catch {
            broken = broken ?? "\(error)"
        }
    }

    /// After an opening: everything promised is there, in order and whole; what is not is forgotten.
    private mutating func compare(_ log: ShardLog, _ index: Int, _ when: String) throws(Failure) {
        let promised = hasFailed[index] ? durables[index] : max(durables[index], writtens[index])
        do {
            let count = try models[index].judge(log, level: .durable, promised: promised)
            tally.comparisons += count
            models[index].keep(count)
        } catch let error as CrashFailure {
            throw failure("log \(index + 1) \(when): \(error.invariant.rawValue): \(error.detail)")
        } catch {
            throw failure("log \(index + 1) cannot be read \(when): \(error)")
        }
        note(log, index)
    }
}

extension LogError {
    fileprivate var isAboutMemory: Bool {
        if case .wouldBlock = self { return true }
        return false
    }
}
