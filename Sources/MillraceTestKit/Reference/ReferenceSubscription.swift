package import MillraceModel

/// One consumer's subscription to one shard, as the model follows it. A value.
///
/// The rules are the texts of SubscribeToShard and SubscribeToShardEvent: five minutes; refused within five seconds of the last
/// start, later taking over; every record once and in order; the children at the end of a closed shard.
package struct ReferenceSubscription: Sendable {
    struct Key: Hashable, Sendable {
        /// Its ARN.
        let consumer: String
        let stream: Int
        let shard: ShardID
    }
    struct Start: Sendable {
        let number: Int
        let nanoseconds: Int64
        var isEnded = false
    }

    let key: Key
    /// Tells it from others of its key.
    let number: Int
    let start: Int64
    let heartbeat: Int64?
    /// Of the first record to be pushed next.
    package fileprivate(set) var serial: Int
    fileprivate var lastEvent: Int64
    fileprivate var behind: Int64 = 0
    fileprivate var bucket: ReferenceBucket?
    /// What was pushed is paid for from then on.
    fileprivate var paid = Int64.min
    fileprivate var isOver = false

    /// When it began, by the steady clock.
    package var startNanoseconds: Int64 { start }
    package var stream: Int { key.stream }
    package var shard: ShardID { key.shard }

    /// What there is to be said at a moment.
    package enum Standing: Sendable {
        case event([ReferenceRecord], behind: Int64)
        /// The last one, at the end of a closed shard.
        case children([ChildShard])
        case waiting(until: Int64)
        case ended
    }
}

extension ReferenceStore {
    /// - Parameter heartbeat: nanoseconds without an event after which one without records comes; nil: none does.
    package mutating func answer(
        _ request: SubscribeToShardRequest, heartbeat: Int64?
    ) throws(KinesisError) -> ReferenceSubscription {
        try begin(request, of: "\(request.consumerARN ?? "") \(request.shardID ?? "")")
        let (stream, consumer) = try find(consumer: request.consumerARN)
        if consumer.consumerStatus != .active { throw .resourceInUse("not ACTIVE") }
        let (shard, serial) = try change(stream.name) { [aging, serialCount] stream throws(KinesisError) in
            let shard = try stream.shard(request.shardID, aging)
            let position = try request.startingPosition?.position ?? .latest
            return (shard, try stream.serial(at: position, of: shard, aging, next: serialCount))
        }
        let key = ReferenceSubscription.Key(
            consumer: "\(consumer.consumerARN)", stream: stream.identity, shard: shard.id)
        if let last = subscriptions[key], steady - last.nanoseconds < 5_000_000_000 { throw .resourceInUse("five seconds") }
        subscriptionCount += 1
        subscriptions[key] = ReferenceSubscription.Start(number: subscriptionCount, nanoseconds: steady)
        return ReferenceSubscription(
            key: key, number: subscriptionCount, start: steady, heartbeat: heartbeat, serial: serial, lastEvent: steady,
            bucket: isEnforcing ? ReferenceBucket(perSecond: 2 << 20, nanoseconds: steady) : nil)
    }

    /// Ends those that run.
    mutating func endSubscriptions(where matches: (ReferenceSubscription.Key) -> Bool) {
        for key in subscriptions.keys where matches(key) { subscriptions[key]?.isEnded = true }
    }

    /// What the subscription has to say now.
    package mutating func poll(_ subscription: inout ReferenceSubscription) -> ReferenceSubscription.Standing {
        let start = subscriptions[subscription.key]
        let deadline = subscription.start + 300_000_000_000
        guard !subscription.isOver, let start, start.number == subscription.number, !start.isEnded, steady < deadline,
            let name = streams.first(where: { $0.value.identity == subscription.stream })?.key
        else {
            subscription.isOver = true
            return .ended
        }
        var due = deadline
        if steady >= subscription.paid {
            if let standing = look(&subscription, name) { return standing }
        } else {
            due = min(due, subscription.paid)
        }
        guard let heartbeat = subscription.heartbeat else { return .waiting(until: due) }
        guard steady >= subscription.lastEvent + heartbeat else {
            return .waiting(until: min(due, subscription.lastEvent + heartbeat))
        }
        subscription.lastEvent = steady
        return .event([], behind: subscription.behind)
    }

    /// nil when no record is to be seen.
    private mutating func look(
        _ subscription: inout ReferenceSubscription, _ name: String
    ) -> ReferenceSubscription.Standing? {
        streams[name]?.raiseHorizon(aging)
        guard let stream = streams[name] else { return nil }
        let page = stream.shards[Int(subscription.shard.index)].page(
            from: subscription.serial, horizon: stream.horizon, count: 10_000, byteCount: 1 << 20)
        subscription.serial = page.next ?? serialCount
        subscription.behind = 0
        guard let last = page.records.last else {
            guard page.isEnd else { return nil }
            subscription.isOver = true
            return .children(stream.children(of: subscription.shard))
        }
        subscription.lastEvent = steady
        if page.left != nil { subscription.behind = max(0, Int64(now) - Int64(last.arrival)) }
        if var bucket = subscription.bucket {
            bucket.charge(page.byteCount, of: 2 << 20, nanoseconds: steady)
            let debt = bucket.debt(of: 2 << 20, nanoseconds: steady)
            if debt > 0 { subscription.paid = steady + debt }
            subscription.bucket = bucket
        }
        return .event(page.records, behind: subscription.behind)
    }

    /// The serial of the first record that is to be seen at or behind a place of the shard, now or later; nil when there is none.
    package func next(_ stream: Int, _ shard: ShardID, from serial: Int) -> Int? {
        guard let stream = streams.values.first(where: { $0.identity == stream }) else { return nil }
        return stream.shards[Int(shard.index)].records.first { $0.serial >= serial && $0.arrival >= stream.horizon }?.serial
    }

    /// The same behind a sequence number.
    package func next(_ stream: Int, _ shard: ShardID, behind number: SequenceNumber) -> Int? {
        guard let stream = streams.values.first(where: { $0.identity == stream }) else { return nil }
        let first = stream.shards[Int(shard.index)].serial(ofOrdinal: number.ordinal + 1)
        return first.flatMap { next(stream.identity, shard, from: $0) }
    }
}
