import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: compaction changes where records stand and nothing else. Method: a log on a disk in memory, steps by hand.
@Suite struct CompactionTests {
    private struct Seen: Equatable {
        let ordinal: UInt64
        let arrival: UInt64
        let mark: UInt8
        let record: PlainRecord
    }

    private static func read(_ log: ShardLog, from ordinal: UInt64 = 0) throws -> [Seen] {
        var cursor = log.cursor(at: ordinal, level: .durable)
        var seen: [Seen] = []
        while true {
            let more: Bool? = try cursor.withBatch { batch throws(LogError) in
                while let view = batch.next() {
                    let record = PlainRecord(key: view.key.bytes, data: view.data.bytes)
                    seen.append(Seen(ordinal: view.ordinal, arrival: view.arrivalMilliseconds, mark: batch.lastMark, record: record))
                }
                return true
            }
            if more == nil { return seen }
        }
    }

    /// A log of records that were each made durable alone: a block for each.
    private static func fill(_ log: ShardLog, _ count: Int, from first: Int = 0) throws {
        let dice = SeededEntropy(seed: UInt64(first) + 1)
        for number in first..<first + count {
            if number % 50 == 0 { log.setMark { UInt8(number / 50 % 2) } }
            let text = "{\"flight\":\(number),\"from\":\"BOS\",\"to\":\"JFK\",\"delay\":\(dice.next(below: 90)),\"carrier\":\"XY\"}"
            let ordinal = try log.append(PlainRecord("k\(number % 7)", text), arrival: 1_000_000 + UInt64(number * 10))
            try log.wait(.durable, below: ordinal + 1)
        }
    }

    private static func limits(_ harness: Harness) -> CompactionLimits {
        var limits = CompactionLimits()
        limits.blockByteCount = harness.configuration.bufferByteCount
        return limits
    }

    /// Steps until nothing is left to do; how many segments became others.
    @discardableResult
    private static func compact(_ log: ShardLog, _ limits: CompactionLimits) throws -> Int {
        var count = 0
        for _ in 0..<100 {
            switch try log.compactStep(limits) {
            case .compacted(let segments, let before, let after, _):
                #expect(after <= before)
                count += segments
            case .nothing: return count
            case .notWorth: continue
            case .busy: Issue.record("nobody else is at work")
            }
        }
        Issue.record("compaction finds no end")
        return count
    }

    @Test func `a block for each record becomes full blocks, with every record, number, time and mark as it was`() throws {
        let harness = Harness()
        var store = try harness.open()
        var log = try store.createLog(1)
        try Self.fill(log, 2_000)
        let before = try Self.read(log)
        let space = try log.sweep(RetentionLimits())
        #expect(try Self.compact(log, Self.limits(harness)) > 3)
        let after = try log.sweep(RetentionLimits())
        #expect(after.keptByteCount * 2 < space.keptByteCount && after.keptSegmentCount < space.keptSegmentCount)
        #expect(try Self.read(log) == before)
        for number in stride(from: 0, to: 2_000, by: 97) {
            var cursor = log.cursor(at: before[number].ordinal, level: .durable)
            #expect(try cursor.withBatch { batch throws(LogError) in batch.next()?.ordinal } == before[number].ordinal)
            try cursor.seek(toArrival: before[number].arrival)
            #expect(cursor.position == before[number].ordinal)
        }
        try store.close()
        let verification = try StoreVerification.run(at: "/store", io: harness.disk)
        #expect(verification.findings.isEmpty, "\(verification.findings)")
        store = try harness.open(create: false)
        defer { store.abandon() }
        log = try store.log(1)
        #expect(log.recovery.wasClean && log.recovery.damage.isEmpty)
        #expect(try Self.read(log) == before)
        try Self.fill(log, 20, from: 3_000)
        #expect(try Self.read(log).count == before.count + 20)
        // What is there is not worth it again.
        #expect(try Self.compact(log, Self.limits(harness)) < 3)
    }

    @Test func `cold segments are compressed better, and only once`() throws {
        let harness = Harness()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        try Self.fill(log, 3_000)
        try Self.compact(log, Self.limits(harness))
        let before = try Self.read(log)
        let warm = try log.sweep(RetentionLimits()).keptByteCount
        var limits = Self.limits(harness)
        limits.coldBefore = 2_000_000
        #expect(try Self.compact(log, limits) > 0)
        let cold = try log.sweep(RetentionLimits()).keptByteCount
        #expect(cold < warm)
        #expect(try Self.read(log) == before)
        #expect(try log.compactStep(limits) == .nothing)
    }

