import Millrace
import MillraceLog
import MillraceModel

/// How a life splits, merges and scales, and what it learns of shards that only the store can say.
extension StreamActor {
    // MARK: Resharding

    func splitKey(_ shard: ReferenceShard?, _ place: StreamAction.SplitPlace) -> String {
        let range = shard?.range ?? 0...UInt128.max
        return switch place {
        case .middle: "\(range.lowerBound + (range.upperBound - range.lowerBound) / 2)"
        case .start(let plus): "\(range.lowerBound &+ UInt128(plus))"
        case .end(let minus): "\(minus < 0 ? range.upperBound &+ 1 : range.upperBound &- UInt128(minus))"
        case .tooLarge: Self.tooLarge
        case .malformed: "007"
        }
    }

    func mergePair(_ stream: Int, _ shard: Int, _ place: StreamAction.MergePlace) -> (String, String) {
        let first = shardText(shard, stream)
        guard let state = self.shard(shard, stream), let open = known(stream)?.openShards,
            let at = open.firstIndex(where: { $0.id == state.id })
        else { return (first, place == .missing ? "shardId-000000009999" : shardText(0, stream)) }
        let other =
            switch place {
            case .next: open[(at + 1) % open.count].id
            case .previous: open[(at + open.count - 1) % open.count].id
            case .itself: state.id
            case .distant: open[(at + 2) % open.count].id
            case .missing: ShardID(index: 9999)
            }
        return (first, "\(other)")
    }

    mutating func updateShardCount(_ stream: Int, _ choice: StreamAction.CountChoice) throws {
        guard let target = count(choice, stream) else { return }
        let request = UpdateShardCountRequest(stream: reference(stream), targetShardCount: target)
        guard try same({ try $0.answer(request) }, { try $0.answer(request).currentShardCount }) != nil else { return }
        try adoptShards(stream, target)
    }

    /// nil for streams of many shards: they make everything slow, and show nothing more.
    func count(_ choice: StreamAction.CountChoice, _ stream: Int) -> Int? {
        let count = known(stream)?.openShards.count ?? 1
        let target =
            switch choice {
            case .double(let plus): 2 * count + plus
            case .half(let plus): (count + 1) / 2 + plus
            case .same(let plus): count + plus
            case .count(let count): count
            }
        return target > 24 && target < 10_000 ? nil : target
    }

    /// Takes the shards that the store has made of those there were, when they are what a reshard may make.
    ///
    /// - Parameter target: how many of equal ranges they must be; nil: any that cover the ring once.
    mutating func adoptShards(_ stream: Int, _ target: Int? = nil) throws {
        guard var known = known(stream) else { return }
        let found = try store.stream(known.name).shards
        for shard in found {
            let index = Int(shard.id.index)
            let range = shard.hashKeyRange.starting.value...shard.hashKeyRange.ending.value
            if index < known.shards.count {
                let before = known.shards[index]
                guard shard.id == before.id, range == before.range, shard.creationSecond == before.creationSecond else {
                    throw StreamMismatch("\(shard.id) became another")
                }
            } else {
                let parents = shard.parents.map { known.shards[Int($0.index)] }
                guard index == known.shards.count, !parents.isEmpty, parents.allSatisfy({ $0.creationSecond < shard.creationSecond }),
                    parents.allSatisfy({ $0.range.overlaps(range) })
                else { throw StreamMismatch("\(shard.id) is no child of \(shard.parents)") }
                known.shards.append(
                    ReferenceShard(
                        id: shard.id, range: range, creationSecond: shard.creationSecond, parents: shard.parents))
            }
        }
        try learnClosings(&known, found)
        for child in known.shards { for parent in child.parents where known.shards[Int(parent.index)].closingSecond == nil {
            throw StreamMismatch("\(child.id) is there and its parent \(parent) is open")
        } }
        let open = known.openShards.map(\.range)
        guard let target else {
            model.streams[known.name] = known
            return try checkShards(stream)
        }
        if known.shards.count > model.streams[known.name]?.shards.count ?? 0 { known.countChanges.add(model.now) }
        let wanted = try HashKeyRange.tiling(count: target).map { $0.starting.value...$0.ending.value }
        guard open == wanted else { throw StreamMismatch("the open shards are \(open), not \(wanted)") }
        model.streams[known.name] = known
    }

    /// Takes the seconds in which shards closed, each of which is within its bounds.
    func learnClosings(_ known: inout ReferenceStream, _ found: [Shard]) throws {
        for shard in found {
            let index = Int(shard.id.index)
            guard let ending = shard.endingSequenceNumber, known.shards[index].closingSecond == nil,
                let child = known.shards.filter({ $0.parents.contains(shard.id) }).map(\.creationSecond).min()
            else { continue }
            var state = known.shards[index]
            let greatest = state.closing(in: model.now / 1000, child: child)
            state.lastArrival = state.leastArrival ?? state.lastArrival
            guard (state.closing(in: model.now / 1000, child: child)...greatest).contains(ending.recordSecond) else {
                throw StreamMismatch("\(shard.id) closed in second \(ending.recordSecond), not in \(greatest)")
            }
            known.shards[index].closingSecond = ending.recordSecond
            known.shards[index].leastArrival = nil
        }
    }

    /// Takes what cannot be foreseen of a split or a merge: where the last records of a shard were lost, up to when it lives.
    mutating func learnClosings(_ stream: Int) throws {
        guard var known = known(stream), known.shards.contains(where: { $0.leastArrival != nil && $0.closingSecond != nil })
        else { return }
        for index in known.shards.indices where known.shards[index].leastArrival != nil {
            known.shards[index].closingSecond = nil
        }
        try learnClosings(&known, try store.stream(known.name).shards)
        model.streams[known.name] = known
    }

    /// Invariant: the open shards' ranges cover the ring exactly once, and are those of the model.
    func checkShards(_ stream: Int) throws {
        guard let known = known(stream) else { return }
        let open = try store.stream(known.name).openShards
        var next: UInt128 = 0
        for (index, shard) in open.enumerated() {
            guard shard.hashKeyRange.starting.value == next, !shard.isClosed else {
                throw StreamMismatch("the open shards do not cover the ring: \(open.map(\.hashKeyRange))")
            }
            if index + 1 < open.count { next = shard.hashKeyRange.ending.value &+ 1 }
        }
        guard open.last?.hashKeyRange.ending == .max, open.map(\.id) == known.openShards.map(\.id) else {
            throw StreamMismatch("the open shards are \(open.map(\.id)), not \(known.openShards.map(\.id))")
        }
    }
}
