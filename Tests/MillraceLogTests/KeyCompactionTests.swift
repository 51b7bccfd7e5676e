import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

/// Aim: key compaction leaves of each key the newest record, where it stood and as it was, and takes nothing else. Method: a log on a
/// disk in memory, steps by hand, a dictionary beside it.
@Suite struct KeyCompactionTests {
    private typealias Found = (ordinal: UInt64, record: PlainRecord)

    /// A log, and everything that was put in it.
    private struct Life {
        let harness: Harness
        var store: LogStore
        var put: [(ordinal: UInt64, arrival: UInt64, record: PlainRecord)] = []
        private let dice: SeededEntropy

        init(seed: UInt64 = 1) throws {
            harness = Harness(seed: seed)
            dice = SeededEntropy(seed: seed)
            store = try harness.open()
            _ = try store.createLog(1)
        }

        var log: ShardLog { get throws { try store.log(1) } }

        /// So many records of `keyCount` keys, in batches of some; one in `tombstones` without data.
        mutating func fill(_ count: Int, keys keyCount: Int, tombstones: Int = 0, byteCount: Int = 300) throws {
            let log = try log
            var left = count
            while left > 0 {
                let size = min(left, 1 + dice.next(below: 8))
                left -= size
                let records = (0..<size).map { _ in
                    let key = "key \(dice.next(below: keyCount))"
                    let isGone = tombstones > 0 && dice.next(below: tombstones) == 0
                    // A word in front, so that it is no tombstone by chance.
                    let text = "x" + (0..<dice.next(below: byteCount)).map { _ in String(dice.next(below: 10)) }.joined()
                    return PlainRecord(key, isGone ? "" : text)
                }
                let arrival = 1_000_000 + UInt64(put.count)
                let range = try log.append(records, arrival: arrival)
                for (ordinal, record) in zip(range, records) { put.append((ordinal, arrival, record)) }
                try log.wait(.durable, below: range.upperBound)
            }
        }

        mutating func reopen(closes: Bool = true) throws {
            if closes { try store.close() } else { store.abandon() }
            store = try harness.open(create: false)
        }

        /// The base of the newest segment: what is in front of it may be gone over.
        var newestBase: UInt64 {
            get throws { try SweptLog.files(harness).compactMap { FileNames.segmentName($0)?.baseOrdinal }.max() ?? 0 }
        }

        /// What is to be there after passes that went over everything in front of `end`.
        func oracle(below end: UInt64, tombstonesBefore: UInt64 = 0) -> [Found] {
            var newest: [[UInt8]: UInt64] = [:]
            for (ordinal, _, record) in put where ordinal < end { newest[record.key] = ordinal }
            return put.filter { ordinal, arrival, record in
                if ordinal >= end { return true }
                return newest[record.key] == ordinal && !(record.data.isEmpty && arrival < tombstonesBefore)
            }.map { ($0.ordinal, $0.record) }
        }
    }

    private static func limits(share: Double = 0, tombstonesBefore: UInt64 = 0) -> KeyCompactionLimits {
        var limits = KeyCompactionLimits()
        limits.rawByteLimit = 100_000
        limits.leastNewShare = share
        limits.tombstonesBefore = tombstonesBefore
        return limits
    }

    /// Steps until nothing is left to do.
    private static func compact(_ log: ShardLog, _ limits: KeyCompactionLimits) throws {
        for _ in 0..<1_000 {
            switch try log.keyCompactStep(limits) {
            case .nothing: return
            case .compacted, .notWorth: continue
            case .busy: Issue.record("nobody else is at work")
            }
        }
        Issue.record("key compaction finds no end")
    }

    private static func expect(
        _ log: ShardLog, _ oracle: [Found], _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let (records, gaps) = try log.readAll(level: .durable)
        #expect(gaps.isEmpty, "\(what): \(gaps)", sourceLocation: sourceLocation)
        let isRight = records.elementsEqual(oracle) { $0.ordinal == $1.ordinal && $0.record == $1.record }
        if isRight { return }
        let first = zip(records, oracle).first { $0.ordinal != $1.ordinal || $0.record != $1.record }
        let message: Comment =
            "\(what): \(records.count) records, wanted \(oracle.count), the first other one: \(first.map { "\($0)" } ?? "behind")"
        Issue.record(message, sourceLocation: sourceLocation)
    }

