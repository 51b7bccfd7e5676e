import Foundation
import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: many logs are made at once for one sync, with what `createLog` promises for each, and cost nothing until they are
/// used. Method: every state that power loss may leave of a disk in memory; handles, bytes and times counted of a real one.
/// `MILLRACE_IDLE_LOGS=n` sets how many logs that has, and prints what they cost.
@Suite struct MakingLogsTests {
    @Test func `logs made at once are durable together, for one sync, and none of them is open`() throws {
        let harness = Harness()
        let store = try harness.open()
        let before = (harness.disk.openHandleCount, harness.disk.callCount(.syncDirectory))
        try store.createLogs(Array(1...200))
        #expect(harness.disk.openHandleCount == before.0)
        #expect(harness.disk.callCount(.syncDirectory) == before.1 + 1)
        #expect(store.openLogs.isEmpty)
        for seed in 1...20 as ClosedRange<UInt64> {
            let crashed = Harness(disk: harness.disk.crash(entropy: SeededEntropy(seed: seed)))
            let again = try crashed.open(create: false)
            #expect(try again.logIDs() == Array(1...200))
            try again.log(seed * 7).append(PlainRecord("k", "v"))
            try again.close()
        }
        try store.createLogs([])
        try store.close()
        #expect(throws: LogError.closed) { try store.createLogs([201]) }
    }

