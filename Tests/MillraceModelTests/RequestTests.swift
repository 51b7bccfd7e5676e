// Aim: requests say what is wrong with them as a whole: which members go together, and all violations in one bounded
// message. What answers are made of keeps AWS's names.
// Method: each rule by hand, against the words AWS uses where they are known.

import MillraceModel
import Testing

@Suite struct RequestTests {
    private func error(_ request: some OperationRequest) -> KinesisError? {
        #expect(throws: KinesisError.self) { try request.validate() }
    }

    private let streamARN = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"

    // MARK: Several violations

    @Test func `two violations stand behind one another`() {
        #expect(
            error(PutRecordRequest(stream: "a b", data: [], partitionKey: nil))
                == .validation(
                    "2 validation errors detected: Value 'a b' at 'streamName' failed to satisfy constraint: Member "
                        + "must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value null at 'partitionKey' "
                        + "failed to satisfy constraint: Member must not be null"))
    }

    @Test func `a record of many is named by its place, counted from 1`() {
        let records = [
            PutEntry("a", partitionKey: "k"), PutEntry(data: nil, partitionKey: "", explicitHashKey: "01"),
        ]
        #expect(
            error(PutRecordsRequest(stream: "s", records: records))
                == .validation(
                    "3 validation errors detected: Value null at 'records.2.member.data' failed to satisfy "
                        + "constraint: Member must not be null; Value '01' at 'records.2.member.explicitHashKey' "
                        + "failed to satisfy constraint: Member must satisfy regular expression pattern: "
                        + "0|([1-9]\\d{0,38}); Value '' at 'records.2.member.partitionKey' failed to satisfy "
                        + "constraint: Member must have length greater than or equal to 1"))
    }

    @Test func `tags and metrics are refused as a whole`() {
        #expect(
            error(AddTagsToStreamRequest(stream: "s", tags: ["": "v", "k": String(repeating: "x", count: 257)]))?
                .message.hasPrefix(
                    "2 validation errors detected: Value '{=v, k=xxxx") == true)
        #expect(
            error(EnableEnhancedMonitoringRequest(stream: "s", shardLevelMetrics: ["ALL", "all"]))
                == .validation(
                    "1 validation error detected: Value '[ALL, all]' at 'shardLevelMetrics' failed to satisfy "
                        + "constraint: Member must satisfy constraint: [Member must satisfy enum value set: "
                        + "[IncomingBytes, IncomingRecords, OutgoingBytes, OutgoingRecords, "
                        + "WriteProvisionedThroughputExceeded, ReadProvisionedThroughputExceeded, "
                        + "IteratorAgeMilliseconds, ALL]]"))
    }

    @Test func `a list is repeated with its empty members`() {
        #expect(
            error(UntagResourceRequest(resourceARN: streamARN, tagKeys: ["", "a", ""]))
                == .validation(
                    "1 validation error detected: Value '[, a, ]' at 'tagKeys' failed to satisfy constraint: Member must "
                        + "satisfy constraint: [Member must have length less than or equal to 128, Member must have "
                        + "length greater than or equal to 1]"))
    }

    @Test func `what is inside a structure is named with it`() {
        #expect(
            error(CreateStreamRequest(streamName: "s", streamModeDetails: StreamModeDetails(streamMode: nil)))
                == .validation(
                    "1 validation error detected: Value null at 'streamModeDetails.streamMode' failed to satisfy "
                        + "constraint: Member must not be null"))
    }

    @Test func `a message is bounded, however much is wrong and however long it is`() {
        let entry = PutEntry(data: nil, partitionKey: String(repeating: "🌊", count: 5_000), explicitHashKey: "x")
        let message = error(PutRecordsRequest(stream: "s", records: Array(repeating: entry, count: 500)))?.message
        #expect(message?.hasPrefix("1500 validation errors detected: ") == true)
        #expect((message?.utf8.count ?? .max) < 50 * 900)
        let keys = Array(repeating: String(repeating: "🌊", count: 5_000), count: 50)
        let other = error(RemoveTagsFromStreamRequest(stream: "s", tagKeys: keys))?.message
        #expect((other?.utf8.count ?? .max) < 1_000)
    }

    // MARK: Members that go together

    @Test func `a stream is named by name, by ARN or by both`() throws {
        try DescribeStreamRequest(stream: "orders").validate()
        try DescribeStreamRequest(stream: StreamReference(arn: streamARN)).validate()
        try DescribeStreamRequest(stream: StreamReference(name: "orders", arn: streamARN)).validate()
        #expect(error(DescribeStreamRequest(stream: StreamReference()))?.code == "InvalidArgumentException")
        #expect(
            error(UpdateMaxRecordSizeRequest(streamARN: nil, maxRecordSizeInKiB: 1_024))?.code
                == "InvalidArgumentException")
    }

    @Test func `a violation of form is said before a missing member`() {
        let request = DescribeStreamRequest(stream: StreamReference(), limit: 0)
        #expect(error(request)?.code == "ValidationException")
    }

    @Test func `a token excludes what it stands for`() throws {
        try ListShardsRequest(nextToken: "t", maxResults: 1).validate()
        #expect(
            error(ListShardsRequest(stream: "s", nextToken: "t"))
                == .invalidArgument("NextToken and StreamName cannot be provided together."))
        let others = [
            ListShardsRequest(stream: StreamReference(arn: streamARN), nextToken: "t"),
            ListShardsRequest(nextToken: "t", exclusiveStartShardID: "shardId-000000000000"),
            ListShardsRequest(nextToken: "t", streamCreationTimestampMilliseconds: 0), ListShardsRequest(),
        ]
        for request in others { #expect(error(request)?.code == "InvalidArgumentException") }
        #expect(
            error(
                ListStreamConsumersRequest(
                    streamARN: streamARN, nextToken: "t", streamCreationTimestampMilliseconds: 0))?.code
                == "InvalidArgumentException")
    }

    @Test func `a shard filter needs what its type speaks of`() throws {
        for type in ShardFilterType.allCases {
            let bare = ListShardsRequest(stream: "s", shardFilter: ShardFilter(type))
            switch type {
            case .afterShardID, .atTimestamp, .fromTimestamp:
                #expect(error(bare)?.code == "InvalidArgumentException", "\(type)")
            default: try bare.validate()
            }
            let whole = ShardFilter(type, shardID: "shardId-000000000000", timestampMilliseconds: 0)
            try ListShardsRequest(stream: "s", shardFilter: whole).validate()
        }
    }

    @Test func `a consumer is named by its ARN, or by its stream's ARN and its name`() throws {
        try DescribeStreamConsumerRequest(consumerARN: streamARN + "/consumer/c:1").validate()
        try DeregisterStreamConsumerRequest(streamARN: streamARN, consumerName: "c").validate()
        #expect(error(DescribeStreamConsumerRequest(streamARN: streamARN))?.code == "InvalidArgumentException")
        #expect(error(DeregisterStreamConsumerRequest(consumerName: "c"))?.code == "InvalidArgumentException")
        #expect(error(DeregisterStreamConsumerRequest())?.code == "InvalidArgumentException")
    }

    // MARK: Starting positions

    @Test func `a position and its request lead to each other`() throws {
        let number = SequenceNumber.starting(ShardID(index: 3), creationSecond: 1_700_000_000)
        let positions: [StartingPosition] = [
            .trimHorizon, .latest, .at(number), .after(number), .atTimestamp(milliseconds: 1_700_000_000_123),
        ]
        for position in positions {
            let start = SubscriptionStart(position)
            #expect(try start.position == position)
            try SubscribeToShardRequest(
                consumerARN: streamARN + "/consumer/c:1", shardID: "shardId-000000000003", startingPosition: start
            ).validate()
            let iterator = GetShardIteratorRequest(
                stream: "s", shardID: "shardId-000000000003", shardIteratorType: position.type.rawValue,
                startingSequenceNumber: start.sequenceNumber, timestampMilliseconds: start.timestampMilliseconds)
            try iterator.validate()
            #expect(try iterator.position == position)
        }
        #expect(positions.map(\.type).count == Set(positions.map(\.type)).count)
    }

    @Test(arguments: [ShardIteratorType.atSequenceNumber, .afterSequenceNumber, .atTimestamp])
    func `a position without its number or time is an invalid argument`(type: ShardIteratorType) {
        let request = GetShardIteratorRequest(stream: "s", shardID: "s", shardIteratorType: type.rawValue)
        #expect(error(request)?.code == "InvalidArgumentException")
        let start = SubscriptionStart(type: type.rawValue)
        let subscription = SubscribeToShardRequest(
            consumerARN: streamARN + "/consumer/c:1", shardID: "s", startingPosition: start)
        #expect(error(subscription)?.code == "InvalidArgumentException")
        #expect(throws: KinesisError.self) { try start.position }
    }

    @Test func `a position of no type, or with a number of no record, cannot be had`() {
        let none = #expect(throws: KinesisError.self) { try SubscriptionStart(type: "LAST").position }
        #expect(none?.code == "ValidationException")
        let zero = #expect(throws: KinesisError.self) {
            try SubscriptionStart(type: "AT_SEQUENCE_NUMBER", sequenceNumber: "0").position
        }
        #expect(zero?.code == "InvalidArgumentException")
    }

    // MARK: Values answered

    @Test func `statuses and types have AWS's names`() {
        #expect(StreamStatus.allCases.map(\.rawValue) == ["CREATING", "DELETING", "ACTIVE", "UPDATING"])
        #expect(ConsumerStatus.allCases.map(\.rawValue) == ["CREATING", "DELETING", "ACTIVE"])
        #expect(EncryptionType.allCases.map(\.rawValue) == ["NONE", "KMS"])
        #expect(
            BillingCommitmentStatus.allCases.map(\.rawValue)
                == ["ENABLED", "DISABLED", "ENABLED_UNTIL_EARLIEST_ALLOWED_END"])
    }

    @Test func `failed records are counted`() {
        let number = SequenceNumber.starting(ShardID(index: 0), creationSecond: 0)
        let success = PutRecordsResult.success(shardID: ShardID(index: 0), sequenceNumber: number)
        let failure = PutRecordsResult.failure(code: "InternalFailure", message: "m")
        #expect(PutRecordsResponse(records: [success, failure, success]).failedRecordCount == 1)
        #expect(PutRecordsResponse(records: [success]).failedRecordCount == 0)
    }

    @Test func `a shard is open until it has an ending number`() {
        let number = SequenceNumber.starting(ShardID(index: 0), creationSecond: 0)
        let open = ShardSummary(shardID: ShardID(index: 0), hashKeyRange: .whole, startingSequenceNumber: number)
        let closed = ShardSummary(
            shardID: ShardID(index: 0), hashKeyRange: .whole, startingSequenceNumber: number,
            endingSequenceNumber: .ending(ShardID(index: 0), creationSecond: 0, closingSecond: 1))
        #expect(open.isOpen && !closed.isOpen)
    }
}

