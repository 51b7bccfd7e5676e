import MillraceModel

/// Which shards of a stream are gone for good, and when: a pure decision.
///
/// A shard is gone when it is closed and nothing in it will ever be seen again; an open shard never is. Parents are taken away before
/// their children, or with them.
package enum ShardExpiry {
    /// Closed shards whose closing is out of sight, in order of their indices. Each of them is gone if its last record is, too.
    ///
    /// - Parameter horizon: records that arrived earlier are not to be seen; milliseconds since 1970 UTC.
    package static func candidates(_ stream: StreamDescription, horizon: UInt64) -> [ShardDescription] {
        stream.shards.filter { isGone($0, lastArrival: 0, horizon: horizon) }
    }

    /// - Parameter lastArrival: of the last record that the shard may hold; 0 when it never had one: then its closing says when it
    ///   was last of use. A shard is as old as the younger of the two.
    package static func isGone(_ shard: ShardDescription, lastArrival: UInt64, horizon: UInt64) -> Bool {
        guard let closing = shard.closing else { return false }
        return max(closing.lastMillisecond, lastArrival) < horizon
    }

    /// From when on the first of its closed shards may be gone, milliseconds since 1970 UTC; nil while all are open. A change of
    /// the period moves it.
    package static func nextMilliseconds(_ stream: StreamDescription) -> UInt64? {
        stream.shards.compactMap(\.closing?.lastMillisecond).min()
            .map { $0 + UInt64(stream.settings.retention.milliseconds) + 1 }
    }
}
