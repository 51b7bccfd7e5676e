/// A service with streams in it: the operations of Amazon Kinesis Data Streams, wherever the streams are.
///
/// Rule: AWS's service model of Kinesis, version 2013-12-02, in which each operation is described. Every operation
/// checks its request first and throws what `OperationRequest.validate` does; besides that the errors are those the
/// service model names for it, or `KinesisError.storage` from a store on this machine. Any task may call any of them.
public protocol StreamService: Sendable {
    // MARK: Making, deleting and looking at streams

    /// Makes a stream. Shards without a count: `Limits.defaultShardCount`.
    func createStream(_ request: CreateStreamRequest) async throws(KinesisError)

    /// Deletes a stream with all its records.
    func deleteStream(_ request: DeleteStreamRequest) async throws(KinesisError)

    /// Asks for a stream and its shards, a page at a time.
    func describeStream(_ request: DescribeStreamRequest) async throws(KinesisError) -> DescribeStreamResponse

    /// Asks for a stream without its shards.
    func describeStreamSummary(
        _ request: DescribeStreamSummaryRequest
    ) async throws(KinesisError) -> DescribeStreamSummaryResponse

    /// Asks for the streams of the account in the region, a page at a time, in order of their names.
    func listStreams(_ request: ListStreamsRequest) async throws(KinesisError) -> ListStreamsResponse

    // MARK: How long records stay

    /// Makes a stream keep its records longer. It revives nothing that is gone.
    func increaseStreamRetentionPeriod(_ request: IncreaseStreamRetentionPeriodRequest) async throws(KinesisError)

    /// Makes a stream keep its records for a shorter time. What is older is gone at once.
    func decreaseStreamRetentionPeriod(_ request: DecreaseStreamRetentionPeriodRequest) async throws(KinesisError)

    // MARK: Listing and changing shards

    /// Asks for the shards of a stream, a page at a time, in order of their IDs.
    func listShards(_ request: ListShardsRequest) async throws(KinesisError) -> ListShardsResponse

    /// Splits a shard into two. It closes and keeps its records.
    func splitShard(_ request: SplitShardRequest) async throws(KinesisError)

    /// Merges two shards of adjacent ranges into one. Both close and keep their records.
    func mergeShards(_ request: MergeShardsRequest) async throws(KinesisError)

    /// Splits and merges shards until a stream has that many, of equal ranges.
    func updateShardCount(_ request: UpdateShardCountRequest) async throws(KinesisError) -> UpdateShardCountResponse

    // MARK: Putting and getting records

    /// Puts one record.
    func putRecord(_ request: PutRecordRequest) async throws(KinesisError) -> PutRecordResponse

    /// Puts up to 500 records, of 10 MiB in all. Each succeeds or fails by itself.
    func putRecords(_ request: PutRecordsRequest) async throws(KinesisError) -> PutRecordsResponse

    /// Reads on from an iterator.
    func getRecords(_ request: GetRecordsRequest) async throws(KinesisError) -> GetRecordsResponse

    // MARK: Places to read from

    /// Asks for a place in a shard to read from.
    func getShardIterator(_ request: GetShardIteratorRequest) async throws(KinesisError) -> GetShardIteratorResponse

    // MARK: Registered consumers

    /// Registers a consumer with a stream.
    func registerStreamConsumer(
        _ request: RegisterStreamConsumerRequest
    ) async throws(KinesisError) -> RegisterStreamConsumerResponse

    /// Removes a registered consumer. It is named by its ARN, or by the ARN of its stream and its name.
    func deregisterStreamConsumer(_ request: DeregisterStreamConsumerRequest) async throws(KinesisError)

    /// Asks for a registered consumer. It is named by its ARN, or by the ARN of its stream and its name.
    func describeStreamConsumer(
        _ request: DescribeStreamConsumerRequest
    ) async throws(KinesisError) -> DescribeStreamConsumerResponse

