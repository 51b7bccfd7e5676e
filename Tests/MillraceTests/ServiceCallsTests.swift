import Millrace
import MillraceModel
import Testing

/// Aim: every operation can be called by a task through the protocol, and does what its blocking form does. Method: a life of
/// one stream, seen as any service.
@Suite struct ServiceCallsTests {
    @Test func `a task calls every operation of the service`() async throws {
        let store = try TestStore().open()
        let service: any StreamService = store
        try await service.createStream(CreateStreamRequest(streamName: "s", shardCount: 2))
        let summary = try await service.describeStreamSummary(DescribeStreamSummaryRequest(stream: "s"))
            .streamDescriptionSummary
        let arn = "\(summary.streamARN)"
        #expect(try await service.describeStream(DescribeStreamRequest(stream: "s")).streamDetails.shards.count == 2)
        #expect(try await service.listStreams(ListStreamsRequest()).streamSummaries.count == 1)
        try await service.increaseStreamRetentionPeriod(
            IncreaseStreamRetentionPeriodRequest(stream: "s", retentionPeriodHours: 30))
        try await service.decreaseStreamRetentionPeriod(
            DecreaseStreamRetentionPeriodRequest(stream: "s", retentionPeriodHours: 25))
        let put = try await service.putRecord(PutRecordRequest(stream: "s", data: [1], partitionKey: "k"))
        let puts = try await service.putRecords(
            PutRecordsRequest(stream: "s", records: [PutEntry([2], partitionKey: "k")]))
        #expect(puts.failedRecordCount == 0)
        let iterator = try await service.getShardIterator(
            GetShardIteratorRequest(stream: "s", shardID: "\(put.shardID)", shardIteratorType: "TRIM_HORIZON"))
        let got = try await service.getRecords(GetRecordsRequest(shardIterator: iterator.shardIterator))
        #expect(got.records.map(\.data) == [[1], [2]])
        let consumer = try await service.registerStreamConsumer(
            RegisterStreamConsumerRequest(streamARN: arn, consumerName: "c")
        ).consumer
        let name = "\(consumer.consumerARN)"
        #expect(
            try await service.describeStreamConsumer(DescribeStreamConsumerRequest(consumerARN: name)).consumerDescription
                == consumer)
        #expect(try await service.listStreamConsumers(ListStreamConsumersRequest(streamARN: arn)).consumers == [consumer])
        let events = try await service.subscribeToShard(
            SubscribeToShardRequest(
                consumerARN: name, shardID: "\(put.shardID)", startingPosition: SubscriptionStart(.trimHorizon)))
        var next = events.makeAsyncIterator()
        #expect(try await next.next()?.records.count == 2)
        try await service.deregisterStreamConsumer(DeregisterStreamConsumerRequest(consumerARN: name))
        try await service.addTagsToStream(AddTagsToStreamRequest(stream: "s", tags: ["a": "b"]))
        try await service.tagResource(TagResourceRequest(resourceARN: arn, tags: ["c": "d"]))
        #expect(try await service.listTagsForStream(ListTagsForStreamRequest(stream: "s")).tags.count == 2)
        #expect(try await service.listTagsForResource(ListTagsForResourceRequest(resourceARN: arn)).tags.count == 2)
        try await service.removeTagsFromStream(RemoveTagsFromStreamRequest(stream: "s", tagKeys: ["a"]))
        try await service.untagResource(UntagResourceRequest(resourceARN: arn, tagKeys: ["c"]))
        try await service.putResourcePolicy(PutResourcePolicyRequest(resourceARN: arn, policy: "{}"))
        #expect(try await service.getResourcePolicy(GetResourcePolicyRequest(resourceARN: arn)).policy == "{}")
        try await service.deleteResourcePolicy(DeleteResourcePolicyRequest(resourceARN: arn))
        try await service.startStreamEncryption(StartStreamEncryptionRequest(stream: "s", keyID: "k"))
        try await service.stopStreamEncryption(StopStreamEncryptionRequest(stream: "s", keyID: "k"))
        _ = try await service.enableEnhancedMonitoring(
            EnableEnhancedMonitoringRequest(stream: "s", shardLevelMetrics: ["ALL"]))
        _ = try await service.disableEnhancedMonitoring(
            DisableEnhancedMonitoringRequest(stream: "s", shardLevelMetrics: ["ALL"]))
        try await service.updateMaxRecordSize(UpdateMaxRecordSizeRequest(streamARN: arn, maxRecordSizeInKiB: 2048))
        _ = try await service.updateShardCount(UpdateShardCountRequest(stream: "s", targetShardCount: 4))
        let open = try await service.listShards(
            ListShardsRequest(stream: "s", shardFilter: ShardFilter(.atLatest))).shards
        try await service.mergeShards(
            MergeShardsRequest(
                stream: "s", shardToMerge: "\(open[0].shardID)", adjacentShardToMerge: "\(open[1].shardID)"))
        try await service.splitShard(
            SplitShardRequest(
                stream: "s", shardToSplit: "\(open[2].shardID)",
                newStartingHashKey: "\(open[2].hashKeyRange.starting.value + 5)"))
        try await service.updateStreamMode(
            UpdateStreamModeRequest(streamARN: arn, streamModeDetails: StreamModeDetails(.onDemand)))
        _ = try await service.updateAccountSettings(
            UpdateAccountSettingsRequest(minimumThroughputBillingCommitment: BillingCommitmentChange(.enabled)))
        _ = try await service.describeAccountSettings(DescribeAccountSettingsRequest())
        _ = try await service.describeLimits(DescribeLimitsRequest())
        _ = try await service.updateStreamWarmThroughput(
            UpdateStreamWarmThroughputRequest(stream: "s", warmThroughputMiBps: 5))
        #expect(try store.scaleStep() >= 0)
        try await service.deleteStream(DeleteStreamRequest(stream: "s"))
        await #expect(throws: KinesisError.self) {
            try await service.describeStream(DescribeStreamRequest(stream: "s"))
        }
        try await store.close()
    }
}
