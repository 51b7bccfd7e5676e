import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: a step of compaction leaves the processor to others, and lets sweeps go on meanwhile. Method: what others would do is done where
/// the step rests, by hand; and all at once on threads.
@Suite struct PacedCompactionTests {
    /// Calls `body` at the first rest of a step.
    private static func pace(_ clock: any Clock, _ body: @escaping () -> Void) -> StepPace {
        var isDone = false
        return StepPace(clock: clock, processors: nil, workNanoseconds: 0) { _ in
            if !isDone { body() }
            isDone = true
            return true
        }
    }

    private static func read(_ log: ShardLog) throws -> [UInt64] {
        try log.readAll(level: .durable).records.map(\.ordinal)
    }

    @Test func `a step works for a moment and rests three times as long, until it is hurried`() throws {
        let clock = ManualClock()
        var rests: [Int64] = []
        var isHurried = false
        let pace = StepPace(clock: clock, processors: nil, workNanoseconds: 1_000_000) { nanoseconds in
            rests.append(nanoseconds)
            clock.advance(nanoseconds: nanoseconds)
            return !isHurried
        }
        clock.advance(nanoseconds: 999_999)
        pace.pause()
        #expect(rests == [])
        clock.advance(nanoseconds: 1)
        pace.pause()
        pace.pause()
        #expect(rests == [3_000_000])
        clock.advance(nanoseconds: 5_000_000)
        isHurried = true
        pace.pause()
        clock.advance(nanoseconds: 5_000_000)
        pace.pause()
        #expect(rests == [3_000_000, 15_000_000])
        #expect(pace.restedNanoseconds == 18_000_000)
        #expect(pace.owedNanoseconds() == 15_000_000)
    }

    @Test(arguments: [(cores: 1, factor: 19.0), (2, 9), (3, 17.0 / 3), (4, 4), (5, 3), (64, 3)])
    func `while the process keeps all cores busy a step takes a twentieth of them, at most a quarter of one`(
        cores: Int, factor: Double
    ) {
        let clock = ManualClock()
        let spent = Guarded<Int64>(77)
        var rests: [Int64] = []
        var busyShare = 0.0
        let pace = StepPace(clock: clock, processors: Processors(count: cores) { spent.withLock { $0 } }) { nanoseconds in
            rests.append(nanoseconds)
            clock.advance(nanoseconds: nanoseconds)
            spent.withLock { $0 += Int64(busyShare * Double(cores) * Double(nanoseconds)) }
            return true
        }
        func work() {
            clock.advance(nanoseconds: 2_000_000)
            spent.withLock { $0 += Int64(busyShare * Double(cores) * 2_000_000) }
            pace.pause()
        }
        work()
        busyShare = 0.74
        work()
        busyShare = 0.76
        work()
        work()
        #expect(rests == [6_000_000, 6_000_000, 6_000_000, Int64(2_000_000 * factor)])
        busyShare = 0
        work()
        work()
        #expect(rests.last == 6_000_000)
    }

