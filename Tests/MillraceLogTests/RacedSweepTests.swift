import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Aim: what is put while somebody looks for a time in a log counts for it. Method: a disk in memory that puts a record at the first
/// file that the search opens; the record is the first one of a new segment.
@Suite struct RacedSweepTests {
    /// Old records in closed files, and a put of a young one that waits for the next file to be opened.
    private static func prepare() throws -> (Harness, LogStore, ShardLog, young: @Sendable () -> UInt64?) {
        let harness = Harness()
        do {
            let store = try harness.open()
            let log = try store.createLog(1)
            for number in 0..<12 {
                let ordinal = try log.append(PlainRecord("k", "old \(number)"), arrival: 1000)
                try log.wait(.durable, below: ordinal + 1)
            }
            store.abandon()
        }
        // Recovery has sealed the segment: the next record begins one.
        let store = try harness.open(create: false)
        let log = try store.log(1)
        for segment in log.segments.segments { segment.closeFile() }
        let young = Guarded<UInt64?>(nil)
        let isArmed = Guarded(true)
        harness.disk.fault = { operation, _, _ in
            guard operation == .openFile, isArmed.withLock({ armed in
                defer { armed = false }
                return armed
            }) else { return nil }
            if let ordinal = try? log.append(PlainRecord("k", "young"), arrival: 9000) {
                try? log.wait(.durable, below: ordinal + 1)
                young.withLock { $0 = ordinal }
            }
            return nil
        }
        return (harness, store, log, { young.withLock { $0 } })
    }

    @Test func `a record put while a sweep looks for what is too old stays`() throws {
        let (_, store, log, young) = try Self.prepare()
        defer { store.abandon() }
        var limits = RetentionLimits()
        limits.expiredBefore = 5000
        let outcome = try log.sweep(limits)
        let ordinal = try #require(young())
        #expect(outcome.horizon <= ordinal)
        #expect(try log.readAll(level: .durable).records.map(\.ordinal).contains(ordinal))
        _ = try log.sweep(limits)
        #expect(try log.readAll(level: .durable).records.map(\.ordinal) == [ordinal])
    }

    @Test func `a record put while a cursor looks for its time is found`() throws {
        let (_, store, log, young) = try Self.prepare()
        defer { store.abandon() }
        var cursor = log.cursor(at: 0, level: .durable)
        try cursor.seek(toArrival: 5000)
        let next = try cursor.withBatch { batch throws(LogError) in batch.next()?.ordinal } ?? nil
        #expect(next != nil && next == young())
    }

    @Test(.timeLimit(.minutes(1))) func `a sweep does not stand behind syncs that follow one another without a pause`() throws {
        let disk = ShadowIO()
        var configuration = Harness.smallConfiguration
        configuration.workerCount = 1
        configuration.isCompressing = false
        configuration.leastRecycledByteCount = .max
        let store = try LogStore(at: "/store", create: true, io: disk, clock: SystemClock(), entropy: SystemEntropy(), configuration: configuration)
        let log = try store.createLog(1)
        disk.fault = { operation, _, _ in
            if operation == .sync { usleep(5_000) }
            return nil
        }
        let isOver = Guarded(false)
        let producers = (0..<3).map { _ in
            WorkerThread(name: "puts") {
                let record = PlainRecord("k", String(repeating: "x", count: 10_000))
                while !isOver.withLock({ $0 }) {
                    guard let ordinal = try? log.append(record), (try? log.wait(.durable, below: ordinal + 1)) != nil else { return }
                }
            }
        }
        var limits = RetentionLimits()
        limits.keptByteCount = 128 << 10
        var counts: [Int] = []
        for _ in 0..<40 {
            usleep(10_000)
            let before = log.syncCount
            if try log.sweep(limits).removedSegmentCount > 0 { counts.append(log.syncCount - before) }
        }
        isOver.withLock { $0 = true }
        for producer in producers { producer.join() }
        // The one that ran, and the one after it; seldom some more, because who sleeps looks again every 10 ms. Behind whoever comes there
        // were five on the average.
        #expect(counts.count > 10 && counts.reduce(0, +) * 2 <= counts.count * 7, "\(counts) syncs")
        try store.close()
    }
}
