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

/// Aim: files are kept for new segments only where a new segment can use them, nobody looks at them any more, and what they held shows
/// nowhere. Method: a log on a disk in memory that loses power, fails and fills up; the pool's directory.
@Suite struct RecyclingTests {
    private static func pooledByteCounts(_ disk: ShadowIO) throws -> [Int] {
        let root = try disk.openDirectory(at: "/store", create: false)
        defer { disk.close(root) }
        let pool = try disk.openDirectory(FileNames.pool, in: root, create: false)
        defer { disk.close(pool) }
        return try disk.list(pool).compactMap { FileNames.spare($0)?.byteCount }
    }

    @Test func `a file that compaction made is of no size that a log asks for, so it is not kept for one`() throws {
        var harness = Harness()
        harness.configuration.leastRecycledByteCount = 32 << 10
        harness.configuration.cacheByteCount = 0
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        _ = try SweptLog.fill(log, 0..<60)
        var limits = CompactionLimits()
        limits.rawByteLimit = 100_000
        var mergedCount = 0
        // Some runs of these large records do not get smaller, and are left alone.
        for _ in 0..<100 {
            let outcome = try log.compactStep(limits)
            if outcome == .nothing { break }
            if case .compacted = outcome { mergedCount += 1 }
        }
        #expect(mergedCount > 0)
        #expect(try log.sweep(SweptLog.limits(expiredBefore: 1060)).removedSegmentCount >= mergedCount)
        let sizes = [harness.configuration.firstSegmentByteCount, harness.configuration.greatestSegmentByteCount]
        let kept = try Self.pooledByteCounts(harness.disk)
        #expect(!kept.isEmpty && kept.allSatisfy(sizes.contains), "\(kept)")
        // What was written by appending is used again all the same.
        _ = try SweptLog.fill(log, 60..<80)
        #expect(try log.sweep(SweptLog.limits(expiredBefore: 1078)).recycledSegmentCount > 0)
    }

    @Test func `a file of a size that logs have outgrown makes way for a larger one`() throws {
        var harness = Harness()
        harness.configuration.firstSegmentByteCount = 64 << 10
        harness.configuration.greatestSegmentByteCount = 256 << 10
        harness.configuration.leastRecycledByteCount = 32 << 10
        harness.configuration.recycledByteLimit = 320 << 10
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        for _ in 0..<1_000 {
            let data = (0..<1_000).map { _ in UInt8.random(in: 0...255) }
            let ordinal = try log.append(PlainRecord(key: Array("k".utf8), data: data))
            try log.wait(.durable, below: ordinal + 1)
        }
        let sizes = try log.segments.segments.map { try $0.use().0.memory.byteCount }
        #expect(sizes.prefix(4) == [64 << 10, 128 << 10, 256 << 10, 256 << 10], "\(sizes)")
        var limits = RetentionLimits()
        limits.oldestSegmentCount = 2
        #expect(try log.sweep(limits).recycledSegmentCount == 2)
        #expect(try Self.pooledByteCounts(harness.disk).sorted() == [64 << 10, 128 << 10])
        limits.oldestSegmentCount = 1
        #expect(try log.sweep(limits).recycledSegmentCount == 1)
        #expect(try Self.pooledByteCounts(harness.disk) == [256 << 10])
    }

    /// With the room of the smaller file there is enough for the larger one, or is not.
    @Test(.timeLimit(.minutes(1)), arguments: [320 << 10, 512 << 10])
    func `a file that a log has asked for does not make way`(limit: Int) throws {
        let disk = ShadowIO()
        var configuration = Harness.smallConfiguration
        configuration.workerCount = 1
        configuration.firstSegmentByteCount = 64 << 10
        configuration.greatestSegmentByteCount = 256 << 10
        configuration.leastRecycledByteCount = 256 << 10
        configuration.recycledByteLimit = limit
        let store = try LogStore(at: "/store", create: true, io: disk, clock: SystemClock(), entropy: SystemEntropy(), configuration: configuration)
        let small = try store.createLog(1), large = try store.createLog(2)
        func put(_ count: Int, into log: ShardLog) throws {
            for _ in 0..<count {
                let data = (0..<1_000).map { _ in UInt8.random(in: 0...255) }
                let ordinal = try log.append(PlainRecord(key: Array("k".utf8), data: data))
                try log.wait(.durable, below: ordinal + 1)
            }
        }
        try put(800, into: large)
        // Half of its first segment, and not all of it: it has asked for one of 128 KiB.
        try put(20, into: small)
        for _ in 0..<5_000 where try !Self.pooledByteCounts(disk).contains(128 << 10) { usleep(1_000) }
        #expect(small.segments.segments.count == 1)
        var limits = RetentionLimits()
        // Its first two, of 64 and 128 KiB, and one of 256 KiB.
        limits.oldestSegmentCount = 3
        #expect(try large.sweep(limits).removedSegmentCount == 3)
        let kept = try Self.pooledByteCounts(disk)
        #expect(kept.contains(128 << 10), "\(kept)")
        try put(60, into: small)
        #expect(try small.segments.segments.map { try $0.use().0.memory.byteCount }.prefix(2) == [64 << 10, 128 << 10])
        try store.close()
    }