    private static func verify(_ life: Life, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let verification = try StoreVerification.run(at: "/store", io: life.harness.disk)
        #expect(verification.findings.isEmpty, "\(verification.findings)", sourceLocation: sourceLocation)
    }

    /// The empty one began a generation: the merged one ends where it did, behind its last block.
    @Test func `a segment that takes in an empty one is found to be whole, and is thinned out again`() throws {
        let harness = Harness()
        func fill(_ log: ShardLog, _ count: Int) throws {
            for number in 0..<count {
                let ordinal = try log.append(PlainRecord("key \(number % 9)", "\(number)"), arrival: 1_000_000)
                try log.wait(.durable, below: ordinal + 1)
            }
        }
        var store = try harness.open()
        var log = try store.createLog(1)
        try fill(log, 40)
        store.abandon()
        // With nothing to write a note into, the horizon gets a segment of its own.
        store = try harness.open()
        log = try store.log(1)
        var retention = RetentionLimits()
        retention.trimmedBelow = log.trimHorizon + 1
        _ = try log.sweep(retention)
        store.abandon()
        store = try harness.open()
        log = try store.log(1)
        let emptyBase = log.segments.segments.last!.baseOrdinal
        #expect(Ordinal.counter(emptyBase) == 0)
        try fill(log, 20)
        var limits = KeyCompactionLimits()
        limits.leastNewShare = 0
        for _ in 0..<4 { _ = try log.keyCompactStep(limits) }
        let merged = try #require(log.segments.segments.first)
        #expect(merged.segmentName.lastBaseOrdinal == emptyBase && merged.baseOrdinal < emptyBase)
        #expect(try StoreVerification.run(at: "/store", io: harness.disk).findings.filter { $0.severity == .damage }.isEmpty)
        // One more segment, whose keys take the last records of the first one.
        store.abandon()
        store = try harness.open()
        log = try store.log(1)
        try fill(log, 9)
        for _ in 0..<6 { _ = try log.keyCompactStep(limits) }
        #expect(try log.readAll(level: .durable).records.count == 9 + 9)
        try store.close()
        #expect(try StoreVerification.run(at: "/store", io: harness.disk).isClean)
    }

