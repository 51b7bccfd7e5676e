package import Millrace
import MillraceLog
import MillraceModel

/// What a store did that the model does not.
package struct StreamMismatch: Error, Sendable, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

/// The store could not do what it was asked, for reasons below it. The model has done it.
struct StreamTrouble: Error {
    let error: KinesisError
}

/// Does actions to a store and to its model, and holds every answer and every error of the one against the other.
package struct StreamActor {
    package var store: StreamStore
    package var model: ReferenceStore
    /// What the last reads gave, by slot: the text, and what it stands for in the model.
    var iterators: [Int: (text: String, place: ReferenceIterator)] = [:]
    var page: (text: String, place: ReferencePage)?
    /// Subscriptions that run, or have ended, by slot.
    var subscriptions: [Int: (subscription: Subscription, place: ReferenceSubscription)] = [:]
    /// Whose they are, and what was asked for the last time.
    var keys: [Int: CheckpointKey] = [:]
    var requests: [Int: (stream: Int, consumer: Int, shard: Int, heartbeat: Int64?)] = [:]
    /// How far consumers have come: what they keep, whatever becomes of the process.
    var checkpoints: [CheckpointKey: Checkpoint] = [:]
    /// Streams with shards whose measured traffic is that of few keys, since the store was opened.
    var concentrated: Set<Int> = []
    /// Whether errors of the store below are to be told apart from those of the service.
    var allowsTrouble = false
    /// Whether records are seen only when they have come as far as their stream asks for.
    var looksAtLevels = false
    package internal(set) var tally = StreamTally()
    /// A hash over all answers.
    package private(set) var trace: UInt64 = 0xcbf2_9ce4_8422_2325

    package init(_ store: StreamStore, _ model: ReferenceStore = ReferenceStore()) {
        self.store = store
        self.model = model
    }

    /// Adds to the hash of what happened.
    mutating func note(_ number: UInt64) { trace = (trace ^ number) &* 0x0000_0100_0000_01b3 }

    // MARK: Comparing

    mutating func same<Value: Equatable>(
        _ expected: (inout ReferenceStore) throws -> Value, _ answer: (StreamStore) throws -> Value
    ) throws -> Value? {
        let left = Result { try expected(&model) }
        return try compare(left, Result { try answer(store) })
    }

    mutating func done(
        _ expected: (inout ReferenceStore) throws -> Void, _ answer: (StreamStore) throws -> Void
    ) throws {
        _ = try same({ try expected(&$0); return true }, { try answer($0); return true })
    }

    mutating func compare<Value: Equatable>(
        _ expected: Result<Value, any Error>, _ answer: Result<Value, any Error>
    ) throws -> Value? {
        switch try pair(expected, answer) {
        case nil: return nil
        case let (left, right)?:
            guard left == right else { throw StreamMismatch("answered \(Self.short(right)), not \(Self.short(left))") }
            return right
        }
    }

    /// Both answers; nil when both refused with the same code.
    mutating func pair<Left, Right>(
        _ expected: Result<Left, any Error>, _ answer: Result<Right, any Error>
    ) throws -> (Left, Right)? {
        tally.callCount += 1
        if case .failure(let error as KinesisError) = answer, allowsTrouble, case .storage = error {
            throw StreamTrouble(error: error)
        }
        switch (expected, answer) {
        case (.success(let left), .success(let right)):
            note(1)
            tally.answerCount += 1
            return (left, right)
        case (.failure(let left as KinesisError), .failure(let right as KinesisError)):
            guard left.code == right.code else { throw StreamMismatch("refused with \(right), not with \(left)") }
            for byte in right.code.utf8 { note(UInt64(byte)) }
            switch right {
            case .limitExceeded, .provisionedThroughputExceeded: tally.limitedCount += 1
            case .resourceInUse: tally.busyCount += 1
            default: break
            }
            return nil
        case (.failure(let left), .success(let right)):
            throw StreamMismatch("answered \(Self.short(right)) where it should have refused with \(left)")
        case (.success, .failure(let right)): throw StreamMismatch("refused with \(right)")
        case (.failure(let left), .failure(let right)): throw StreamMismatch("refused with \(right), not with \(left)")
        }
    }

    static func short(_ value: some Any) -> String {
        let text = "\(value)"
        return text.utf8.count > 1200 ? "\(text.prefix(1200))..." : text
    }

    // MARK: Names

    func reference(_ stream: Int) -> StreamReference {
        StreamReference(name: stream >= 0 ? "s\(stream)" : stream == -1 ? "never.made" : "no name")
    }
    /// For the operations that know streams by their ARN only.
    func arn(_ stream: Int) -> String {
        "arn:aws:kinesis:us-east-1:000000000000:stream/" + (stream >= 0 ? "s\(stream)" : stream == -1 ? "never.made" : "")
    }
    func known(_ stream: Int) -> ReferenceStream? { model.streams["s\(stream)"] }

    func shardText(_ shard: Int, _ stream: Int) -> String {
        if shard < 0 { return shard == -1 ? "shardId-000000009999" : "no shard" }
        return "\(self.shard(shard, stream)?.id ?? ShardID(index: 0))"
    }
    /// Open ones for even numbers, any for odd ones.
    func shard(_ shard: Int, _ stream: Int) -> ReferenceShard? {
        guard shard >= 0, let known = known(stream) else { return nil }
        let shards = shard % 2 == 0 ? known.openShards : known.shards
        return shards[shard / 2 % shards.count]
    }

    /// The store's own shard of that number; nil when a sweep has taken it away.
    func storeShard(_ id: ShardID, _ stream: StoredStream) -> Shard? { stream.shards.first { $0.id == id } }

    // MARK: Actions of the service

    /// Does what is an action of the service; the rest is done elsewhere.
    ///
    /// - Throws: `StreamMismatch`; `StreamTrouble` when that is allowed.
    package mutating func perform(_ action: StreamAction) throws {
        switch action {
        case .createStream(let stream, let shards, let isOnDemand, let ack):
            let request = CreateStreamRequest(
                streamName: reference(stream).name, shardCount: shards,
                streamModeDetails: isOnDemand ? StreamModeDetails(.onDemand) : nil)
            try done({ try $0.answer(request) }, { try $0.answer(request, ack: ack) })
        case .deleteStream(let stream, let enforces):
            let request = DeleteStreamRequest(stream: reference(stream), enforceConsumerDeletion: enforces)
            try done({ try $0.answer(request) }, { try $0.answer(request) })
        case .putRecord(let stream, let payload): try put(stream, payload)
        case .putRecords(let stream, let count, let payload): try put(stream, count, payload)
        case .burst(let stream, let calls, let count, let payload):
            for _ in 0..<calls { try put(stream, count, payload) }
        case .getShardIterator(let stream, let shard, let place, let slot): try getIterator(stream, shard, place, slot)
        case .getRecords(let slot, let limit): try getRecords(slot, limit)
        case .drain(let stream, let shard, let calls):
            try getIterator(stream, shard, .trimHorizon, 98)
            for _ in 0..<calls { try getRecords(98, nil) }
        case .splitShard(let stream, let shard, let place):
            let request = SplitShardRequest(
                stream: reference(stream), shardToSplit: shardText(shard, stream),
                newStartingHashKey: splitKey(self.shard(shard, stream), place))
            try done({ try $0.answer(request) }, { try $0.answer(request) })
            try learnClosings(stream)
            try checkShards(stream)
        case .mergeShards(let stream, let shard, let place):
            let (first, second) = mergePair(stream, shard, place)
            let request = MergeShardsRequest(
                stream: reference(stream), shardToMerge: first, adjacentShardToMerge: second)
            try done({ try $0.answer(request) }, { try $0.answer(request) })
            try learnClosings(stream)
            try checkShards(stream)
        case .updateShardCount(let stream, let choice): try updateShardCount(stream, choice)
        case .increaseRetention(let stream, let hours):
            let request = IncreaseStreamRetentionPeriodRequest(stream: reference(stream), retentionPeriodHours: hours)
            try done({ try $0.answer(request) }, { try $0.answer(request) })
        case .decreaseRetention(let stream, let hours):
            let request = DecreaseStreamRetentionPeriodRequest(stream: reference(stream), retentionPeriodHours: hours)
            try done({ try $0.answer(request) }, { try $0.answer(request) })
        case .listShards, .listMoreShards, .describeStream, .describeStreamSummary, .listStreams: try look(action)
        case .scale: try scale()
        case .sweep: try sweep()
        case .measure(let stream, let shard, let thousandths, let keys): try measure(stream, shard, thousandths, keys)
        case .subscribe(let stream, let consumer, let shard, let place, let heartbeat, let slot):
            try subscribe(stream, consumer, shard, place, heartbeat, slot)
        case .poll(let slot, let count): try poll(slot, count)
        case .pollAt(let slot, _): try poll(slot, 3)
        case .subscribeAgain(let slot, _):
            guard let last = requests[slot] else { return }
            try subscribe(last.stream, last.consumer, last.shard, .resume, last.heartbeat, slot)
        default: try change(action)
        }
    }

    mutating func look(_ action: StreamAction) throws {
        switch action {
        case .listShards(let stream, let filter, let limit, let after):
            var request = ListShardsRequest(stream: reference(stream), maxResults: limit, shardFilter: self.filter(stream, filter))
            request.exclusiveStartShardID = after.map { shardText($0, stream) }
            try listShards(request, nil)
        case .listMoreShards(let limit):
            try listShards(ListShardsRequest(nextToken: page?.text ?? "none", maxResults: limit), page?.place)
        case .describeStream(let stream, let limit, let after):
            let request = DescribeStreamRequest(
                stream: reference(stream), limit: limit, exclusiveStartShardID: after.map { shardText($0, stream) })
            _ = try same({ try $0.answer(request) }, { try $0.answer(request) })
        case .describeStreamSummary(let stream):
            let request = DescribeStreamSummaryRequest(stream: reference(stream))
            _ = try same({ try $0.answer(request) }) { store in
                var summary = try store.answer(request).streamDescriptionSummary
                summary.streamID = nil
                return summary
            }
        case .listStreams(let limit, let after):
            let request = ListStreamsRequest(limit: limit, exclusiveStartStreamName: after.flatMap { reference($0).name })
            _ = try same({ try $0.answer(request) }) { store in
                try store.answer(request).streamSummaries.map { "\($0.streamName.text) \($0.streamStatus.rawValue)" }
            }
        default: break
        }
    }

    mutating func change(_ action: StreamAction) throws {
        switch action {
        case .addTags(let stream, let count, let from):
            let request = AddTagsToStreamRequest(stream: reference(stream), tags: tags(count, from))
            try done({ try $0.answer(request) }, { try $0.answer(request) })
        case .removeTags(let stream, let count, let from):
            let request = RemoveTagsFromStreamRequest(stream: reference(stream), tagKeys: tags(count, from).keys.sorted())
            try done({ try $0.answer(request) }, { try $0.answer(request) })
        case .listTags(let stream, let limit, let after):
            let request = ListTagsForStreamRequest(
                stream: reference(stream), exclusiveStartTagKey: after.map { "t\($0)" }, limit: limit)
            _ = try same({ try $0.answer(request) }, { try $0.answer(request) })
        case .registerConsumers(let stream, let count, let from):
            for index in from..<(from + count) {
                let request = RegisterStreamConsumerRequest(
                    streamARN: arn(stream), consumerName: index < 0 ? "no name" : "c\(index)",
                    tags: index % 2 == 0 ? ["of": "c"] : nil)
                _ = try same({ try $0.answer(request) }, { try $0.answer(request).consumer })
            }
        case .deregisterConsumer(let stream, let consumer):
            let request = DeregisterStreamConsumerRequest(streamARN: arn(stream), consumerName: "c\(consumer)")
            try done({ try $0.answer(request) }, { try $0.answer(request) })
        case .describeConsumer(let stream, let consumer):
            let request = DescribeStreamConsumerRequest(streamARN: arn(stream), consumerName: "c\(consumer)")
            _ = try same({ try $0.answer(request) }, { try $0.answer(request).consumerDescription })
        case .listConsumers(let stream, let limit):
            let request = ListStreamConsumersRequest(streamARN: arn(stream), maxResults: limit)
            _ = try same({ try $0.answer(request) }, { try $0.answer(request).consumers })
        case .setMode(let stream, let isOnDemand):
            let request = UpdateStreamModeRequest(
                streamARN: arn(stream), streamModeDetails: StreamModeDetails(isOnDemand ? .onDemand : .provisioned))
            try done({ try $0.answer(request) }, { try $0.answer(request) })
        case .setRecordLimit(let stream, let kibibytes):
            let request = UpdateMaxRecordSizeRequest(streamARN: arn(stream), maxRecordSizeInKiB: kibibytes)
            try done({ try $0.answer(request) }, { try $0.answer(request) })
        case .startEncryption(let stream, let key):
            let request = StartStreamEncryptionRequest(stream: reference(stream), keyID: key)
            try done({ try $0.answer(request) }, { try $0.answer(request) })
        case .stopEncryption(let stream):
            let request = StopStreamEncryptionRequest(stream: reference(stream), keyID: "alias/one")
            try done({ try $0.answer(request) }, { try $0.answer(request) })
        case .enableMetrics(let stream, let names):
            let request = EnableEnhancedMonitoringRequest(stream: reference(stream), shardLevelMetrics: names)
            try done({ try $0.answer(request) }, { _ = try $0.answer(request) })
        case .disableMetrics(let stream, let names):
            let request = DisableEnhancedMonitoringRequest(stream: reference(stream), shardLevelMetrics: names)
            try done({ try $0.answer(request) }, { _ = try $0.answer(request) })
        case .putPolicy(let stream, let policy):
            let request = PutResourcePolicyRequest(resourceARN: arn(stream), policy: policy)
            try done({ try $0.answer(request) }, { try $0.answer(request) })
        case .deletePolicy(let stream):
            let request = DeleteResourcePolicyRequest(resourceARN: arn(stream))
            try done({ try $0.answer(request) }, { try $0.answer(request) })
        case .getPolicy(let stream):
            let request = GetResourcePolicyRequest(resourceARN: arn(stream))
            _ = try same({ try $0.answer(request) }, { try $0.answer(request).policy })
        default: break
        }
    }

    func tags(_ count: Int, _ from: Int) -> [String: String] {
        var tags: [String: String] = [:]
        for index in 0..<max(0, count) { tags["t\(from + index)"] = "v\(count)" }
        if from < 0 { tags["aws:\(count)"] = "" }
        return tags
    }
}
