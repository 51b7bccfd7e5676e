import MillraceModel

/// A stream between two changes: its shards, who takes which place of the ring, its settings. Never changes.
final class StreamVersion: Sendable {
    /// In order of their indices, closed ones too.
    let shards: [Shard]
    /// In order of their ranges.
    let openShards: [Shard]
    let map: ShardMap
    let settings: StreamSettings
    /// Of each parent the places of its children in `shards`, in order.
    private let childPlaces: [ShardID: [Int]]
    /// The stream was deleted: nothing is put or read any more.
    let isDeleted: Bool

    /// - Parameter shards: those of the description, in its order.
    init(_ description: StreamDescription, shards: [Shard]) {
        self.shards = shards
        childPlaces = shards.indices.reduce(into: [:]) { places, place in
            for parent in shards[place].parents { places[parent, default: []].append(place) }
        }
        settings = description.settings
        isDeleted = false
        openShards = zip(shards, description.shards).filter { $1.closing == nil }.map(\.0)
            .sorted { $0.hashKeyRange.starting < $1.hashKeyRange.starting }
        map = ShardMap(openShards.map(\.hashKeyRange))
    }

    private init(deleted version: StreamVersion) {
        shards = version.shards
        childPlaces = version.childPlaces
        settings = version.settings
        isDeleted = true
        openShards = version.openShards
        map = version.map
    }

    /// The same stream, deleted.
    func deleted() -> StreamVersion { StreamVersion(deleted: self) }

    /// The shard that takes the place.
    @inline(__always)
    func route(_ key: PartitionKey, _ explicitHashKey: HashKey?) -> Shard {
        map.isSingle ? openShards[0] : openShards[map.index(of: (explicitHashKey ?? key.hashKey).value)]
    }

    /// The same for a key that was checked to be one.
    @inline(__always)
    func route(_ key: RawSpan, _ explicitHashKey: HashKey?) -> Shard {
        map.isSingle ? openShards[0] : openShards[map.index(of: explicitHashKey?.value ?? MD5.hashKey(of: key))]
    }

    /// No shard of the stream was made after it.
    var newestShardID: ShardID { shards.last?.id ?? ShardID(index: 0) }

    /// Whether shards have gone that were too old to be seen: indices are given out in order.
    var hasLostShards: Bool { shards.last.map { Int($0.id.index) + 1 > shards.count } ?? false }

    /// O(log shards).
    func shard(_ id: ShardID) -> Shard? {
        var low = 0
        var high = shards.count
        while low < high {
            let middle = (low + high) / 2
            if shards[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < shards.count && shards[low].id == id ? shards[low] : nil
    }

    /// The shards that were made of it, in order; none while it is open. O(children).
    func children(of id: ShardID) -> [Shard] { (childPlaces[id] ?? []).map { shards[$0] } }
}
