package import MillraceModel

/// What the catalogue knows of a stream. A value.
package struct StreamDescription: Hashable, Sendable {
    package var name: StreamName
    /// Drawn at random, so that a stream is told from another of the same name, here or elsewhere.
    package var streamID: UInt64
    /// Seconds since 1970 UTC; its shards' too.
    package var creationSecond: UInt64
    /// How far a put waits unless it says otherwise, and what readers see unless they ask for more.
    package var ackLevel: AckLevel
    /// In order of their indices; the ranges cover the ring once.
    package var shards: [ShardDescription]

    package init(
        name: StreamName, streamID: UInt64, creationSecond: UInt64, ackLevel: AckLevel, shards: [ShardDescription]
    ) {
        self.name = name
        self.streamID = streamID
        self.creationSecond = creationSecond
        self.ackLevel = ackLevel
        self.shards = shards
    }
}

/// What the catalogue knows of a shard. A value.
package struct ShardDescription: Hashable, Sendable {
    package var shardID: ShardID
    /// The engine's name of the shard's log; 1 or more.
    package var logID: UInt64
    package var hashKeyRange: HashKeyRange

    package init(shardID: ShardID, logID: UInt64, hashKeyRange: HashKeyRange) {
        self.shardID = shardID
        self.logID = logID
        self.hashKeyRange = hashKeyRange
    }
}
