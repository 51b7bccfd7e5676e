/// A shard that follows one or two closed ones, as a reader at the end of a closed shard learns of it.
public struct ChildShard: Hashable, Sendable {
    public let shardID: ShardID
    /// The shard read, and the one it was merged with, if so.
    public let parentShards: [ShardID]
    public let hashKeyRange: HashKeyRange

    public init(shardID: ShardID, parentShards: [ShardID], hashKeyRange: HashKeyRange) {
        self.shardID = shardID
        self.parentShards = parentShards
        self.hashKeyRange = hashKeyRange
    }
}
