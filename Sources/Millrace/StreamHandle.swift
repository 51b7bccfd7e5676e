import MillraceLog
public import MillraceModel

/// A stream of an open store: put records into it, read them from it.
///
/// A class because it is the stream's shared identity. All methods may be called from any task or thread; records that one
/// task puts under one key, each after the one before it returned, keep that order.
public final class StreamHandle: Sendable {
    public let name: StreamName
    /// How far a put waits unless it says otherwise, and from when on readers see a record unless they ask for more.
    public let ackLevel: AckLevel
    /// When the stream was created, in seconds since 1970 UTC.
    public let creationSecond: UInt64
    /// The shards, in order of their indices.
    public let shards: [Shard]
    let streamID: UInt64
    let core: StoreCore
    let map: ShardMap

    init(_ description: StreamDescription, core: StoreCore) {
        name = description.name
        ackLevel = description.ackLevel
        creationSecond = description.creationSecond
        streamID = description.streamID
        self.core = core
        map = ShardMap(description.shards.map(\.hashKeyRange))
        shards = description.shards.map { shard in
            Shard(
                shard, creationSecond: description.creationSecond, ackLevel: description.ackLevel, core: core)
        }
    }

    /// The shard that takes records of that key.
    ///
    /// - Throws: `validation` when the key is empty or longer than 256 characters.
    public func shard(forPartitionKey partitionKey: String) throws(KinesisError) -> Shard {
        route(try PartitionKey(partitionKey), nil)
    }

    @inline(__always)
    func route(_ key: PartitionKey, _ explicitHashKey: HashKey?) -> Shard {
        map.isSingle ? shards[0] : shards[map.index(of: (explicitHashKey ?? key.hashKey).value)]
    }
}
