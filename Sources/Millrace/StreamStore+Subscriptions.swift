package import MillraceModel

// Subscribing to shards, for tasks and on the calling thread.

extension StreamStore {
    /// What a subscription was asked for, once it may begin.
    private struct Wish {
        let consumer: ConsumerARN
        let stream: StoredStream
        let shard: Shard
        let position: StartingPosition

        /// What goes on where the shard stops, at its end.
        var children: @Sendable (UInt64) throws(KinesisError) -> [ChildShard]? {
            { [stream, shard] ordinal in
                shard.isEnd(ordinal) ? stream.version.children(of: shard.id).map(\.child) : nil
            }
        }
    }

    /// - Parameter heartbeatMilliseconds: after so many without a record an empty event comes; nil: none does.
    package func subscribe(
        _ request: SubscribeToShardRequest, heartbeatMilliseconds: Int64? = nil
    ) async throws(KinesisError) -> ShardEvents {
        let wish = try prepare(request)
        let readable = try await ReadableShard(wish.shard, children: wish.children)
        let subscription = try start(
            wish, readable, from: try await readable.ordinal(of: wish.position), heartbeatMilliseconds)
        return ShardEvents { () async throws(KinesisError) in try await subscription.next() }
    }

    /// The same on the calling thread, for who polls it.
    package func subscribeBlocking(
        _ request: SubscribeToShardRequest, heartbeatMilliseconds: Int64? = nil
    ) throws(KinesisError) -> Subscription {
        let wish = try prepare(request)
        let readable = ReadableShard(wish.shard, try wish.shard.open(), children: wish.children)
        return try start(
            wish, readable, from: try wish.shard.position(of: wish.position, level: nil), heartbeatMilliseconds)
    }

    private func prepare(_ request: SubscribeToShardRequest) throws(KinesisError) -> Wish {
        try begin(request, of: "\(request.consumerARN ?? "") \(request.shardID ?? "")")
        let (found, consumer) = try find(consumerARN: request.consumerARN, streamARN: nil, consumerName: nil)
        guard let stream = catalogue.stream(found.streamID) else { throw core.words.streamNotFound(found.name.text) }
        let arn = core.options.consumerARN(found.name, consumer)
        if describe(consumer, of: found.name).consumerStatus != .active {
            throw .resourceInUse("Consumer \(arn) is not ACTIVE.")
        }
        return Wish(
            consumer: arn, stream: stream, shard: try shard(request.shardID, in: stream),
            position: try request.startingPosition?.position ?? .latest)
    }

    private func start(
        _ wish: Wish, _ readable: ReadableShard, from ordinal: UInt64, _ heartbeatMilliseconds: Int64?
    ) throws(KinesisError) -> Subscription {
        var terms = SubscriptionTerms()
        terms.heartbeatNanoseconds = heartbeatMilliseconds.map { $0 * 1_000_000 }
        if core.options.capacity == .enforce {
            let bucket = TokenBucket.consumer(nanoseconds: core.steadyNanoseconds())
            terms.budget = { byteCount, now in
                bucket.charge(byteCount, nanoseconds: now)
                return bucket.debt(nanoseconds: now) ?? 0
            }
        }
        return try core.subscriptions.subscribe(
            SubscriptionKey(consumer: "\(wish.consumer)", streamID: wish.stream.streamID, shardID: wish.shard.id),
            to: readable, from: ordinal, terms: terms)
    }
}
