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

/// Aim: bad input and bad luck end in a typed error with nothing lost. Method: a disk in memory that fails, fills up or is used
/// twice.
@Suite struct TroubleTests {
    /// The machine's time, and how often it was asked for.
    private final class CountingClock: Clock {
        private let base = SystemClock()
        let count = Atomic<Int>(0)
        func wallNanoseconds() -> Int64 { base.wallNanoseconds() }
        func steadyNanoseconds() -> Int64 {
            count.add(1, ordering: .relaxed)
            return base.steadyNanoseconds()
        }
        func bootIdentity() -> (UInt64, UInt64) { base.bootIdentity() }
    }

    /// Each turn of a thread asks for the time.
    @Test func `threads do not work on a log that failed with records it will never write`() async throws {
        let harness = Harness()
        var configuration = harness.configuration
        configuration.workerCount = 1
        let clock = CountingClock()
        let store = try LogStore(
            at: "/store", create: true, io: harness.disk, clock: clock, entropy: harness.entropy, configuration: configuration)
        let log = try store.createLog(1)
        harness.disk.fault = { operation, _, _ in operation == .write ? 5 : nil }
        let ordinals = try log.append((0..<20).map { PlainRecord("k", String(repeating: "\($0)", count: 3_000)) })
        await #expect(throws: LogError.self) { try await log.waitAsync(.durable, below: ordinals.upperBound) }
        let before = clock.count.load(ordering: .relaxed)
        try await Task.sleep(nanoseconds: 200_000_000)
        let asked = clock.count.load(ordering: .relaxed) - before
        #expect(asked < 500)
        store.abandon()
    }

