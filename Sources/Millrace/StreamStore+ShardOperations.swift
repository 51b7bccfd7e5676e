package import MillraceModel

// Listing and changing shards, on the calling thread.

extension StreamStore {
    package func answer(_ request: ListShardsRequest) throws(KinesisError) -> ListShardsResponse {
        try begin(request, of: request.stream.subject)
        let page: ShardPage
        let stream: StreamDescription
        if let token = request.nextToken {
            let token = try pageTokens.read(token, for: .listShards)
            guard let named = ShardPage(token.position), let known = catalogue.known.streams[token.streamID] else {
                throw .invalidArgument("The stream of the NextToken is gone.")
            }
            (page, stream) = (named, known)
        } else {
            stream = try find(request.stream)
            if let created = request.streamCreationTimestampMilliseconds, created / 1000 != Int64(stream.creationSecond) {
                throw core.words.streamNotFound(stream.name.text)
            }
            page = try ShardPage(request)
        }
        let shards = page.filter.select(visibleShards(stream), horizon: horizon(of: stream)).filter { shard in
            page.after.map { shard.shardID.index > $0 } ?? true
        }
        let limit = min(request.maxResults ?? Limits.listShardsCount, Limits.listShardsCount)
        var next: String?
        if shards.count > limit {
            let rest = ShardPage(after: shards[limit - 1].shardID.index, filter: page.filter)
            next = pageTokens.make(.listShards, streamID: stream.streamID, rest.bytes)
        }
        return ListShardsResponse(shards: shards.prefix(limit).map(\.summary), nextToken: next)
    }

    package func answer(_ request: SplitShardRequest) throws(KinesisError) {
        try begin(request)
        try reshard(request.stream, "SplitShard") { stream throws(KinesisError) in
            let shard = try shard(request.shardToSplit, of: stream)
            let key = try HashKey(request.newStartingHashKey ?? "")
            if shard.closing != nil { throw core.words.shardNotOpen(shard.shardID, stream.name) }
            let range = shard.hashKeyRange
            // Both children have two places at least.
            guard key > range.starting, key.value - range.starting.value > 1, key < range.ending else {
                throw core.words.splitOutside(key, shard, stream.name)
            }
            var plan = ReshardPlan(stream, nowSecond: core.nowMilliseconds() / 1000)
            plan.split(shard.shardID, at: key)
            return plan
        }
    }

    package func answer(_ request: MergeShardsRequest) throws(KinesisError) {
        try begin(request)
        try reshard(request.stream, "MergeShards") { stream throws(KinesisError) in
            let shards = [
                try shard(request.shardToMerge, of: stream), try shard(request.adjacentShardToMerge, of: stream),
            ]
            for shard in shards where shard.closing != nil { throw core.words.shardNotOpen(shard.shardID, stream.name) }
            guard shards[0].hashKeyRange.isAdjacent(to: shards[1].hashKeyRange) else {
                throw core.words.notAdjacent(shards[0].shardID, shards[1].shardID, stream.name)
            }
            var plan = ReshardPlan(stream, nowSecond: core.nowMilliseconds() / 1000)
            plan.merge(shards[0].shardID, shards[1].shardID)
            return plan
        }
    }

    package func answer(_ request: UpdateShardCountRequest) throws(KinesisError) -> UpdateShardCountResponse {
        try begin(request)
        let target = request.targetShardCount ?? 0
        let targets = try HashKeyRange.tiling(count: target)
        var current = 0
        var name: StreamName?
        let now = core.nowMilliseconds()
        try reshard(
            request.stream, "UpdateShardCount",
            settings: { $0.shardCountChanges = Recent.adding(now, to: $0.shardCountChanges) }
        ) { stream throws(KinesisError) in
            name = stream.name
            current = stream.openShards.count
            if core.options.capacity == .enforce,
                Recent.count(stream.settings.shardCountChanges, at: now) >= Limits.shardCountChangesPerDay
            {
                throw .limitExceeded("UpdateShardCount was called \(Limits.shardCountChangesPerDay) times in the last 24 hours.")
            }
            if target > 2 * current {
                throw .invalidArgument(
                    "UpdateShardCount cannot be scaled up over double your current open shard count. Current open shard "
                        + "count: \(current) Target shard count: \(target)")
            }
            if 2 * target < current {
                throw .invalidArgument(
                    "UpdateShardCount cannot be scaled down below half of your current open shard count. Current open "
                        + "shard count: \(current) Target shard count: \(target)")
            }
            var plan = ReshardPlan(stream, nowSecond: now / 1000)
            plan.makeUniform(targets)
            return plan
        }
        guard let name else { throw core.words.streamNotFound(request.stream.name ?? request.stream.arn ?? "") }
        return UpdateShardCountResponse(
            streamName: name, streamARN: core.options.streamARN(name), currentShardCount: current, targetShardCount: target)
    }

    private func reshard(
        _ reference: StreamReference, _ operation: String, settings: (inout StreamSettings) -> Void = { _ in },
        plan: (StreamDescription) throws(KinesisError) -> ReshardPlan
    ) throws(KinesisError) {
        let id = try find(reference).streamID
        guard let stream = catalogue.stream(id) else { throw core.words.streamNotFound(reference.name ?? "") }
        try Resharding(core: core, catalogue: catalogue).run(stream, settings: settings) { known throws(KinesisError) in
            try requireActive(known)
            if known.settings.mode == .onDemand { throw core.words.onDemand(operation, known.name) }
            return try plan(known)
        }
        beginTransition(.updating, id)
        wantSweeping()
    }
}

/// Times of calls that are counted over a day.
enum Recent {
    static let milliseconds: UInt64 = 86_400_000

    static func count(_ times: [UInt64], at now: UInt64) -> Int { times.count { $0 + milliseconds > now } }

    /// The times of the last day, `now` with them; at most as many as one record of the catalogue takes.
    static func adding(_ now: UInt64, to times: [UInt64]) -> [UInt64] {
        (times.filter { $0 + milliseconds > now } + [now]).suffix(1000)
    }
}
