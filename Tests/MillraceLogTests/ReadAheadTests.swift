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

/// Aim: blocks in front of a reader that goes on are decoded while it is busy, once, and never in a reader's way. Method: a store with
/// threads, a cursor that is moved block by block, and the count of blocks decoded.
@Suite struct ReadAheadTests {
    static let recordCount = 60_000
    let directory = TemporaryDirectory()

    /// Some hundred blocks of some hundred records in one log, read from disk alone.
    func reopened(_ change: (inout LogConfiguration) -> Void = { _ in }) throws -> (store: LogStore, log: ShardLog) {
        var configuration = LogConfiguration()
        configuration.bufferByteCount = 32 << 10
        configuration.memoryByteCount = 32 << 20
        configuration.writeShareByteCount = 16 << 20
        configuration.unwrittenByteLimit = 12 << 20
        // Whole blocks alone, of some 5 KiB, however slow the machine is: those below 2 KiB are not decoded ahead.
        configuration.lingerMilliseconds = 60_000
        let first = try open(configuration)
        let filled = try first.createLog(1)
        for number in 0..<Self.recordCount { _ = try ConcurrencyTests.append(filled, ConcurrencyTests.record(0, number)) }
        try first.close()
        change(&configuration)
        let store = try open(configuration)
        return (store, try store.log(1))
    }

    private func open(_ configuration: LogConfiguration) throws -> LogStore {
        try LogStore(
            at: directory.path, create: true, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(), configuration: configuration)
    }

    /// The count once it has stood still for 50 ms and is at least so high, or ten seconds have gone by.
    static func settledDecodeCount(_ store: LogStore, atLeast least: Int = 0) -> Int {
        for _ in 0..<1000 where store.decodeCount < least { usleep(10_000) }
        var count = -1
        while count != store.decodeCount {
            count = store.decodeCount
            usleep(50_000)
        }
        return count
    }

    static func readBlock(_ cursor: inout Cursor) throws {
        try cursor.withBatch { batch throws(LogError) in while batch.next() != nil {} }
    }

    @Test func `blocks in front of a reader that goes on are decoded before it comes, and no others`() throws {
        let (store, log) = try reopened()
        var cursor = log.cursor(at: 0, level: .durable)
        try Self.readBlock(&cursor)
        #expect(Self.settledDecodeCount(store) == 1)
        for block in 2...9 {
            try Self.readBlock(&cursor)
            #expect(Self.settledDecodeCount(store, atLeast: block + 4) == block + 4, "block \(block)")
        }
        #expect(store.heldForReadingByteCount > 0)
        try store.close()
    }

    /// A log of blocks of one record each, which is read from disk alone.
    static func smallBlocks() throws -> (Harness, ShardLog) {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        for number in 0..<1_000 { try log.wait(.written, below: try log.append(PlainRecord("k", "\(number)")) + 1) }
        try store.close()
        return (harness, try harness.open().log(1))
    }

    @Test func `small blocks are made resident many at once for a reader that goes on, and one by one for jumps`() throws {
        let (harness, log) = try Self.smallBlocks()
        let callCount = Guarded(0)
        harness.disk.fault = { operation, _, _ in
            if operation == .populate { callCount.withLock { $0 += 1 } }
            return nil
        }
        let (records, gaps) = try log.readAll(level: .durable)
        #expect(records.map { String(decoding: $0.record.data, as: UTF8.self) } == (0..<1_000).map { "\($0)" } && gaps.isEmpty)
        #expect((1...60).contains(callCount.withLock { $0 }))
        let again = try harness.open().log(1)
        var cursor = again.cursor(at: 0, level: .durable)
        for position in stride(from: 900, to: 0, by: -100) {
            let before = callCount.withLock { $0 }
            cursor.seek(to: records[position].ordinal)
            try Self.readBlock(&cursor)
            #expect(callCount.withLock { $0 } > before)
        }
    }

