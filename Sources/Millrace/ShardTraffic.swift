import MillraceModel

/// What one open shard took and gave, minute by minute: the measurement that on-demand scaling decides on.
///
/// A value. It keeps the last 15 minutes, and the peak of each of the last 24 hours.
package struct ShardTraffic: Hashable, Sendable {
    /// One minute of one shard: what was granted, not what was asked for. Nobody can say how much of what was refused
    /// was the same record tried again.
    package struct Sample: Hashable, Sendable {
        package var writeByteCount: Int
        package var writeRecordCount: Int
        package var readByteCount: Int

        package init(writeByteCount: Int = 0, writeRecordCount: Int = 0, readByteCount: Int = 0) {
            self.writeByteCount = writeByteCount
            self.writeRecordCount = writeRecordCount
            self.readByteCount = readByteCount
        }

        /// The mean in thousandths of what a shard takes: of its bytes or its records, whichever is more. Rounded up.
        package var writeUsage: Int {
            max(
                Self.usage(writeByteCount, Limits.shardWriteBytesPerSecond),
                Self.usage(writeRecordCount, Limits.shardWriteRecordsPerSecond))
        }

        /// The same of what a shard gives.
        package var readUsage: Int { Self.usage(readByteCount, Limits.shardReadBytesPerSecond) }

        private static func usage(_ count: Int, _ perSecond: Int) -> Int {
            (count * 1000 + perSecond * 60 - 1) / (perSecond * 60)
        }
    }

    private struct Peak: Hashable, Sendable {
        var write = 0, read = 0
    }

    /// Minutes kept: those within which AWS says that a stream catches up with more than twice its peak.
    package static let windowMinutes = 15

    /// The newest last.
    private var samples: [Sample] = []
    /// Of whole hours and the one that runs, the newest last.
    private var hours: [Peak] = []
    /// Minutes measured since the shard was opened.
    package private(set) var minuteCount = 0

    package init() {}

    /// Adds the minute that is over.
    package mutating func record(_ sample: Sample) {
        if samples.count == Self.windowMinutes { samples.removeFirst() }
        samples.append(sample)
        if minuteCount % 60 == 0 {
            // One more than 24, so that the last 24 h are covered while an hour runs.
            if hours.count == 25 { hours.removeFirst() }
            hours.append(Peak())
        }
        let last = hours.count - 1
        hours[last].write = max(hours[last].write, sample.writeUsage)
        hours[last].read = max(hours[last].read, sample.readUsage)
        minuteCount += 1
    }

    /// Write usage of the last minute; 0 before the first is over.
    package var writeUsage: Int { samples.last?.writeUsage ?? 0 }

    /// Mean write usage of the last 15 minutes, or of those there are.
    package var meanWriteUsage: Int {
        samples.isEmpty ? 0 : samples.reduce(0) { $0 + $1.writeUsage } / samples.count
    }

    /// Whether 24 hours have been measured.
    package var hasWholeDay: Bool { minuteCount >= 24 * 60 }
    /// The busiest minute of the last 24 hours, writes.
    package var dayWritePeak: Int { hours.reduce(0) { max($0, $1.write) } }
    /// The busiest minute of the last 24 hours, reads.
    package var dayReadPeak: Int { hours.reduce(0) { max($0, $1.read) } }
}
