import Millrace
import MillraceIO
import MillraceLog
import MillraceModel

/// A store that is open on some disk, with or without streams.
struct OpenStore {
    let engine: LogStore
    let streams: StreamStore?

    init(
        _ plan: CrashPlan, on disk: any StorageIO, at path: String = "/store", clock: ManualClock, draw: UInt64
    ) throws {
        let entropy = SeededEntropy(seed: draw)
        if plan.hasStreams {
            let streams = try StreamStore(
                at: path, io: disk, clock: clock, entropy: entropy, configuration: plan.configuration)
            self.streams = streams
            engine = streams.engine
        } else {
            engine = try LogStore(
                at: path, create: true, io: disk, clock: clock, entropy: entropy, configuration: plan.configuration)
            streams = nil
        }
    }

    func close() throws {
        if let streams { try streams.closeBlocking() } else { try engine.close() }
    }
    func abandon() {
        if let streams { streams.abandon() } else { engine.abandon() }
    }
}

/// One state of a disk, and what it was promised to hold.
struct CrashState {
    let disk: ShadowIO
    let model: StoreModel
    /// Ordinals below are promised.
    let promised: [UInt64: UInt64]
    /// The same if the power fails once more.
    let durable: [UInt64: UInt64]
    /// How often the machine lost power before.
    let boot: UInt64
}

/// Recovers states and holds them against their models. One thread.
struct CrashCheck {
    let plan: CrashPlan
    let entropy: SeededEntropy
    /// Where on a real disk each state is put before it is recovered; nil: it is recovered in memory.
    let directory: String?
    /// States looked at.
    var stateCount = 0
    private static let greatestDepth = 3

    init(plan: CrashPlan, directory: String? = nil) {
        self.plan = plan
        self.directory = directory.map { "\($0)/\(plan.seed)" }
        entropy = SeededEntropy(seed: plan.seed ^ 0x5DEE_CE66D)
    }

    /// Recovers the state, reads all of it, maybe appends and recovers again, maybe with the power failing in the recovery.
    mutating func run(_ state: CrashState, draw: UInt64, depth: Int = 0) throws {
        stateCount += 1
        // Whoever comes back finds room.
        state.disk.capacityByteCount = 1 << 40
        let dice = SeededEntropy(seed: draw)
        if depth < Self.greatestDepth, dice.chance(0.2) {
            let recorder = CallRecorder(at: 1 + dice.next(below: 40), disk: state.disk, draw: dice.next())
            state.disk.fault = { _, _, _ in
                recorder.called()
                return nil
            }
            _ = try? OpenStore.recoverAll(plan, state, clock: Self.clock(boot: state.boot), draw: dice.next())
            state.disk.fault = nil
            if let again = recorder.image {
                try run(
                    CrashState(
                        disk: again, model: state.model, promised: state.durable, durable: state.durable,
                        boot: state.boot + 1),
                    draw: dice.next(), depth: depth + 1)
            }
        }
        var (disk, path): (any StorageIO, String) = (state.disk, "/store")
        if let directory {
            // What is left there is of a state that failed.
            TemporaryDirectory.remove(directory)
            (disk, path) = (PosixIO(), directory)
            try DiskCopy.copy(state.disk, "/store", onto: disk, path)
        }
        var model = state.model
        var promised = state.promised
        let rounds = [1, 1, 2, 3][dice.next(below: 4)]
        var wasClosed = false
        for round in 0..<rounds {
            let clock = Self.clock(boot: state.boot)
            let store = try OpenStore(plan, on: disk, at: path, clock: clock, draw: dice.next())
            defer { store.abandon() }
            try Self.judge(store, &model, promised, dice, expectsClean: wasClosed)
            if round == 0, dice.chance(0.1) {
                store.abandon()
                try verify(disk, path, model)
                break
            }
            guard round + 1 < rounds else { break }
            for id in model.logs.keys.sorted() {
                guard var log = model.logs[id] else { continue }
                let record = PlainRecord("after", "recovery \(round)")
                let open = try store.engine.log(id)
                let ordinal = try open.append(record, arrival: log.lastArrival + 1)
                try log.append(ordinal..<ordinal + 1, [record], arrival: log.lastArrival + 1)
                model.logs[id] = log
                promised[id] = ordinal + 1
                try open.wait(.durable, below: ordinal + 1)
            }
            wasClosed = dice.chance(0.5)
            if wasClosed { try store.close() }
        }
        if let directory { TemporaryDirectory.remove(directory) }
    }

    static func clock(boot: UInt64) -> ManualClock {
        let clock = ManualClock()
        if boot > 0 { clock.restart(bootIdentity: (1000 + boot, boot)) }
        return clock
    }

    /// Holds everything in an open store against the model, and cuts the model to what was found.
    static func judge(
        _ store: OpenStore, _ model: inout StoreModel, _ promised: [UInt64: UInt64], _ dice: SeededEntropy,
        expectsClean: Bool = false
    ) throws {
        try judgeNames(store, &model)
        for id in model.logs.keys.sorted() {
            guard var log = model.logs[id] else { continue }
            let open = try store.engine.log(id)
            if expectsClean, model.isIntact, !open.recovery.wasClean {
                throw CrashFailure(.notClean, "\(open.recovery)")
            }
            let count = try log.judge(open, level: .durable, promised: promised[id] ?? 0)
            log.keep(count)
            try log.judgeSeeks(open, count: count, level: .durable, dice)
            model.logs[id] = log
        }
    }

