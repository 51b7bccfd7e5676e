import Benchmark
import MillraceLog
import MillraceModel

/// Reading 20,000 flights that are all in memory: all of them in order, and one at a sequence number.
func registerReads() {
    measure("scan-cached", scale: .one) {
        let store = try CachedFlights()
        return Timed { count in
            var sum = 0
            for _ in 0..<count { sum += try store.scan() }
            return sum
        }
    }
    measure("seek-sequence-number") {
        let store = try CachedFlights()
        return Timed { count in
            var sum = 0
            for index in 0..<count { sum += try store.seek(index) }
            return sum
        }
    }
}

/// A log whose blocks are written and still in memory.
private final class CachedFlights {
    private let store: MemoryStore
    /// The numbers of records here and there, as clients send them.
    private let numbers: [String]
    private static let count = 20_000

    init() throws {
        store = try MemoryStore(isDropping: false)
        let flights = try Fixture.flights()
        let first = try store.appendBatch(flights, from: 0, count: 500).lowerBound
        for start in stride(from: 500, to: Self.count, by: 500) {
            _ = try store.appendBatch(flights, from: start, count: 500)
        }
        store.flush()
        numbers = (0..<1000).map { index in
            SequenceNumber(
                shardCreationSecond: 1_700_000_000, shardID: ShardID(index: 3),
                ordinal: first + UInt64(index * 7919 % Self.count), recordSecond: 1_700_000_001
            ).description
        }
    }

    /// Bytes of data read, a byte of each record touched.
    func scan() throws -> Int {
        var found = 0
        var sum = 0
        var cursor = store.log.cursor(at: 0, level: .published)
        while true {
            let some: Bool? = try cursor.withBatch { batch throws(LogError) in
                while let record = batch.next() {
                    found += 1
                    // Safe because every flight has data.
                    let byte = unsafe record.data.unsafeLoad(fromByteOffset: 0, as: UInt8.self)
                    sum &+= record.data.byteCount &+ Int(byte)
                }
                return true
            }
            if some == nil { break }
        }
        guard found == Self.count else { throw BenchError("\(found) records read, \(Self.count) appended") }
        return sum
    }

    /// A cursor at the record of the `index`th number; returns how many lie ready there.
    func seek(_ index: Int) throws -> Int {
        let number = try SequenceNumber(numbers[index % numbers.count])
        var cursor = store.log.cursor(at: number.ordinal, level: .published)
        guard case .records(let count) = try cursor.fetch() else { throw BenchError("no record \(number)") }
        return count
    }
}