    @Test func `a segment that will soon be gone is left alone`() throws {
        let harness = Harness()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        try Self.fill(log, 1_000)
        var limits = Self.limits(harness)
        limits.expiringBefore = 2_000_000
        #expect(try log.compactStep(limits) == .nothing)
    }

    @Test func `views that are held, and readers that stand anywhere, are not disturbed`() throws {
        let harness = Harness()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        try Self.fill(log, 1_000)
        let before = try Self.read(log)
        store.dropCache()
        var held: [(Int, [UInt8])] = []
        var cursors: [Holder] = []
        for number in [0, 1, 500, 777] {
            let holder = Holder(log.cursor(at: before[number].ordinal, level: .durable))
            guard case .records(let count) = try holder.cursor.fetch(), let bytes = holder.cursor.heldBytes(count: count) else {
                throw LogError.closed
            }
            held.append((count, bytes))
            cursors.append(holder)
        }
        try Self.compact(log, Self.limits(harness))
        for ((count, bytes), holder) in zip(held, cursors) { #expect(holder.cursor.heldBytes(count: count) == bytes) }
        // They go on where they stood.
        for (number, holder) in zip([0, 1, 500, 777], cursors) {
            var ordinals: [UInt64] = []
            while let more: Bool = try holder.cursor.withBatch({ batch throws(LogError) in
                while let view = batch.next() { ordinals.append(view.ordinal) }
                return true
            }), more {}
            #expect(ordinals == before[number...].map(\.ordinal))
        }
    }

    /// A cursor cannot be copied into an array.
    private final class Holder {
        var cursor: Cursor
        init(_ cursor: consuming Cursor) { self.cursor = cursor }
    }

    @Test(arguments: 0..<7)
    func `whenever the power fails in a compaction, every record is there once`(seed: UInt64) throws {
        let harness = Harness(seed: seed)
        let store = try harness.open()
        let log = try store.createLog(1)
        try Self.fill(log, 200)
        let before = try Self.read(log)
        let dice = SeededEntropy(seed: seed)
        let calls = Guarded(0)
        let states = Guarded<[ShadowIO]>([])
        let disk = harness.disk
        disk.fault = { _, _, _ in
            let isDue = calls.withLock { calls in
                calls += 1
                return calls % 7 == Int(seed % 7)
            }
            if isDue {
                let state = disk.crash(entropy: dice)
                states.withLock { $0.append(state) }
            }
            return nil
        }
        _ = try log.compactStep(Self.limits(harness))
        disk.fault = nil
        states.withLock { $0.append(disk.crash(entropy: dice)) }
        for state in states.withLock({ $0 }) {
            let again = Harness(disk: state)
            again.clock.restart(bootIdentity: (9, 9))
            let opened = try again.open(create: false)
            defer { opened.abandon() }
            let log = try opened.log(1)
            #expect(log.recovery.damage.isEmpty)
            #expect(try Self.read(log) == before)
            try Self.fill(log, 3, from: 5_000)
            #expect(try Self.read(log).count == before.count + 3)
        }
        store.abandon()
    }

    @Test func `any call that fails leaves the log as it was, and a later step does it`() throws {
        for call in 1...200 where call % 3 == 1 {
            let harness = Harness()
            let store = try harness.open()
            defer { store.abandon() }
            let log = try store.createLog(1)
            try Self.fill(log, 150)
            let before = try Self.read(log)
            let calls = Guarded(0)
            harness.disk.fault = { operation, _, _ in
                let number = calls.withLock { calls in
                    calls += 1
                    return calls
                }
                return number == call ? (operation == .allocate ? 28 : 5) : nil
            }
            var isRefused = false
            do throws(LogError) { _ = try log.compactStep(Self.limits(harness)) } catch { isRefused = true }
            let isOver = calls.withLock { $0 } < call
            harness.disk.fault = nil
            // Of a log that such a call has stopped, what was durable is read up to the error.
            let (records, gaps, _) = log.readUntilError(level: .durable)
            #expect(records.map(\.record) == before.map(\.record) && gaps.isEmpty, "call \(call)")
            store.abandon()
            let again = try Harness(disk: harness.disk.kill()).open(create: false)
            defer { again.abandon() }
            #expect(try Self.read(again.log(1)) == before, "call \(call)")
            if isOver {
                #expect(!isRefused)
                return
            }
        }
        Issue.record("a step makes more than 200 calls")
    }

    @Test func `segments whose last batch a crash has cut stay as they are, and verification finds nothing`() throws {
        let harness = Harness()
        var store = try harness.open()
        _ = try store.createLog(1)
        let dice = SeededEntropy(seed: 3)
        for _ in 0..<2 {
            // A batch over several buffers, of which only the full ones are written: none of it is there after the kill.
            let batch = (0..<22).map { number in
                PlainRecord(key: [UInt8(number)], data: (0..<400).map { _ in UInt8(truncatingIfNeeded: dice.next()) })
            }
            let log = try store.log(1)
            _ = try log.append(batch)
            while log.flushStep(partial: false) == .progress {}
            store.abandon()
            store = try harness.open(create: false)
        }
        let log = try store.log(1)
        let ordinal = try log.append(PlainRecord("k", "kept"))
        try log.wait(.durable, below: ordinal + 1)
        try Self.compact(log, Self.limits(harness))
        #expect(try Self.read(log).map(\.ordinal) == [ordinal])
        try store.close()
        let verification = try StoreVerification.run(at: "/store", io: harness.disk)
        #expect(verification.findings.filter { $0.severity == .damage }.isEmpty, "\(verification.findings)")
    }

    // MARK: The plan

    private static func facts(_ dice: SeededEntropy, _ count: Int) -> [SegmentFacts] {
        (0..<count).map { number in
            let raw = 1 << dice.next(below: 22), blocks = max(1, raw >> (6 + dice.next(below: 11)))
            let stored = max(64, raw / (1 + dice.next(below: 4)))
            var facts = SegmentFacts(
                baseOrdinal: UInt64(number * 1000), fileByteCount: max(1 << 16, stored * (1 + dice.next(below: 3))),
                blockByteCount: stored, rawByteCount: raw, blockCount: blocks, greatestArrival: UInt64(number * 1000))
            facts.isWhole = !dice.chance(0.05)
            return facts
        }
    }

    @Test(arguments: 0..<200)
    func `a plan comes to an end, keeps to its limits, and writes no byte anew more often than a logarithm`(seed: UInt64) {
        let dice = SeededEntropy(seed: seed)
        var limits = CompactionLimits()
        limits.rawByteLimit = 4 << 20
        var segments: [SegmentFacts] = []
        var written = 0, put = 0
        for round in 0..<60 {
            for var fresh in Self.facts(dice, 1 + dice.next(below: 4)) {
                fresh.greatestArrival += UInt64(round * 10_000)
                put += fresh.rawByteCount
                segments.append(fresh)
            }
            for step in 0... {
                guard let job = CompactionPlan.next(segments, limits) else { break }
                #expect(step < 200)
                let members = segments[job.range]
                let raw = members.reduce(0) { $0 + $1.rawByteCount }
                #expect(members.allSatisfy { $0.isWhole && $0.blockCount > 0 })
                #expect(raw <= limits.rawByteLimit || members.count == 1)
                written += raw
                let stored = members.reduce(0) { $0 + $1.blockByteCount }
                segments.replaceSubrange(job.range, with: [
                    SegmentFacts(
                        baseOrdinal: members.first!.baseOrdinal, fileByteCount: stored + 20_000, blockByteCount: stored,
                        rawByteCount: raw, blockCount: max(1, raw / limits.blockByteCount),
                        greatestArrival: members.last!.greatestArrival)
                ])
                if step >= 200 { return }
            }
        }
        #expect(written < put * 14)
    }

    // MARK: Names

    @Test func `of two files that hold the same records the one counts that was written later`() {
        let plain = [10, 20, 30, 40].map { SegmentName($0) }
        let two = SegmentName(10, through: 20, round: 1), three = SegmentName(10, through: 30, round: 2)
        let again = SegmentName(10, through: 30, round: 3), single = SegmentName(40, through: 40, round: 1)
        func resolved(_ names: [SegmentName]) -> [SegmentName] { SegmentName.resolve(names.map(\.text).reversed()).current }
        #expect(resolved(plain) == plain)
        #expect(resolved(plain + [two]) == [two, plain[2], plain[3]])
        #expect(resolved([plain[1], two, three, plain[3]]) == [three, plain[3]])
        #expect(resolved([three, again, single, plain[3]]) == [again, single])
        #expect(SegmentName.resolve(["x", "1.segment", "LOCK"]).current.isEmpty)
        for name in plain + [two, three, again, single] { #expect(FileNames.segmentName(name.text) == name) }
        for text in [
            "00000000000000000010-00000000000000000009-1.segment", "00000000000000000010-00000000000000000020-0.segment",
            "00000000000000000010-00000000000000000020-01.segment", "00000000000000000010-00000000000000000020.segment",
            "00000000000000000010-.segment", "-1.segment", "10-20-1.segment",
        ] { #expect(FileNames.segmentName(text) == nil, "\(text)") }
    }
}
