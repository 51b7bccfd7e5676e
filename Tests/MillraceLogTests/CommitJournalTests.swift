import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Synchronization
import Testing

/// Aim: several logs become durable by one sync, and nothing that was acknowledged so is lost, shown twice, or shown in a later life of a
/// file. Method: logs on a disk in memory that loses power and keeps nothing but what was synced; the journal's sync made to fail.
@Suite struct CommitJournalTests {
    /// Three logs with a record each that their own syncs made durable, and a journal.
    private struct Trio {
        var harness = Harness()
        let store: LogStore
        let logs: [ShardLog]
        var expected: [[PlainRecord]] = [[], [], []]

        init(_ harness: Harness = Harness()) throws {
            self.harness = harness
            let store = try harness.open()
            self.store = store
            logs = try [1, 2, 3].map { try store.createLog($0) }
            // The first commit finds no journal and asks for one.
            try put("first")
            store.commitStep(logs)
            #expect(try store.prepareStep() == (harness.configuration.commitJournalByteCount > 0))
        }

        mutating func put(_ text: String, to chosen: [Int] = [0, 1, 2]) throws {
            for index in chosen {
                let record = PlainRecord("k\(index)", text)
                _ = try logs[index].append(record)
                expected[index].append(record)
                try logs[index].wait(.written, below: logs[index].tip(.published))
            }
        }
        mutating func commit(_ text: String, to chosen: [Int] = [0, 1, 2]) throws {
            try put(text, to: chosen)
            store.commitStep(chosen.map { logs[$0] })
            for index in chosen { #expect(logs[index].tip(.durable) == logs[index].tip(.published)) }
        }

        /// The disk as a power loss leaves it that takes everything that was not synced.
        func left() -> Harness {
            let left = Harness(disk: harness.disk.crash(mask: 0))
            left.clock.restart(bootIdentity: (5, 5))
            var copy = left
            copy.configuration = harness.configuration
            return copy
        }

        func judge(_ harness: Harness) throws {
            let again = try harness.open(create: false)
            defer { again.abandon() }
            for index in 0..<3 {
                let found = try again.log(UInt64(index + 1)).readAll(level: .durable)
                #expect(found.records.map(\.record) == expected[index] && found.gaps.isEmpty, "log \(index + 1)")
            }
        }
    }

    @Test func `logs that are committed together cost one sync, and survive power loss`() throws {
        var trio = try Trio()
        defer { trio.store.abandon() }
        let syncs = trio.harness.disk.callCount(.sync)
        try trio.commit("second")
        try trio.commit("third")
        #expect(trio.harness.disk.callCount(.sync) == syncs + 2)
        #expect(trio.store.commitCount == 2)
        let left = trio.left()
        #expect(try StoreVerification.run(at: "/store", io: left.disk).isClean, "verification looks at it as the opening will")
        try trio.judge(left)
        // The opening has brought the segments up to date.
        try trio.judge(Harness(disk: left.disk))
    }

    @Test func `a log alone, and a store without a journal, sync their own files`() throws {
        var trio = try Trio()
        try trio.commit("alone", to: [1])
        #expect(trio.store.commitCount == 0)
        try trio.judge(trio.left())
        trio.store.abandon()
        var harness = Harness()
        harness.configuration.commitJournalByteCount = 0
        var none = try Trio(harness)
        try none.commit("second")
        #expect(none.store.commitCount == 0)
        try none.judge(none.left())
        none.store.abandon()
    }

    @Test func `a half is written again once the logs in it have synced, over and over, and power may fail at any time`() throws {
        var harness = Harness()
        harness.configuration.commitJournalByteCount = 24 << 10
        var trio = try Trio(harness)
        defer { trio.store.abandon() }
        for number in 0..<120 {
            try trio.commit(String(repeating: "\(number) ", count: 40), to: number % 3 == 0 ? [0, 1] : number % 3 == 1 ? [1, 2] : [0, 1, 2])
            if number % 7 == 0 { try trio.judge(trio.left()) }
        }
        #expect(trio.store.commitCount > 60)
    }

    @Test func `a commit goes on behind a segment's end, and what is too large for the journal is synced where it stands`() throws {
        var trio = try Trio()
        defer { trio.store.abandon() }
        for number in 0..<40 {
            try trio.commit(String(repeating: "x", count: number % 5 == 4 ? 300_000 : 3_000))
            if number % 8 == 5 { try trio.judge(trio.left()) }
        }
        #expect(trio.store.commitCount > 8)
        try trio.judge(trio.left())
    }

    @Test func `a journal whose sync fails is given up: the logs sync by themselves, and what it held stays`() throws {
        var trio = try Trio()
        defer { trio.store.abandon() }
        try trio.commit("kept by the journal")
        trio.harness.disk.fault = { operation, name, _ in operation == .sync && name.contains("JOURNAL") ? 5 : nil }
        try trio.commit("kept by its segment")
        trio.harness.disk.fault = nil
        try trio.commit("the same")
        #expect(trio.store.commitCount == 1)
        try trio.judge(trio.left())
    }

    @Test func `a log whose own sync fails keeps what the journal holds of it`() throws {
        var trio = try Trio()
        defer { trio.store.abandon() }
        try trio.commit("kept by the journal")
        _ = try trio.logs[0].append(PlainRecord("k0", "never acknowledged"))
        trio.harness.disk.fault = { operation, name, _ in operation == .sync && !name.contains("JOURNAL") ? 5 : nil }
        #expect(throws: LogError.self) { _ = trio.logs[0].flushStep(); _ = try trio.logs[0].syncStep() }
        trio.harness.disk.fault = nil
        try trio.commit("the others go on", to: [1, 2])
        try trio.judge(trio.left())
    }

