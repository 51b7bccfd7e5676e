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
    private var iterators: [Int: (text: String, place: ReferenceIterator)] = [:]
    private var page: (text: String, place: ReferencePage)?
    /// Whether errors of the store below are to be told apart from those of the service.
    var allowsTrouble = false
    /// Whether records are seen only when they have come as far as their stream asks for.
    var looksAtLevels = false
    /// Calls of the store so far, those of them that it did not refuse, and a hash over all answers.
    package private(set) var callCount = 0
    package private(set) var answerCount = 0
    package private(set) var trace: UInt64 = 0xcbf2_9ce4_8422_2325

    package init(_ store: StreamStore, _ model: ReferenceStore = ReferenceStore()) {
        self.store = store
        self.model = model
    }

    /// Adds to the hash of what happened.
    mutating func note(_ number: UInt64) { trace = (trace ^ number) &* 0x0000_0100_0000_01b3 }

    // MARK: Comparing

    private mutating func same<Value: Equatable>(
        _ expected: (inout ReferenceStore) throws -> Value, _ answer: (StreamStore) throws -> Value
    ) throws -> Value? {
        let left = Result { try expected(&model) }
        return try compare(left, Result { try answer(store) })
    }

    private mutating func done(
        _ expected: (inout ReferenceStore) throws -> Void, _ answer: (StreamStore) throws -> Void
    ) throws {
        _ = try same({ try expected(&$0); return true }, { try answer($0); return true })
    }

    private mutating func compare<Value: Equatable>(
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
    private mutating func pair<Left, Right>(
        _ expected: Result<Left, any Error>, _ answer: Result<Right, any Error>
    ) throws -> (Left, Right)? {
        callCount += 1
        if case .failure(let error as KinesisError) = answer, allowsTrouble, case .storage = error {
            throw StreamTrouble(error: error)
        }
        switch (expected, answer) {
        case (.success(let left), .success(let right)):
            note(1)
            answerCount += 1
            return (left, right)
        case (.failure(let left as KinesisError), .failure(let right as KinesisError)):
            guard left.code == right.code else { throw StreamMismatch("refused with \(right), not with \(left)") }
            for byte in right.code.utf8 { note(UInt64(byte)) }
            return nil
        case (.failure(let left), .success(let right)):
            throw StreamMismatch("answered \(Self.short(right)) where it should have refused with \(left)")
        case (.success, .failure(let right)): throw StreamMismatch("refused with \(right)")
        case (.failure(let left), .failure(let right)): throw StreamMismatch("refused with \(right), not with \(left)")
        }
    }

    private static func short(_ value: some Any) -> String {
        let text = "\(value)"
        return text.utf8.count > 1200 ? "\(text.prefix(1200))..." : text
    }

    // MARK: Names

    private func reference(_ stream: Int) -> StreamReference {
        StreamReference(name: stream >= 0 ? "s\(stream)" : stream == -1 ? "never.made" : "no name")
    }
    /// For the operations that know streams by their ARN only.
    private func arn(_ stream: Int) -> String {
        "arn:aws:kinesis:us-east-1:000000000000:stream/" + (stream >= 0 ? "s\(stream)" : stream == -1 ? "never.made" : "")
    }
    private func known(_ stream: Int) -> ReferenceStream? { model.streams["s\(stream)"] }

    private func shardText(_ shard: Int, _ stream: Int) -> String {
        if shard < 0 { return shard == -1 ? "shardId-000000009999" : "no shard" }
        return "\(self.shard(shard, stream)?.id ?? ShardID(index: 0))"
    }
    /// Open ones for even numbers, any for odd ones.
    private func shard(_ shard: Int, _ stream: Int) -> ReferenceShard? {
        guard shard >= 0, let known = known(stream) else { return nil }
        let shards = shard % 2 == 0 ? known.openShards : known.shards
        return shards[shard / 2 % shards.count]
    }

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
        case .getShardIterator(let stream, let shard, let place, let slot): try getIterator(stream, shard, place, slot)
        case .getRecords(let slot, let limit): try getRecords(slot, limit)
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
        default: try change(action)
        }
    }

    private mutating func look(_ action: StreamAction) throws {
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
            _ = try same({ try $0.answer(request) }) { try $0.answer(request).streamSummaries.map(\.streamName.text) }
        default: break
        }
    }

    private mutating func change(_ action: StreamAction) throws {
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

    private func tags(_ count: Int, _ from: Int) -> [String: String] {
        var tags: [String: String] = [:]
        for index in 0..<max(0, count) { tags["t\(from + index)"] = "v\(count)" }
        if from < 0 { tags["aws:\(count)"] = "" }
        return tags
    }

    // MARK: Putting

    private func entry(_ payload: StreamAction.Payload, _ stream: Int, index: Int = 0, of count: Int = 1) -> PutEntry {
        let key =
            switch payload.key {
            case -1: ""
            case -2: String(repeating: "\u{1F600}", count: 256)
            case -3: String(repeating: "a", count: 257)
            default: "k\((payload.key + index) % 8)"
            }
        let byteCount =
            switch payload.size {
            case .bytes(let count): count
            case .overLimit(let more): (known(stream)?.recordByteLimit ?? 1 << 20) - key.utf8.count + more
            case .overCall(let more):
                (10 << 20) / count - key.utf8.count + (index == 0 ? (10 << 20) % count + more : 0)
            }
        // The serial tells records apart that are long enough for it.
        var data = Array("\(model.nextSerial + index) ".utf8.prefix(max(0, byteCount)))
        data += [UInt8](repeating: 120, count: max(0, byteCount - data.count))
        return PutEntry(data: data, partitionKey: key, explicitHashKey: payload.hash.map { hashText($0, stream) })
    }

    private func hashText(_ place: StreamAction.HashPlace, _ stream: Int) -> String {
        switch place {
        case .zero: "0"
        case .greatest: "\(UInt128.max)"
        case .tooLarge: Self.tooLarge
        case .malformed: "01"
        case .startOfShard(let shard): "\(self.shard(shard, stream)?.range.lowerBound ?? 0)"
        case .endOfShard(let shard): "\(self.shard(shard, stream)?.range.upperBound ?? .max)"
        }
    }

    /// 2^128.
    private static let tooLarge = "340282366920938463463374607431768211456"

    private mutating func put(_ stream: Int, _ payload: StreamAction.Payload) throws {
        let entry = entry(payload, stream)
        var request = PutRecordRequest(
            stream: reference(stream), data: entry.data, partitionKey: entry.partitionKey,
            explicitHashKey: entry.explicitHashKey)
        if payload.key == 7 {
            request.sequenceNumberForOrdering = known(stream)?.shards.last?.greatestNumber?.description
        }
        let expected = Result<[ShardID], any Error> { try model.place(request) }
        let answer = Result<PutRecordResponse, any Error> { try store.answer(request, ack: payload.ack) }
        do {
            guard let (shards, response) = try pair(expected, answer) else { return }
            try took(entry, stream, shards[0], response.sequenceNumber, response.shardID, payload.ack)
            if response.encryptionType != known(stream)?.encryption { throw StreamMismatch("the encryption answered is another") }
        } catch let trouble as StreamTrouble {
            if let shards = try? expected.get() { model.took(entry, "s\(stream)", shards[0], nil) }
            throw trouble
        }
    }

    private mutating func put(_ stream: Int, _ count: Int, _ payload: StreamAction.Payload) throws {
        let entries = (0..<count).map { entry(payload, stream, index: $0, of: count) }
        let request = PutRecordsRequest(stream: reference(stream), records: entries)
        let expected = Result<[ShardID], any Error> { try model.place(request) }
        let answer = Result<PutRecordsResponse, any Error> { try store.answer(request, ack: payload.ack) }
        guard let (shards, response) = try pair(expected, answer) else { return }
        guard response.records.count == count else { throw StreamMismatch("\(response.records.count) results for \(count) records") }
        var trouble: StreamTrouble?
        for (index, result) in response.records.enumerated() {
            switch result {
            case .success(let shard, let number): try took(entries[index], stream, shards[index], number, shard, payload.ack)
            case .failure(let code, let message):
                guard allowsTrouble else { throw StreamMismatch("record \(index) failed: \(code): \(message)") }
                model.took(entries[index], "s\(stream)", shards[index], nil)
                trouble = StreamTrouble(error: .internalFailure(message))
            }
        }
        if let trouble { throw trouble }
    }

    /// A record was put: in the right shard, with a number above all that were given out there.
    private mutating func took(
        _ entry: PutEntry, _ stream: Int, _ expected: ShardID, _ number: SequenceNumber, _ shard: ShardID, _ ack: AckLevel?
    ) throws {
        guard shard == expected, number.shardID == shard, let known = known(stream) else {
            throw StreamMismatch("record \(number) was put into \(shard), not into \(expected)")
        }
        let state = known.shards[Int(shard.index)]
        let text = "\(number)"
        guard text.utf8.count == 56, number.shardCreationSecond == state.creationSecond,
            number > state.summary.startingSequenceNumber
        else { throw StreamMismatch("\(text) is no number of \(state.summary)") }
        if let greatest = state.greatestNumber, greatest >= number {
            throw StreamMismatch("number \(number) is not above \(greatest), which was given out before")
        }
        for parent in state.parents {
            if let greatest = known.shards[Int(parent.index)].greatestNumber, greatest >= number {
                throw StreamMismatch("number \(number) is not above the parent's \(greatest)")
            }
        }
        note(number.ordinal)
        model.took(entry, known.name, shard, number)
        guard looksAtLevels else { return }
        let handle = try store.stream(known.name)
        let log = try store.engine.log(handle.shards[Int(shard.index)].logID)
        if log.tip(Self.level(ack ?? handle.ackLevel)) <= number.ordinal {
            throw StreamMismatch("\(number) was acknowledged as \(ack ?? handle.ackLevel) and is not")
        }
        guard let least = state.leastArrival else { return }
        var cursor = log.cursor(at: number.ordinal, level: .published)
        let arrival = try cursor.withBatch { batch throws(LogError) in batch.next()?.arrivalMilliseconds }
        guard let arrival, let arrival, max(model.now, least) <= arrival, arrival <= max(model.now, state.lastArrival) else {
            throw StreamMismatch("record \(number) arrived at \(arrival ?? nil, default: "no time"), not from \(least) on")
        }
        model.arrived(known.name, shard, at: arrival)
    }

    // MARK: Reading

    private mutating func getIterator(_ stream: Int, _ shard: Int, _ place: StreamAction.Place, _ slot: Int) throws {
        var request = GetShardIteratorRequest(
            stream: reference(stream), shardID: shardText(shard, stream), shardIteratorType: "TRIM_HORIZON")
        let state = self.shard(shard, stream)
        func record(_ index: Int) -> ReferenceRecord? {
            guard let records = state?.records, !records.isEmpty else { return nil }
            return records[index % records.count]
        }
        func at(_ number: String?, isAfter: Bool = false) {
            request.shardIteratorType = isAfter ? "AFTER_SEQUENCE_NUMBER" : "AT_SEQUENCE_NUMBER"
            request.startingSequenceNumber = number
        }
        func time(_ milliseconds: Int64) {
            request.shardIteratorType = "AT_TIMESTAMP"
            request.timestampMilliseconds = milliseconds
        }
        let summary = state?.summary
        switch place {
        case .trimHorizon: break
        case .latest: request.shardIteratorType = "LATEST"
        case .atRecord(let index): at(record(index)?.number?.description ?? summary?.startingSequenceNumber.description)
        case .afterRecord(let index):
            at(record(index)?.number?.description ?? summary?.startingSequenceNumber.description, isAfter: true)
        case .atStart: at(summary?.startingSequenceNumber.description)
        case .afterEnd:
            at((summary?.endingSequenceNumber ?? summary?.startingSequenceNumber)?.description, isAfter: true)
        case .atForeign:
            at(SequenceNumber.starting(ShardID(index: 4000), creationSecond: 5).description)
        case .atMalformed: at("495")
        case .atMissing: at(nil)
        case .malformed: request.shardIteratorType = "FROM_HERE"
        case .timeOfRecord(let index, let plus): time(Int64(record(index)?.arrival ?? model.now) + plus)
        case .now(let plus): time(Int64(model.now) + plus)
        case .timeBeforeAll: time(-1)
        }
        if let state { lookAtLevel(stream, state.id) }
        let expected = Result<ReferenceIterator, any Error> { try model.answer(request) }
        guard let (iterator, response) = try pair(expected, Result { try store.answer(request) }) else { return }
        iterators[slot] = (response.shardIterator, iterator)
        // Whether a record that is not to be seen yet, and arrived before the time asked for, is passed over is not said.
        if request.timestampMilliseconds != nil, let state = state.flatMap({ known(stream)?.shards[Int($0.id.index)] }),
            state.visible.count < state.records.count
        {
            iterators[slot] = nil
        }
        guard (1...512).contains(response.shardIterator.unicodeScalars.count) else {
            throw StreamMismatch("an iterator of \(response.shardIterator.unicodeScalars.count) characters")
        }
    }

    /// Tells the model how far the shard's records have come.
    private mutating func lookAtLevel(_ stream: Int, _ shard: ShardID) {
        guard looksAtLevels, let handle = try? store.stream("s\(stream)"), Int(shard.index) < handle.shards.count,
            let log = try? store.engine.log(handle.shards[Int(shard.index)].logID)
        else { return }
        model.streams["s\(stream)"]?.shards[Int(shard.index)].visibleEnd = log.tip(Self.level(handle.ackLevel))
    }

    private static func level(_ ack: AckLevel) -> Level {
        switch ack {
        case .published: .published
        case .written: .written
        case .durable: .durable
        }
    }

    private mutating func getRecords(_ slot: Int, _ limit: Int?) throws {
        let iterator = iterators[slot]
        let request = GetRecordsRequest(shardIterator: iterator?.text ?? "none", limit: limit)
        if let place = iterator?.place, looksAtLevels,
            let name = model.streams.first(where: { $0.value.identity == place.stream })?.key
        {
            lookAtLevel(Int(name.dropFirst()) ?? 0, place.shard)
        }
        let expected = Result { try model.answer(request, iterator?.place) }
        guard let (wanted, response) = try pair(expected, Result { try store.answer(request) }) else { return }
        try Self.compare(wanted.records, response.records)
        note(UInt64(response.records.count))
        guard response.millisBehindLatest == wanted.behind else {
            throw StreamMismatch("\(response.millisBehindLatest) ms behind, not \(wanted.behind)")
        }
        guard (response.nextShardIterator == nil) == (wanted.next == nil) else {
            throw StreamMismatch("\(response.nextShardIterator == nil ? "the shard's end was told" : "the shard's end was not told")")
        }
        guard response.childShards == wanted.children else {
            throw StreamMismatch("children \(response.childShards), not \(wanted.children)")
        }
        if let text = response.nextShardIterator, let next = wanted.next { iterators[slot] = (text, next) }
    }

    private static func compare(_ wanted: [ReferenceRecord], _ found: [Record]) throws {
        for (index, (left, right)) in zip(wanted, found).enumerated() {
            guard left.number == right.sequenceNumber, Int64(left.arrival) == right.approximateArrivalMilliseconds,
                left.key == right.partitionKey.text, left.data == right.data, left.encryption == right.encryptionType
            else {
                throw StreamMismatch(
                    "record \(index) is \(right.sequenceNumber) of \(right.approximateArrivalMilliseconds) ms, "
                        + "\(right.data.count) bytes, \(right.encryptionType?.rawValue ?? "?"); it should be "
                        + "\(left.number.map { "\($0)" } ?? "?") of \(left.arrival) ms, \(left.data.count) bytes, "
                        + "\(left.encryption.rawValue)")
            }
        }
        guard wanted.count == found.count else {
            throw StreamMismatch("\(found.count) records, not \(wanted.count)")
        }
    }

    private mutating func listShards(_ request: ListShardsRequest, _ place: ReferencePage?) throws {
        let expected = Result { try model.answer(request, place) }
        guard let (wanted, response) = try pair(expected, Result { try store.answer(request) }) else { return }
        guard wanted.shards == response.shards else {
            throw StreamMismatch("shards \(Self.short(response.shards)), not \(Self.short(wanted.shards))")
        }
        guard (response.nextToken == nil) == (wanted.next == nil) else {
            throw StreamMismatch(response.nextToken == nil ? "no next page" : "a next page of nothing")
        }
        if let text = response.nextToken, let next = wanted.next { page = (text, next) }
    }

    private func filter(_ stream: Int, _ filter: StreamAction.Filter) -> ShardFilter? {
        func time(_ type: ShardFilterType, _ shard: Int, _ plus: Int64) -> ShardFilter {
            let state = self.shard(shard, stream)
            let second = state?.closingSecond ?? state?.creationSecond ?? 0
            return ShardFilter(type, timestampMilliseconds: Int64(second) * 1000 + plus)
        }
        return switch filter {
        case .none: nil
        case .afterShard(let shard): ShardFilter(.afterShardID, shardID: shardText(shard, stream))
        case .atTrimHorizon: ShardFilter(.atTrimHorizon)
        case .fromTrimHorizon: ShardFilter(.fromTrimHorizon)
        case .atLatest: ShardFilter(.atLatest)
        case .malformed: ShardFilter(type: "AT_ANY")
        case .incomplete: ShardFilter(.atTimestamp)
        case .atTimestamp(let shard, let plus): time(.atTimestamp, shard, plus)
        case .fromTimestamp(let shard, let plus): time(.fromTimestamp, shard, plus)
        }
    }

    // MARK: Resharding

    private func splitKey(_ shard: ReferenceShard?, _ place: StreamAction.SplitPlace) -> String {
        let range = shard?.range ?? 0...UInt128.max
        return switch place {
        case .middle: "\(range.lowerBound + (range.upperBound - range.lowerBound) / 2)"
        case .start(let plus): "\(range.lowerBound &+ UInt128(plus))"
        case .end(let minus): "\(minus < 0 ? range.upperBound &+ 1 : range.upperBound &- UInt128(minus))"
        case .tooLarge: Self.tooLarge
        case .malformed: "007"
        }
    }

    private func mergePair(_ stream: Int, _ shard: Int, _ place: StreamAction.MergePlace) -> (String, String) {
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

    private mutating func updateShardCount(_ stream: Int, _ choice: StreamAction.CountChoice) throws {
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

    /// Has the store scale its on-demand streams, as it does once a minute.
    mutating func scale() throws {
        callCount += 1
        do throws(KinesisError) { note(UInt64(try store.scaleStep())) } catch {
            guard allowsTrouble, case .storage = error else { throw StreamMismatch("scaling failed: \(error)") }
            throw StreamTrouble(error: error)
        }
        for name in model.streams.keys.sorted() where model.streams[name]?.mode == .onDemand {
            try adoptShards(Int(name.dropFirst()) ?? 0)
        }
    }

    /// Takes the shards that the store has made of those there were, when they are what a reshard may make.
    ///
    /// - Parameter target: how many of equal ranges they must be; nil: any that cover the ring once.
    mutating func adoptShards(_ stream: Int, _ target: Int? = nil) throws {
        guard var known = known(stream) else { return }
        let found = try store.stream(known.name).shards
        for (index, shard) in found.enumerated() {
            let range = shard.hashKeyRange.starting.value...shard.hashKeyRange.ending.value
            if index < known.shards.count {
                let before = known.shards[index]
                guard shard.id == before.id, range == before.range, shard.creationSecond == before.creationSecond else {
                    throw StreamMismatch("\(shard.id) became another")
                }
            } else {
                let parents = shard.parents.map { known.shards[Int($0.index)] }
                guard shard.id.index == index, !parents.isEmpty, parents.allSatisfy({ $0.creationSecond < shard.creationSecond }),
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
        let wanted = try HashKeyRange.tiling(count: target).map { $0.starting.value...$0.ending.value }
        guard open == wanted else { throw StreamMismatch("the open shards are \(open), not \(wanted)") }
        model.streams[known.name] = known
    }

    /// Takes the seconds in which shards closed, each of which is within its bounds.
    private func learnClosings(_ known: inout ReferenceStream, _ found: [Shard]) throws {
        for (index, shard) in found.enumerated() {
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
