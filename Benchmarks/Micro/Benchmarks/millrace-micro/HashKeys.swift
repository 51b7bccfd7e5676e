import Benchmark
import MillraceModel

/// The place of a partition key on the hash ring, alone and as a batch needs it.
func registerHashKeys() {
    registerHashKey("md5-16B", byteCount: 16)
    registerHashKey("md5-40B", byteCount: 40)
    measure("md5-500-keys", scale: .one) {
        let keys = try partitionKeys(count: 500).map { Array($0.text.utf8) }
        let bytes = keys.flatMap { $0 }
        let ends = keys.reduce(into: [0]) { $0.append($0.last! + $1.count) }
        return Timed { count in
            var sum: UInt128 = 0
            for _ in 0..<count {
                for hashKey in unsafe MD5.hashKeys(in: bytes.span.bytes, count: keys.count, at: { ends[$0]..<ends[$0 + 1] }) { sum ^= hashKey }
            }
            return Int(truncatingIfNeeded: sum)
        }
    }
}

/// Different keys in turn, so that no call can be taken out of the loop.
private func registerHashKey(_ name: String, byteCount: Int) {
    measure(name) {
        let keyCount = 64
        let text = try Fixture.flights().bytes
        return Timed { count in
            var sum: UInt128 = 0
            for index in 0..<count {
                let start = index % keyCount * byteCount
                // Safe because a UInt8 has no padding, and the array stays in place while its span is borrowed.
                sum ^= MD5.hashKey(of: unsafe text.span.bytes.extracting(start..<start + byteCount))
            }
            return Int(truncatingIfNeeded: sum)
        }
    }
}

private func partitionKeys(count: Int) throws -> [PartitionKey] {
    let flights = try Fixture.flights()
    return try (0..<count).map { try PartitionKey(utf8: flights.key($0)) }
}