    @Test func `a log that failed holds one half, and the other logs go on with the other`() throws {
        var harness = Harness()
        harness.configuration.commitJournalByteCount = 24 << 10
        var trio = try Trio(harness)
        defer { trio.store.abandon() }
        try trio.commit("kept by the journal")
        trio.harness.disk.fault = { operation, name, _ in operation == .sync && !name.contains("JOURNAL") ? 5 : nil }
        #expect(throws: LogError.self) { try trio.logs[0].syncStep() }
        trio.harness.disk.fault = nil
        for number in 0..<100 {
            try trio.commit(String(repeating: "\(number) ", count: 60), to: [1, 2])
            if number % 10 == 0 { try trio.judge(trio.left()) }
        }
        #expect(trio.store.commitCount > 60)
    }

    @Test func `a close beside a log whose own sync failed leaves the journal what it holds of it`() throws {
        var trio = try Trio()
        try trio.commit("kept by the journal")
        trio.harness.disk.fault = { operation, name, _ in operation == .sync && !name.contains("JOURNAL") ? 5 : nil }
        #expect(throws: LogError.self) { try trio.logs[0].syncStep() }
        trio.harness.disk.fault = nil
        // Nothing that was put to it is lost, so the close has nothing to complain of.
        try trio.store.close()
        try trio.judge(trio.left())
    }

    @Test func `after a clean close the journal is void, and is used again by the next opening`() throws {
        var trio = try Trio()
        try trio.commit("second")
        try trio.store.close()
        let again = try trio.harness.open(create: false)
        defer { again.abandon() }
        let logs = try [1, 2, 3].map { try again.log($0) }
        for log in logs {
            let ordinal = try log.append(PlainRecord("k", "after"))
            try log.wait(.durable, below: ordinal + 1)
        }
        for log in logs {
            _ = try log.append(PlainRecord("k", "committed"))
            _ = log.flushStep()
        }
        again.commitStep(logs)
        #expect(again.commitCount == 1, "without being made anew")
    }

    @Test func `a log that is removed and made again does not get back what the journal holds of the first one`() throws {
        var trio = try Trio()
        defer { trio.store.abandon() }
        try trio.commit("of the first life")
        #expect(try trio.store.removeLog(2))
        let again = try trio.store.createLog(2)
        let ordinal = try again.append(PlainRecord("k", "of the second"))
        try again.wait(.durable, below: ordinal + 1)
        let left = try trio.left().open(create: false)
        defer { left.abandon() }
        #expect(try left.log(2).readAll(level: .durable).records.map(\.record) == [PlainRecord("k", "of the second")])
    }

    @Test func `power lost while the journal is copied into the segments loses nothing either`() throws {
        var trio = try Trio()
        defer { trio.store.abandon() }
        try trio.commit("second")
        try trio.commit("third")
        let left = trio.left()
        for call in 1...12 {
            let disk = left.disk.kill()
            disk.fault = { operation, _, count in operation == .write && count >= call || operation == .sync && count >= call ? 5 : nil }
            let harness = Harness(disk: disk)
            if let store = try? harness.open(create: false) { store.abandon() }
            disk.fault = nil
            for seed in 0..<8 {
                let again = Harness(disk: disk.crash(entropy: SeededEntropy(seed: UInt64(seed))))
                again.clock.restart(bootIdentity: (6, 6))
                try trio.judge(again)
            }
        }
    }

    // MARK: With threads

    @Test(arguments: [2, 5, 16]) func `threads that put single records durably on many logs share syncs, and every record is there`(
        logCount: Int
    ) throws {
        let directory = TemporaryDirectory()
        var configuration = LogConfiguration()
        configuration.commitJournalByteCount = 256 << 10
        let store = try LogStore(
            at: directory.path, create: true, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(), configuration: configuration)
        let logs = try (1...logCount).map { try store.createLog(UInt64($0)) }
        let threadCount = 16, each = 200
        let failures = Atomic<Int>(0)
        let threads = (0..<threadCount).map { number in
            WorkerThread(name: "writer-\(number)") {
                let log = logs[number % logCount]
                for index in 0..<each {
                    do {
                        let ordinal = try ConcurrencyTests.append(log, ConcurrencyTests.record(number, index))
                        try log.wait(.durable, below: ordinal + 1)
                        if log.tip(.durable) <= ordinal { failures.add(1, ordering: .relaxed) }
                    } catch {
                        failures.add(1, ordering: .relaxed)
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(failures.load(ordering: .relaxed) == 0)
        // As after the death of the process.
        store.abandon()
        let again = try LogStore(
            at: directory.path, create: false, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(), configuration: configuration)
        var count = 0
        for number in 1...logCount {
            var next = [Int](repeating: 0, count: threadCount)
            for (_, record) in try again.log(UInt64(number)).readAll(level: .durable).records {
                // Safe because bytes have no padding.
                let (producer, index) = unsafe ConcurrencyTests.parse(record.data.span.bytes)
                #expect(next[producer] == index)
                next[producer] = index + 1
                count += 1
            }
        }
        #expect(count == threadCount * each)
        try again.close()
    }

    @Test func `tasks that put single records durably on many logs are all resumed`() async throws {
        let directory = TemporaryDirectory()
        let store = try LogStore(
            at: directory.path, create: true, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(),
            configuration: LogConfiguration())
        let logs = try (1...8).map { try store.createLog(UInt64($0)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<32 {
                group.addTask {
                    let log = logs[number % 8]
                    for index in 0..<100 {
                        let ordinal = try ConcurrencyTests.append(log, ConcurrencyTests.record(number, index))
                        try await log.waitAsync(.durable, below: ordinal + 1)
                        #expect(log.tip(.durable) > ordinal)
                    }
                }
            }
            try await group.waitForAll()
        }
        try store.close()
    }
}
