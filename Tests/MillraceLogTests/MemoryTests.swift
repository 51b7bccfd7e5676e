import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

/// Aim: the memory for records goes where it is needed and stays within its bounds. Method: a store with little of it, filled with
/// records of one size and then asked for another.
@Suite struct MemoryTests {
    private func harness() -> Harness {
        var harness = Harness()
        harness.configuration.memoryByteCount = 8 << 20
        harness.configuration.writeShareByteCount = 5 << 20
        harness.configuration.unwrittenByteLimit = 4 << 20
        harness.configuration.cacheByteCount = 64 << 20
        harness.configuration.bufferByteCount = 4096
        return harness
    }

    private func fill(_ log: ShardLog, records: Int, dataByteCount: Int) throws {
        let data = [UInt8](repeating: 7, count: dataByteCount)
        for number in 0..<records {
            let key = Array("\(number)".utf8)
            try log.append(PlainRecord(key: key, data: data))
            if number % 8 == 0 || dataByteCount > 10_000 { while log.flushStep() == .progress {} }
        }
        while log.flushStep() == .progress {}
    }

    @Test func `a cache full of small buffers makes room for large records, and the other way round`() throws {
        let harness = harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        // More than there is memory: everything that is written is cached until nothing is free.
        try fill(log, records: 9000, dataByteCount: 1000)
        #expect(store.residentByteCount > 7 << 20)
        try fill(log, records: 12, dataByteCount: 900_000)
        #expect(store.residentByteCount <= 8 << 20)
        try fill(log, records: 9000, dataByteCount: 1000)
        #expect(store.residentByteCount <= 8 << 20)
        let found = try log.readAll(level: .written).records
        #expect(found.count == 18_012)
        let counts = found.map(\.record.data.count)
        #expect(counts == (0..<18_012).map { (9000..<9012).contains($0) ? 900_000 : 1000 })
        // Nobody holds anything: all of it can be given back.
        #expect(store.dropCache() > 0)
        try store.close()
    }

    @Test(.timeLimit(.minutes(1)))
    func `who waits for room in a store without threads makes it`() throws {
        let harness = harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        var waits = 0
        for number in 0..<40 {
            let record = PlainRecord(key: [UInt8(number)], data: [UInt8](repeating: 7, count: 500_000))
            while true {
                do throws(LogError) {
                    _ = try log.append(record)
                    break
                } catch {
                    guard case .wouldBlock = error else { throw error }
                    waits += 1
                    log.waitForRoom(nanoseconds: 10_000_000)
                }
            }
        }
        #expect(waits > 0)
        try store.close()
    }

    @Test func `readers that hold their share of memory are told so, and read on when they let go`() throws {
        let harness = harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        try fill(log, records: 12_000, dataByteCount: 1000)
        let first = log.segments.segments[0].baseOrdinal
        var held: [HeldCursor] = []
        var refusal: LogError?
        for number in 0..<12_000 where refusal == nil {
            let cursor = HeldCursor(log.cursor(at: first + UInt64(number), level: .written))
            do throws(LogError) {
                try cursor.fetch()
                held.append(cursor)
            } catch { refusal = error }
        }
        guard case .tooManyHeldViews(let heldByteCount, let limitByteCount) = refusal else {
            Issue.record("\(String(describing: refusal)) after \(held.count) cursors")
            return
        }
        #expect(limitByteCount == 3 << 20)
        #expect(heldByteCount <= limitByteCount)
        // The writer goes on all the while.
        try fill(log, records: 1000, dataByteCount: 1000)
        held.removeAll()
        #expect(try log.readAll(level: .written).records.count == 13_000)
        try store.close()
    }

    @Test func `a key or a record that is too long is refused by its size, and nothing is appended`() throws {
        let store = try harness().open()
        let log = try store.createLog(1)
        let longest = [UInt8](repeating: 1, count: Int(UInt16.max))
        #expect(throws: LogError.keyTooLong(byteCount: 65_536)) { try log.append(PlainRecord(key: longest + [1], data: [])) }
        #expect(throws: LogError.recordTooLarge(byteCount: (1 << 20) + 1, limitByteCount: 1 << 20)) {
            try log.append(PlainRecord(key: [1], data: [UInt8](repeating: 0, count: 1 << 20)))
        }
        try log.append(PlainRecord(key: longest, data: []))
        #expect(try log.readAll(level: .published).records.map(\.record.key) == [longest])
        try store.close()
        #expect(throws: LogError.closed) { try store.createLog(2) }
        #expect(throws: LogError.closed) { try log.append(PlainRecord("k", "v")) }
    }
}

/// A class because a cursor cannot stand in an array.
final class HeldCursor {
    private var cursor: Cursor
    init(_ cursor: consuming Cursor) { self.cursor = cursor }
    func fetch() throws(LogError) { _ = try cursor.fetch() }
}
