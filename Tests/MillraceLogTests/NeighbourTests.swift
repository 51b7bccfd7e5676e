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

/// Aim: who waits for a log's record to be durable waits for that record and for what the device has to take anyway, not for all that
/// another log has to write. Method: a log written to without a pause, whose sync is held up by the disk, beside one whose
/// records are awaited one by one.
@Suite struct NeighbourTests {
    @Test func `what nobody waits for is not written by who makes another log durable`() throws {
        let store = try Harness().open()
        let bulk = try store.createLog(1), awaited = try store.createLog(2)
        _ = try bulk.append(PlainRecord("k", "bulk"))
        _ = try awaited.append(PlainRecord("k", "awaited"))
        try awaited.wait(.written, below: awaited.tip(.published))
        store.commitStep([bulk, awaited], isAwaited: false)
        #expect(awaited.tip(.durable) == awaited.tip(.published))
        #expect(bulk.tip(.written) < bulk.tip(.published))
        store.commitStep([bulk, awaited])
        #expect(bulk.tip(.durable) == bulk.tip(.published))
        try store.close()
    }

    /// Whether it becomes true within 20 seconds.
    @discardableResult
    private static func wait(until isTrue: () -> Bool) -> Bool {
        for _ in 0..<20_000 {
            if isTrue() { return true }
            usleep(1_000)
        }
        return false
    }

    /// A store with one worker and two sync threads, on a disk on which the first log's `n`th sync ends when `n` of them may.
    private final class HeldDisk: Sendable {
        static let unsyncedByteLimit = 256 << 10, recordByteCount = 1_000, recordCount = 4_000
        let mayEndCount = Atomic<Int>(0)
        let begunCount = Atomic<Int>(0)
        private let bulkName = Guarded<String?>(nil)
        let store: LogStore
        let bulk: ShardLog

        init() throws {
            let disk = ShadowIO()
            var configuration = Harness.smallConfiguration
            configuration.workerCount = 1
            configuration.isCompressing = false
            configuration.unsyncedByteLimit = Self.unsyncedByteLimit
            configuration.greatestSegmentByteCount = 16 << 20
            configuration.firstSegmentByteCount = 16 << 20
            store = try LogStore(at: "/store", create: true, io: disk, clock: SystemClock(), entropy: SystemEntropy(), configuration: configuration)
            bulk = try store.createLog(1)
            // So that it has its segment, and the next sync is this log's.
            try bulk.wait(.written, below: try bulk.append(PlainRecord("k", "first")) + 1)
            disk.fault = { [self] operation, name, _ in
                guard operation == .sync else { return nil }
                let isBulk = bulkName.withLock { known in
                    known = known ?? name
                    return known == name
                }
                guard isBulk else { return nil }
                let number = begunCount.add(1, ordering: .sequentiallyConsistent).newValue
                // Not for ever: a test that fails is to end.
                NeighbourTests.wait { mayEndCount.load(ordering: .sequentiallyConsistent) >= number }
                return nil
            }
        }

        func letSyncsEnd(_ count: Int = .max) { mayEndCount.store(count, ordering: .sequentiallyConsistent) }
        func waitForSync(_ number: Int) { #expect(NeighbourTests.wait { begunCount.load(ordering: .sequentiallyConsistent) >= number }) }

        /// How many records are written once nothing moves any more.
        func settledWritten() -> UInt64 {
            var written: UInt64 = .max, stillCount = 0
            while stillCount < 10 {
                stillCount = bulk.tip(.written) == written ? stillCount + 1 : 0
                written = bulk.tip(.written)
                usleep(20_000)
            }
            return written
        }

        /// As many records as memory holds; nobody waits for them. What `settledWritten` is then.
        func fill() throws -> UInt64 {
            let record = PlainRecord("k", String(repeating: "x", count: Self.recordByteCount))
            for _ in 0..<Self.recordCount { _ = try bulk.append(record) }
            return settledWritten()
        }
    }

    /// Makes one record after the other durable in a log of its own, until it is ended.
    private final class Awaiter: Sendable {
        let isOver = Atomic<Bool>(false)
        let count = Atomic<Int>(0)
        private let thread = Guarded<WorkerThread?>(nil)

        init(_ store: LogStore) throws {
            let log = try store.createLog(2)
            let made = WorkerThread(name: "awaits") { [self] in
                while !isOver.load(ordering: .sequentiallyConsistent) {
                    guard let ordinal = try? log.append(PlainRecord("k", "awaited")), (try? log.wait(.durable, below: ordinal + 1)) != nil else { return }
                    count.add(1, ordering: .sequentiallyConsistent)
                    usleep(5_000)
                }
            }
            thread.withLock { $0 = made }
            waitForMore(1)
        }
        func waitForMore(_ more: Int) {
            let before = count.load(ordering: .sequentiallyConsistent)
            #expect(NeighbourTests.wait { count.load(ordering: .sequentiallyConsistent) >= before + more })
        }
        func end() {
            isOver.store(true, ordering: .sequentiallyConsistent)
            thread.withLock { $0 }?.join()
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a log that nobody waits for stays near its sync while another's records are awaited`() throws {
        let disk = try HeldDisk()
        let first = disk.bulk.tip(.written)
        disk.waitForSync(1)
        let awaiter = try Awaiter(disk.store)
        let written = Int(try disk.fill() - first)
        #expect(written > 0 && written * HeldDisk.recordByteCount < 2 * HeldDisk.unsyncedByteLimit, "\(written) records")
        awaiter.waitForMore(3)
        // The next sync takes all that, and as much again is written while it runs.
        disk.letSyncsEnd(1)
        disk.waitForSync(2)
        let more = Int(disk.settledWritten() - first) - written
        #expect(more * HeldDisk.recordByteCount > HeldDisk.unsyncedByteLimit / 2 && more * HeldDisk.recordByteCount < 2 * HeldDisk.unsyncedByteLimit, "\(more) records")
        disk.letSyncsEnd()
        #expect(Self.wait { disk.bulk.tip(.durable) == disk.bulk.tip(.published) })
        awaiter.end()
        try disk.store.close()
    }

