package import MillraceModel

/// Which shard takes which place of the hash ring. A value; the shards are in order and cover the ring once.
package struct ShardMap: Hashable, Sendable {
    /// The first place of each shard, increasing; the first one's is 0.
    private let starts: [UInt128]
    /// For each of so many equal parts of the ring the shard that takes its first place, and the last shard behind them: keys are spread
    /// over the ring, so that a search of the shards one half after the other is guessed wrongly by the processor at every other step.
    private let firstOfPart: [UInt32]
    /// A place's part is what is left of it without so many low bits.
    private let partShift: Int

    /// - Parameter ranges: those of the open shards, in order.
    package init(_ ranges: [HashKeyRange]) {
        let starts = ranges.map(\.starting.value)
        precondition(starts.first == 0, "shards cover the hash ring from its first place on")
        // Four parts a shard at least, so that nearly all lie in one shard.
        let bits = min(Int.bitWidth - (4 * starts.count - 1).leadingZeroBitCount, 16)
        partShift = UInt128.bitWidth - bits
        var shard = 0
        var firstOfPart: [UInt32] = []
        firstOfPart.reserveCapacity(1 << bits + 1)
        for part in 0..<1 << bits {
            while shard + 1 < starts.count, starts[shard + 1] <= UInt128(part) << partShift { shard += 1 }
            firstOfPart.append(UInt32(shard))
        }
        firstOfPart.append(UInt32(starts.count - 1))
        self.starts = starts
        self.firstOfPart = firstOfPart
    }

    /// With one shard there is nothing to route, so no key needs hashing.
    package var isSingle: Bool { starts.count == 1 }
    /// How many shards.
    package var count: Int { starts.count }

    /// Index of the shard that takes the place. O(1) where shards are alike in size, O(log shards) at most.
    package func index(of hashKey: UInt128) -> Int {
        let part = Int(truncatingIfNeeded: hashKey >> partShift)
        var low = Int(firstOfPart[part])
        var high = Int(firstOfPart[part + 1]) + 1
        // Invariant: starts[low] <= hashKey, and the shards from `high` on start above it.
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= hashKey { low = middle } else { high = middle }
        }
        return low
    }
}
