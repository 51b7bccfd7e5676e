package import MillraceLog

/// Whether the horizons of a store's logs only rise. A value.
package struct HorizonWatch: Sendable {
    private var seen: [UInt64: UInt64] = [:]
    private var kept: [UInt64: UInt64] = [:]

    package init() {}

    /// A log's horizon is there; what is wrong with that, or nil.
    package mutating func see(_ horizon: UInt64, log: UInt64) -> String? {
        let before = seen[log, default: 0]
        seen[log] = max(horizon, before)
        return horizon < before ? "the horizon of log \(log) went back from \(before) to \(horizon)" : nil
    }

    /// Records below are gone for good, whatever end the store comes to.
    package mutating func keep(below ordinal: UInt64, log: UInt64) { kept[log] = max(ordinal, kept[log, default: 0]) }

    /// The store was left without a close: only what was kept holds.
    package mutating func reopen() { seen = kept }

    /// Forgets logs that there are no more.
    package mutating func forget(except logs: Set<UInt64>) { seen = seen.filter { logs.contains($0.key) } }
}

/// How much the segments of a log may take on the disk. A value.
///
/// The least it can be is what is inside the period. A segment goes as a whole, and so takes its span more; one that ends for its
/// age keeps the size that it was made with; and what is merged stays as long as its newest record.
package struct SpaceBound: Sendable {
    package var spanMilliseconds: UInt64
    /// Between two sweeps, with what a busy machine adds.
    package var lateMilliseconds: UInt64 = 2_000
    package var greatestSegmentByteCount: Int
    /// Records that a compaction merges into one segment.
    package var mergedByteCount: Int

    package init(spanMilliseconds: UInt64, greatestSegmentByteCount: Int, mergedByteCount: Int) {
        self.spanMilliseconds = spanMilliseconds
        self.greatestSegmentByteCount = greatestSegmentByteCount
        self.mergedByteCount = mergedByteCount
    }

    /// Records that arrived since then may be there.
    package func oldest(_ board: RetentionBoard) -> UInt64 {
        let horizon = board.horizonMilliseconds
        return horizon - min(horizon, spanMilliseconds + lateMilliseconds)
    }

    /// - Parameters:
    ///   - recordByteCount: of the records since `oldest`.
    ///   - openings: in that time: each begins a segment.
    /// - Returns: those bytes with an eighth for what stands beside them, a segment for each span and opening and two for what is
    ///   being written and made ready, and one merged segment.
    package func limit(recordByteCount: Int, period: UInt64, openings: Int = 0) -> Int {
        let spans = Int((period + spanMilliseconds + lateMilliseconds) / max(1, spanMilliseconds)) + 1
        return recordByteCount / 8 * 9 + (spans + openings + 2) * greatestSegmentByteCount + mergedByteCount
    }

    /// What is wrong with what a sweep that found time for everything has left, or nil.
    package func judge(_ outcome: SweepOutcome, _ limits: RetentionLimits, greatestByteCount: Int) -> String? {
        if outcome.keptByteCount > greatestByteCount {
            return "\(outcome.keptSegmentCount) segments take \(outcome.keptByteCount) bytes after a sweep, more than \(greatestByteCount)"
        }
        // The newest segment stays while somebody writes to it.
        if outcome.keptSegmentCount > 1, !outcome.isMore, let oldest = outcome.oldestArrival, oldest < limits.expiredBefore {
            return "a segment whose newest record arrived at \(oldest) was left by a sweep of all before \(limits.expiredBefore)"
        }
        return nil
    }
}
