/// What a service says of a shard. AWS's name is Shard.
public struct ShardSummary: Hashable, Sendable {
    public let shardID: ShardID
    /// The shard it came from by a split or a merge; nil for a shard its stream was created with.
    public let parentShardID: ShardID?
    /// The other shard of the merge it came from.
    public let adjacentParentShardID: ShardID?
    public let hashKeyRange: HashKeyRange
    /// Below the numbers of all its records.
    public let startingSequenceNumber: SequenceNumber
    /// Above the numbers of all its records; nil while the shard is open.
    public let endingSequenceNumber: SequenceNumber?

    public init(
        shardID: ShardID, parentShardID: ShardID? = nil, adjacentParentShardID: ShardID? = nil,
        hashKeyRange: HashKeyRange, startingSequenceNumber: SequenceNumber,
        endingSequenceNumber: SequenceNumber? = nil
    ) {
        self.shardID = shardID
        self.parentShardID = parentShardID
        self.adjacentParentShardID = adjacentParentShardID
        self.hashKeyRange = hashKeyRange
        self.startingSequenceNumber = startingSequenceNumber
        self.endingSequenceNumber = endingSequenceNumber
    }

    /// Whether it takes records.
    public var isOpen: Bool { endingSequenceNumber == nil }
}