    @Test(arguments: [(1, 5), (2, 60), (3, 2_000)] as [(UInt64, Int)])
    func `of each key the newest record stays, in order, with its number and its bytes`(seed: UInt64, keyCount: Int) throws {
        var life = try Life(seed: seed)
        for _ in 0..<3 {
            try life.fill(1_500, keys: keyCount)
            // Also over the step to another generation.
            try life.reopen(closes: seed % 2 == 0)
            try life.fill(300, keys: keyCount)
            let before = try life.log.sweep(RetentionLimits()).keptByteCount
            let end = try life.newestBase
            try Self.compact(try life.log, Self.limits())
            try Self.expect(life.log, life.oracle(below: end))
            if keyCount < 1_000 { #expect(try life.log.sweep(RetentionLimits()).keptByteCount < before * 3 / 4) }
            // Once is enough.
            #expect(try life.log.keyCompactStep(Self.limits()) == .nothing)
        }
        let end = try life.newestBase
        try life.store.close()
        try Self.verify(life)
        life.store = try life.harness.open(create: false)
        #expect(try life.log.recovery.wasClean && life.log.recovery.damage.isEmpty)
        try Self.expect(life.log, life.oracle(below: end))
        try life.fill(100, keys: keyCount)
        try Self.expect(life.log, life.oracle(below: end))
        life.store.abandon()
    }

    @Test func `a read at a number that is gone finds the next one there is, and so does a search for its time`() throws {
        var life = try Life()
        try life.fill(2_000, keys: 9)
        let end = try life.newestBase
        try Self.compact(try life.log, Self.limits())
        let oracle = life.oracle(below: end)
        let log = try life.log
        for number in stride(from: 0, to: life.put.count, by: 13) {
            let (ordinal, arrival, _) = life.put[number]
            var cursor = log.cursor(at: ordinal, level: .durable)
            #expect(try cursor.withBatch { batch throws(LogError) in batch.next()?.ordinal } == oracle.first { $0.ordinal >= ordinal }?.ordinal)
            let left = Set(oracle.map(\.ordinal))
            let wanted = life.put.first { $0.arrival >= arrival && left.contains($0.ordinal) }?.ordinal
            var byTime = log.cursor(at: 0, level: .durable)
            try byTime.seek(toArrival: arrival)
            #expect(try byTime.withBatch { batch throws(LogError) in batch.next()?.ordinal } == wanted)
        }
        // Reading one record at a time comes by every one of them.
        var cursor = log.cursor(at: 0, level: .durable)
        var ordinals: [UInt64] = []
        while let ordinal: UInt64? = try cursor.withBatch({ batch throws(LogError) in batch.next()?.ordinal }) {
            if let ordinal { ordinals.append(ordinal) }
        }
        #expect(ordinals == oracle.map(\.ordinal))
        #expect(cursor.position == log.tip(.durable))
        life.store.abandon()
    }

    @Test func `a tombstone stays for its time, and what it stands for does not come back when it goes`() throws {
        var life = try Life(seed: 7)
        try life.fill(1_500, keys: 40, tombstones: 6)
        var end = try life.newestBase
        try Self.compact(try life.log, Self.limits())
        try Self.expect(life.log, life.oracle(below: end))
        // In a segment that was gone over before: a pass that comes later takes it.
        try life.fill(1_500, keys: 20)
        end = try life.newestBase
        try Self.compact(try life.log, Self.limits(tombstonesBefore: 1_001_000))
        try Self.expect(life.log, life.oracle(below: end, tombstonesBefore: 1_001_000))
        try life.fill(1_500, keys: 20, tombstones: 3)
        end = try life.newestBase
        try Self.compact(try life.log, Self.limits(tombstonesBefore: .max))
        try Self.expect(life.log, life.oracle(below: end, tombstonesBefore: .max))
        try life.store.close()
        try Self.verify(life)
    }

    @Test func `everything may go: a log of tombstones whose time is up is empty, and keeps its end`() throws {
        var life = try Life(seed: 8)
        try life.fill(3_000, keys: 2_000, tombstones: 1)
        let end = try life.newestBase
        try Self.compact(try life.log, Self.limits(tombstonesBefore: .max))
        try Self.expect(life.log, life.oracle(below: end, tombstonesBefore: .max))
        let tip = try life.log.tip(.durable)
        try life.reopen()
        #expect(try life.log.recovery.damage.isEmpty)
        try life.fill(10, keys: 3)
        #expect(life.put[3_000].ordinal > tip)
        try Self.expect(life.log, life.oracle(below: end, tombstonesBefore: .max))
        life.store.abandon()
    }

    @Test(arguments: [400, 3_000, 20_000])
    func `a table with little room makes more passes, and the newest of each key stays`(tableByteCount: Int) throws {
        var life = try Life(seed: 4)
        try life.fill(3_000, keys: 1_000, tombstones: 10)
        var limits = Self.limits(tombstonesBefore: .max)
        limits.tableByteLimit = tableByteCount
        try Self.compact(try life.log, limits)
        let (records, gaps) = try life.log.readAll(level: .durable)
        #expect(gaps.isEmpty)
        var newest: [[UInt8]: UInt64] = [:], left: [[UInt8]: UInt64] = [:]
        for (ordinal, _, record) in life.put { newest[record.key] = record.data.isEmpty ? nil : ordinal }
        for (ordinal, record) in records { left[record.key] = record.data.isEmpty ? nil : ordinal }
        #expect(left == newest)
        if tableByteCount > 1_000 { #expect(records.count < 2_500) }
        life.store.abandon()
    }

    @Test func `it begins when enough is new`() throws {
        var life = try Life(seed: 5)
        try life.fill(2_000, keys: 3_000)
        try Self.compact(try life.log, Self.limits(share: 0.5))
        #expect(try life.log.readAll(level: .durable).records.count < life.put.count)
        try life.fill(400, keys: 3_000)
        #expect(try life.log.keyCompactStep(Self.limits(share: 0.5)) == .nothing)
        #expect(try life.log.keyCompactStep(Self.limits(share: 0.05)) != .nothing)
        life.store.abandon()
    }

    @Test func `merging before and after, and retention, go with it`() throws {
        var life = try Life(seed: 6)
        var limits = CompactionLimits()
        limits.blockByteCount = life.harness.configuration.bufferByteCount
        for round in 0..<3 {
            try life.fill(1_200, keys: 50)
            for _ in 0..<20 { _ = try life.log.compactStep(limits) }
            let end = try life.newestBase
            try Self.compact(try life.log, Self.limits())
            for _ in 0..<20 { _ = try life.log.compactStep(limits) }
            if round < 2 { try Self.expect(life.log, life.oracle(below: end), "round \(round)") }
        }
        let end = try life.newestBase
        let middle = life.put[life.put.count * 3 / 4]
        var sweep = RetentionLimits()
        sweep.expiredBefore = middle.arrival
        let horizon = try life.log.sweep(sweep).horizon
        #expect(horizon <= middle.ordinal)
        try Self.expect(life.log, life.oracle(below: end).filter { $0.ordinal >= horizon })
        try life.store.close()
        try Self.verify(life)
    }

    @Test func `views that are held stay what they are, and their readers go on to what is left`() throws {
        var life = try Life(seed: 9)
        try life.fill(1_500, keys: 30)
        let log = try life.log
        life.store.dropCache()
        var cursor = log.cursor(at: life.put[200].ordinal, level: .durable)
        guard case .records(let count) = try cursor.fetch(), let bytes = cursor.heldBytes(count: count) else { throw LogError.closed }
        let end = try life.newestBase
        try Self.compact(log, Self.limits())
        #expect(cursor.heldBytes(count: count) == bytes)
        var ordinals: [UInt64] = []
        while let _: Bool = try cursor.withBatch({ batch throws(LogError) in
            while let view = batch.next() { ordinals.append(view.ordinal) }
            return true
        }) {}
        let held = life.put[200..<200 + count].map(\.ordinal)
        #expect(ordinals == held + life.oracle(below: end).map(\.ordinal).filter { $0 > held[held.count - 1] })
        life.store.abandon()
    }

    /// Whatever is left of a pass: nothing is missing that is the newest of its key, nothing else appears, order and bytes hold.
    private static func judge(_ life: Life, _ log: ShardLog, tombstonesBefore: UInt64, _ what: String) throws {
        let (records, gaps) = try log.readAll(level: .durable)
        #expect(gaps.isEmpty, "\(what): \(gaps)")
        var byOrdinal: [UInt64: PlainRecord] = [:]
        var newest: [[UInt8]: (UInt64, Bool)] = [:]
        for (ordinal, arrival, record) in life.put {
            byOrdinal[ordinal] = record
            newest[record.key] = (ordinal, record.data.isEmpty && arrival < tombstonesBefore)
        }
        var last: UInt64 = 0
        var left: [[UInt8]: UInt64] = [:]
        for (ordinal, record) in records {
            #expect(ordinal > last && byOrdinal[ordinal] == record, "\(what): record \(ordinal)")
            last = ordinal
            left[record.key] = ordinal
        }
        for (key, (ordinal, mayGo)) in newest {
            // Where a tombstone is gone, so is everything older.
            #expect(left[key] == ordinal || mayGo && left[key] == nil, "\(what): \(String(decoding: key, as: UTF8.self)), \(left[key] ?? 0)")
        }
    }

    @Test(arguments: 0..<12)
    func `whenever the power fails in a pass, the newest of every key is there, and no deleted one comes back`(seed: UInt64) throws {
        var life = try Life(seed: seed)
        try life.fill(700, keys: 25, tombstones: 4)
        let dice = SeededEntropy(seed: seed)
        let calls = Guarded(0)
        let states = Guarded<[ShadowIO]>([])
        let disk = life.harness.disk
        disk.fault = { _, _, _ in
            let isDue = calls.withLock { calls in
                calls += 1
                return calls % 6 == Int(seed) % 6
            }
            if isDue {
                let state = disk.crash(entropy: dice)
                states.withLock { $0.append(state) }
            }
            return nil
        }
        try Self.compact(try life.log, Self.limits(tombstonesBefore: 1_000_500))
        disk.fault = nil
        states.withLock { $0.append(disk.crash(entropy: dice)) }
        #expect(states.withLock { $0.count } > 5)
        for (number, state) in states.withLock({ $0 }).enumerated() {
            let again = Harness(disk: state)
            again.clock.restart(bootIdentity: (9, 9))
            let opened = try again.open(create: false)
            defer { opened.abandon() }
            let log = try opened.log(1)
            #expect(log.recovery.damage.isEmpty)
            try Self.judge(life, log, tombstonesBefore: 1_000_500, "state \(number)")
            // It begins once more, and comes to its end.
            try Self.compact(log, Self.limits(tombstonesBefore: 1_000_500))
            try Self.judge(life, log, tombstonesBefore: 1_000_500, "state \(number), once more")
        }
        life.store.abandon()
    }

    @Test func `any call that fails leaves the newest of every key, and a later step goes on`() throws {
        var isOver = false
        for call in 1...2_000 where !isOver && call % 5 == 1 {
            var life = try Life(seed: 3)
            defer { life.store.abandon() }
            try life.fill(400, keys: 25, tombstones: 4)
            let calls = Guarded(0)
            life.harness.disk.fault = { operation, _, _ in
                let number = calls.withLock { calls in
                    calls += 1
                    return calls
                }
                return number == call ? (operation == .allocate ? 28 : 5) : nil
            }
            let log = try life.log
            do throws(LogError) {
                for _ in 0..<30 { _ = try log.keyCompactStep(Self.limits(tombstonesBefore: .max)) }
            } catch {}
            isOver = calls.withLock { $0 } < call
            life.harness.disk.fault = nil
            try life.reopen(closes: false)
            try Self.judge(life, life.log, tombstonesBefore: .max, "call \(call)")
            try Self.compact(try life.log, Self.limits(tombstonesBefore: .max))
            // The log was sealed by recovery: another segment has begun behind everything.
            let end = try life.newestBase
            try Self.expect(life.log, life.oracle(below: end, tombstonesBefore: .max), "call \(call)")
        }
        #expect(isOver)
    }

    @Test func `what stands in front of a damaged block keeps its tombstones, and nothing that can be read is lost`() throws {
        var life = try Life(seed: 11)
        try life.fill(1_500, keys: 30, tombstones: 4)
        try life.store.close()
        // A byte in the middle of the oldest segment's blocks.
        let name = try SweptLog.files(life.harness).sorted()[0]
        let disk = life.harness.disk
        let root = try disk.openDirectory(at: "/store", create: false), logs = try disk.openDirectory("logs", in: root, create: false)
        let directory = try disk.openDirectory(FileNames.log(1), in: logs, create: false)
        let file = try disk.openFile(name, in: directory, writable: true)
        let bytes = AlignedMemory(byteCount: 64)
        try bytes.withMemory { memory throws(IOError) in
            memory.fill(0x55)
            try disk.write(file, at: 20_000, [memory])
        }
        for handle in [directory, logs, root] { disk.close(handle) }
        disk.close(file)
        life.store = try life.harness.open(create: false)
        let log = try life.log
        let before = try log.readAll(level: .durable)
        #expect(!before.gaps.isEmpty)
        try Self.compact(log, Self.limits(tombstonesBefore: .max))
        let after = try log.readAll(level: .durable)
        #expect(after.gaps == before.gaps)
        var left: [[UInt8]: UInt64] = [:]
        for (ordinal, record) in after.records { left[record.key] = ordinal }
        for (ordinal, record) in before.records where left[record.key] != ordinal {
            #expect(left[record.key].map { $0 > ordinal } ?? false, "\(record) at \(ordinal)")
        }
        #expect(after.records.count < before.records.count)
        life.store.abandon()
    }
}
