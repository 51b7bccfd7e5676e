public import MillraceModel

// The operations of the service as tasks call them. What may wait for the disk runs on the store's own threads.

extension StreamStore: AckingService {
    private func run<Answer: Sendable>(
        _ body: @escaping @Sendable (StreamStore) throws(KinesisError) -> Answer
    ) async throws(KinesisError) -> Answer {
        try await core.readers.run { [self] () throws(KinesisError) in try body(self) }
    }

    // MARK: Making, deleting and looking at streams

    public func createStream(_ request: CreateStreamRequest, ack: AckLevel?) async throws(KinesisError) {
        try await run { store throws(KinesisError) in try store.answer(request, ack: ack) }
    }
    public func deleteStream(_ request: DeleteStreamRequest) async throws(KinesisError) {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }
    public func describeStream(_ request: DescribeStreamRequest) async throws(KinesisError) -> DescribeStreamResponse {
        try answer(request)
    }
    public func describeStreamSummary(
        _ request: DescribeStreamSummaryRequest
    ) async throws(KinesisError) -> DescribeStreamSummaryResponse { try answer(request) }
    public func listStreams(_ request: ListStreamsRequest) async throws(KinesisError) -> ListStreamsResponse {
        try answer(request)
    }

    // MARK: How long records stay

    public func increaseStreamRetentionPeriod(
        _ request: IncreaseStreamRetentionPeriodRequest
    ) async throws(KinesisError) { try await run { store throws(KinesisError) in try store.answer(request) } }
    public func decreaseStreamRetentionPeriod(
        _ request: DecreaseStreamRetentionPeriodRequest
    ) async throws(KinesisError) { try await run { store throws(KinesisError) in try store.answer(request) } }

    // MARK: Listing and changing shards

    public func listShards(_ request: ListShardsRequest) async throws(KinesisError) -> ListShardsResponse {
        try answer(request)
    }
    public func splitShard(_ request: SplitShardRequest) async throws(KinesisError) {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }
    public func mergeShards(_ request: MergeShardsRequest) async throws(KinesisError) {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }
    public func updateShardCount(
        _ request: UpdateShardCountRequest
    ) async throws(KinesisError) -> UpdateShardCountResponse {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }

    // MARK: Putting and getting records

    public func putRecord(_ request: PutRecordRequest, ack: AckLevel?) async throws(KinesisError) -> PutRecordResponse {
        let (stream, key) = try prepare(request)
        let number = try await stream.put(
            request.data ?? [], partitionKey: request.partitionKey ?? "", explicitHashKey: key, ack: ack)
        return stream.response(number)
    }
    public func putRecords(
        _ request: PutRecordsRequest, ack: AckLevel?
    ) async throws(KinesisError) -> PutRecordsResponse {
        let (stream, batch) = try prepare(request)
        return stream.response(await stream.putBatch(batch, ack: ack))
    }
    public func getRecords(_ request: GetRecordsRequest) async throws(KinesisError) -> GetRecordsResponse {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }
    public func getShardIterator(
        _ request: GetShardIteratorRequest
    ) async throws(KinesisError) -> GetShardIteratorResponse {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }

    // MARK: Registered consumers

    public func registerStreamConsumer(
        _ request: RegisterStreamConsumerRequest
    ) async throws(KinesisError) -> RegisterStreamConsumerResponse {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }
    public func deregisterStreamConsumer(_ request: DeregisterStreamConsumerRequest) async throws(KinesisError) {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }
    public func describeStreamConsumer(
        _ request: DescribeStreamConsumerRequest
    ) async throws(KinesisError) -> DescribeStreamConsumerResponse { try answer(request) }
    public func listStreamConsumers(
        _ request: ListStreamConsumersRequest
    ) async throws(KinesisError) -> ListStreamConsumersResponse { try answer(request) }

    // MARK: Labels

    public func addTagsToStream(_ request: AddTagsToStreamRequest) async throws(KinesisError) {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }
    public func removeTagsFromStream(_ request: RemoveTagsFromStreamRequest) async throws(KinesisError) {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }
    public func listTagsForStream(
        _ request: ListTagsForStreamRequest
    ) async throws(KinesisError) -> ListTagsForStreamResponse { try answer(request) }
    public func tagResource(_ request: TagResourceRequest) async throws(KinesisError) {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }
    public func untagResource(_ request: UntagResourceRequest) async throws(KinesisError) {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }
    public func listTagsForResource(
        _ request: ListTagsForResourceRequest
    ) async throws(KinesisError) -> ListTagsForResourceResponse { try answer(request) }

    // MARK: Who may use a resource

    public func putResourcePolicy(_ request: PutResourcePolicyRequest) async throws(KinesisError) {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }
    public func getResourcePolicy(
        _ request: GetResourcePolicyRequest
    ) async throws(KinesisError) -> GetResourcePolicyResponse { try answer(request) }
    public func deleteResourcePolicy(_ request: DeleteResourcePolicyRequest) async throws(KinesisError) {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }

    // MARK: Encryption

    public func startStreamEncryption(_ request: StartStreamEncryptionRequest) async throws(KinesisError) {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }
    public func stopStreamEncryption(_ request: StopStreamEncryptionRequest) async throws(KinesisError) {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }

    // MARK: Capacity

    public func updateStreamMode(_ request: UpdateStreamModeRequest) async throws(KinesisError) {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }
    public func updateStreamWarmThroughput(
        _ request: UpdateStreamWarmThroughputRequest
    ) async throws(KinesisError) -> UpdateStreamWarmThroughputResponse {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }
    public func updateMaxRecordSize(_ request: UpdateMaxRecordSizeRequest) async throws(KinesisError) {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }

    // MARK: The account

    public func describeLimits(_ request: DescribeLimitsRequest) async throws(KinesisError) -> DescribeLimitsResponse {
        try answer(request)
    }
    public func describeAccountSettings(
        _ request: DescribeAccountSettingsRequest
    ) async throws(KinesisError) -> DescribeAccountSettingsResponse { try answer(request) }
    public func updateAccountSettings(
        _ request: UpdateAccountSettingsRequest
    ) async throws(KinesisError) -> UpdateAccountSettingsResponse {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }

    // MARK: Metrics for each shard

    public func enableEnhancedMonitoring(
        _ request: EnableEnhancedMonitoringRequest
    ) async throws(KinesisError) -> EnableEnhancedMonitoringResponse {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }
    public func disableEnhancedMonitoring(
        _ request: DisableEnhancedMonitoringRequest
    ) async throws(KinesisError) -> DisableEnhancedMonitoringResponse {
        try await run { store throws(KinesisError) in try store.answer(request) }
    }

    public func subscribeToShard(_ request: SubscribeToShardRequest) async throws(KinesisError) -> ShardEvents {
        try await subscribe(request)
    }
}
