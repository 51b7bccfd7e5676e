import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Testing

/// Aim: streams are made, shown, listed and deleted as the service does it; each refusal has the service's type; all that was
/// answered holds after the store was opened anew. Method: every operation on a disk in memory, with time by hand.
@Suite(.timeLimit(.minutes(1))) struct StreamOperationsTests {
    @Test func `a stream shows what it was made with, in a later opening too`() throws {
        let test = TestStore()
        var store = try test.open()
        let made = Int64(test.clock.wallNanoseconds() / 1_000_000)
        try store.make("p", shards: 3) {
            $0.tags = ["a": "1"]
            $0.maxRecordSizeInKiB = 2048
        }
        try store.make("d", shards: nil)
        try store.make("o", shards: nil) { $0.streamModeDetails = StreamModeDetails(streamMode: "ON_DEMAND") }
        for isLater in [false, true] {
            if isLater {
                try store.closeBlocking()
                test.clock.advance(milliseconds: 5000)
                store = try test.open()
            }
            let p = try store.summary("p")
            #expect(p.streamName.text == "p")
            #expect(p.streamARN.description == "arn:aws:kinesis:us-east-1:000000000000:stream/p")
            #expect(p.streamStatus == .active)
            #expect(p.streamMode == .provisioned)
            #expect(p.openShardCount == 3)
            #expect(p.consumerCount == 0)
            #expect(p.retentionPeriod.hours == 24)
            #expect(p.streamCreationMilliseconds == made / 1000 * 1000)
            #expect(p.encryptionType == .unencrypted)
            #expect(p.keyID == nil)
            #expect(p.maxRecordSizeInKiB == 2048)
            #expect(try store.answer(ListTagsForStreamRequest(stream: "p")).tags == [MillraceModel.Tag(key: "a", value: "1")])
            #expect(try store.summary("d").openShardCount == 4)
            #expect(try store.summary("o").openShardCount == 4)
            #expect(try store.summary("o").streamMode == .onDemand)
            let details = try store.answer(DescribeStreamRequest(stream: "p")).streamDetails
            #expect(details.shards.map(\.shardID.description) == (0..<3).map { "shardId-00000000000\($0)" })
            #expect(details.shards.map(\.hashKeyRange) == (try HashKeyRange.tiling(count: 3)))
            #expect(details.shards.allSatisfy { $0.isOpen && $0.startingSequenceNumber.description.utf8.count == 56 })
            #expect(!details.hasMoreShards)
        }
        try store.closeBlocking()
    }

    @Test func `a stream that cannot be made is refused by its type, and none is there`() throws {
        let store = try TestStore().open()
        try store.make("taken")
        let onDemand = StreamModeDetails(streamMode: "ON_DEMAND")
        let refusals: [(CreateStreamRequest, String)] = [
            (CreateStreamRequest(streamName: nil, shardCount: 1), "ValidationException"),
            (CreateStreamRequest(streamName: "", shardCount: 1), "ValidationException"),
            (CreateStreamRequest(streamName: "a b", shardCount: 1), "ValidationException"),
            (CreateStreamRequest(streamName: String(repeating: "a", count: 129), shardCount: 1), "ValidationException"),
            (CreateStreamRequest(streamName: "a", shardCount: 0), "ValidationException"),
            (CreateStreamRequest(streamName: "a", shardCount: 10_001), "InvalidArgumentException"),
            (CreateStreamRequest(streamName: "a", shardCount: .max), "InvalidArgumentException"),
            (CreateStreamRequest(streamName: "a", shardCount: 1, maxRecordSizeInKiB: 1023), "ValidationException"),
            (CreateStreamRequest(streamName: "a", shardCount: 1, maxRecordSizeInKiB: 10_241), "ValidationException"),
            (CreateStreamRequest(streamName: "a", shardCount: 1, tags: ["aws:a": ""]), "InvalidArgumentException"),
            (
                CreateStreamRequest(
                    streamName: "a", shardCount: 1,
                    tags: Dictionary(uniqueKeysWithValues: (0...Limits.tagCount).map { ("\($0)", "") })),
                "LimitExceededException"
            ),
            (CreateStreamRequest(streamName: "a", shardCount: 1, streamModeDetails: onDemand), "ValidationException"),
            (
                CreateStreamRequest(streamName: "a", streamModeDetails: StreamModeDetails(streamMode: "X")),
                "ValidationException"
            ),
            (CreateStreamRequest(streamName: "a", shardCount: 1, warmThroughputMiBps: 1), "ValidationException"),
            (
                CreateStreamRequest(streamName: "a", streamModeDetails: onDemand, warmThroughputMiBps: .max),
                "any"
            ),
            (CreateStreamRequest(streamName: "taken", shardCount: 1), "ResourceInUseException"),
        ]
        for (request, code) in refusals {
            let error = refusal { () throws(KinesisError) in try store.answer(request) }
            if code == "any" { #expect(error != nil, "\(request)") } else { #expect(error?.code == code, "\(request)") }
        }
        #expect(store.listStreams().map(\.text) == ["taken"])
        #expect(
            refusal { () throws(KinesisError) in try store.make("taken") }?.message
                == "Stream taken under account 000000000000 already exists.")
        try store.closeBlocking()
    }

    @Test func `a stream that is not there is not found, whichever operation names it, and however`() throws {
        let test = TestStore()
        let store = try test.open()
        let arn = try store.make()
        let here = StreamReference(arn: arn)
        #expect(try store.answer(DescribeStreamRequest(stream: here)).streamDetails.streamName.text == "s")
        let elsewhere = [
            StreamReference(name: "none"), StreamReference(arn: "arn:aws:kinesis:us-east-1:000000000000:stream/none"),
            StreamReference(arn: "arn:aws:kinesis:us-east-1:000000000001:stream/s"),
            StreamReference(arn: "arn:aws:kinesis:eu-west-1:000000000000:stream/s"),
            StreamReference(arn: "arn:aws-cn:kinesis:us-east-1:000000000000:stream/s"),
        ]
        let entry = PutEntry("x", partitionKey: "k")
        func each(_ stream: StreamReference) -> [(String, KinesisError?)] {
            func of(_ name: String, _ body: () throws(KinesisError) -> Void) -> (String, KinesisError?) { (name, refusal(body)) }
            var all = [
                of("DescribeStream") { () throws(KinesisError) in _ = try store.answer(DescribeStreamRequest(stream: stream)) },
                of("DescribeStreamSummary") { () throws(KinesisError) in
                    _ = try store.answer(DescribeStreamSummaryRequest(stream: stream))
                },
                of("DeleteStream") { () throws(KinesisError) in try store.answer(DeleteStreamRequest(stream: stream)) },
                of("ListShards") { () throws(KinesisError) in _ = try store.answer(ListShardsRequest(stream: stream)) },
                of("SplitShard") { () throws(KinesisError) in
                    try store.answer(
                        SplitShardRequest(stream: stream, shardToSplit: "shardId-000000000000", newStartingHashKey: "9"))
                },
                of("MergeShards") { () throws(KinesisError) in
                    try store.answer(
                        MergeShardsRequest(
                            stream: stream, shardToMerge: "shardId-000000000000",
                            adjacentShardToMerge: "shardId-000000000001"))
                },
                of("UpdateShardCount") { () throws(KinesisError) in
                    _ = try store.answer(UpdateShardCountRequest(stream: stream, targetShardCount: 2))
                },
                of("PutRecord") { () throws(KinesisError) in
                    _ = try store.answer(PutRecordRequest(stream: stream, data: [], partitionKey: "k"))
                },
                of("PutRecords") { () throws(KinesisError) in
                    _ = try store.answer(PutRecordsRequest(stream: stream, records: [entry]))
                },
                of("GetShardIterator") { () throws(KinesisError) in
                    _ = try store.answer(
                        GetShardIteratorRequest(
                            stream: stream, shardID: "shardId-000000000000", shardIteratorType: "LATEST"))
                },
                of("Increase") { () throws(KinesisError) in
                    try store.answer(IncreaseStreamRetentionPeriodRequest(stream: stream, retentionPeriodHours: 48))
                },
                of("Decrease") { () throws(KinesisError) in
                    try store.answer(DecreaseStreamRetentionPeriodRequest(stream: stream, retentionPeriodHours: 24))
                },
                of("AddTags") { () throws(KinesisError) in
                    try store.answer(AddTagsToStreamRequest(stream: stream, tags: ["a": "b"]))
                },
                of("RemoveTags") { () throws(KinesisError) in
                    try store.answer(RemoveTagsFromStreamRequest(stream: stream, tagKeys: ["a"]))
                },
                of("ListTags") { () throws(KinesisError) in _ = try store.answer(ListTagsForStreamRequest(stream: stream)) },
                of("StartEncryption") { () throws(KinesisError) in
                    try store.answer(StartStreamEncryptionRequest(stream: stream, keyID: "k"))
                },
                of("StopEncryption") { () throws(KinesisError) in
                    try store.answer(StopStreamEncryptionRequest(stream: stream, keyID: "k"))
                },
                of("EnableMonitoring") { () throws(KinesisError) in
                    _ = try store.answer(EnableEnhancedMonitoringRequest(stream: stream, shardLevelMetrics: ["ALL"]))
                },
                of("DisableMonitoring") { () throws(KinesisError) in
                    _ = try store.answer(DisableEnhancedMonitoringRequest(stream: stream, shardLevelMetrics: ["ALL"]))
                },
            ]
            guard let arn = stream.arn else { return all }
            all += [
                of("RegisterConsumer") { () throws(KinesisError) in
                    _ = try store.answer(RegisterStreamConsumerRequest(streamARN: arn, consumerName: "c"))
                },
                of("ListConsumers") { () throws(KinesisError) in
                    _ = try store.answer(ListStreamConsumersRequest(streamARN: arn))
                },
                of("DescribeConsumer") { () throws(KinesisError) in
                    _ = try store.answer(DescribeStreamConsumerRequest(streamARN: arn, consumerName: "c"))
                },
                of("DeregisterConsumer") { () throws(KinesisError) in
                    try store.answer(DeregisterStreamConsumerRequest(streamARN: arn, consumerName: "c"))
                },
                of("UpdateMode") { () throws(KinesisError) in
                    try store.answer(
                        UpdateStreamModeRequest(streamARN: arn, streamModeDetails: StreamModeDetails(streamMode: "PROVISIONED")))
                },
                of("UpdateMaxRecordSize") { () throws(KinesisError) in
                    try store.answer(UpdateMaxRecordSizeRequest(streamARN: arn, maxRecordSizeInKiB: 2048))
                },
                of("TagResource") { () throws(KinesisError) in
                    try store.answer(TagResourceRequest(resourceARN: arn, tags: ["a": "b"]))
                },
                of("UntagResource") { () throws(KinesisError) in
                    try store.answer(UntagResourceRequest(resourceARN: arn, tagKeys: ["a"]))
                },
                of("ListTagsForResource") { () throws(KinesisError) in
                    _ = try store.answer(ListTagsForResourceRequest(resourceARN: arn))
                },
                of("PutPolicy") { () throws(KinesisError) in
                    try store.answer(PutResourcePolicyRequest(resourceARN: arn, policy: "{}"))
                },
                of("GetPolicy") { () throws(KinesisError) in
                    _ = try store.answer(GetResourcePolicyRequest(resourceARN: arn))
                },
                of("DeletePolicy") { () throws(KinesisError) in
                    try store.answer(DeleteResourcePolicyRequest(resourceARN: arn))
                },
            ]
            return all
        }
        for reference in elsewhere {
            for (name, error) in each(reference) {
                #expect(error?.code == "ResourceNotFoundException", "\(name) of \(reference): \(String(describing: error))")
            }
        }
        #expect(
            refusal { () throws(KinesisError) in _ = try store.summary("none") }?.message
                == "Stream none under account 000000000000 not found.")
        #expect(
            refusal { () throws(KinesisError) in
                _ = try store.answer(DescribeStreamRequest(stream: StreamReference(name: "x", arn: arn)))
            }?.code == "InvalidArgumentException")
        for (name, error) in each(StreamReference()) {
            #expect(error?.code == "InvalidArgumentException", "\(name) of nothing: \(String(describing: error))")
        }
        try store.closeBlocking()
        for (name, error) in each(StreamReference(name: "s")) {
            guard case .storage(.closed) = error else {
                Issue.record("\(name) on a closed store: \(String(describing: error))")
                continue
            }
        }
    }

    @Test func `lists come in pages, whose tokens expire and are good for one list only`() throws {
        let test = TestStore()
        let store = try test.open()
        let names = (0..<7).map { "s\($0)" }
        for name in names.shuffled() { try store.make(name) }
        var seen: [String] = []
        var request = ListStreamsRequest(limit: 3)
        var pages = 0
        var token: String?
        repeat {
            let page = try store.answer(request)
            seen += page.streamSummaries.map(\.streamName.text)
            #expect(page.hasMoreStreams == (page.nextToken != nil))
            #expect(page.streamSummaries.allSatisfy { $0.streamStatus == .active })
            token = page.nextToken ?? token
            request = ListStreamsRequest(limit: 3, nextToken: page.nextToken)
            pages += 1
        } while request.nextToken != nil
        #expect(seen == names)
        #expect(pages == 3)
        #expect(try store.answer(ListStreamsRequest(exclusiveStartStreamName: "s3")).streamSummaries.count == 3)
        #expect(try store.answer(ListStreamsRequest(exclusiveStartStreamName: "s6")).streamSummaries.isEmpty)
        #expect(try store.answer(ListStreamsRequest(exclusiveStartStreamName: "r")).streamSummaries.count == 7)
        let other = refusal { () throws(KinesisError) in _ = try store.answer(ListShardsRequest(nextToken: token)) }
        #expect(other?.code == "InvalidArgumentException")
        for text in ["x", "", (token ?? "") + "A"] {
            let error = refusal { () throws(KinesisError) in _ = try store.answer(ListStreamsRequest(nextToken: text)) }
            #expect(error?.code == (text.isEmpty ? "ValidationException" : "InvalidArgumentException"))
        }
        test.clock.advance(milliseconds: 300_000)
        #expect(try store.answer(ListStreamsRequest(nextToken: token)).streamSummaries.map(\.streamName.text) == ["s6"])
        test.clock.advance(milliseconds: 1)
        let late = refusal { () throws(KinesisError) in _ = try store.answer(ListStreamsRequest(nextToken: token)) }
        #expect(late?.code == "ExpiredNextTokenException")
        try store.closeBlocking()
    }

    @Test func `the account's limits count what there is`() throws {
        let store = try TestStore().open()
        try store.make("a", shards: 3)
        try store.make("b", shards: 2)
        try store.make("o", shards: nil) { $0.streamModeDetails = StreamModeDetails(streamMode: "ON_DEMAND") }
        try store.split(0, of: "a")
        let limits = try store.answer(DescribeLimitsRequest())
        #expect(limits.openShardCount == 6)
        #expect(limits.onDemandStreamCount == 1)
        #expect(limits.shardLimit == Limits.accountShardCount)
        #expect(limits.onDemandStreamCountLimit == Limits.accountOnDemandStreamCount)
        try store.closeBlocking()
    }

    // MARK: Streams that take their time

    @Test func `with a time for transitions a stream is CREATING, UPDATING and DELETING for so long`() throws {
        var test = TestStore()
        test.options.transitionMilliseconds = 500
        let store = try test.open()
        func refused(_ body: () throws(KinesisError) -> Void) -> String? { refusal(body)?.message }
        func notActive(_ status: String) -> String {
            "Stream s under account 000000000000 not ACTIVE, instead in state \(status)"
        }
        let arn = try store.make()
        #expect(try store.summary().streamStatus == .creating)
        #expect(try store.answer(ListStreamsRequest()).streamSummaries.map(\.streamStatus) == [.creating])
        #expect(refused { () throws(KinesisError) in try store.split(0) } == notActive("CREATING"))
        #expect(
            refused { () throws(KinesisError) in try store.answer(DeleteStreamRequest(stream: "s")) } == notActive("CREATING"))
        #expect(
            refusal { () throws(KinesisError) in
                _ = try store.answer(PutRecordRequest(stream: "s", data: [1], partitionKey: "k"))
            }?.code == "ResourceNotFoundException")
        test.clock.advance(milliseconds: 499)
        #expect(try store.summary().streamStatus == .creating)
        test.clock.advance(milliseconds: 1)
        #expect(try store.summary().streamStatus == .active)

        let first = try store.answer(PutRecordRequest(stream: "s", data: [1], partitionKey: "k"))
        let controls: [(String, () throws(KinesisError) -> Void)] = [
            ("split", { () throws(KinesisError) in try store.split(store.shards("s", ShardFilter(.atLatest))[0].shardID.index) }),
            ("scale", { () throws(KinesisError) in try store.scale(to: 3) }),
            ("merge", { () throws(KinesisError) in
                let open = try store.shards("s", ShardFilter(.atLatest)).sorted { $0.hashKeyRange.starting < $1.hashKeyRange.starting }
                try store.merge(open[0].shardID.index, open[1].shardID.index)
            }),
            ("increase", { () throws(KinesisError) in
                try store.answer(IncreaseStreamRetentionPeriodRequest(stream: "s", retentionPeriodHours: 48))
            }),
            ("decrease", { () throws(KinesisError) in
                try store.answer(DecreaseStreamRetentionPeriodRequest(stream: "s", retentionPeriodHours: 24))
            }),
            ("encrypt", { () throws(KinesisError) in try store.answer(StartStreamEncryptionRequest(stream: "s", keyID: "k")) }),
            ("decrypt", { () throws(KinesisError) in try store.answer(StopStreamEncryptionRequest(stream: "s", keyID: "k")) }),
            ("monitor", { () throws(KinesisError) in
                _ = try store.answer(EnableEnhancedMonitoringRequest(stream: "s", shardLevelMetrics: ["IncomingBytes"]))
            }),
            ("unmonitor", { () throws(KinesisError) in
                _ = try store.answer(DisableEnhancedMonitoringRequest(stream: "s", shardLevelMetrics: ["ALL"]))
            }),
            ("size", { () throws(KinesisError) in
                try store.answer(UpdateMaxRecordSizeRequest(streamARN: arn, maxRecordSizeInKiB: 3000))
            }),
            ("mode", { () throws(KinesisError) in
                try store.answer(
                    UpdateStreamModeRequest(streamARN: arn, streamModeDetails: StreamModeDetails(streamMode: "ON_DEMAND")))
            }),
        ]
        for (name, control) in controls {
            try control()
            #expect(try store.summary().streamStatus == .updating, "\(name)")
            // Control waits; reads and writes go on.
            for (other, again) in controls {
                let error = refusal(again)
                #expect(error?.code == "ResourceInUseException", "\(other) after \(name): \(String(describing: error))")
            }
            #expect(refused { () throws(KinesisError) in try store.answer(DeleteStreamRequest(stream: "s")) } == notActive("UPDATING"))
            let next = try store.answer(PutRecordRequest(stream: "s", data: [2], partitionKey: "k"))
            #expect(next.sequenceNumber > first.sequenceNumber)
            _ = try store.answer(GetRecordsRequest(shardIterator: store.iterator()))
            test.clock.advance(milliseconds: 500)
            #expect(try store.summary().streamStatus == .active, "\(name)")
        }

        let consumer = try store.answer(RegisterStreamConsumerRequest(streamARN: arn, consumerName: "c")).consumer
        #expect(consumer.consumerStatus == .creating)
        test.clock.advance(milliseconds: 1500)
        let described = try store.answer(DescribeStreamConsumerRequest(consumerARN: "\(consumer.consumerARN)"))
        #expect(described.consumerDescription.consumerStatus == .active)

        try store.answer(DeleteStreamRequest(stream: "s", enforceConsumerDeletion: true))
        #expect(try store.summary().streamStatus == .deleting)
        #expect(refused { () throws(KinesisError) in try store.make() } == "Stream s under account 000000000000 already exists.")
        #expect(refused { () throws(KinesisError) in try store.answer(DeleteStreamRequest(stream: "s", enforceConsumerDeletion: true)) } == notActive("DELETING"))
        test.clock.advance(milliseconds: 499)
        #expect(try store.summary().streamStatus == .deleting)
        test.clock.advance(milliseconds: 1)
        #expect(refusal { () throws(KinesisError) in _ = try store.summary() }?.code == "ResourceNotFoundException")
        try store.make()
        #expect(try store.summary().streamStatus == .creating)
        try store.closeBlocking()
    }
}
