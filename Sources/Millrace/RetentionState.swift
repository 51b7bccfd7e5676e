import MillraceIO
package import MillraceLog

/// What sweeps have found in the logs of shards, so that the next one looks only where something may be too old.
///
/// A class because sweeps of the service and of callers share it.
package final class RetentionState: Sendable {
    struct Found: Sendable {
        /// `SweepOutcome.oldestArrival`.
        var oldestArrival: UInt64?
        var byteCount: Int
    }
    private let found = Guarded<[UInt64: Found]>([:])

    package init() {}

    package func note(_ logID: UInt64, _ outcome: SweepOutcome) {
        found.withLock { $0[logID] = Found(oldestArrival: outcome.oldestArrival, byteCount: outcome.keptByteCount) }
    }
    func forget(_ logIDs: some Sequence<UInt64>) {
        found.withLock { found in for id in logIDs { found[id] = nil } }
    }

    /// Whether something in the log may be older than that. Of one that was never looked at, it may; of one that had no records it may as soon
    /// as it is in use.
    func mayHold(_ logID: UInt64, before milliseconds: UInt64, isInUse: Bool) -> Bool {
        guard let found = found.withLock({ $0[logID] }) else { return true }
        return found.oldestArrival.map { $0 < milliseconds } ?? isInUse
    }

    /// The oldest arrival among the logs that were looked at.
    var oldestArrival: UInt64? { found.withLock { found in found.values.compactMap { $0.oldestArrival }.min() } }

    /// Records of the log that arrived earlier will soon go because so many bytes are nearly reached; 0: none will. These are the oldest
    /// eighth of the time that it reaches back: about an eighth of its bytes.
    package func leavingBefore(_ logID: UInt64, keeping byteCount: Int?, at now: UInt64) -> UInt64 {
        found.withLock { $0[logID] }.map { Self.leavingBefore($0, keeping: byteCount, at: now) } ?? 0
    }

    /// The same of all logs together. O(logs) where there is a bound.
    package func leavingBefore(keeping byteCount: Int?, at now: UInt64) -> UInt64 {
        guard let byteCount else { return 0 }
        return Self.leavingBefore(Found(oldestArrival: oldestArrival, byteCount: total.byteCount), keeping: byteCount, at: now)
    }

    private static func leavingBefore(_ found: Found, keeping limit: Int?, at now: UInt64) -> UInt64 {
        guard let limit, found.byteCount > limit - limit / 8, let oldest = found.oldestArrival, oldest < now else { return 0 }
        return oldest + (now - oldest) / 8
    }

    /// Bytes of all logs that were looked at, and the one with the oldest records.
    var total: (byteCount: Int, oldest: UInt64?) {
        found.withLock { found in
            var byteCount = 0
            var oldest: (logID: UInt64, arrival: UInt64)?
            for (logID, log) in found {
                byteCount += log.byteCount
                guard let arrival = log.oldestArrival else { continue }
                // By the name of the log where two are as old, so that the same state gives the same answer.
                if oldest.map({ (arrival, logID) < ($0.arrival, $0.logID) }) ?? true { oldest = (logID, arrival) }
            }
            return (byteCount, oldest?.logID)
        }
    }
}
