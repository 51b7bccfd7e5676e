import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Aim: who finds a turn taken relies on its holder, and who waits is found by whoever advances a level: neither is
/// forgotten. Method: the block is put at the moment in which a note is being written, by a hook of the disk; and tasks
/// that begin to wait while another thread makes their record durable, once and not again. `MILLRACE_ROUNDS=n` sets how
/// many rounds.
@Suite struct TurnTests {
    /// A log whose oldest segments a sweep can remove.
    static func fourSegments() throws -> (Harness, LogStore, ShardLog) {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        while log.segmentCount < 4 {
            let ordinal = try log.append(PlainRecord("k", String(repeating: "x", count: 900)))
            try log.wait(.durable, below: ordinal + 1)
        }
        return (harness, store, log)
    }

    /// True for the first caller alone.
    final class Once: Sendable {
        private let isTaken = Atomic<Bool>(false)
        func take() -> Bool { !isTaken.exchange(true, ordering: .sequentiallyConsistent) }
    }

    @Test func `a block encoded while a note is written is written behind it, and both are whole`() throws {
        for length in [10, 700, 3_000] {
            let harness = Harness()
            let store = try harness.open()
            let log = try store.createLog(1)
            try log.wait(.durable, below: try log.append(PlainRecord("k", "first")) + 1)
            let once = Once()
            let cuts = Guarded(0)
            harness.disk.fault = { operation, _, _ in
                guard operation == .write, once.take() else { return nil }
                // The note's writer has the turn: another thread cuts, encodes, and finds it taken.
                let thread = WorkerThread(name: "other") {
                    for index in 0..<3 {
                        _ = try? log.append(PlainRecord("k", "\(index)" + String(repeating: "x", count: length)))
                    }
                    while log.flushStep() == .progress { cuts.withLock { $0 += 1 } }
                }
                thread.join()
                return nil
            }
            #expect(try log.idleStep())
            harness.disk.fault = nil
            #expect(cuts.withLock { $0 } > 0)
            #expect(log.tip(.published) - log.tip(.durable) <= 3)
            #expect(log.tip(.written) == log.tip(.published), "the block waits for nobody's turn")
            try log.wait(.durable, below: log.tip(.published))
            #expect(try StoreVerification.run(at: "/store", io: harness.disk).isClean)
            let killed = Harness(disk: harness.disk.kill())
            for log in [log, try killed.open().log(1)] {
                let texts = try log.readAll(level: .durable).records.map { $0.record.data.count }
                #expect(texts == [5, length + 1, length + 1, length + 1])
            }
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [0, 1])
    func `who writes a note writes one run behind it, and others the rest`(workerCount: Int) throws {
        var harness = Harness()
        harness.configuration.workerCount = workerCount
        let store = try harness.open()
        let log = try store.createLog(1)
        try log.wait(.durable, below: try log.append(PlainRecord("k", "first")) + 1)
        let isFed = Guarded(false), feeds = Atomic<Int>(0)
        isFed.withLock { $0 = true }
        harness.disk.fault = { operation, _, _ in
            guard operation == .write, isFed.withLock({ $0 }), feeds.load(ordering: .relaxed) < 50 else { return nil }
            // During each write another thread encodes one more block and finds the turn taken.
            let thread = WorkerThread(name: "other") {
                feeds.add(1, ordering: .relaxed)
                _ = try? log.append(PlainRecord("k", "next"))
                _ = log.flushStep()
            }
            thread.join()
            return nil
        }
        while try !log.idleStep() { usleep(1_000) }
        isFed.withLock { $0 = false }
        if workerCount == 0 {
            // One in each of the note's writes, one in the run's.
            let count = feeds.load(ordering: .relaxed)
            #expect((2...3).contains(count))
            _ = log.flushStep()
        }
        let end = log.tip(.published)
        for _ in 0..<500 where log.tip(.written) < end { usleep(10_000) }
        #expect(log.tip(.written) >= end)
        harness.disk.fault = nil
        try store.close()
        #expect(try StoreVerification.run(at: "/store", io: harness.disk).isClean)
    }

    @Test(.timeLimit(.minutes(1))) func `a sweep has its turn behind the run that is being written, however many follow`() throws {
        let (harness, store, log) = try Self.fourSegments()
        let isOver = Atomic<Bool>(false), isWriting = Atomic<Bool>(false)
        harness.disk.fault = { operation, _, _ in
            guard operation == .write, !isOver.load(ordering: .relaxed) else { return nil }
            isWriting.store(true, ordering: .sequentiallyConsistent)
            usleep(3_000)
            return nil
        }
        // Always one that writes and one that has a block ready for it.
        let writers = (0..<2).map { number in
            WorkerThread(name: "writer-\(number)") {
                while !isOver.load(ordering: .relaxed) {
                    _ = try? log.append(PlainRecord("k", String(repeating: "y", count: 900)))
                    _ = log.flushStep()
                }
            }
        }
        while !isWriting.load(ordering: .sequentiallyConsistent) { usleep(100) }
        var limits = RetentionLimits()
        for _ in 0..<3 {
            limits.oldestSegmentCount = 1
            let outcome = try log.sweep(limits)
            #expect(outcome.removedSegmentCount >= 1 && !outcome.isMore)
        }
        isOver.store(true, ordering: .relaxed)
        for writer in writers { writer.join() }
        harness.disk.fault = nil
        try store.close()
        #expect(try StoreVerification.run(at: "/store", io: harness.disk).isClean)
    }

    @Test(.timeLimit(.minutes(1))) func `a sweep that has waited for a run that fails writes nothing into the log`() throws {
        let (harness, store, log) = try Self.fourSegments()
        let writeCount = Guarded(0)
        harness.disk.fault = { operation, _, _ in
            guard operation == .write else { return nil }
            let number = writeCount.withLock { count in
                count += 1
                return count
            }
            guard number == 1 else { return nil }
            // Long enough for the sweep to come.
            usleep(200_000)
            return 5
        }
        let writer = WorkerThread(name: "writer") {
            _ = try? log.append(PlainRecord("k", "lost"))
            _ = log.flushStep()
        }
        while writeCount.withLock({ $0 }) == 0 { usleep(100) }
        var limits = RetentionLimits()
        limits.oldestSegmentCount = 1
        let outcome = try? log.sweep(limits)
        writer.join()
        #expect(outcome?.removedSegmentCount ?? 0 == 0)
        #expect(writeCount.withLock { $0 } == 1)
        harness.disk.fault = nil
        store.abandon()
    }

    @Test(.timeLimit(.minutes(1))) func `a task whose record a sweep has written and synced is told so`() async throws {
        let (harness, store, log) = try Self.fourSegments()
        let once = Once(), isWaiting = Guarded(false), isResumed = Guarded(false)
        harness.disk.fault = { operation, _, _ in
            guard operation == .write, once.take() else { return nil }
            // The sweep has the turn for its note: who cuts and encodes now leaves the writing to it.
            let thread = WorkerThread(name: "other") {
                guard let ordinal = try? log.append(PlainRecord("k", "waited for")) else { return }
                Task {
                    isWaiting.withLock { $0 = true }
                    try await log.waitAsync(.durable, below: ordinal + 1)
                    isResumed.withLock { $0 = true }
                }
                for _ in 0..<500 where !isWaiting.withLock({ $0 }) { usleep(10_000) }
                usleep(50_000)
                _ = log.flushStep()
            }
            thread.join()
            return nil
        }
        var limits = RetentionLimits()
        limits.oldestSegmentCount = 1
        let outcome = try log.sweep(limits)
        harness.disk.fault = nil
        #expect(outcome.removedSegmentCount == 1)
        #expect(log.tip(.durable) == log.tip(.published))
        for _ in 0..<300 where !isResumed.withLock({ $0 }) { try await Task.sleep(nanoseconds: 10_000_000) }
        #expect(isResumed.withLock { $0 })
        // So that the task ends in any case.
        try store.close()
    }

    @Test func `notes and blocks of several threads leave a log in order`() throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        let isOver = Atomic<Bool>(false)
        let steppers = (0..<2).map { number in
            WorkerThread(name: "step-\(number)") {
                while !isOver.load(ordering: .relaxed) {
                    if number == 0 { _ = try? log.idleStep() } else { _ = log.flushStep() }
                }
            }
        }
        let count = 3_000
        for index in 0..<count {
            let ordinal = try ConcurrencyTests.append(log, ConcurrencyTests.record(0, index))
            if index % 16 == 0 { try log.wait(.durable, below: ordinal + 1) }
        }
        isOver.store(true, ordering: .relaxed)
        for stepper in steppers { stepper.join() }
        try store.close()
        #expect(try StoreVerification.run(at: "/store", io: harness.disk).isClean)
        let again = try harness.open()
        let records = try again.log(1).readAll(level: .durable).records
        let numbers = records.map { record in
            (0..<8).reduce(0) { $0 | Int(record.record.data[8 + $1]) << (8 * $1) }
        }
        #expect(numbers == Array(0..<count))
        try again.close()
    }

