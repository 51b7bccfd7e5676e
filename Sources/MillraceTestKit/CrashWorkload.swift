import MillraceIO
package import MillraceLog

/// What was appended to one log and what was promised about it: the oracle of the crash tests.
package struct LogModel: Sendable {
    package struct Entry: Sendable {
        package let ordinal: UInt64
        package let record: PlainRecord
    }
    package var entries: [Entry] = []
    /// Indices in `entries` where a batch ends.
    package var batchEnds: [Int] = [0]
    /// Records below were acknowledged as durable, as written.
    package var durable: UInt64 = 0
    package var written: UInt64 = 0
    package init() {}

    package mutating func append(_ range: Range<UInt64>, _ records: [PlainRecord]) {
        for (index, record) in records.enumerated() {
            entries.append(Entry(ordinal: range.lowerBound + UInt64(index), record: record))
        }
        batchEnds.append(entries.count)
    }

    /// nil when what was found is what may be left: everything promised, a prefix of what was appended, batches whole.
    package func violation(
        found: [(ordinal: UInt64, record: PlainRecord)], gaps: [Gap], promised: UInt64
    ) -> String? {
        if !gaps.isEmpty { return "a gap was declared: \(gaps)" }
        if found.count > entries.count { return "\(found.count) records found, \(entries.count) appended" }
        for (index, found) in found.enumerated() {
            if found.ordinal != entries[index].ordinal || found.record != entries[index].record {
                return "record \(index): found \(found), appended \(entries[index])"
            }
        }
        let promisedCount = entries.prefix { $0.ordinal < promised }.count
        if found.count < promisedCount { return "\(promisedCount) records were acknowledged, \(found.count) are left" }
        if !batchEnds.contains(found.count) { return "a batch was cut: \(found.count) records, batches end at \(batchEnds)" }
        return nil
    }
}

