package import MillraceModel

/// What a sequence of splits and merges makes of a stream's shards, to be committed at once. A value; decides, does nothing.
///
/// Invariant: the ranges of the open shards cover the ring once. A shard that one step makes and a later one closes stands in
/// the lineage between the two and never takes a record.
package struct ReshardPlan {
    private let nowSecond: UInt64
    /// In order of their ranges.
    private var open: [ShardDescription]
    private var nextIndex: UInt32
    /// In order of their indices, without names of the engine yet.
    private var children: [ShardDescription] = []
    private var closed: [ShardID: ShardClosing] = [:]

    package init(_ stream: StreamDescription, nowSecond: UInt64) {
        self.nowSecond = nowSecond
        open = stream.openShards
        nextIndex = (stream.shards.last?.shardID.index ?? 0) + 1
    }

    package var isEmpty: Bool { children.isEmpty }
    /// Shards made, those in between too.
    package var childCount: Int { children.count }
    package var openCount: Int { open.count }
    /// The shards there are that must take no more records first.
    package var parents: [ShardID] {
        let made = Set(children.map(\.shardID))
        return closed.keys.filter { !made.contains($0) }.sorted()
    }

    // MARK: Steps

    /// Divides the open shard so that `key`, which is in its range and not its first place, is the first place of the second child.
    package mutating func split(_ id: ShardID, at key: HashKey) {
        let at = place(of: id)
        open.replaceSubrange(at...at, with: halves(of: open[at], at: key))
    }

    /// Joins two open shards that are neighbours; the first named is the parent, the other the adjacent parent.
    package mutating func merge(_ id: ShardID, _ adjacent: ShardID) {
        let places = [place(of: id), place(of: adjacent)].sorted()
        precondition(places[1] == places[0] + 1, "a merge of shards that are no neighbours")
        let made = join(open[place(of: id)], open[place(of: adjacent)])
        open.replaceSubrange(places[0]...places[1], with: [made])
    }

    /// Makes the shards those of a new stream with so many, `Limits.shardCount`: splits where one of them begins inside of a
    /// shard, then merges what lies in one of them. O(shards).
    package mutating func makeUniform(_ targets: [HashKeyRange]) {
        var pieces: [ShardDescription] = []
        var next = 1
        for var shard in open {
            while next < targets.count, targets[next].starting <= shard.hashKeyRange.ending {
                if targets[next].starting != shard.hashKeyRange.starting {
                    let halves = halves(of: shard, at: targets[next].starting)
                    pieces.append(halves[0])
                    shard = halves[1]
                }
                next += 1
            }
            pieces.append(shard)
        }
        open = []
        var at = 0
        for target in targets {
            var shard = pieces[at]
            at += 1
            while shard.hashKeyRange.ending < target.ending {
                shard = join(shard, pieces[at])
                at += 1
            }
            open.append(shard)
        }
    }

    private mutating func halves(of shard: ShardDescription, at key: HashKey) -> [ShardDescription] {
        let range = shard.hashKeyRange
        precondition(range.starting < key && key <= range.ending, "a split outside of the shard")
        return [(range.starting, HashKey(key.value - 1)), (key, range.ending)].map { first, last in
            child(of: [shard], Self.range(first, last))
        }
    }

    private mutating func join(_ shard: ShardDescription, _ adjacent: ShardDescription) -> ShardDescription {
        let ranges = [shard.hashKeyRange, adjacent.hashKeyRange].sorted { $0.starting < $1.starting }
        return child(of: [shard, adjacent], Self.range(ranges[0].starting, ranges[1].ending))
    }

    private func place(of id: ShardID) -> Int {
        guard let at = open.firstIndex(where: { $0.shardID == id }) else { preconditionFailure("\(id) is not open") }
        return at
    }

    private static func range(_ first: HashKey, _ last: HashKey) -> HashKeyRange {
        guard let range = try? HashKeyRange(starting: first, ending: last) else {
            preconditionFailure("\(first)...\(last) is a range")
        }
        return range
    }

    private mutating func child(of parents: [ShardDescription], _ range: HashKeyRange) -> ShardDescription {
        // In a later second than the parents, so that the numbers of its records are above theirs.
        let second = parents.reduce(nowSecond) { max($0, $1.creationSecond + 1) }
        // Up to the child's first second, so that at every moment some shard was there for each place of the ring.
        for parent in parents { closed[parent.shardID] = ShardClosing(second: max(nowSecond, second - 1), endOrdinal: 0) }
        let child = ShardDescription(
            shardID: ShardID(index: nextIndex), logID: 0, hashKeyRange: range,
            creationSecond: min(second, SequenceNumber.maximumSecond), parent: parents[0].shardID,
            adjacentParent: parents.count > 1 ? parents[1].shardID : nil)
        nextIndex += 1
        children.append(child)
        return child
    }

    // MARK: The result

    /// - Parameters:
    ///   - logIDs: the engine's names for the children, as many as there are.
    ///   - ends: of each parent the ordinal below which its records are.
    ///   - lastArrivals: of each parent when its last record arrived, in milliseconds since 1970 UTC. After the closing when the
    ///     clock was set back: the shard is there as long as that record.
    package func reshard(
        logIDs: Range<UInt64>, ends: [ShardID: UInt64], lastArrivals: [ShardID: UInt64] = [:]
    ) -> Reshard {
        var reshard = Reshard(children: children, closings: closed)
        for (index, logID) in logIDs.enumerated() { reshard.children[index].logID = logID }
        for (parent, end) in ends { reshard.closings[parent]?.endOrdinal = end }
        for (parent, arrival) in lastArrivals {
            guard let second = reshard.closings[parent]?.second else { continue }
            reshard.closings[parent]?.second = max(second, min(arrival / 1000, SequenceNumber.maximumSecond))
        }
        return reshard
    }
}
