import Millrace
import MillraceModel

/// How a life subscribes, and what its consumers keep of it.
extension StreamActor {
    /// One consumer on one shard of one stream, whatever else has its name.
    struct CheckpointKey: Hashable {
        let consumer: Int
        let stream: Int
        let shard: ShardID
    }

    /// How far a consumer has come.
    struct Checkpoint {
        /// As the last event gave it.
        let number: SequenceNumber
        /// The serial of the first record that the consumer has not had.
        let serial: Int
    }

    /// The consumer's, or one that nobody has.
    private func consumerARN(_ consumer: Int, _ stream: Int) -> String {
        let second = known(stream)?.consumers["c\(consumer)"]?.creationSecond ?? 1
        return "\(arn(stream))/consumer/c\(consumer):\(second)"
    }

    mutating func subscribe(
        _ stream: Int, _ consumer: Int, _ shard: Int, _ place: StreamAction.SubscriptionPlace, _ heartbeat: Int64?, _ slot: Int
    ) throws {
        // Most consumers are there when they subscribe.
        if let known = known(stream), known.consumers["c\(consumer)"] == nil, consumer < 2 {
            try perform(.registerConsumers(stream, count: 1, from: consumer))
        }
        requests[slot] = (stream, consumer, shard, heartbeat)
        let state = self.shard(shard, stream)
        let key = state.flatMap { state in
            known(stream).map { CheckpointKey(consumer: consumer, stream: $0.identity, shard: state.id) }
        }
        var resumed: Checkpoint?
        let start: SubscriptionStart
        switch place {
        case .place(let place): start = self.start(at: place, of: state)
        case .resume:
            resumed = key.flatMap { checkpoints[$0] }
            start = resumed.map { SubscriptionStart(.after($0.number)) } ?? SubscriptionStart(.trimHorizon)
        }
        let request = SubscribeToShardRequest(
            consumerARN: consumerARN(consumer, stream), shardID: shardText(shard, stream), startingPosition: start)
        if let state { lookAtLevel(stream, state.id) }
        let expected = Result<ReferenceSubscription, any Error> {
            try model.answer(request, heartbeat: heartbeat.map { $0 * 1_000_000 })
        }
        let answer = Result { try store.subscribeBlocking(request, heartbeatMilliseconds: heartbeat) }
        guard let (place, subscription) = try pair(expected, answer) else { return }
        guard isForeseen(start, stream, state) else {
            subscriptions[slot] = nil
            return
        }
        if let resumed {
            let (found, wanted) = (
                model.next(place.stream, place.shard, from: place.serial),
                model.next(place.stream, place.shard, from: resumed.serial)
            )
            guard found == wanted else {
                throw StreamMismatch(
                    "consumer c\(consumer) goes on behind \(resumed.number) at \(found ?? -1), and had what is before \(wanted ?? -1)")
            }
        }
        subscriptions[slot] = (subscription, place)
        if let key { keys[slot] = key }
    }

    mutating func poll(_ slot: Int, _ count: Int) throws {
        for _ in 0..<count {
            guard let (subscription, before) = subscriptions[slot] else { return }
            var place = before
            if let name = model.streams.first(where: { $0.value.identity == place.stream })?.key {
                lookAtLevel(Int(name.dropFirst()) ?? 0, place.shard)
            }
            let expected = model.poll(&place)
            subscriptions[slot] = (subscription, place)
            let answer = Result<Subscription.Standing, any Error> { try subscription.poll() }
            guard let (wanted, found) = try pair(.success(expected), answer) else { return }
            if case .event = found { tally.eventCount += 1 }
            switch (wanted, found) {
            case (.event(let records, let behind), .event(let event)):
                if try isCutShort(records, event.records) {
                    subscriptions[slot] = nil
                    return
                }
                try Self.compare(records, event.records)
                note(UInt64(event.records.count))
                guard event.millisBehindLatest == behind, event.childShards.isEmpty else {
                    throw StreamMismatch("an event \(event.millisBehindLatest) ms behind, not \(behind), with \(event.childShards)")
                }
                try take(event.continuationSequenceNumber, slot, place)
            case (.children(let children), .event(let event)):
                guard event.records.isEmpty, event.continuationSequenceNumber == nil, event.childShards == children,
                    event.millisBehindLatest == 0
                else { throw StreamMismatch("the last event is \(Self.short(event)), not one of \(children)") }
                subscriptions[slot] = nil
            case (.waiting(let until), .waiting(let found)):
                guard until == found else { throw StreamMismatch("the subscription waits until \(found), not \(until)") }
                return
            case (.ended, .ended):
                subscriptions[slot] = nil
            default: throw StreamMismatch("the subscription said \(Self.short(found)), not \(Self.short(wanted))")
            }
        }
    }

    /// An event said where to go on: there the consumer misses nothing, and gets nothing twice.
    private mutating func take(_ number: SequenceNumber?, _ slot: Int, _ place: ReferenceSubscription) throws {
        guard let number, let stream = model.streams.values.first(where: { $0.identity == place.stream }) else {
            throw StreamMismatch("an event does not say where to go on")
        }
        let shard = stream.shards[Int(place.shard.index)]
        let (found, wanted) = (
            model.next(place.stream, place.shard, behind: number), model.next(place.stream, place.shard, from: place.serial)
        )
        guard number.shardID == shard.id, number.shardCreationSecond == shard.creationSecond, found == wanted else {
            throw StreamMismatch("the event ends at \(number): the next record is \(found ?? -1), not \(wanted ?? -1)")
        }
        if let key = keys[slot] { checkpoints[key] = Checkpoint(number: number, serial: place.serial) }
    }
}