    /// On the thread that puts.
    @TaskLocal private static var isProducer = false

    @Test(.timeLimit(.minutes(1))) func `a file that was asked for is not made once more when who needed it has made it meanwhile`() throws {
        let disk = ShadowIO()
        var configuration = Harness.smallConfiguration
        configuration.workerCount = 1
        let store = try LogStore(at: "/store", create: true, io: disk, clock: SystemClock(), entropy: SystemEntropy(), configuration: configuration)
        let log = try store.createLog(1)
        let isHeld = Guarded(true), isAsked = Guarded(false)
        disk.fault = { operation, _, _ in
            guard operation == .createFile, !Self.isProducer else { return nil }
            isAsked.withLock { $0 = true }
            // Not for ever: a test that fails is to end.
            for _ in 0..<20_000 where isHeld.withLock({ $0 }) { usleep(1_000) }
            return nil
        }
        try Self.$isProducer.withValue(true) {
            for _ in 0..<120 {
                let data = (0..<10_000).map { _ in UInt8.random(in: 0...255) }
                let ordinal = try log.append(PlainRecord(key: Array("k".utf8), data: data))
                try log.wait(.written, below: ordinal + 1)
            }
        }
        let segmentCount = log.segments.segments.count, hasAsked = isAsked.withLock { $0 }
        #expect(segmentCount > 8 && hasAsked, "\(segmentCount) segments")
        isHeld.withLock { $0 = false }
        var counts: [Int] = []
        while counts.count < 10 || Set(counts.suffix(10)).count > 1 {
            counts.append(try Self.pooledByteCounts(disk).count)
            usleep(20_000)
        }
        // The one that was begun, and one that the newest segment has asked for.
        #expect(counts.last! <= 2, "\(counts.last!) files")
        try store.close()
    }

    /// With one file open at a time the log itself lets go of the one that the view is of.
    @Test(arguments: [1, 64])
    func `a view that is held stays what it is when its segment goes, and its file is not used again meanwhile`(
        openSegmentLimit: Int
    ) throws {
        var harness = Harness()
        harness.configuration.isCompressing = false
        harness.configuration.leastRecycledByteCount = 32 << 10
        harness.configuration.openSegmentLimit = openSegmentLimit
        harness.configuration.cacheByteCount = 0
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        let ordinals = try SweptLog.fill(log, 0..<20)
        store.dropCache()
        var cursor = log.cursor(at: ordinals[0], level: .durable)
        guard case .records(let count) = try cursor.fetch() else { throw LogError.closed }
        let bytes = cursor.heldBytes(count: count)
        // So that each of the others is opened, too.
        _ = try log.readAll(from: ordinals[4], level: .durable)
        let outcome = try log.sweep(SweptLog.limits(expiredBefore: 1016))
        // The first one is held; of the others those are kept that have a size worth keeping.
        #expect(outcome.removedSegmentCount > 2 && outcome.recycledSegmentCount > 0)
        #expect(outcome.recycledSegmentCount < outcome.removedSegmentCount)
        _ = try SweptLog.fill(log, 20..<60)
        let isSame = cursor.heldBytes(count: count) == bytes
        #expect(isSame)
    }