    @Test func `what cannot be read behind a small block does not keep a reader from it, and is told where it stands`() throws {
        let (harness, log) = try Self.smallBlocks()
        let isRefused = Guarded(false), refusedCount = Guarded(0)
        harness.disk.fault = { operation, _, _ in
            guard operation == .populate, isRefused.withLock({ $0 }) else { return nil }
            return refusedCount.withLock { count in
                count += 1
                // The call for many, and then not the one for the block alone.
                return count == 1 ? 5 : nil
            }
        }
        var cursor = log.cursor(at: 0, level: .durable)
        try Self.readBlock(&cursor)
        isRefused.withLock { $0 = true }
        try Self.readBlock(&cursor)
        #expect(refusedCount.withLock { $0 } == 2)
        harness.disk.fault = { operation, _, _ in operation == .populate ? 5 : nil }
        #expect(throws: LogError.self) { for _ in 0..<1_000 { try Self.readBlock(&cursor) } }
        harness.disk.fault = nil
        let rest = try log.readAll(from: cursor.position, level: .durable)
        #expect(rest.records.last?.record == PlainRecord("k", "999") && rest.gaps.isEmpty)
    }

    @Test func `a reader that seeks has nothing decoded but what it reads`() throws {
        let (store, log) = try reopened()
        let segment = log.segments.segments[0]
        let index = try segment.use().1.index
        var cursor = log.cursor(at: 0, level: .durable)
        for number in stride(from: 0, to: 40, by: 4) {
            cursor.seek(to: index[number].firstOrdinal)
            try Self.readBlock(&cursor)
        }
        #expect(Self.settledDecodeCount(store) == 10)
        try store.close()
    }

    @Test(arguments: [0, 1]) func `without a second processor to use readers decode for themselves`(workerCount: Int) throws {
        let (store, log) = try reopened { $0.workerCount = workerCount }
        var cursor = log.cursor(at: 0, level: .durable)
        for _ in 0..<10 { try Self.readBlock(&cursor) }
        #expect(Self.settledDecodeCount(store) == 10)
        try store.close()
    }

    @Test func `while readers hold much of their memory nothing is decoded ahead`() throws {
        let (store, log) = try reopened()
        var held: [HeldCursor] = []
        let index = try log.segments.segments[0].use().1.index
        var number = 0
        // A block each, from one that nobody else comes near.
        while store.heldForReadingByteCount < 8 << 20 {
            let cursor = HeldCursor(log.cursor(at: index[100 + number % (index.count - 100)].firstOrdinal, level: .durable))
            try cursor.fetch()
            held.append(cursor)
            number += 1
        }
        let before = Self.settledDecodeCount(store)
        var cursor = log.cursor(at: 0, level: .durable)
        for _ in 0..<10 { try Self.readBlock(&cursor) }
        #expect(Self.settledDecodeCount(store) == before + 10)
        held.removeAll()
        for _ in 0..<2 { try Self.readBlock(&cursor) }
        #expect(Self.settledDecodeCount(store, atLeast: before + 13) > before + 12)
        try store.close()
    }

    @Test func `a damaged block ahead of a reader is told to it once, when it comes there`() throws {
        let (store, log) = try reopened()
        let segment = log.segments.segments[0]
        let index = try segment.use().1.index
        // A slow producer leaves small blocks: the damage is to be in this one.
        let number = try #require((6..<index.count - 1).first { index[$0 + 1].byteOffset - index[$0].byteOffset > 2_000 })
        let damaged = index[number]
        let io = PosixIO()
        let place = try io.openDirectory(at: "\(directory.path)/logs/0000000000000001", create: false)
        let file = try io.openFile(segment.name, in: place, writable: true)
        let wrong = AlignedMemory(byteCount: 8)
        wrong.memory.store(0xA5A5_A5A5_A5A5_A5A5 as UInt64, at: 0)
        try io.write(file, at: damaged.byteOffset + 300, [wrong.memory])
        io.close(file)
        io.close(place)
        let (records, gaps) = try log.readAll(level: .durable)
        #expect(gaps.count == 1 && gaps.first?.from == damaged.firstOrdinal && gaps.first?.to == damaged.endOrdinal)
        #expect(records.count == Self.recordCount - damaged.ordinalCount)
        try store.close()
    }
}
