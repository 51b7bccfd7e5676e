package import MillraceModel

/// What the catalogue knows of a stream. A value.
package struct StreamDescription: Hashable, Sendable {
    package var name: StreamName
    /// Drawn at random, so that a stream is told from another of the same name, here or elsewhere.
    package var streamID: UInt64
    /// Seconds since 1970 UTC; its first shards' too.
    package var creationSecond: UInt64
    /// How far a put waits unless it says otherwise, and what readers see unless they ask for more.
    package var ackLevel: AckLevel
    /// In order of their indices, closed ones too. Invariant: the ranges of the open ones cover the ring once.
    package var shards: [ShardDescription]
    package var settings = StreamSettings()
    /// In order of their names.
    package var consumers: [ConsumerState] = []
    /// How much an on-demand stream was used, as far as that was kept.
    package var peaks = PeakHistory()

    package init(
        name: StreamName, streamID: UInt64, creationSecond: UInt64, ackLevel: AckLevel, shards: [ShardDescription]
    ) {
        self.name = name
        self.streamID = streamID
        self.creationSecond = creationSecond
        self.ackLevel = ackLevel
        self.shards = shards
    }

    /// In order of their ranges.
    package var openShards: [ShardDescription] {
        shards.filter { $0.closing == nil }.sorted { $0.hashKeyRange.starting < $1.hashKeyRange.starting }
    }

    /// O(log shards).
    package func shard(_ id: ShardID) -> ShardDescription? {
        var low = 0
        var high = shards.count
        while low < high {
            let middle = (low + high) / 2
            if shards[middle].shardID < id { low = middle + 1 } else { high = middle }
        }
        return low < shards.count && shards[low].shardID == id ? shards[low] : nil
    }
}

/// What the catalogue knows of a shard. A value.
package struct ShardDescription: Hashable, Sendable {
    package var shardID: ShardID
    /// The engine's name of the shard's log; 1 or more.
    package var logID: UInt64
    package var hashKeyRange: HashKeyRange
    /// Seconds since 1970 UTC, after its parents'.
    package var creationSecond: UInt64
    /// The shard it was split from, or the first of the two it was merged from.
    package var parent: ShardID?
    /// The second of the two it was merged from.
    package var adjacentParent: ShardID?
    /// nil while it takes records.
    package var closing: ShardClosing?

    package init(
        shardID: ShardID, logID: UInt64, hashKeyRange: HashKeyRange, creationSecond: UInt64, parent: ShardID? = nil,
        adjacentParent: ShardID? = nil, closing: ShardClosing? = nil
    ) {
        self.shardID = shardID
        self.logID = logID
        self.hashKeyRange = hashKeyRange
        self.creationSecond = creationSecond
        self.parent = parent
        self.adjacentParent = adjacentParent
        self.closing = closing
    }

    package var parents: [ShardID] { [parent, adjacentParent].compactMap(\.self) }
}

/// When and where a shard stopped taking records. A value.
package struct ShardClosing: Hashable, Sendable {
    /// Since 1970 UTC.
    package var second: UInt64
    /// Every record of the shard is below it, and durable.
    package var endOrdinal: UInt64

    package init(second: UInt64, endOrdinal: UInt64) {
        self.second = second
        self.endOrdinal = endOrdinal
    }
}

/// What one reshard changes, all of it or nothing. A value.
package struct Reshard: Hashable, Sendable {
    /// In order of their indices, which go on behind the stream's; one may be closed already, by `closings`.
    package var children: [ShardDescription]
    package var closings: [ShardID: ShardClosing]

    package init(children: [ShardDescription], closings: [ShardID: ShardClosing]) {
        self.children = children
        self.closings = closings
    }
}
