// Requests of all operations from samples, and samples in which everything is in order.

import MillraceModel

extension Sample {
    static let streamARN = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"

    /// A sample of the operation with every member that is required, and a stream where the operation takes one.
    static func valid(_ operation: KinesisOperation, _ table: ConstraintTable) -> Sample {
        var sample = Sample()
        let paths = table.paths(operation)
        for (path, rows) in paths where rows.contains(where: { $0.kind == "required" }) {
            // What is required within something optional is there with it.
            if sample.isReachable(path) { sample.put(path) }
        }
        let all = Set(paths.map(\.path))
        if all.contains("StreamName") && !sample.has("StreamName") { sample.put("StreamName") }
        if all.contains("ConsumerARN") { sample.put("ConsumerARN") }
        if operation == .updateMaxRecordSize { sample.put("StreamARN") }
        // Types that need a number, a time or a shard find one.
        for path in ["StartingSequenceNumber", "StartingPosition.SequenceNumber"] where all.contains(path) {
            sample.put(path)
        }
        return sample
    }

    private func isReachable(_ path: String) -> Bool {
        guard let dot = path.lastIndex(of: ".") else { return true }
        let around = String(path[..<dot])
        return has(around) || around.hasSuffix("[]") && has(String(around.dropLast(3)))
    }

    /// Gives the member at `path` a value that is in order, and with it all that is around it and required in that.
    mutating func put(_ path: String) {
        if let dot = path.lastIndex(of: ".") {
            let around = String(path[..<dot])
            if !has(around) && !around.hasSuffix("[]") { put(around) }
        }
        switch path {
        case "Tags":
            values[path] = .entries(1)
            put("Tags.{key}")
            put("Tags.{value}")
        case "TagKeys", "ShardLevelMetrics":
            values[path] = .members(1)
            put(path + ".[]")
        case "Records":
            values[path] = .members(1)
            put("Records.[].Data")
            put("Records.[].PartitionKey")
        case "StreamModeDetails", "ShardFilter", "StartingPosition", "MinimumThroughputBillingCommitment":
            values[path] = .structure
            let required = [
                "StreamModeDetails": "StreamMode", "MinimumThroughputBillingCommitment": "Status",
            ]
            put("\(path).\(required[path] ?? "Type")")
            // A shard, for the filter that needs one.
            if path == "ShardFilter" { put("ShardFilter.ShardId") }
        default: values[path] = Self.value(path)
        }
    }

    private static func value(_ path: String) -> Value {
        switch path.split(separator: ".").last.map(String.init) ?? "" {
        case "StreamARN", "ResourceARN": .text(streamARN)
        case "ConsumerARN": .text(streamARN + "/consumer/billing:1700000000")
        case "StreamId": .text("abcdefghij0123456789-xyz")
        case "ExplicitHashKey", "NewStartingHashKey", "StartingSequenceNumber", "SequenceNumber",
            "SequenceNumberForOrdering":
            .text("1234567890")
        case "Limit", "MaxResults", "ShardCount", "TargetShardCount", "WarmThroughputMiBps": .number(7)
        case "MaxRecordSizeInKiB": .number(2_048)
        case "RetentionPeriodHours": .number(48)
        case "Data": .bytes(3)
        case "StreamMode": .text("ON_DEMAND")
        case "Type" where path.hasPrefix("ShardFilter"): .text("AT_TRIM_HORIZON")
        case "ShardIteratorType", "Type": .text("TRIM_HORIZON")
        case "ScalingType": .text("UNIFORM_SCALING")
        case "EncryptionType": .text("KMS")
        case "Status": .text("ENABLED")
        case "[]" where path.hasPrefix("ShardLevelMetrics"): .text("IncomingBytes")
        default: .text("some-text")
        }
    }

    /// Time stamps have no constraints, and so no line in the table: there is one wherever one may be needed.
    private var milliseconds: Int64 { 1_700_000_000_000 }