    @Test func `power lost while logs are made leaves each of them whole or absent`() throws {
        let harness = Harness()
        let store = try harness.open()
        let states = Guarded<[ShadowIO]>([])
        harness.disk.fault = { [weak disk = harness.disk] operation, _, call in
            guard let disk, operation == .openDirectory || operation == .syncDirectory else { return nil }
            for seed in 0..<4 as Range<UInt64> {
                let state = disk.crash(entropy: SeededEntropy(seed: UInt64(call) << 8 | seed))
                states.withLock { $0.append(state) }
            }
            return nil
        }
        try store.createLogs(Array(1...8))
        harness.disk.fault = nil
        #expect(states.withLock { $0.count } >= 36)
        for state in states.withLock({ $0 }) {
            let again = try Harness(disk: state).open(create: false)
            for id in try again.logIDs() { #expect(try again.log(id).readAll(level: .durable).records.isEmpty) }
            // Making them again is the remedy.
            try again.createLogs(Array(1...8))
            #expect(try again.logIDs() == Array(1...8))
            try again.close()
        }
        try store.close()
    }

    @Test func `logs that cannot all be made leave nothing open, and making them again makes the rest`() throws {
        let harness = Harness()
        let store = try harness.open()
        let before = harness.disk.openHandleCount
        for call in 1...6 {
            let start = harness.disk.callCount(.openDirectory), syncs = harness.disk.callCount(.syncDirectory)
            harness.disk.fault = { operation, _, number in
                operation == .openDirectory && number == start + call || call == 6 && operation == .syncDirectory && number == syncs + 1
                    ? 28 : nil
            }
            do throws(LogError) {
                try store.createLogs(Array(1...5))
                Issue.record("call \(call) did not fail")
            } catch {
                guard case .io = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
            #expect(harness.disk.openHandleCount == before)
            // Its name may be there, and not stay.
            #expect(throws: LogError.self) { try store.log(1) }
        }
        harness.disk.fault = nil
        try store.createLogs(Array(1...5))
        #expect(try store.logIDs() == Array(1...5))
        _ = try store.log(1)
        try store.close()
    }

    @Test func `a log that a dead process left without a sync stays, with what is appended to it later`() throws {
        let first = Harness()
        let dying = try first.open()
        first.disk.fault = { operation, _, _ in operation == .syncDirectory ? 5 : nil }
        #expect(throws: LogError.self) { try dying.createLog(1) }
        dying.abandon()
        let second = Harness(disk: first.disk.kill())
        let store = try second.open(create: false)
        let log = try store.log(1)
        try log.wait(.durable, below: try log.append(PlainRecord("k", "v")) + 1)
        store.abandon()
        var options = CrashOptions()
        options.keepProbability = 0
        let again = try Harness(disk: second.disk.crash(options, entropy: SeededEntropy(seed: 1))).open(create: false)
        defer { again.abandon() }
        #expect(try again.log(1).readAll(level: .durable).records.count == 1)
    }

    @Test func `a log that was never appended to holds no file, directory or memory for records when it is in use`() throws {
        var harness = Harness()
        harness.configuration.workerCount = 1
        let store = try LogStore(
            at: "/store", create: true, io: harness.disk, clock: SystemClock(), entropy: harness.entropy,
            configuration: harness.configuration)
        try store.createLogs(Array(1...50))
        let before = (harness.disk.openHandleCount, store.residentByteCount)
        let logs = try (1...50 as ClosedRange<UInt64>).map { try store.log($0) }
        for log in logs { #expect(try log.readAll(level: .published).records.isEmpty) }
        #expect(harness.disk.openHandleCount == before.0)
        #expect(store.residentByteCount == before.1)
        // In use afterwards as any other.
        for log in logs { try log.wait(.durable, below: try log.append(PlainRecord("k", "v")) + 1) }
        try store.close()
        let again = try Harness(disk: harness.disk).open()
        for id in 1...50 as ClosedRange<UInt64> { #expect(try again.log(id).readAll(level: .durable).records.count == 1) }
        try again.close()
    }

    private struct Sample {
        let byteCount: Int
        let descriptors: Int
        let seconds: Double
        /// Memory that is the process's own, and what it has open.
        init() {
            let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
            byteCount = fields.count > 2 ? ((Int(fields[1]) ?? 0) - (Int(fields[2]) ?? 0)) * 4096 : 0
            descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
            seconds = Double(SystemClock().steadyNanoseconds()) / 1e9
        }
    }

    #if os(Linux)
        @Test func `ten thousand idle logs cost little, and nothing while nobody uses them`() throws {
            let count = Fixtures.number("MILLRACE_IDLE_LOGS") ?? 2_000
            let directory = TemporaryDirectory()
            func open() throws -> LogStore {
                try LogStore(
                    at: directory.path, create: true, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy())
            }
            let ids = (1...count).map { UInt64($0) }
            var times: [(String, Double)] = []
            func time<Value>(_ what: String, _ body: () throws -> Value) throws -> Value {
                let before = Sample().seconds
                defer { times.append((what, (Sample().seconds - before) * 1000)) }
                return try body()
            }
            do {
                let store = try open()
                try time("make them, in tens") {
                    for first in stride(from: 0, to: count, by: 10) {
                        try store.createLogs(Array(ids[first..<min(first + 10, count)]))
                    }
                }
                try time("make 1,000 at once") {
                    try store.createLogs((1...1_000).map { UInt64(count + $0) })
                }
                try store.close()
            }
            let empty = Sample()
            let store = try time("open the store") { try open() }
            let opened = Sample()
            #expect(store.openLogs.isEmpty)
            let logs = try time("use them") { try ids.map { try store.log($0) } }
            let used = Sample()
            let byteCount = (used.byteCount - opened.byteCount) / count
            // Other tests run beside this one: bounds far above what is printed.
            #expect(used.descriptors - opened.descriptors < 200)
            #expect(byteCount < 64 << 10)
            try time("remove 1,000") {
                for number in 1...1_000 { try store.removeLog(UInt64(count + number)) }
            }
            try time("close") { try store.close() }
            if Fixtures.number("MILLRACE_IDLE_LOGS") != nil {
                print("\(count) idle logs; opening the store \(opened.byteCount - empty.byteCount) bytes, each log in use \(byteCount)")
                for (what, milliseconds) in times { print("  \(what): \(milliseconds) ms") }
            }
            withExtendedLifetime(logs) {}
        }
    #endif
}
