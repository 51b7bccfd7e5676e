import Benchmark
import MillraceLog

/// Appends until the records are published. They are written before the next iteration, which is not timed.
func registerAppends() {
    measure("append-1", iterations: 100) {
        let store = try MemoryStore(isDropping: true)
        let flights = try Fixture.flights()
        return Timed { count in
            var last: UInt64 = 0
            for index in 0..<count {
                last = try store.log.append(key: flights.key(index), data: flights.data(index), arrival: 1000)
            }
            return Int(last)
        } before: {
            store.flush()
        }
    }
    measure("append-batch-500", scale: .one, iterations: 200) {
        let store = try MemoryStore(isDropping: true)
        let flights = try Fixture.flights()
        return Timed { count in
            var last: UInt64 = 0
            for _ in 0..<count { last = try store.appendBatch(flights, from: 0, count: 500).upperBound }
            return Int(last)
        } before: {
            store.flush()
        }
    }
}
