import Millrace
import MillraceIO
import MillraceModel
import Testing

/// Aim: whatever splits and merges a plan is made of, its shards cover the ring once and its lineage is one that the catalogue
/// takes. Method: all counts up to some dozens and drawn rings; every plan is applied as a record of the catalogue would be.
@Suite(.timeLimit(.minutes(1))) struct ReshardPlanTests {
    private static let now: UInt64 = 1_735_689_600

    static func stream(_ ranges: [HashKeyRange], second: UInt64 = now - 10) throws -> StreamDescription {
        StreamDescription(
            name: try StreamName("s"), streamID: 7, creationSecond: second, ackLevel: .durable,
            shards: ranges.enumerated().map { index, range in
                ShardDescription(
                    shardID: ShardID(index: UInt32(index)), logID: UInt64(index) + 1, hashKeyRange: range,
                    creationSecond: second)
            })
    }

    /// A ring of `count` shards with borders drawn at random, some of them beside one another.
    static func ring(_ count: Int, _ dice: SeededEntropy) throws -> [HashKeyRange] {
        var borders: Set<UInt128> = [0]
        while borders.count < count {
            switch dice.next(below: 6) {
            case 0: borders.insert(.max)
            case 1: borders.insert(borders.sorted()[dice.next(below: borders.count)] &+ 1)
            default: borders.insert(UInt128(dice.next()) << 64 | UInt128(dice.next()))
            }
        }
        let starts = borders.sorted()
        return try zip(starts, starts.dropFirst().map { $0 - 1 } + [.max]).map { first, last in
            try HashKeyRange(starting: HashKey(first), ending: HashKey(last))
        }
    }

    /// Commits the plan to a catalogue and answers the stream after it; checks what must hold of any plan.
    @discardableResult
    static func commit(_ plan: ReshardPlan, to stream: StreamDescription, now: UInt64 = now) throws -> StreamDescription {
        let firstLog = (stream.shards.map(\.logID).max() ?? 0) + 1
        let reshard = plan.reshard(
            logIDs: firstLog..<firstLog + UInt64(plan.childCount),
            ends: Dictionary(uniqueKeysWithValues: plan.parents.map { ($0, 77) }))
        var state = CatalogueState()
        try state.apply(.streamCreated(stream))
        let record = CatalogueRecord.resharded(streamID: stream.streamID, reshard)
        #expect(try CatalogueRecord(record.bytes) == record)
        try state.apply(record)
        let after = try #require(state.streams[stream.streamID])
        #expect(HashKeyRange.tile(after.openShards.map(\.hashKeyRange)))
        #expect(after.openShards.count == plan.openCount)
        #expect(after.shards.map(\.shardID.index) == Array(0..<UInt32(after.shards.count)))
        #expect(Set(after.shards.map(\.logID)).count == after.shards.count)
        for shard in after.shards.dropFirst(stream.shards.count) {
            #expect((1...2).contains(shard.parents.count))
            let parents = try shard.parents.map { try #require(after.shard($0)) }
            for parent in parents {
                #expect(parent.shardID < shard.shardID)
                #expect(parent.creationSecond < shard.creationSecond)
                let closing = try #require(parent.closing)
                #expect(closing.second >= parent.creationSecond)
                #expect(closing.second >= now)
                #expect(closing.endOrdinal == (stream.shard(parent.shardID) == nil ? 0 : 77))
            }
            #expect(shard.creationSecond >= now)
            // A merge's range is its parents' together, a split's is a part of its parent's.
            if parents.count == 2 {
                #expect(parents[0].hashKeyRange.isAdjacent(to: parents[1].hashKeyRange))
                #expect(shard.hashKeyRange.starting == parents.map(\.hashKeyRange.starting).min())
                #expect(shard.hashKeyRange.ending == parents.map(\.hashKeyRange.ending).max())
            } else {
                #expect(parents[0].hashKeyRange.contains(shard.hashKeyRange.starting))
                #expect(parents[0].hashKeyRange.contains(shard.hashKeyRange.ending))
                #expect(parents[0].hashKeyRange != shard.hashKeyRange)
            }
        }
        let parents = Set(plan.parents)
        for shard in stream.shards {
            let isParent = parents.contains(shard.shardID)
            let kept = try #require(after.shard(shard.shardID))
            if isParent { #expect(kept.closing != nil) } else { #expect(kept == shard) }
        }
        return after
    }

    @Test func `any uniform count becomes any other from half to double, exactly as a new stream would have it`() throws {
        for count in 1...40 {
            let stream = try Self.stream(HashKeyRange.tiling(count: count))
            for target in (count + 1) / 2...2 * count {
                let targets = try HashKeyRange.tiling(count: target)
                var plan = ReshardPlan(stream, nowSecond: Self.now)
                plan.makeUniform(targets)
                #expect(plan.isEmpty == (target == count))
                let after = plan.isEmpty ? stream : try Self.commit(plan, to: stream)
                #expect(after.openShards.map(\.hashKeyRange) == targets, "\(count) -> \(target)")
                // Each border is split at most once, and each shard of the result merged from few.
                #expect(plan.childCount <= 3 * (count + target), "\(count) -> \(target): \(plan.childCount)")
            }
        }
    }

    @Test func `any ring becomes any uniform one, and a second time nothing is left to do`() throws {
        let seed = TestSeed.draw("plan")
        let dice = SeededEntropy(seed: seed)
        for round in 0..<300 {
            let stream = try Self.stream(Self.ring(1 + dice.next(below: 30), dice))
            let targets = try HashKeyRange.tiling(count: 1 + dice.next(below: 60))
            var plan = ReshardPlan(stream, nowSecond: Self.now)
            plan.makeUniform(targets)
            let after = plan.isEmpty ? stream : try Self.commit(plan, to: stream)
            #expect(after.openShards.map(\.hashKeyRange) == targets, "seed \(seed), round \(round)")
            var again = ReshardPlan(after, nowSecond: Self.now)
            again.makeUniform(targets)
            #expect(again.isEmpty, "seed \(seed), round \(round)")
        }
    }

    @Test func `splits and merges drawn at random, many in one plan and one plan on top of the other, keep the ring whole`()
        throws
    {
        let seed = TestSeed.draw("plan")
        let dice = SeededEntropy(seed: seed)
        for round in 0..<60 {
            var stream = try Self.stream(Self.ring(1 + dice.next(below: 8), dice), second: Self.now + 3)
            // The clock stands, goes on, and goes back.
            var now = Self.now
            for _ in 0..<6 {
                var plan = ReshardPlan(stream, nowSecond: now)
                // The plan's own view of its shards, kept by the simplest means.
                var open = stream.openShards.map { ($0.shardID, $0.hashKeyRange) }
                var next = UInt32(stream.shards.count)
                for _ in 0..<1 + dice.next(below: 6) {
                    let at = dice.next(below: open.count)
                    let range = open[at].1
                    if dice.next(below: 2) == 0, range.starting < range.ending {
                        let width = range.ending.value - range.starting.value
                        let key = HashKey(range.starting.value + 1 + (dice.next(below: 3) == 0 ? 0 : UInt128(dice.next()) % width))
                        plan.split(open[at].0, at: key)
                        open.replaceSubrange(
                            at...at,
                            with: [
                                (ShardID(index: next), try HashKeyRange(starting: range.starting, ending: HashKey(key.value - 1))),
                                (ShardID(index: next + 1), try HashKeyRange(starting: key, ending: range.ending)),
                            ])
                        next += 2
                    } else if at + 1 < open.count {
                        let pair = dice.next(below: 2) == 0 ? (at, at + 1) : (at + 1, at)
                        plan.merge(open[pair.0].0, open[pair.1].0)
                        let merged = try HashKeyRange(starting: range.starting, ending: open[at + 1].1.ending)
                        open.replaceSubrange(at...at + 1, with: [(ShardID(index: next), merged)])
                        next += 1
                    }
                }
                if plan.isEmpty { continue }
                stream = try Self.commit(plan, to: stream, now: now)
                #expect(stream.openShards.map(\.shardID) == open.map(\.0), "seed \(seed), round \(round)")
                #expect(stream.openShards.map(\.hashKeyRange) == open.map(\.1), "seed \(seed), round \(round)")
                now = now &+ UInt64(dice.next(below: 5)) - 2
            }
        }
    }

    @Test func `a split names its parent, a merge both, the first named before the other`() throws {
        let stream = try Self.stream(HashKeyRange.tiling(count: 2))
        var split = ReshardPlan(stream, nowSecond: Self.now)
        split.split(ShardID(index: 1), at: HashKey((UInt128.max >> 1) + 100))
        #expect(split.parents == [ShardID(index: 1)])
        let children = try Self.commit(split, to: stream).shards.dropFirst(2)
        #expect(children.map(\.parent) == [ShardID(index: 1), ShardID(index: 1)])
        #expect(children.map(\.adjacentParent) == [nil, nil])

        var merge = ReshardPlan(stream, nowSecond: Self.now)
        merge.merge(ShardID(index: 1), ShardID(index: 0))
        #expect(merge.parents == [ShardID(index: 0), ShardID(index: 1)])
        let child = try #require(try Self.commit(merge, to: stream).shards.last)
        #expect(child.parent == ShardID(index: 1))
        #expect(child.adjacentParent == ShardID(index: 0))
        #expect(child.hashKeyRange == .whole)
    }

    @Test func `ten thousand shards are doubled and halved in no time`() throws {
        let limit = Limits.shardCount.upperBound
        let half = try Self.stream(HashKeyRange.tiling(count: limit / 2))
        var plan = ReshardPlan(half, nowSecond: Self.now)
        let start = ContinuousClock().now
        plan.makeUniform(try HashKeyRange.tiling(count: limit))
        let took = ContinuousClock().now - start
        #expect(plan.openCount == limit)
        let full = try Self.commit(plan, to: half)
        var back = ReshardPlan(full, nowSecond: Self.now + 100)
        back.makeUniform(try HashKeyRange.tiling(count: limit / 2))
        let after = try Self.commit(back, to: full, now: Self.now + 100)
        #expect(after.openShards.map(\.hashKeyRange) == half.openShards.map(\.hashKeyRange))
        #expect(took < .seconds(5), "\(took)")
    }
}
