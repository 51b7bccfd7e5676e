import MillraceModel

/// What the catalogue knows of a stream. A value.
struct StreamDescription: Hashable, Sendable {
    var name: StreamName
    /// Drawn at random, so that a stream is told from another of the same name, here or elsewhere.
    var streamID: UInt64
    /// Seconds since 1970 UTC; its shards' too.
    var creationSecond: UInt64
    /// How far a put waits unless it says otherwise, and what readers see unless they ask for more.
    var ackLevel: AckLevel
    /// In order of their indices; the ranges cover the ring once.
    var shards: [ShardDescription]
}

/// What the catalogue knows of a shard. A value.
struct ShardDescription: Hashable, Sendable {
    var shardID: ShardID
    /// The engine's name of the shard's log; 1 or more.
    var logID: UInt64
    var hashKeyRange: HashKeyRange
}