    @Test func `a sweep removes the segments in front of those that a step is working on`() throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        let ordinals = try SweptLog.fill(log, 0..<40)
        var limits = CompactionLimits()
        limits.coldBefore = .max
        // The first ten records will soon be gone, and stay out of it.
        limits.expiringBefore = 1010
        var outcome: SweepOutcome?
        let pace = Self.pace(harness.clock) { outcome = try? log.sweep(SweptLog.limits(expiredBefore: 1009)) }
        let step = try log.compactStep(limits, pace: pace)
        #expect(step != .nothing && step != .busy)
        let swept = try #require(outcome)
        #expect(swept.removedSegmentCount > 1 && !swept.isMore, "\(swept)")
        #expect(try Self.read(log) == Array(ordinals[9...]))
        try store.close()
        #expect(try StoreVerification.run(at: "/store", io: harness.disk).isClean)
        #expect(try Self.read(harness.open().log(1)) == Array(ordinals[9...]))
    }

    @Test(arguments: [false, true])
    func `a sweep leaves the segments that a step is working on, and the next one takes what the step made of them`(
        isKeyed: Bool
    ) throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        // A block for each record, most of them with a newer one of their key.
        var ordinals: [UInt64] = []
        for number in 0..<900 {
            let data = String(repeating: "record \(number) ", count: 20)
            let ordinal = try log.append(PlainRecord("k\(number % 5)", data), arrival: 1000 + UInt64(number))
            try log.wait(.durable, below: ordinal + 1)
            ordinals.append(ordinal)
        }
        var limits = CompactionLimits()
        limits.blockByteCount = harness.configuration.bufferByteCount
        let sweep = SweptLog.limits(expiredBefore: 1600)
        var outcome: SweepOutcome?
        let pace = Self.pace(harness.clock) { outcome = try? log.sweep(sweep) }
        let step = try isKeyed ? log.keyCompactStep(KeyCompactionLimits(), pace: pace) : log.compactStep(limits, pace: pace)
        if !isKeyed, case .compacted = step {} else if !isKeyed { Issue.record("\(step)") }
        #expect(try #require(outcome).isMore && outcome?.removedSegmentCount == 0)
        // Readers do not wait for the files to go.
        #expect(log.trimHorizon == ordinals[600])
        #expect(try Self.read(log) == Array(ordinals[600...]))
        let next = try log.sweep(sweep)
        #expect(!next.isMore)
        if isKeyed { #expect(next.removedSegmentCount > 0) }
        let files = try SweptLog.files(harness).count
        #expect(files == next.keptSegmentCount)
        #expect(try Self.read(log) == Array(ordinals[600...]))
        try store.close()
        #expect(try StoreVerification.run(at: "/store", io: harness.disk).isClean)
    }

    @Test func `a step gives up when all that it works on has expired meanwhile`() throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        let ordinals = try SweptLog.fill(log, 0..<40)
        let files = try SweptLog.files(harness).count
        var limits = CompactionLimits()
        limits.coldBefore = .max
        var rests = 0
        let pace = StepPace(clock: harness.clock, processors: nil, workNanoseconds: 0) { _ in
            rests += 1
            if rests == 1 { _ = try? log.sweep(SweptLog.limits(expiredBefore: 1039)) }
            return true
        }
        #expect(try log.compactStep(limits, pace: pace) == .nothing)
        #expect(rests == 1)
        #expect(try SweptLog.files(harness).count == files)
        #expect(try log.sweep(SweptLog.limits(expiredBefore: 1039)).removedSegmentCount > 0)
        #expect(try Self.read(log) == Array(ordinals[39...]))
        try store.close()
        #expect(try StoreVerification.run(at: "/store", io: harness.disk).isClean)
    }

    @Test func `readers, a producer, sweeps and compaction at once disturb each other in nothing`() async throws {
        let directory = TemporaryDirectory()
        var configuration = Harness.smallConfiguration
        configuration.workerCount = 2
        configuration.leastRecycledByteCount = 32 << 10
        let store = try LogStore(
            at: directory.path, create: true, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(),
            configuration: configuration)
        let log = try store.createLog(1)
        let isOver = Guarded(false), compacted = Guarded(0)
        let count: UInt64 = 4_000
        let failures = Guarded<[String]>([])
        // Threads, which get their turn however busy the tasks' own are.
        func keep(_ step: @escaping @Sendable () throws(LogError) -> Void) -> WorkerThread {
            WorkerThread(name: "upkeep") {
                while !isOver.withLock({ $0 }) {
                    do throws(LogError) { try step() } catch { return failures.withLock { $0.append("\(error)") } }
                }
            }
        }
        let upkeep = [
            keep { () throws(LogError) in
                var limits = RetentionLimits()
                let newest = log.lastArrival
                limits.expiredBefore = newest > 2_000 ? newest - 2_000 : 0
                _ = try log.sweep(limits)
            },
            keep { () throws(LogError) in
                var compaction = CompactionLimits()
                compaction.blockByteCount = 4096
                compaction.rawByteLimit = 256 << 10
                if case .compacted = try log.compactStep(compaction) { compacted.withLock { $0 += 1 } }
            },
        ]
        await withTaskGroup(of: String?.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    var cursor = log.cursor(at: 0, level: .published)
                    var last: UInt64 = 0
                    while true {
                        let isLast = isOver.withLock { $0 }
                        do throws(LogError) {
                            var wrong: String?
                            let more: Bool? = try cursor.withBatch { batch throws(LogError) in
                                while let view = batch.next() {
                                    // Nothing is missing but what a sweep has taken, which is declared.
                                    if last > 0, view.ordinal != last + 1 { wrong = "\(view.ordinal) after \(last)" }
                                    last = view.ordinal
                                    let number = view.data.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                                    if number != view.arrivalMilliseconds { wrong = "record \(view.ordinal) is another" }
                                }
                                return true
                            }
                            if let wrong { return wrong }
                            if more == nil {
                                if isLast { return nil }
                                cursor.seek(to: log.trimHorizon)
                                last = 0
                                await Task.yield()
                            }
                        } catch {
                            guard case .gap(let gap) = error, gap.cause == .trimmed else { return "\(error)" }
                            last = 0
                        }
                    }
                }
            }
            group.addTask {
                defer { isOver.withLock { $0 = true } }
                do throws(LogError) {
                    // However seldom the others get their turn.
                    for number in 1...20 * count {
                        if number > count, compacted.withLock({ $0 > 0 }) { break }
                        let head = (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * UInt64($0))) }
                        let ordinal = try log.append(
                            PlainRecord(key: [1], data: head + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 300)),
                            arrival: number)
                        if number % 3 == 0 { try log.wait(.durable, below: ordinal + 1) }
                    }
                    return nil
                } catch { return "\(error)" }
            }
            for await wrong in group { #expect(wrong == nil) }
        }
        for thread in upkeep { thread.join() }
        #expect(failures.withLock { $0 } == [])
        #expect(compacted.withLock { $0 } > 0)
        #expect(log.segmentCount < 60)
        try store.close()
        let verification = try StoreVerification.run(at: directory.path, io: PosixIO())
        #expect(verification.findings.filter { $0.severity == .damage }.isEmpty, "\(verification.findings)")
    }
}
