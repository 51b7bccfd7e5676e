public import MillraceModel

/// A busy shard of an on-demand stream whose traffic does not divide. A value.
public struct HotShard: Hashable, Sendable {
    public let shardID: ShardID
    /// The place of the key that has the traffic; nil when too little was sampled to say.
    public let hashKey: HashKey?
    /// The share of the shard's traffic that the key has at least, in thousandths; nil with the key.
    public let share: Int?
}