    private var streamModeDetails: StreamModeDetails? {
        has("StreamModeDetails") ? StreamModeDetails(streamMode: text("StreamModeDetails.StreamMode")) : nil
    }

    private var shardFilter: ShardFilter? {
        if !has("ShardFilter") { return nil }
        return ShardFilter(
            type: text("ShardFilter.Type"), shardID: text("ShardFilter.ShardId"), timestampMilliseconds: milliseconds)
    }

    private var startingPosition: SubscriptionStart? {
        if !has("StartingPosition") { return nil }
        return SubscriptionStart(
            type: text("StartingPosition.Type"), sequenceNumber: text("StartingPosition.SequenceNumber"),
            timestampMilliseconds: milliseconds)
    }

    private var billingCommitment: BillingCommitmentChange? {
        let path = "MinimumThroughputBillingCommitment"
        return has(path) ? BillingCommitmentChange(status: text(path + ".Status")) : nil
    }

    // MARK: Requests

    func request(_ operation: KinesisOperation) -> any OperationRequest {
        let (streamARN, resourceARN) = (text("StreamARN"), text("ResourceARN"))
        let streamID = text("StreamId")
        switch operation {
        case .addTagsToStream: return AddTagsToStreamRequest(stream: stream, tags: tags)
        case .createStream:
            return CreateStreamRequest(
                streamName: text("StreamName"), shardCount: number("ShardCount"), streamModeDetails: streamModeDetails,
                tags: tags, warmThroughputMiBps: number("WarmThroughputMiBps"),
                maxRecordSizeInKiB: number("MaxRecordSizeInKiB"))
        case .decreaseStreamRetentionPeriod:
            return DecreaseStreamRetentionPeriodRequest(
                stream: stream, retentionPeriodHours: number("RetentionPeriodHours"))
        case .deleteResourcePolicy: return DeleteResourcePolicyRequest(resourceARN: resourceARN, streamID: streamID)
        case .deleteStream: return DeleteStreamRequest(stream: stream)
        case .deregisterStreamConsumer:
            return DeregisterStreamConsumerRequest(
                streamARN: streamARN, consumerName: text("ConsumerName"), consumerARN: text("ConsumerARN"),
                streamID: streamID)
        case .describeAccountSettings: return DescribeAccountSettingsRequest()
        case .describeLimits: return DescribeLimitsRequest()
        case .describeStream:
            return DescribeStreamRequest(
                stream: stream, limit: number("Limit"), exclusiveStartShardID: text("ExclusiveStartShardId"))
        case .describeStreamConsumer:
            return DescribeStreamConsumerRequest(
                streamARN: streamARN, consumerName: text("ConsumerName"), consumerARN: text("ConsumerARN"),
                streamID: streamID)
        case .describeStreamSummary: return DescribeStreamSummaryRequest(stream: stream)
        case .disableEnhancedMonitoring:
            return DisableEnhancedMonitoringRequest(stream: stream, shardLevelMetrics: list("ShardLevelMetrics"))
        case .enableEnhancedMonitoring:
            return EnableEnhancedMonitoringRequest(stream: stream, shardLevelMetrics: list("ShardLevelMetrics"))
        case .getRecords:
            return GetRecordsRequest(
                shardIterator: text("ShardIterator"), limit: number("Limit"), streamARN: streamARN, streamID: streamID)
        case .getResourcePolicy: return GetResourcePolicyRequest(resourceARN: resourceARN, streamID: streamID)
        case .getShardIterator:
            return GetShardIteratorRequest(
                stream: stream, shardID: text("ShardId"), shardIteratorType: text("ShardIteratorType"),
                startingSequenceNumber: text("StartingSequenceNumber"), timestampMilliseconds: milliseconds)
        case .increaseStreamRetentionPeriod:
            return IncreaseStreamRetentionPeriodRequest(
                stream: stream, retentionPeriodHours: number("RetentionPeriodHours"))
        case .listShards:
            return ListShardsRequest(
                stream: stream, nextToken: text("NextToken"), exclusiveStartShardID: text("ExclusiveStartShardId"),
                maxResults: number("MaxResults"), shardFilter: shardFilter)
        case .listStreamConsumers:
            return ListStreamConsumersRequest(
                streamARN: streamARN, nextToken: text("NextToken"), maxResults: number("MaxResults"),
                streamID: streamID)
        case .listStreams:
            return ListStreamsRequest(
                limit: number("Limit"), exclusiveStartStreamName: text("ExclusiveStartStreamName"),
                nextToken: text("NextToken"))
        case .listTagsForResource: return ListTagsForResourceRequest(resourceARN: resourceARN, streamID: streamID)
        case .listTagsForStream:
            return ListTagsForStreamRequest(
                stream: stream, exclusiveStartTagKey: text("ExclusiveStartTagKey"), limit: number("Limit"))
        case .mergeShards:
            return MergeShardsRequest(
                stream: stream, shardToMerge: text("ShardToMerge"), adjacentShardToMerge: text("AdjacentShardToMerge"))
        case .putRecord:
            return PutRecordRequest(
                stream: stream, data: data("Data"), partitionKey: text("PartitionKey"),
                explicitHashKey: text("ExplicitHashKey"), sequenceNumberForOrdering: text("SequenceNumberForOrdering"))
        case .putRecords: return PutRecordsRequest(stream: stream, records: records)
        case .putResourcePolicy:
            return PutResourcePolicyRequest(resourceARN: resourceARN, policy: text("Policy"), streamID: streamID)
        case .registerStreamConsumer:
            return RegisterStreamConsumerRequest(
                streamARN: streamARN, consumerName: text("ConsumerName"), streamID: streamID, tags: tags)
        case .removeTagsFromStream: return RemoveTagsFromStreamRequest(stream: stream, tagKeys: list("TagKeys"))
        case .splitShard:
            return SplitShardRequest(
                stream: stream, shardToSplit: text("ShardToSplit"), newStartingHashKey: text("NewStartingHashKey"))
        case .startStreamEncryption:
            return StartStreamEncryptionRequest(
                stream: stream, encryptionType: text("EncryptionType"), keyID: text("KeyId"))
        case .stopStreamEncryption:
            return StopStreamEncryptionRequest(
                stream: stream, encryptionType: text("EncryptionType"), keyID: text("KeyId"))
        case .subscribeToShard:
            return SubscribeToShardRequest(
                consumerARN: text("ConsumerARN"), shardID: text("ShardId"), startingPosition: startingPosition,
                streamID: streamID)
        case .tagResource: return TagResourceRequest(resourceARN: resourceARN, tags: tags, streamID: streamID)
        case .untagResource:
            return UntagResourceRequest(resourceARN: resourceARN, tagKeys: list("TagKeys"), streamID: streamID)
        case .updateAccountSettings:
            return UpdateAccountSettingsRequest(minimumThroughputBillingCommitment: billingCommitment)
        case .updateMaxRecordSize:
            return UpdateMaxRecordSizeRequest(
                streamARN: streamARN, maxRecordSizeInKiB: number("MaxRecordSizeInKiB"), streamID: streamID)
        case .updateShardCount:
            return UpdateShardCountRequest(
                stream: stream, targetShardCount: number("TargetShardCount"), scalingType: text("ScalingType"))
        case .updateStreamMode:
            return UpdateStreamModeRequest(
                streamARN: streamARN, streamModeDetails: streamModeDetails,
                warmThroughputMiBps: number("WarmThroughputMiBps"), streamID: streamID)
        case .updateStreamWarmThroughput:
            return UpdateStreamWarmThroughputRequest(
                stream: stream, warmThroughputMiBps: number("WarmThroughputMiBps"))
        }
    }
}
