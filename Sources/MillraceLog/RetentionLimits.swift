/// What a log may forget, and how much of that at once.
package struct RetentionLimits: Sendable, Equatable {
    /// Records that arrived earlier may go, milliseconds since 1970 UTC; 0: none for their age.
    package var expiredBefore: UInt64 = 0
    /// Records below may go, whatever their age; 0: none.
    package var trimmedBelow: UInt64 = 0
    /// Older segments may go while those behind them take at least so many bytes on the disk; nil: none for that.
    package var keptByteCount: Int?
    /// So many of the oldest segments may go, as far as they are not the newest.
    package var oldestSegmentCount = 0
    /// A segment takes no record that arrived so much later than its first one: what bounds how long an expired record
    /// keeps its space.
    package var segmentMilliseconds = UInt64.max
    /// The sweep stops behind the segment with which it has removed so many bytes; the next one goes on.
    package var removalByteLimit = Int.max

    package init() {}
}

/// What a sweep did.
package struct SweepOutcome: Sendable, Equatable {
    /// The oldest record that may be there.
    package var horizon: UInt64 = 0
    package var removedSegmentCount = 0
    package var removedByteCount = 0
    /// Of these, the files kept for new segments.
    package var recycledSegmentCount = 0
    /// More could go at once: the limit was reached, or somebody else was at work.
    package var isMore = false
    /// Segments that are left, and their bytes on the disk.
    package var keptSegmentCount = 0
    package var keptByteCount = 0
    /// When the newest record arrived in the oldest segment that has any: before that is too old, nothing more goes for its age. nil
    /// of a log without records.
    package var oldestArrival: UInt64?

    package init() {}
}
