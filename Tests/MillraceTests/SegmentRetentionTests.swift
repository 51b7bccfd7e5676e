import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Aim: what a stream keeps no longer leaves the disk, by its period, by bytes and by hand, and nobody sees a difference but in the
/// space. Method: time by hand, records whose texts say when they were put.
@Suite(.timeLimit(.minutes(4))) struct SegmentRetentionTests {
    private static let hour: Int64 = 3_600_000

    /// One record an hour that does not compress, so that segments fill; each durable.
    private static func put(_ store: StreamStore, hours: Int, _ clock: ManualClock, byteCount: Int = 9_000) throws {
        let dice = SeededEntropy(seed: 5)
        let stream = try store.stream("s")
        for _ in 0..<hours {
            let data = (0..<byteCount).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
            try stream.putBlocking(data.span, partitionKey: "k", explicitHashKey: HashKey(0))
            clock.advance(milliseconds: hour)
        }
    }

    /// Sweeps until nothing more can go at once: a thread of the store may just be writing.
    private static func sweep(_ store: StreamStore) throws -> SweepReport {
        var report = try store.sweepBlocking()
        for _ in 0..<1_000 where report.isMore {
            usleep(1_000)
            let more = try store.sweepBlocking()
            (report.removedSegmentCount, report.removedByteCount) =
                (report.removedSegmentCount + more.removedSegmentCount, report.removedByteCount + more.removedByteCount)
            report.isMore = more.isMore
        }
        return report
    }

    /// Bytes of the segment files of all shards.
    private static func byteCount(_ disk: ShadowIO) throws -> Int {
        let root = try disk.openDirectory(at: "/store", create: false)
        defer { disk.close(root) }
        let logs = try disk.openDirectory(FileNames.logs, in: root, create: false)
        defer { disk.close(logs) }
        var byteCount = 0
        for id in try disk.list(logs).compactMap(FileNames.logID) where id != LogStore.catalogueLogID {
            let log = try disk.openDirectory(FileNames.log(id), in: logs, create: false)
            defer { disk.close(log) }
            for name in try disk.list(log) {
                let file = try disk.openFile(name, in: log, writable: false)
                defer { disk.close(file) }
                byteCount += try disk.byteCount(of: file)
            }
        }
        return byteCount
    }

    @Test func `records leave the disk when their period is over, and readers see the same before and after`() throws {
        let test = TestStore()
        let store = try test.open()
        defer { store.abandon() }
        _ = try store.createStreamBlocking("s", shards: 1)
        let shard = try store.stream("s").shards[0]
        try Self.put(store, hours: 60, test.clock)
        let before = try shard.readAll(), space = try Self.byteCount(test.disk)
        #expect(before.count == 24)
        let first = try shard.readAll(from: .trimHorizon).first
        let report = try Self.sweep(store)
        #expect(report.removedSegmentCount > 8 && report.removedByteCount > 30 * 9_000 && !report.isMore)
        #expect(try shard.readAll() == before)
        #expect(try shard.readAll(from: .trimHorizon).first == first)
        #expect(try Self.byteCount(test.disk) == space - report.removedByteCount)
        // Nothing is due now, and no file is looked at.
        let opened = test.disk.callCount(.openFile)
        #expect(try Self.sweep(store).removedSegmentCount == 0)
        #expect(test.disk.callCount(.openFile) == opened)
    }

    @Test func `no segment spans more than an hour, so that an old record keeps its space for an hour at most`() throws {
        let test = TestStore()
        let store = try test.open()
        defer { store.abandon() }
        _ = try store.createStreamBlocking("s", shards: 1)
        // Small records: a segment would hold them all.
        try Self.put(store, hours: 30, test.clock, byteCount: 10)
        // Two to a segment, an hour apart; the first six are too old.
        #expect(try Self.sweep(store).removedSegmentCount == 3)
        test.clock.advance(milliseconds: 10 * Self.hour)
        #expect(try Self.sweep(store).removedSegmentCount == 5)
    }

    @Test func `an idle shard whose records have expired keeps one small file`() throws {
        let test = TestStore()
        let store = try test.open()
        defer { store.abandon() }
        _ = try store.createStreamBlocking("s", shards: 1)
        try Self.put(store, hours: 10, test.clock)
        test.clock.advance(milliseconds: 100 * Self.hour)
        #expect(try Self.sweep(store).removedSegmentCount > 0)
        #expect(try Self.byteCount(test.disk) == 16 << 10)
        try Self.put(store, hours: 1, test.clock)
        #expect(try store.stream("s").shards[0].readAll().count == 1)
    }

    @Test func `by bytes a shard keeps its newest records, however young the others are`() throws {
        var test = TestStore()
        test.options.retainedBytesPerShard = 300_000
        let store = try test.open()
        defer { store.abandon() }
        _ = try store.createStreamBlocking("s", shards: 2)
        let shard = try store.stream("s").shards[0]
        try Self.put(store, hours: 20, test.clock, byteCount: 40_000)
        let all = try shard.readAll()
        #expect(try Self.sweep(store).removedSegmentCount > 0)
        let kept = try shard.readAll()
        #expect(kept.count < all.count && kept == all.suffix(kept.count))
        #expect(kept.reduce(0) { $0 + $1.data.count } >= 200_000)
    }

    @Test func `what will soon go for want of bytes is not written anew`() throws {
        let state = RetentionState()
        func note(_ logID: UInt64, _ byteCount: Int, oldest: UInt64?) {
            var outcome = SweepOutcome()
            (outcome.keptByteCount, outcome.oldestArrival) = (byteCount, oldest)
            state.note(logID, outcome)
        }
        func bound(_ logID: UInt64, perShard: Int?) -> UInt64 { state.leavingBefore(logID, keeping: perShard, at: 9_000) }
        func bound(perStore: Int?) -> UInt64 { state.leavingBefore(keeping: perStore, at: 9_000) }
        #expect(bound(1, perShard: 800) == 0 && bound(perStore: 800) == 0)
        note(1, 701, oldest: 1_000)
        note(2, 300, oldest: 500)
        #expect(bound(1, perShard: nil) == 0 && bound(perStore: nil) == 0)
        #expect(bound(1, perShard: 800) == 2_000)
        #expect(bound(2, perShard: 800) == 0)
        #expect(bound(1, perShard: 810) == 0)
        // The store's oldest record counts, whichever log it is in.
        #expect(bound(perStore: 1_100) == 500 + 8_500 / 8)
        #expect(bound(perStore: 1_200) == 0)
        // A clock that was set back, and logs without records.
        note(1, 701, oldest: 10_000)
        #expect(bound(1, perShard: 800) == 0)
        note(1, 701, oldest: nil)
        #expect(bound(1, perShard: 800) == 0)
    }

    @Test func `by bytes of the store the oldest records of all shards go first`() throws {
        var test = TestStore()
        test.options.retainedBytesPerStore = 500_000
        let store = try test.open()
        defer { store.abandon() }
        let stream = try store.createStreamBlocking("s", shards: 2)
        let dice = SeededEntropy(seed: 5)
        for number in 0..<30 {
            let data = (0..<40_000).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
            // The second shard's records are the younger ones.
            try stream.putBlocking(data.span, partitionKey: "k", explicitHashKey: HashKey(number < 15 ? 0 : UInt128.max))
            test.clock.advance(milliseconds: 1000)
        }
        let second = try stream.shards[1].readAll()
        #expect(try Self.sweep(store).removedSegmentCount > 0)
        #expect(try stream.shards[0].readAll().count < 15)
        #expect(try stream.shards[1].readAll().count >= second.count - 6)
        #expect(try Self.sweep(store).removedSegmentCount == 0)
    }

    @Test func `a clock that is set back over a restart brings nothing back that a sweep has taken`() throws {
        let test = TestStore()
        var store = try test.open()
        _ = try store.createStreamBlocking("s", shards: 1)
        try Self.put(store, hours: 60, test.clock)
        _ = try Self.sweep(store)
        let before = try store.stream("s").shards[0].readAll()
        store.abandon()
        test.clock.setWall(nanoseconds: test.clock.wallNanoseconds() - 1_000_000 * 50 * Self.hour)
        store = try test.open()
        defer { store.abandon() }
        #expect(try store.stream("s").shards[0].readAll() == before)
    }

    @Test func `compaction by hand merges what single durable puts have left, and says what it did`() throws {
        let test = TestStore()
        let store = try test.open()
        defer { store.abandon() }
        let stream = try store.createStreamBlocking("s", shards: 1)
        for number in 0..<1_500 { try stream.putBlocking("record \(number) of some more text".utf8Span.span, partitionKey: "k") }
        let before = try stream.shards[0].readAll()
        var count = 0
        while true {
            let report = try store.compactBlocking()
            if report.segmentCount == 0, report.recordByteCount == 0 { break }
            #expect(report.byteCountAfter <= report.byteCountBefore)
            count += report.segmentCount
        }
        #expect(count > 2)
        #expect(try stream.shards[0].readAll() == before)
    }

    // MARK: When

    @Test func `the next sweep comes when something is due, soon where bytes or room are short, and never without a stream`() throws {
        var test = TestStore()
        let store = try test.open()
        #expect(store.sweepPauseNanoseconds == nil)
        _ = try store.createStreamBlocking("s", shards: 2)
        #expect(store.sweepPauseNanoseconds == 3_600_000_000_000)
        try Self.put(store, hours: 1, test.clock)
        _ = try Self.sweep(store)
        // Half an hour before the record is a day old, and when it is.
        test.clock.advance(milliseconds: 22 * Self.hour + Self.hour / 2)
        #expect(store.sweepPauseNanoseconds == (Self.hour / 2 + 1) * 1_000_000)
        test.clock.advance(milliseconds: Self.hour)
        #expect(store.sweepPauseNanoseconds == 60_000_000_000)
        test.disk.capacityByteCount = test.disk.allocatedByteCount + 1000
        #expect(store.sweepPauseNanoseconds == 1_000_000_000)
        test.disk.capacityByteCount = 1 << 40
        try store.closeBlocking()
        test.options.retainedBytesPerStore = 1 << 30
        let bounded = try test.open()
        defer { bounded.abandon() }
        #expect(bounded.sweepPauseNanoseconds == 1_000_000_000)
    }

    @Test func `compaction rests in proportion to what it did`() throws {
        let test = TestStore()
        let store = try test.open()
        defer { store.abandon() }
        #expect(try store.compactBlocking().pauseNanoseconds(owed: 5, rested: 0, bytesPerSecond: 1) == 60_000_000_000)
        let stream = try store.createStreamBlocking("s", shards: 1)
        for number in 0..<1_500 { try stream.putBlocking("record \(number) of some more text".utf8Span.span, partitionKey: "k") }
        let report = try store.compactBlocking()
        #expect(report.recordByteCount > 10_000)
        #expect(report.pauseNanoseconds(owed: 1_000_000_000_000, rested: 0, bytesPerSecond: 1 << 30) == 1_000_000_000_000)
        #expect(report.pauseNanoseconds(owed: 1, rested: 0, bytesPerSecond: 1 << 40) == 1_000_000)
        let bound = Int64(Double(report.recordByteCount) * 1e9 / 1000)
        #expect(report.pauseNanoseconds(owed: 1, rested: 0, bytesPerSecond: 1000) == bound)
        #expect(report.pauseNanoseconds(owed: 1, rested: 3 * bound, bytesPerSecond: 1000) == 1_000_000)
    }

    @Test func `compaction on a full disk changes nothing and says why, and goes on when there is room`() throws {
        let test = TestStore()
        let store = try test.open()
        defer { store.abandon() }
        let stream = try store.createStreamBlocking("s", shards: 1)
        for number in 0..<1_500 { try stream.putBlocking("record \(number) of some more text".utf8Span.span, partitionKey: "k") }
        let before = try stream.shards[0].readAll()
        test.disk.capacityByteCount = test.disk.allocatedByteCount
        do throws(KinesisError) {
            _ = try store.compactBlocking()
            Issue.record("there was no room")
        } catch {
            guard case .storage(.storageFull) = error else { throw error }
        }
        #expect(try stream.shards[0].readAll() == before)
        test.disk.capacityByteCount = 1 << 40
        #expect(try store.compactBlocking().segmentCount > 1)
        #expect(try stream.shards[0].readAll() == before)
    }

    @Test func `a store on files is swept and compacted by a task, too, and refuses bounds that are none`() async throws {
        let directory = TemporaryDirectory()
        var configuration = StoreConfiguration()
        configuration.retainedBytesPerShard = 1 << 20
        configuration.retainedBytesPerStore = 1 << 30
        let store = try await StreamStore.open(at: directory.path, configuration: configuration)
        let stream = try await store.createStream("s", shards: 2)
        for number in 0..<20 { _ = try await stream.put("record \(number)", partitionKey: "k") }
        #expect(try await store.sweep().removedSegmentCount == 0)
        #expect(try await store.compact().segmentCount == 0)
        #expect(store.sweepingError == nil && store.compactionError == nil)
        try await store.close()
        let wrongs: [(inout StoreConfiguration) -> Void] = [
            { $0.retainedBytesPerShard = 1000 }, { $0.retainedBytesPerStore = 0 }, { $0.compactionBytesPerSecond = 1 },
            { $0.coldMilliseconds = -1 },
        ]
        for wrong in wrongs {
            var configuration = StoreConfiguration()
            wrong(&configuration)
            #expect(throws: KinesisError.self) { try configuration.serviceOptions() }
        }
    }
}
