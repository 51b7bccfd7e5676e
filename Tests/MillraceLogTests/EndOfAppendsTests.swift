import MillraceIO
import MillraceLog
import MillraceTestKit
import Synchronization
import Testing

/// Aim: a log whose appends were ended takes nothing more, from an exact ordinal on, and whoever reads it learns that
/// nothing comes. Method: by hand for what is answered; threads and tasks for what is exact while others append and wait.
@Suite struct EndOfAppendsTests {
    private static let record = PlainRecord("k", "v")
    private static let loads = Atomic<Int>(0)

    /// Passes some nanoseconds each.
    private func spin(_ count: Int) { for _ in 0..<count { _ = Self.loads.load(ordering: .sequentiallyConsistent) } }

    @Test func `an ended log refuses every way to append, and is read and made durable as before`() throws {
        let store = try Harness().open()
        let log = try store.createLog(1)
        for number in 0..<10 { try log.append(PlainRecord("k", "\(number)")) }
        #expect(!log.isEnded)
        #expect(log.endOrdinal == nil)
        let end = log.endAppends()
        #expect(end == log.tip(.published))
        #expect(log.isEnded)
        #expect(log.endOrdinal == end)
        #expect(throws: LogError.ended) { try log.append(Self.record) }
        #expect(throws: LogError.ended) { try log.append([Self.record, Self.record]) }
        #expect(throws: LogError.ended) { try log.append(key: RawSpan(), data: RawSpan(), arrival: 1, reaching: .durable) }
        #expect(throws: LogError.ended) {
            try log.append(arrival: 1, reaching: .written) { sink throws(LogError) in
                try sink.add(key: RawSpan(), data: RawSpan())
            }
        }
        try log.wait(.durable, below: end)
        #expect(try log.readAll(level: .durable).records.count == 10)
        #expect(log.endAppends() == end)
        #expect(store.heldForWritingByteCount == 0, "an ended log holds no buffer for more")
        try store.close()
        #expect(throws: LogError.closed) { try log.append(Self.record) }
    }

    @Test func `appends that were resumed go on right behind the end`() throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        try log.append(Self.record)
        let end = log.endAppends()
        log.resumeAppends()
        #expect(!log.isEnded)
        #expect(try log.append(Self.record) == end)
        try log.wait(.durable, below: end + 1)
        log.resumeAppends()
        #expect(try log.append(Self.record) == end + 1)
        try store.close()
        let again = try harness.open()
        #expect(try again.log(1).readAll(level: .durable).records.count == 3)
        #expect(try !again.log(1).isEnded)
        try again.close()
    }

    @Test func `a log that was ended while its disk was full answers ended, and the full disk again when resumed`() throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        try log.append(Self.record)
        harness.disk.capacityByteCount = 0
        guard case .blocked = log.flushStep() else {
            Issue.record("the disk is not full")
            return
        }
        let end = log.endAppends()
        #expect(throws: LogError.ended) { try log.append(Self.record) }
        guard case .full = try store.spaceState() else {
            Issue.record("the ended log hides that its disk is full")
            return
        }
        harness.disk.capacityByteCount = .max
        try log.wait(.durable, below: end)
        log.resumeAppends()
        #expect(try log.append(Self.record) == end)
        try store.close()
    }

    @Test func `a log that failed answers ended when it was ended, and its failure when resumed`() throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        try log.append(Self.record)
        harness.disk.fault = { operation, _, _ in operation == .sync ? 5 : nil }
        #expect(throws: LogError.self) { try log.wait(.durable, below: log.tip(.published)) }
        harness.disk.fault = nil
        _ = log.endAppends()
        #expect(throws: LogError.ended) { try log.append(Self.record) }
        log.resumeAppends()
        do throws(LogError) {
            try log.append(Self.record)
            Issue.record("a frozen log takes a record")
        } catch {
            guard case .frozen = error else {
                Issue.record("\(error)")
                return
            }
        }
        store.abandon()
    }

    /// A batch that runs holds the writer role; what comes meanwhile is queued.
    @Test func `of what is queued when a log is ended all is below the end or refused`() throws {
        for round in 0..<20 {
            let store = try Harness().open()
            let log = try store.createLog(1)
            let isInside = Atomic<Bool>(false), mayGoOn = Atomic<Bool>(false)
            let holder = WorkerThread(name: "holder") {
                _ = try? log.append(arrival: 1) { sink throws(LogError) in
                    try sink.add(key: RawSpan(), data: RawSpan())
                    isInside.store(true, ordering: .releasing)
                    while !mayGoOn.load(ordering: .acquiring) { spin(1) }
                }
            }
            while !isInside.load(ordering: .acquiring) { spin(1) }
            let end = Atomic<UInt64>(0)
            let kept = Guarded<[UInt64]>([]), refused = Atomic<Int>(0), others = Atomic<Int>(0)
            let producers = (0..<8).map { number in
                WorkerThread(name: "queued-\(number)") {
                    if number == 4 {
                        end.store(log.endAppends(), ordering: .releasing)
                        return
                    }
                    do throws(LogError) {
                        let range = try log.append([PlainRecord("\(number)", "a"), PlainRecord("\(number)", "b")])
                        kept.withLock { $0 += Array(range) }
                    } catch {
                        if error == .ended { refused.add(1, ordering: .relaxed) } else { others.add(1, ordering: .relaxed) }
                    }
                }
            }
            spin(round * 2_000)
            mayGoOn.store(true, ordering: .releasing)
            for thread in [holder] + producers { thread.join() }
            let ordinals = kept.withLock { $0.sorted() }
            #expect(others.load(ordering: .relaxed) == 0)
            #expect(ordinals.count / 2 + refused.load(ordering: .relaxed) == 7)
            #expect(end.load(ordering: .acquiring) == log.tip(.published))
            #expect(ordinals.allSatisfy { $0 < log.tip(.published) })
            #expect(try log.readAll(level: .published).records.count == ordinals.count + 1)
            try store.close()
        }
    }

    @Test func `however many append, each append is below the end or refused with nothing appended`() throws {
        let place = ConcurrencyTests()
        let store = try place.open()
        let log = try store.createLog(1)
        let isOver = Atomic<Bool>(false)
        let kept = Guarded<[UInt64]>([])
        let wrong = Atomic<Int>(0)
        let producers = (0..<3).map { producer in
            WorkerThread(name: "producer-\(producer)") {
                var mine: [UInt64] = []
                var number = 0
                while !isOver.load(ordering: .relaxed) {
                    number += 1
                    do throws(LogError) {
                        let record = ConcurrencyTests.record(producer, number)
                        if number % 3 == 0 {
                            mine += Array(try log.append([record, record]))
                        } else {
                            mine.append(try log.append(record))
                        }
                    } catch {
                        if error == .ended { spin(50) } else if case .wouldBlock = error {
                            log.waitForRoom(nanoseconds: 1_000_000)
                        } else {
                            wrong.add(1, ordering: .relaxed)
                        }
                    }
                }
                kept.withLock { $0 += mine }
            }
        }
        var moved = 0
        for round in 0..<300 {
            spin(round * 20)
            let end = log.endAppends()
            spin(2_000)
            if log.tip(.published) != end { moved += 1 }
            if round % 10 == 0 { try log.wait(.durable, below: end) }
            log.resumeAppends()
        }
        let end = log.endAppends()
        isOver.store(true, ordering: .relaxed)
        for producer in producers { producer.join() }
        #expect(moved == 0)
        #expect(wrong.load(ordering: .relaxed) == 0)
        #expect(log.tip(.published) == end)
        try log.wait(.durable, below: end)
        let ordinals = kept.withLock { $0.sorted() }
        #expect(try log.readAll(level: .durable).records.map(\.ordinal) == ordinals)
        try store.close()
        withExtendedLifetime(place) {}
    }

    // MARK: Who waits

    @Test(arguments: Level.allCases) func `a thread and a task that wait at the end are told, each at its level`(level: Level) async throws {
        let store = try Harness().open()
        let log = try store.createLog(1)
        try log.append(Self.record)
        try log.wait(.durable, below: log.tip(.published))
        let tip = log.tip(.published)
        let sawRecord = Atomic<Bool>(false)
        let thread = WorkerThread(name: "waits") {
            sawRecord.store(log.cursor(at: tip, level: level).wait(), ordering: .releasing)
        }
        let task = Task { try await log.waitForRecordAsync(after: tip, level) }
        try await Task.sleep(nanoseconds: 20_000_000)
        let end = log.endAppends()
        #expect(end == tip)
        thread.join()
        try await task.value
        // And who comes later does not wait at all.
        let late = log.cursor(at: end, level: level).wait()
        let saw = (sawRecord.load(ordering: .acquiring), late)
        #expect(saw == (false, false))
        try await log.waitForRecordAsync(after: end, level)
        try store.close()
    }

    @Test func `who waits for durable records of an ended log gets them before he is told of the end`() async throws {
        let store = try Harness().open()
        let log = try store.createLog(1)
        let first = try log.append(Self.record)
        let isDone = Atomic<Bool>(false)
        let task = Task {
            try await log.waitForRecordAsync(after: first, .durable)
            isDone.store(true, ordering: .releasing)
        }
        let own = Task { try await log.waitAsync(.durable, below: first + 1) }
        try await Task.sleep(nanoseconds: 20_000_000)
        let end = log.endAppends()
        try await Task.sleep(nanoseconds: 20_000_000)
        let isEarly = isDone.load(ordering: .acquiring)
        #expect(!isEarly)
        #expect(log.tip(.durable) < end)
        try log.wait(.durable, below: end)
        try await task.value
        try await own.value
        var cursor = log.cursor(at: first, level: .durable)
        let found = try cursor.fetch()
        #expect(found == .records(1))
        try store.close()
    }

    @Test func `waking the readers wakes each of them without a record, and nobody else`() async throws {
        let store = try Harness().open()
        let log = try store.createLog(1)
        let first = try log.append(Self.record)
        let woken = Guarded(0), settled = Guarded(0)
        var readers: [Task<Void, any Error>] = []
        for level in Level.allCases {
            readers.append(Task {
                try await log.waitForRecordAsync(after: first + 5, level)
                woken.withLock { $0 += 1 }
            })
        }
        let thread = WorkerThread(name: "waits") {
            _ = log.cursor(at: first + 5, level: .durable).wait()
            woken.withLock { $0 += 1 }
        }
        let own = Task {
            try await log.waitAsync(.durable, below: first + 1)
            settled.withLock { $0 += 1 }
        }
        // Again, because one that only begins to wait is not woken by what was before.
        while woken.withLock({ $0 }) < 4 {
            try await Task.sleep(nanoseconds: 5_000_000)
            log.wakeReaders()
        }
        for reader in readers { try await reader.value }
        thread.join()
        #expect(woken.withLock { $0 } == 4)
        #expect(settled.withLock { $0 } == 0)
        try log.wait(.durable, below: first + 1)
        try await own.value
        try store.close()
    }

    @Test(.timeLimit(.minutes(2)))
    func `no reader is forgotten that begins to wait while the log is ended`() async throws {
        let store = try Harness().open()
        let log = try store.createLog(1)
        let tip = log.tip(.published)
        let begun = Atomic<Int>(0), ended = Atomic<Int>(0)
        let rounds = 1_000
        let ender = WorkerThread(name: "ender") {
            for round in 1...rounds {
                while begun.load(ordering: .acquiring) < round {}
                spin(round % 300)
                _ = log.endAppends()
                ended.store(round, ordering: .releasing)
            }
        }
        for round in 1...rounds {
            let blocking = WorkerThread(name: "waits") {
                begun.store(round, ordering: .releasing)
                _ = log.cursor(at: tip, level: .durable).wait()
            }
            async let first: Void = log.waitForRecordAsync(after: tip, .published)
            async let second: Void = log.waitForRecordAsync(after: tip, .durable)
            _ = try await (first, second)
            blocking.join()
            while ended.load(ordering: .acquiring) < round {}
            log.resumeAppends()
        }
        ender.join()
        try store.close()
    }
}