/// A seeded life of one log, with crash states taken on the way; each is recovered and held against the model.
package struct CrashWorkload {
    package struct Failure: Error, CustomStringConvertible {
        package let seed: UInt64
        package let state: Int
        package let what: String
        package let steps: [String]
        package var description: String {
            "seed \(seed), state \(state): \(what)\nsteps: \(steps.joined(separator: ", "))"
        }
    }

    private let seed: UInt64
    private let entropy: SeededEntropy
    private let harness: Harness
    private var model = LogModel()
    private var steps: [String] = []
    private var arrival: UInt64 = 1_000_000
    /// States checked so far.
    package private(set) var stateCount = 0

    package init(seed: UInt64) {
        self.seed = seed
        entropy = SeededEntropy(seed: seed)
        var harness = Harness(seed: seed &+ 1)
        harness.configuration.memoryByteCount = 4 << 20
        harness.configuration.writeShareByteCount = 2 << 20
        harness.configuration.unwrittenByteLimit = 2 << 20
        harness.configuration.greatestRecordByteCount = 64 << 10
        harness.configuration.bufferByteCount = [512, 1024, 4096][Int(entropy.next() % 3)]
        harness.configuration.firstSegmentByteCount = 32 << 10
        harness.configuration.greatestSegmentByteCount = 64 << 10
        harness.configuration.isCompressing = entropy.next() % 3 != 0
        self.harness = harness
    }

    private func below(_ count: Int) -> Int { Int(entropy.next() % UInt64(count)) }

    private func randomRecord() -> PlainRecord {
        let byteCount = below(8) == 0 ? below(3000) : below(200)
        let isText = below(2) == 0
        let salt = entropy.next()
        return PlainRecord(
            key: Array("k\(below(5))".utf8),
            data: (0..<byteCount).map { isText ? UInt8(97 + $0 % 7) : UInt8(truncatingIfNeeded: (salt &+ UInt64($0)) &* 0x9E37_79B9 >> 13) })
    }

    private func fail(_ what: String) -> Failure { Failure(seed: seed, state: stateCount, what: what, steps: steps) }

    /// Runs `stepCount` steps; takes states before and after syncs and at random, `statesPerStop` each time.
    package mutating func run(stepCount: Int, statesPerStop: Int) throws {
        var store = try harness.open()
        var log = try store.createLog(1)
        for _ in 0..<stepCount {
            arrival += UInt64(below(3))
            switch below(16) {
            case 0...4:
                let record = randomRecord()
                steps.append("append")
                let ordinal = try log.append(record, arrival: arrival)
                model.append(ordinal..<ordinal + 1, [record])
            case 5...8:
                let records = (0...below(below(4) == 0 ? 60 : 12)).map { _ in randomRecord() }
                steps.append("batch \(records.count)")
                model.append(try log.append(records, arrival: arrival), records)
            case 9...11:
                let partial = below(2) == 0
                steps.append("flush \(partial)")
                _ = log.flushStep(partial: partial)
            case 12, 13:
                steps.append("sync")
                try takeStates(store, log, statesPerStop)
                _ = try log.syncStep()
            case 14:
                steps.append("idle")
                _ = try log.idleStep()
            default:
                guard below(4) == 0 else { continue }
                steps.append("reopen")
                try store.close()
                note(log)
                try takeStates(store, log, 1)
                store = try harness.open()
                log = try store.log(1)
                if !log.recovery.wasClean { throw fail("a closed log was not clean: \(log.recovery)") }
            }
            note(log)
            if below(6) == 0 { try takeStates(store, log, statesPerStop) }
        }
        store.abandon()
    }

    private mutating func note(_ log: ShardLog) {
        // A new opening's watermarks start above everything that was ever appended: that was all durable.
        model.durable = log.tip(.durable)
        model.written = log.tip(.written)
    }

    private mutating func takeStates(_ store: LogStore, _ log: ShardLog, _ count: Int) throws {
        for _ in 0..<count {
            if below(8) == 0 {
                steps.append("[kill]")
                try check(harness.disk.kill(), promised: model.written, boot: 0, depth: 0)
            } else {
                try check(harness.disk.crash(entropy: entropy), promised: model.durable, boot: 1, depth: 0)
            }
            if steps.last == "[kill]" { steps.removeLast() }
        }
    }

    /// Recovers the disk, holds it against the model, appends to it, and recovers again. Power may fail within each recovery.
    private mutating func check(_ disk: ShadowIO, promised: UInt64, boot: UInt64, depth: Int) throws {
        stateCount += 1
        if stateCount % 3 == 0, depth < 3 {
            // The power fails again at some call of the recovery itself.
            let recorder = FaultRecorder(at: 1 + below(40), disk: disk, draw: SeededEntropy(seed: entropy.next()))
            disk.fault = { _, _, _ in
                recorder.called()
                return nil
            }
            defer { disk.fault = nil }
            try recover(disk, promised: promised, boot: boot, isFinal: false)
            if let again = recorder.image {
                // After a kill, what was only written may go with the power.
                try check(again, promised: min(promised, model.durable), boot: boot + 1, depth: depth + 1)
                return
            }
        }
        try recover(disk, promised: promised, boot: boot, isFinal: true)
    }

    /// `boot` counts how often the machine lost power.
    private func open(_ disk: ShadowIO, boot: UInt64) throws -> LogStore {
        let clock = ManualClock()
        if boot > 0 { clock.restart(bootIdentity: (1000 + boot, boot), steadyNanoseconds: 0) }
        return try LogStore(
            at: "/store", create: true, io: disk, clock: boot == 0 ? harness.clock : clock, entropy: SeededEntropy(seed: seed),
            configuration: harness.configuration)
    }

    private func recover(_ disk: ShadowIO, promised: UInt64, boot: UInt64, isFinal: Bool) throws {
        var end = 0
        var added: [LogModel.Entry] = []
        for round in 0..<(isFinal ? 3 : 1) {
            let store = try open(disk, boot: boot)
            defer { store.abandon() }
            guard try store.logIDs().contains(1) else { throw fail("the log is gone") }
            let log = try store.log(1)
            var (found, gaps) = try log.readAll(level: .durable)
            if round > 0 {
                let extra = found.suffix(added.count)
                for (found, added) in zip(extra, added) where found.ordinal != added.ordinal || found.record != added.record {
                    throw fail("after recovery \(found) in place of \(added)")
                }
                found.removeLast(min(added.count, found.count))
                if found.count != end { throw fail("round \(round): \(found.count) records, \(end) before") }
                if round == 2, !log.recovery.wasClean { throw fail("a clean close was not seen: \(log.recovery)") }
            }
            if let what = model.violation(found: found, gaps: gaps, promised: promised) {
                throw fail("round \(round): \(what); \(log.recovery)")
            }
            end = found.count
            guard isFinal else { return }
            let record = PlainRecord("after", "recovery \(round)")
            let ordinal = try log.append(record, arrival: 0)
            if let last = model.entries.last, ordinal <= last.ordinal {
                throw fail("number \(ordinal) was handed out again; the last was \(last.ordinal)")
            }
            added.append(LogModel.Entry(ordinal: ordinal, record: record))
            if round == 1 { try store.close() } else { try log.wait(.durable, below: ordinal + 1) }
        }
    }
}

/// Takes a crash state at the n-th call of a disk.
private final class FaultRecorder: Sendable {
    private let at: Int
    private let disk: ShadowIO
    private let draw: SeededEntropy
    private let state = Guarded<(calls: Int, image: ShadowIO?)>((0, nil))
    init(at: Int, disk: ShadowIO, draw: SeededEntropy) {
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
        let image = disk.crash(entropy: draw)
        state.withLock { $0.image = image }
    }
}
