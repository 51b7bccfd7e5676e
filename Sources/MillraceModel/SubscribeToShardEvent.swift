/// A batch of records pushed to a subscription; without records a sign of life.
/// Rule: service model, shape SubscribeToShardEvent.
public struct SubscribeToShardEvent: Hashable, Sendable {
    /// In their order.
    public var records: [Record]
    /// Where a later subscription goes on: AFTER_SEQUENCE_NUMBER of it misses nothing and repeats nothing.
    /// nil in the last event of a closed shard: consumers recognise its end by that (KCL, Flink), although the service
    /// model calls the member required.
    public var continuationSequenceNumber: SequenceNumber?
    /// Age of the last record here against the newest; 0 at the tip.
    public var millisBehindLatest: Int64
    /// At the end of a closed shard, in the last event: those that follow it.
    public var childShards: [ChildShard]

    public init(
        records: [Record], continuationSequenceNumber: SequenceNumber?, millisBehindLatest: Int64,
        childShards: [ChildShard] = []
    ) {
        self.records = records
        self.continuationSequenceNumber = continuationSequenceNumber
        self.millisBehindLatest = millisBehindLatest
        self.childShards = childShards
    }
}
