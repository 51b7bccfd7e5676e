import Benchmark
import MillraceModel

/// The check that a request of 500 flights passes before anything else is done with it.
func registerRequests() {
    measure("put-records-validate", scale: .one) {
        let flights = try Fixture.flights()
        let records = (0..<500).map { index in
            PutEntry(
                data: Array(flights.bytes[flights.dataRange(index)]),
                partitionKey: String(decoding: flights.bytes[flights.keyRange(index)], as: UTF8.self))
        }
        let request = PutRecordsRequest(stream: "flights", records: records)
        return Timed { count in
            for _ in 0..<count { try request.validate() }
            return count
        }
    }
}
