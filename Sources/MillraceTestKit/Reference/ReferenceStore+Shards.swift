package import MillraceModel

// Splitting, merging and listing shards, and taking them away.

extension ReferenceStore {
    package mutating func answer(_ request: SplitShardRequest) throws(KinesisError) {
        try begin(request)
        let name = try find(request.stream).name
        try requireActive(name)
        try change(name) { [now, aging] stream throws(KinesisError) in
            if stream.mode == .onDemand { throw .validation("mode") }
            stream.raiseHorizon(aging)
            let shard = try stream.shard(request.shardToSplit)
            let key = try HashKey(request.newStartingHashKey ?? "").value
            if shard.closingSecond != nil { throw .resourceInUse("closed") }
            guard key > shard.range.lowerBound, key - shard.range.lowerBound > 1, key < shard.range.upperBound else {
                throw .invalidArgument("key")
            }
            stream.add(shard.range.lowerBound...key - 1, of: [shard], second: now / 1000)
            stream.add(key...shard.range.upperBound, of: [shard], second: now / 1000)
        }
        show(.updating, name)
    }

    package mutating func answer(_ request: MergeShardsRequest) throws(KinesisError) {
        try begin(request)
        let name = try find(request.stream).name
        try requireActive(name)
        try change(name) { [now, aging] stream throws(KinesisError) in
            if stream.mode == .onDemand { throw .validation("mode") }
            stream.raiseHorizon(aging)
            let parents = [try stream.shard(request.shardToMerge), try stream.shard(request.adjacentShardToMerge)]
            if parents.contains(where: { $0.closingSecond != nil }) { throw .resourceInUse("closed") }
            let (low, high) = parents[0].range.lowerBound < parents[1].range.lowerBound ? (0, 1) : (1, 0)
            guard parents[low].range.upperBound < .max, parents[low].range.upperBound + 1 == parents[high].range.lowerBound
            else { throw .invalidArgument("not adjacent") }
            stream.add(
                parents[low].range.lowerBound...parents[high].range.upperBound, of: parents, second: now / 1000)
        }
        show(.updating, name)
    }

    /// Whether the count may be asked for; the count there was. Which splits and merges lead to it is the store's to choose.
    package mutating func answer(_ request: UpdateShardCountRequest) throws(KinesisError) -> Int {
        try begin(request)
        let target = request.targetShardCount ?? 0
        _ = try HashKeyRange.tiling(count: target)
        let stream = try find(request.stream)
        try requireActive(stream.name)
        if stream.mode == .onDemand { throw .validation("mode") }
        let count = stream.openShards.count
        if isEnforcing, stream.countChanges.count(at: now) >= 10 { throw .limitExceeded("10 a day") }
        if target > 2 * count || 2 * target < count { throw .invalidArgument("target") }
        show(.updating, stream.name)
        return count
    }

    package mutating func answer(
        _ request: ListShardsRequest, _ page: ReferencePage? = nil
    ) throws(KinesisError) -> (shards: [ShardSummary], next: ReferencePage?) {
        try begin(request, of: request.stream.name ?? request.stream.arn ?? "")
        let listed: String
        if request.nextToken != nil {
            guard let page else { throw .invalidArgument("token") }
            if Self.isOld(page.issued, now) { throw .expiredNextToken("") }
            guard let name = streams.first(where: { $0.value.identity == page.stream })?.key else {
                throw .invalidArgument("stream")
            }
            listed = name
        } else {
            listed = try find(request.stream).name
        }
        return try change(listed) { [now, aging] stream throws(KinesisError) in
            stream.raiseHorizon(aging)
            let filter = page == nil ? request.shardFilter : page?.filter
            let start = try request.exclusiveStartShardID.map { text throws(KinesisError) in try ShardID(text) }
            let chosen = try Self.select(stream, filter).filter { shard in
                (page?.after ?? start).map { shard.id > $0 } ?? true
            }
            let limit = min(request.maxResults ?? 1000, 1000)
            let next =
                chosen.count > limit
                ? ReferencePage(stream: stream.identity, filter: filter, after: chosen[limit - 1].id, issued: now) : nil
            return (chosen.prefix(limit).map(\.summary), next)
        }
    }

    private static func select(_ stream: ReferenceStream, _ filter: ShardFilter?) throws(KinesisError) -> [ReferenceShard] {
        let shards = stream.livingShards
        let time = max(UInt64(max(0, filter?.timestampMilliseconds ?? 0)), stream.horizon)
        switch filter?.type.flatMap(ShardFilterType.init) {
        case nil, .fromTrimHorizon: return shards
        case .afterShardID:
            let id = try ShardID(filter?.shardID ?? "")
            return shards.filter { $0.id > id }
        case .atLatest: return shards.filter { $0.closingSecond == nil }
        case .atTrimHorizon:
            let first = max(stream.horizon, (shards.map(\.creationSecond).min() ?? 0) * 1000)
            return shards.filter { $0.wasOpen(from: first, to: first) }
        case .atTimestamp: return shards.filter { $0.wasOpen(from: time, to: time) }
        case .fromTimestamp: return shards.filter { $0.wasOpen(from: time, to: .max) }
        }
    }

    /// Closed shards of which nothing is to be seen any more may be taken away: those that are not there any more were.
    package mutating func adoptGone(_ there: [String: [ShardID]]) {
        for (name, shards) in there {
            guard let stream = streams[name] else { continue }
            let left = Set(shards)
            for (index, shard) in stream.shards.enumerated()
            where !shard.isGone && !left.contains(shard.id) && !shard.wasOpen(from: stream.horizon, to: .max) {
                streams[name]?.shards[index].isGone = true
            }
        }
    }

    /// The store keeps the time over the end of the process.
    package mutating func keep(_ milliseconds: UInt64) {
        keptTime = max(keptTime, milliseconds)
        for name in Array(streams.keys) { streams[name]?.raiseHorizon(keptTime) }
    }
}