    /// Asks for the consumers registered with a stream, a page at a time.
    func listStreamConsumers(
        _ request: ListStreamConsumersRequest
    ) async throws(KinesisError) -> ListStreamConsumersResponse

    // MARK: Subscriptions of registered consumers

    /// Lets a registered consumer receive the records of a shard as they come, for five minutes.
    func subscribeToShard(_ request: SubscribeToShardRequest) async throws(KinesisError) -> ShardEvents

    // MARK: Labels

    /// Sets tags of a stream. A key that is there gets the new value.
    func addTagsToStream(_ request: AddTagsToStreamRequest) async throws(KinesisError)

    /// Removes tags of a stream. A key that is not there is no error.
    func removeTagsFromStream(_ request: RemoveTagsFromStreamRequest) async throws(KinesisError)

    /// Asks for the tags of a stream, a page at a time, in order of their keys.
    func listTagsForStream(_ request: ListTagsForStreamRequest) async throws(KinesisError) -> ListTagsForStreamResponse

    /// Sets tags of a stream or a registered consumer.
    func tagResource(_ request: TagResourceRequest) async throws(KinesisError)

    /// Removes tags of a stream or a registered consumer.
    func untagResource(_ request: UntagResourceRequest) async throws(KinesisError)

    /// Asks for all tags of a stream or a registered consumer.
    func listTagsForResource(
        _ request: ListTagsForResourceRequest
    ) async throws(KinesisError) -> ListTagsForResourceResponse

    // MARK: Who may use a resource

    /// Sets the policy of a stream or a registered consumer.
    func putResourcePolicy(_ request: PutResourcePolicyRequest) async throws(KinesisError)

    /// Asks for the policy of a stream or a registered consumer.
    func getResourcePolicy(_ request: GetResourcePolicyRequest) async throws(KinesisError) -> GetResourcePolicyResponse

    /// Removes the policy of a stream or a registered consumer.
    func deleteResourcePolicy(_ request: DeleteResourcePolicyRequest) async throws(KinesisError)

    // MARK: Encryption at rest

    /// Encrypts what a stream takes from now on.
    func startStreamEncryption(_ request: StartStreamEncryptionRequest) async throws(KinesisError)

    /// Encrypts no more of what a stream takes from now on.
    func stopStreamEncryption(_ request: StopStreamEncryptionRequest) async throws(KinesisError)

    // MARK: Capacity of streams

    /// Changes who decides how many shards a stream has.
    func updateStreamMode(_ request: UpdateStreamModeRequest) async throws(KinesisError)

    /// Changes what an on-demand stream is ready for.
    func updateStreamWarmThroughput(
        _ request: UpdateStreamWarmThroughputRequest
    ) async throws(KinesisError) -> UpdateStreamWarmThroughputResponse

    /// Changes how large a record a stream takes.
    func updateMaxRecordSize(_ request: UpdateMaxRecordSizeRequest) async throws(KinesisError)

    // MARK: An account's limits and settings

    /// Asks what an account may have in the region, and what it has.
    func describeLimits(_ request: DescribeLimitsRequest) async throws(KinesisError) -> DescribeLimitsResponse

    /// Asks for the account's settings in the region.
    func describeAccountSettings(
        _ request: DescribeAccountSettingsRequest
    ) async throws(KinesisError) -> DescribeAccountSettingsResponse

    /// Changes the account's settings in the region.
    func updateAccountSettings(
        _ request: UpdateAccountSettingsRequest
    ) async throws(KinesisError) -> UpdateAccountSettingsResponse

    // MARK: Metrics for each shard

    /// Reports metrics for each shard of a stream.
    func enableEnhancedMonitoring(
        _ request: EnableEnhancedMonitoringRequest
    ) async throws(KinesisError) -> EnableEnhancedMonitoringResponse

    /// Reports metrics for each shard of a stream no more.
    func disableEnhancedMonitoring(
        _ request: DisableEnhancedMonitoringRequest
    ) async throws(KinesisError) -> DisableEnhancedMonitoringResponse
}