    @Test func `a failed sync acknowledges nothing, is not retried, and reopening finds what was durable`() throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        let first = try log.append(PlainRecord("k", "kept"))
        try log.wait(.durable, below: first + 1)
        let second = try log.append(PlainRecord("k", "lost"))
        harness.disk.fault = { operation, _, _ in operation == .sync ? 5 : nil }
        func isFrozen(_ body: () throws -> Void) -> Bool {
            do { try body() } catch LogError.frozen(let cause) { return cause.errorNumber == 5 } catch {}
            return false
        }
        #expect(isFrozen { try log.wait(.durable, below: second + 1) })
        harness.disk.fault = nil
        #expect(isFrozen { try log.wait(.durable, below: second + 1) })
        #expect(isFrozen { try log.append(PlainRecord("k", "refused")) })
        #expect(log.tip(.durable) == first + 1)
        // What was durable is still read; behind it stands the error.
        var cursor = log.cursor(at: 0, level: .published)
        let count = try cursor.withBatch { batch throws(LogError) in batch.count }
        #expect(count == 1)
        cursor.seek(to: second)
        let isOver = isFrozen { _ = try cursor.fetch() }
        #expect(isOver)
        store.abandon()
        let again = try harness.open().log(1)
        #expect(try again.readAll(level: .durable).records.first?.record == PlainRecord("k", "kept"))
    }

    @Test func `a failed write freezes the log below it`() throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        let first = try log.append(PlainRecord("k", "kept"))
        try log.wait(.durable, below: first + 1)
        harness.disk.fault = { operation, _, _ in operation == .write ? 5 : nil }
        let second = try log.append(PlainRecord("k", "lost"))
        #expect(throws: LogError.self) { try log.wait(.written, below: second + 1) }
        harness.disk.fault = nil
        #expect(throws: LogError.self) { try log.append(PlainRecord("k", "refused")) }
        #expect(log.tip(.written) == second)
        store.abandon()
        #expect(try harness.open().log(1).readAll(level: .durable).records.count == 1)
    }

    @Test func `a full disk refuses with a typed error, loses nothing, and appending resumes when space returns`() throws {
        let disk = ShadowIO(capacityByteCount: 300 << 10)
        let harness = Harness(disk: disk)
        let store = try harness.open()
        let log = try store.createLog(1)
        var records: [PlainRecord] = []
        var isFull = false
        for number in 0..<4000 where !isFull {
            let record = PlainRecord("k", "\(number) " + String(repeating: "x", count: 10 + number % 100))
            let data = record.data + (0..<200).map { UInt8(truncatingIfNeeded: ($0 &* number &* 2654435761) >> 7) }
            let whole = PlainRecord(key: record.key, data: data)
            do throws(LogError) {
                let ordinal = try log.append(whole)
                records.append(whole)
                try log.wait(.durable, below: ordinal + 1)
            } catch {
                guard case .storageFull = error else { throw error }
                isFull = true
            }
        }
        #expect(isFull)
        // Reads go on; what was acknowledged is there.
        #expect(try log.readAll(level: .durable).records.count >= records.count - 1)
        disk.capacityByteCount = 10 << 20
        let ordinal = try log.append(PlainRecord("k", "again"))
        try log.wait(.durable, below: ordinal + 1)
        AppendAndReadTests.check(try log.readAll(level: .durable).records, records + [PlainRecord("k", "again")])
        try store.close()
    }

    @Test(.timeLimit(.minutes(1)))
    func `a log goes on after a full disk though a producer had its blocks in hand when a worker looked again`() throws {
        let disk = ShadowIO()
        var configuration = Harness.smallConfiguration
        configuration.workerCount = 1
        let store = try LogStore(
            at: "/store", create: true, io: disk, clock: SystemClock(), entropy: SeededEntropy(seed: 1), configuration: configuration)
        let log = try store.createLog(1)
        let isFull = Guarded(true), holder = Guarded<UInt?>(nil)
        disk.fault = { operation, _, _ in
            guard operation == .createFile || operation == .allocate, isFull.withLock({ $0 }) else { return nil }
            // The worker looks ten times a second.
            if holder.withLock({ $0 }) == Self.thread { usleep(400_000) }
            return 28
        }
        var last: UInt64 = 0
        var isRefused = false
        while !isRefused {
            do throws(LogError) {
                last = try log.append(PlainRecord("k", String(repeating: "x", count: 1_000)))
            } catch .storageFull {
                isRefused = true
            } catch {
                guard case .wouldBlock = error else { throw error }
                log.waitForRoom(nanoseconds: 1_000_000)
            }
        }
        let pending = last + 1
        let producer = WorkerThread(name: "producer") {
            holder.withLock { $0 = Self.thread }
            #expect(throws: LogError.self) { try log.wait(.written, below: pending) }
        }
        producer.join()
        isFull.withLock { $0 = false }
        let clock = SystemClock(), deadline = clock.steadyNanoseconds() + 5_000_000_000
        while isRefused, clock.steadyNanoseconds() < deadline {
            usleep(10_000)
            isRefused = (try? log.append(PlainRecord("k", "room"))) == nil
        }
        #expect(!isRefused)
        try store.close()
        #expect(try StoreVerification.run(at: "/store", io: disk).isClean)
    }

    @Test(.timeLimit(.minutes(1)), arguments: [0, 1], [23, 24] as [Int32])
    func `a log that may open no file refuses by that name, and goes on when it may again`(workerCount: Int, errorNumber: Int32) throws {
        let disk = ShadowIO()
        var configuration = Harness.smallConfiguration
        configuration.workerCount = workerCount
        let store = try LogStore(
            at: "/store", create: true, io: disk, clock: SystemClock(), entropy: SeededEntropy(seed: 1), configuration: configuration)
        let log = try store.createLog(1)
        let isShort = Guarded(true)
        disk.fault = { operation, _, _ in
            [.createFile, .openFile, .openDirectory].contains(operation) && isShort.withLock { $0 } ? errorNumber : nil
        }
        var records: [PlainRecord] = []
        /// nil when it was put, and is durable where that is waited for.
        func put(_ number: Int) -> LogError? {
            let record = PlainRecord("k", "\(number) " + String(repeating: "x", count: 900))
            do throws(LogError) {
                let ordinal = try log.append(record)
                records.append(record)
                try log.wait(.durable, below: ordinal + 1)
                return nil
            } catch { return error }
        }
        var refusal: LogError?
        for number in 0..<1_000 where refusal == nil { refusal = put(number) }
        guard case .io(let cause) = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        #expect(cause.errorNumber == errorNumber)
        // What stood there before can be read.
        #expect(try log.readAll(level: .durable).records.count == records.count - 1)
        isShort.withLock { $0 = false }
        let clock = SystemClock(), deadline = clock.steadyNanoseconds() + 5_000_000_000
        while let error = put(-1), clock.steadyNanoseconds() < deadline {
            guard case .io = error else { throw error }
            usleep(10_000)
        }
        AppendAndReadTests.check(try log.readAll(level: .durable).records, records)
        try store.close()
        #expect(try StoreVerification.run(at: "/store", io: disk).isClean)
    }

    private static var thread: UInt {
        #if canImport(Glibc)
            pthread_self()
        #else
            UInt(bitPattern: pthread_self())
        #endif
    }

    @Test func `a producer that outruns the flusher is told to wait, and goes on when there is room`() throws {
        var harness = Harness()
        harness.configuration.unwrittenByteLimit = 64 << 10
        let store = try harness.open()
        let log = try store.createLog(1)
        var appended = 0
        #expect(throws: LogError.self) {
            while appended < 100_000 {
                try log.append(PlainRecord("key", "some data that takes its room \(appended)"))
                appended += 1
            }
        }
        #expect(appended > 100)
        while log.flushStep() == .progress {}
        try log.append(PlainRecord("key", "there is room again"))
        #expect(try log.readAll(level: .published).records.count == appended + 1)
    }

    @Test func `a second writer is refused by name, and a stale lock does not block`() throws {
        let harness = Harness()
        let store = try harness.open()
        #expect(throws: LogError.locked(processID: "\(ProcessIdentity.current)")) { try harness.open() }
        store.abandon()
        _ = try harness.open()
    }

    @Test func `a directory that is not a store, and a log that is not there, are named`() throws {
        let harness = Harness()
        let root = try harness.disk.openDirectory(at: "/store", create: true)
        harness.disk.close(try harness.disk.createFile("letter.txt", in: root))
        do {
            _ = try harness.open()
            Issue.record("opened")
        } catch LogError.notAStore {}
        let other = Harness()
        do {
            _ = try other.open(create: false)
            Issue.record("opened")
        } catch LogError.io(let error) {
            #expect(error.errorNumber == 2)
        }
        #expect(throws: LogError.unknownLog(7)) { try other.open().log(7) }
    }
}