    @Test(.timeLimit(.minutes(1)), arguments: [Level.written, .durable])
    func `a log that is held back goes on for a task that waits for it`(level: Level) async throws {
        let disk = try HeldDisk()
        disk.waitForSync(1)
        let awaiter = try Awaiter(disk.store)
        #expect(try disk.fill() < disk.bulk.tip(.published))
        let end = disk.bulk.tip(.published)
        let task = Task { try await disk.bulk.waitAsync(level, below: end) }
        for _ in 0..<2_000 where disk.bulk.tip(.written) < end { try await Task.sleep(nanoseconds: 5_000_000) }
        #expect(disk.bulk.tip(.written) == end, "without any end of a sync")
        disk.letSyncsEnd()
        try await task.value
        awaiter.end()
        try disk.store.close()
    }

    @Test(.timeLimit(.minutes(1))) func `where nobody waits for durability a log is written however long its sync takes`() throws {
        let disk = try HeldDisk()
        disk.waitForSync(1)
        #expect(try disk.fill() == disk.bulk.tip(.published))
        disk.letSyncsEnd()
        try disk.store.close()
    }

    /// Before its last block is written no sync makes any of it durable: it must not wait for one.
    @Test(.timeLimit(.minutes(1))) func `a batch of more than may be unsynced is written while another log's records are awaited`() throws {
        let disk = try HeldDisk()
        disk.letSyncsEnd()
        let awaiter = try Awaiter(disk.store)
        let key: [UInt8] = [1], data = [UInt8](repeating: 7, count: 1_000)
        for _ in 0..<5 {
            _ = try disk.bulk.append(arrival: 1) { sink throws(LogError) in
                // Safe because bytes have no padding.
                for _ in 0..<3 * HeldDisk.unsyncedByteLimit / 1_000 { try sink.add(key: unsafe key.span.bytes, data: unsafe data.span.bytes) }
            }
            #expect(Self.wait { disk.bulk.tip(.durable) == disk.bulk.tip(.published) })
        }
        awaiter.end()
        try disk.store.close()
    }

    // Darwin has no way to have pages dropped.
    #if canImport(Glibc)
    @Test func `a seek reads its block from the device, and not what stands around it`() throws {
        let directory = TemporaryDirectory(), io = PosixIO()
        var configuration = Harness.smallConfiguration
        configuration.bufferByteCount = 16 << 10
        configuration.greatestSegmentByteCount = 4 << 20
        configuration.firstSegmentByteCount = 4 << 20
        func open() throws -> LogStore {
            try LogStore(at: directory.path + "/store", create: true, io: io, clock: SystemClock(), entropy: SystemEntropy(), configuration: configuration)
        }
        let filled = try open(), random = SeededEntropy(seed: 1)
        let log = try filled.createLog(1)
        while log.segmentCount < 3 {
            // Bytes that do not compress.
            let data = (0..<1_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let ordinal = try log.append(PlainRecord(key: [1], data: data))
            if ordinal % 64 == 0 { try log.wait(.written, below: ordinal + 1) }
        }
        let (oldest, next) = (log.segments.segments[0], log.segments.segments[1])
        let name = oldest.name, ordinal = oldest.baseOrdinal + (next.baseOrdinal - oldest.baseOrdinal) / 2
        try filled.close()
        let reopened = try open()
        let place = try io.openDirectory(at: "\(directory.path)/store/\(FileNames.logs)/\(FileNames.log(1))", create: false)
        let file = try io.openFile(name, in: place, writable: false)
        defer { io.close(file); io.close(place) }
        let pageCount = try io.byteCount(of: file) / 4096
        let map = try unsafe #require(mmap(nil, pageCount * 4096, PROT_READ, MAP_SHARED, file.value, 0))
        defer { unsafe munmap(map, pageCount * 4096) }
        try #require(posix_fadvise(file.value, 0, 0, POSIX_FADV_DONTNEED) == 0)
        // Safe because the mapping stands until the end, and the array has a byte for each of its pages.
        func residentCount() -> Int {
            var pages = [UInt8](repeating: 0, count: pageCount)
            guard unsafe pages.withUnsafeMutableBufferPointer({ unsafe mincore(map, pageCount * 4096, $0.baseAddress) }) == 0 else { return -1 }
            return pages.count { $0 & 1 == 1 }
        }
        try #require(residentCount() < 16, "the file system keeps what it is told to drop")
        var cursor = try reopened.log(1).cursor(at: ordinal, level: .durable)
        let found = try cursor.withBatch { batch throws(LogError) in batch.next()?.ordinal }
        #expect(found == ordinal)
        // Its block, and header, footer and index of the segment.
        let count = residentCount()
        #expect(count > 4 && count < 24, "\(count) pages of \(pageCount)")
        try reopened.close()
    }
    #endif
}
