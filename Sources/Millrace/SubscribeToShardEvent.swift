package import MillraceModel

/// What a subscription pushes.
package struct SubscribeToShardEvent: Hashable, Sendable {
    /// In the order of the shard; empty in a heartbeat and at the shard's end.
    package let records: [Record]
    /// A subscription that starts behind this number goes on behind this event. nil at the end of a closed shard, by
    /// which consumers recognise it although the service model calls the member required.
    package let continuationSequenceNumber: SequenceNumber?
    /// How long ago the last record arrived, in milliseconds; 0 when none is behind it.
    package let millisBehindLatest: Int64
    /// The shards that go on, at the end of a closed one; else nil.
    package let childShards: [ChildShard]?
}
