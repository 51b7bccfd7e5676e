import MillraceIO
import MillraceLog
import MillraceTestKit

/// What the tests of retention put into a log, ask of a sweep, and find on the disk.
enum SweptLog {
    /// A log of so many records, each its own block and each some 10 kB that do not compress: three to a segment of 32 KiB. Record i
    /// arrived at 1000 + i.
    static func fill(_ log: ShardLog, _ range: Range<Int>, isSynced: Bool = true) throws -> [UInt64] {
        let dice = SeededEntropy(seed: UInt64(range.lowerBound))
        return try range.map { number in
            let data = (0..<10_000).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
            let ordinal = try log.append(PlainRecord(key: Array("k\(number)".utf8), data: data), arrival: 1000 + UInt64(number))
            if isSynced { try log.wait(.durable, below: ordinal + 1) }
            return ordinal
        }
    }

    static func limits(expiredBefore: UInt64) -> RetentionLimits {
        var limits = RetentionLimits()
        limits.expiredBefore = expiredBefore
        return limits
    }

    static func files(_ harness: Harness, log id: UInt64 = 1) throws -> [String] {
        let root = try harness.disk.openDirectory(at: "/store", create: false)
        defer { harness.disk.close(root) }
        let logs = try harness.disk.openDirectory("logs", in: root, create: false)
        defer { harness.disk.close(logs) }
        let log = try harness.disk.openDirectory(FileNames.log(id), in: logs, create: false)
        defer { harness.disk.close(log) }
        return try harness.disk.list(log)
    }
}