    /// Makes a record durable when told, exactly once; says when somebody who waits for it is not told.
    private final class Maker: Sendable {
        let wanted = Atomic<UInt64>(0)
        let resumed = Atomic<UInt64>(0)
        let forgotten = Atomic<Int>(0)
        let isOver = Atomic<Bool>(false)

        func run(_ log: ShardLog, waiters: UInt64) {
            var made: UInt64 = 0
            let clock = SystemClock()
            while !isOver.load(ordering: .acquiring) {
                let round = wanted.load(ordering: .acquiring)
                guard round > made else { continue }
                made = round
                for _ in 0..<round % 400 { if isOver.load(ordering: .relaxed) { return } }
                _ = log.flushStep()
                _ = try? log.syncStep()
                let deadline = clock.steadyNanoseconds() + 30_000_000_000
                while resumed.load(ordering: .acquiring) < round * waiters, !isOver.load(ordering: .relaxed) {
                    guard clock.steadyNanoseconds() > deadline else { continue }
                    // So that the test ends: whoever is still there is told now.
                    forgotten.add(1, ordering: .relaxed)
                    _ = try? log.syncStep()
                    break
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `no task is forgotten that begins to wait while its record becomes durable`() async throws {
        let rounds = UInt64(Fixtures.number("MILLRACE_ROUNDS") ?? 2_000)
        let waiters: UInt64 = 4
        let store = try Harness().open()
        let log = try store.createLog(1)
        let maker = Maker()
        let thread = WorkerThread(name: "maker") { maker.run(log, waiters: waiters) }
        for round in 1...rounds where maker.forgotten.load(ordering: .relaxed) == 0 {
            let ordinal = try log.append(PlainRecord("k", "v"))
            maker.wanted.store(round, ordering: .releasing)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<waiters {
                    group.addTask {
                        try await log.waitAsync(.durable, below: ordinal + 1)
                        maker.resumed.add(1, ordering: .releasing)
                    }
                }
                try await group.waitForAll()
            }
        }
        maker.isOver.store(true, ordering: .releasing)
        thread.join()
        #expect(maker.forgotten.load(ordering: .relaxed) == 0)
        try store.close()
    }
}