    /// Streams and logs: those that were created are there, and nothing that nobody created.
    private static func judgeNames(_ store: OpenStore, _ model: inout StoreModel) throws {
        let ids = Set(try store.engine.logIDs()).subtracting([LogStore.catalogueLogID])
        for id in model.logs.keys where !ids.contains(id) { throw CrashFailure(.lost, "log \(id) is gone") }
        guard let streams = store.streams else {
            for id in model.maybeLogs where ids.contains(id) { model.logs[id] = LogModel() }
            model.maybeLogs = []
            let strangers = ids.subtracting(model.logs.keys)
            if !strangers.isEmpty { throw CrashFailure(.neverPut, "logs that nobody made: \(strangers.sorted())") }
            return
        }
        let names = Set(streams.listStreams().map(\.text))
        for (name, shards) in model.streams {
            guard names.contains(name) else { throw CrashFailure(.streamGone, name) }
            let found = try streams.stream(name).shards.map(\.logID)
            if found != shards { throw CrashFailure(.streamGone, "\(name) has shards \(found), it had \(shards)") }
        }
        for name in names where model.streams[name] == nil {
            let shards = try streams.stream(name).shards.map(\.logID)
            guard model.maybeStreams[name] == shards.count else {
                throw CrashFailure(.streamGone, "\(name), which nobody made, has \(shards.count) shards")
            }
            model.streams[name] = shards
            for id in shards { model.logs[id] = LogModel() }
        }
        model.maybeStreams = [:]
    }

    /// Verification reads the same disk: it must see the damage there is, and none besides.
    private func verify(_ disk: any StorageIO, _ path: String, _ model: StoreModel) throws {
        let findings = try StoreVerification.run(at: path, io: disk).findings
        let found = findings.filter { $0.severity == .damage }
        if model.isIntact, let finding = found.first { throw CrashFailure(.verifyDisagrees, "\(finding)") }
        let damaged = model.logs.filter { $0.value.hasDamage }.keys
        for finding in found where finding.ordinals.map({ !$0.isEmpty }) ?? false {
            guard let id = finding.logID, damaged.contains(id) else {
                throw CrashFailure(.verifyDisagrees, "\(finding), of \(findings)")
            }
        }
        for id in damaged where !found.contains(where: { $0.logID == id }) {
            guard try Self.holdsDamage(disk, path, id, model, findings) else { continue }
            throw CrashFailure(.verifyDisagrees, "log \(id) is damaged, which verification does not say: \(findings)")
        }
    }

    /// Whether a segment has damaged records that is there, and that the next opening does not remove by what verification says of it.
    private static func holdsDamage(
        _ disk: any StorageIO, _ path: String, _ id: UInt64, _ model: StoreModel, _ findings: [StoreVerification.Finding]
    ) throws -> Bool {
        let root = try disk.openDirectory(at: path, create: false)
        defer { disk.close(root) }
        let logs = try disk.openDirectory(FileNames.logs, in: root, create: false)
        defer { disk.close(logs) }
        let directory = try disk.openDirectory(FileNames.log(id), in: logs, create: false)
        defer { disk.close(directory) }
        let segments = SegmentName.resolve(try disk.list(directory)).current
        let ends = segments.dropFirst().map(\.baseOrdinal) + [.max]
        return zip(segments, ends).contains { segment, end in
            let isRemoved = findings.contains { $0.severity == .note && $0.bytes == nil && $0.file.hasSuffix(segment.text) }
            return !isRemoved
                && model.logs[id]?.entries.contains { $0.isDamaged && $0.ordinal >= segment.baseOrdinal && $0.ordinal < end } == true
        }
    }
}

extension OpenStore {
    /// Opens the store and every log of the model, as a process that comes back does.
    static func recoverAll(_ plan: CrashPlan, _ state: CrashState, clock: ManualClock, draw: UInt64) throws {
        let store = try OpenStore(plan, on: state.disk, clock: clock, draw: draw)
        defer { store.abandon() }
        for id in state.model.logs.keys.sorted() { _ = try store.engine.log(id) }
    }
}

/// Takes a crash state at the n-th call of a disk.
final class CallRecorder: Sendable {
    private let at: Int
    private let disk: ShadowIO
    private let draw: UInt64
    private let state = Guarded<(calls: Int, image: ShadowIO?)>((0, nil))

    init(at: Int, disk: ShadowIO, draw: UInt64) {
        self.at = at
        self.disk = disk
        self.draw = draw
    }

    var image: ShadowIO? { state.withLock { $0.image } }

    func called() {
        let isDue = state.withLock { state in
            state.calls += 1
            return state.calls == at
        }
        guard isDue else { return }
        let image = disk.crash(entropy: SeededEntropy(seed: draw))
        state.withLock { $0.image = image }
    }
}