@Suite struct ShardEventsTests {
    private func event(_ lag: Int64) -> SubscribeToShardEvent {
        SubscribeToShardEvent(
            records: [], continuationSequenceNumber: .starting(ShardID(index: 0), creationSecond: 0),
            millisBehindLatest: lag)
    }

    @Test func `events come in order until the end`() async throws {
        let (lags, source) = AsyncStream.makeStream(of: Int64.self)
        for lag in [3, 2, 1] as [Int64] { source.yield(lag) }
        source.finish()
        let pull = Pull(lags)
        let events = ShardEvents { () throws(KinesisError) in await pull.next().map(event) }
        var seen: [Int64] = []
        for try await event in events { seen.append(event.millisBehindLatest) }
        #expect(seen == [3, 2, 1])
    }

    @Test func `an error ends the events, and is a KinesisError by its type`() async {
        let events = ShardEvents { () throws(KinesisError) in throw .resourceInUse("another subscription took over") }
        var iterator = events.makeAsyncIterator()
        do throws(KinesisError) {
            _ = try await iterator.next(isolation: nil)
            Issue.record("no error")
        } catch {
            #expect(error.code == "ResourceInUseException")
        }
        let after = try? await iterator.next(isolation: nil)
        #expect(after == nil)
    }

    /// An iterator that may be shared, for one caller at a time.
    private actor Pull {
        private var iterator: AsyncStream<Int64>.Iterator
        init(_ stream: AsyncStream<Int64>) { iterator = stream.makeAsyncIterator() }
        func next() async -> Int64? {
            var iterator = iterator
            defer { self.iterator = iterator }
            return await iterator.next(isolation: #isolation)
        }
    }
}
