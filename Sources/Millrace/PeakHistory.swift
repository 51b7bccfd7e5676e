import MillraceModel

/// The busiest minute of each of the last 30 days of a stream, in thousandths of a shard: what an on-demand stream
/// must be able to take twice. A value.
package struct PeakHistory: Hashable, Sendable {
    /// One more than 30, so that 30 whole days are covered while a day runs.
    package static let dayCount = Limits.onDemandPeakDays + 1

    /// The day of the newest entry, counted from any fixed one.
    package private(set) var newestDay: Int
    /// The newest first, at most `dayCount`.
    package private(set) var peaks: [Int]

    package init() { self.init(newestDay: 0, peaks: []) }

    /// What was kept of an earlier run.
    package init(newestDay: Int, peaks: [Int]) {
        self.newestDay = newestDay
        self.peaks = Array(peaks.prefix(Self.dayCount))
    }

    /// Adds a minute.
    ///
    /// - Parameters:
    ///   - usage: the stream's, 0 or more.
    ///   - minute: of wall time. A minute of an earlier day than the newest one counts for that: a clock that went back
    ///     loses no peak, and keeps it for longer.
    package mutating func record(_ usage: Int, minute: Int) {
        let day = minute / (24 * 60)
        if peaks.isEmpty { newestDay = day }
        if day > newestDay || peaks.isEmpty {
            let newDays = peaks.isEmpty ? 1 : min(day - newestDay, Self.dayCount)
            peaks.insert(contentsOf: repeatElement(0, count: newDays), at: 0)
            peaks.removeLast(max(0, peaks.count - Self.dayCount))
            newestDay = day
        }
        peaks[0] = max(peaks[0], usage)
    }

    /// The busiest minute that is not older than 30 days; 0 when there was none.
    package var peak: Int { peaks.max() ?? 0 }
}