    @Test(arguments: 1...30)
    func `a file that is used again shows nothing of its former life, whenever the power fails`(seed: UInt64) throws {
        var harness = Harness(seed: seed)
        harness.configuration.leastRecycledByteCount = 32 << 10
        let store = try harness.open()
        let log = try store.createLog(1)
        let other = try store.createLog(2)
        let old = try SweptLog.fill(log, 0..<30)
        let outcome = try log.sweep(SweptLog.limits(expiredBefore: 1028))
        #expect(outcome.recycledSegmentCount > 3)
        var put: [UInt64] = []
        for number in 0..<12 {
            let range = (100 + number * 2)..<(102 + number * 2)
            let ordinals = try SweptLog.fill(other, range, isSynced: number % 3 == 0)
            put += ordinals
            _ = other.flushStep()
            let disk = harness.disk.crash(entropy: SeededEntropy(seed: seed &* 100 &+ UInt64(number)))
            let promised = other.tip(.durable)
            var again = Harness(disk: disk)
            again.configuration = harness.configuration
            again.clock.restart(bootIdentity: (7, UInt64(number)))
            let opened = try again.open(create: false)
            defer { opened.abandon() }
            let found = try opened.log(2).readAll(level: .durable)
            let recovered = try opened.log(2).recovery
            // A segment whose beginning the power cut holds no record.
            #expect(found.gaps.isEmpty && recovered.damage.allSatisfy { $0.ordinals.isEmpty })
            #expect(found.records.map(\.ordinal) == Array(put.prefix(found.records.count)))
            #expect(found.records.count >= put.count { $0 < promised })
            let first = try opened.log(1)
            #expect(first.recovery.damage.isEmpty)
            let kept = try first.readAll(level: .durable)
            #expect(kept.gaps.isEmpty && kept.records.map(\.ordinal) == Array(old.suffix(kept.records.count)))
            #expect(kept.records.count >= 2)
        }
        store.abandon()
    }

    @Test(arguments: [IOError.Operation.rename, .syncDirectory, .openFile, .allocate, .write, .sync, .unlink])
    func `a call that fails while files are kept for later costs no record`(operation: IOError.Operation) throws {
        for call in 1...4 {
            var harness = Harness()
            harness.configuration.leastRecycledByteCount = 32 << 10
            // Not all of them fit.
            harness.configuration.recycledByteLimit = 200 << 10
            let store = try harness.open()
            let log = try store.createLog(1)
            let ordinals = try SweptLog.fill(log, 0..<24)
            let calls = Guarded(0)
            harness.disk.fault = { kind, _, _ in
                guard kind == operation else { return nil }
                return calls.withLock { calls in
                    calls += 1
                    return calls == call ? 5 : nil
                }
            }
            _ = try? log.sweep(SweptLog.limits(expiredBefore: 1020))
            harness.disk.fault = nil
            if let outcome = try? log.sweep(SweptLog.limits(expiredBefore: 1020)) {
                #expect(try SweptLog.files(harness).count == outcome.keptSegmentCount, "\(operation) \(call)")
            }
            store.abandon()
            let again = try Harness(disk: harness.disk.kill()).open(create: false)
            defer { again.abandon() }
            let (records, gaps) = try again.log(1).readAll(level: .durable)
            #expect(records.map(\.ordinal).suffix(4) == ordinals[20...] && gaps.isEmpty, "\(operation) \(call)")
        }
    }

    @Test(arguments: [IOError.Operation.allocate, .write])
    func `a file that cannot be made whole on a full disk is let go, and the sweep does its work`(operation: IOError.Operation) throws {
        var harness = Harness()
        harness.configuration.leastRecycledByteCount = 32 << 10
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        _ = try SweptLog.fill(log, 0..<20)
        // In a sweep that leaves the newest segment alone, only files that are to be kept are allocated, and written behind the note.
        let isNoted = Guarded(operation == .allocate)
        harness.disk.fault = { kind, _, _ in
            guard kind == operation else { return nil }
            return isNoted.withLock { noted in
                defer { noted = true }
                return noted ? 28 : nil
            }
        }
        let outcome = try log.sweep(SweptLog.limits(expiredBefore: 1016))
        harness.disk.fault = nil
        #expect(outcome.removedSegmentCount > 3 && outcome.recycledSegmentCount == 0)
        #expect(try SweptLog.files(harness).count == outcome.keptSegmentCount)
    }

    @Test func `a file that a backup is reading, or has another name for, is not used again`() throws {
        var harness = Harness()
        harness.configuration.leastRecycledByteCount = 32 << 10
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        _ = try SweptLog.fill(log, 0..<20)
        let root = try harness.disk.openDirectory(at: "/store", create: false)
        let logs = try harness.disk.openDirectory("logs", in: root, create: false)
        let directory = try harness.disk.openDirectory(FileNames.log(1), in: logs, create: false)
        let elsewhere = try harness.disk.openDirectory(at: "/elsewhere", create: true)
        let name = try SweptLog.files(harness)[0]
        try harness.disk.link(name, in: directory, as: name, in: elsewhere)
        let outcome = try log.sweep(SweptLog.limits(expiredBefore: 1016))
        #expect(outcome.recycledSegmentCount == outcome.removedSegmentCount - 1)
        for handle in [root, logs, directory, elsewhere] { harness.disk.close(handle) }
    }
}
