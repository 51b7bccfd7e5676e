import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: files are kept for new segments only where a new segment can use them. Method: the pool's directory on a disk in memory.
@Suite struct RecyclingTests {
    private static func put(_ log: ShardLog, _ range: Range<Int>) throws {
        let dice = SeededEntropy(seed: UInt64(range.lowerBound))
        for number in range {
            let data = (0..<10_000).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
            let ordinal = try log.append(PlainRecord(key: Array("k".utf8), data: data), arrival: 1000 + UInt64(number))
            try log.wait(.durable, below: ordinal + 1)
        }
    }

    private static func sweep(_ log: ShardLog, expiredBefore milliseconds: UInt64) throws -> SweepOutcome {
        var limits = RetentionLimits()
        limits.expiredBefore = milliseconds
        return try log.sweep(limits)
    }

    private static func pooledByteCounts(_ harness: Harness) throws -> [Int] {
        let root = try harness.disk.openDirectory(at: "/store", create: false)
        defer { harness.disk.close(root) }
        let pool = try harness.disk.openDirectory(FileNames.pool, in: root, create: false)
        defer { harness.disk.close(pool) }
        return try harness.disk.list(pool).compactMap { FileNames.spare($0)?.byteCount }
    }

    @Test func `a file that compaction made is of no size that a log asks for, so it is not kept for one`() throws {
        var harness = Harness()
        harness.configuration.leastRecycledByteCount = 32 << 10
        harness.configuration.cacheByteCount = 0
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        try Self.put(log, 0..<60)
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
        #expect(try Self.sweep(log, expiredBefore: 1060).removedSegmentCount >= mergedCount)
        let sizes = [harness.configuration.firstSegmentByteCount, harness.configuration.greatestSegmentByteCount]
        let kept = try Self.pooledByteCounts(harness)
        #expect(!kept.isEmpty && kept.allSatisfy(sizes.contains), "\(kept)")
        // What was written by appending is used again all the same.
        try Self.put(log, 60..<80)
        #expect(try Self.sweep(log, expiredBefore: 1078).recycledSegmentCount > 0)
    }
}
