import MillraceModel

/// Which shard takes which place of the hash ring. A value; the shards are in order and cover the ring once.
struct ShardMap: Hashable, Sendable {
    /// The first place of each shard, increasing; the first one's is 0.
    private let starts: [UInt128]

    /// - Parameter ranges: those of the open shards, in order.
    init(_ ranges: [HashKeyRange]) {
        starts = ranges.map(\.starting.value)
        precondition(starts.first == 0, "shards cover the hash ring from its first place on")
    }

    /// With one shard there is nothing to route, so no key needs hashing.
    var isSingle: Bool { starts.count == 1 }
    /// How many shards.
    var count: Int { starts.count }

    /// Index of the shard that takes the place. O(log shards).
    func index(of hashKey: UInt128) -> Int {
        var low = 0
        var high = starts.count
        // Invariant: starts[low] <= hashKey, and the shards from `high` on start above it.
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= hashKey { low = middle } else { high = middle }
        }
        return low
    }
}
