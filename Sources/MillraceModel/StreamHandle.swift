/// A stream of any service, for short: what a program does most, in few words.
///
/// A value: the service and the stream's name. Against a store on this machine `StreamStore` has a handle of its own, which
/// answers the same calls faster and has more of them.
public struct StreamHandle: Sendable {
    public let service: any StreamService
    public let name: StreamName

    /// The stream of that name, whether it exists or not.
    public init(_ name: StreamName, of service: any StreamService) {
        self.name = name
        self.service = service
    }

    var reference: StreamReference { StreamReference(name) }
}

extension StreamService {
    /// Makes a stream and waits until it is ACTIVE.
    ///
    /// - Parameter shards: `Limits.shardCount`.
    /// - Throws: as `createStream(_:)` of a request. A cancelled task waits no longer, and the stream may not be ACTIVE yet.
    public func createStream(
        _ name: String, shards: Int = Limits.defaultShardCount
    ) async throws(KinesisError) -> StreamHandle {
        try await createStream(CreateStreamRequest(streamName: name, shardCount: shards))
        let stream = StreamHandle(try StreamName(name), of: self)
        try await stream.waitUntilActive()
        return stream
    }

    /// The stream of that name.
    ///
    /// - Throws: `validation` when no stream may have that name. Whether there is one the first call tells.
    public func stream(named name: String) throws(KinesisError) -> StreamHandle {
        StreamHandle(try StreamName(name), of: self)
    }
}

extension StreamHandle {
    // MARK: Records

    /// Puts a record.
    ///
    /// - Returns: its number. The record is as safe as the service makes it.
    /// - Throws: as PutRecord: `validation`, `provisionedThroughputExceeded`, `resourceNotFound`, the service's own failures.
    @discardableResult
    public func put(
        _ data: [UInt8], partitionKey: String, explicitHashKey: HashKey? = nil
    ) async throws(KinesisError) -> SequenceNumber {
        try await service.putRecord(
            PutRecordRequest(
                stream: reference, data: data, partitionKey: partitionKey,
                explicitHashKey: explicitHashKey.map { "\($0)" })
        ).sequenceNumber
    }

    /// Puts a record of text, as UTF-8.
    @discardableResult
    public func put(
        _ data: String, partitionKey: String, explicitHashKey: HashKey? = nil
    ) async throws(KinesisError) -> SequenceNumber {
        try await put(Array(data.utf8), partitionKey: partitionKey, explicitHashKey: explicitHashKey)
    }

    /// Puts up to 500 records; one result for each, in their order.
    public func putRecords(_ entries: [PutEntry]) async throws(KinesisError) -> [PutRecordsResult] {
        try await service.putRecords(PutRecordsRequest(stream: reference, records: entries)).records
    }

    /// Every record of the stream, and those to come, until the iterating task is cancelled: all shards in turn, the children
    /// of a shard behind it. Asks each shard for records at most five times a second, and each second where none come.
    public func records(from start: StartingPosition) -> PolledRecords { PolledRecords(self, from: start) }

    // MARK: Shards

    /// All shards there are, page by page.
    public func listShards(_ filter: ShardFilter? = nil) async throws(KinesisError) -> [ShardSummary] {
        var page = try await service.listShards(ListShardsRequest(stream: reference, shardFilter: filter))
        var shards = page.shards
        while let token = page.nextToken {
            page = try await service.listShards(ListShardsRequest(nextToken: token))
            shards += page.shards
        }
        return shards
    }

    /// Splits a shard, in the middle of its range unless told where the second child begins. Returns when the stream is ACTIVE.
    public func split(_ id: ShardID, at key: HashKey? = nil) async throws(KinesisError) {
        var key = key
        if key == nil {
            let range = try await listShards().first { $0.shardID == id }?.hashKeyRange
            guard let range else { throw .resourceNotFound("Could not find shard \(id) in stream \(name).") }
            key = HashKey(range.starting.value + (range.ending.value - range.starting.value) / 2 + 1)
        }
        try await service.splitShard(
            SplitShardRequest(
                stream: reference, shardToSplit: "\(id)", newStartingHashKey: key.map { "\($0)" }))
        try await waitUntilActive()
    }

    /// Merges two neighbours. Returns when the stream is ACTIVE.
    public func merge(_ id: ShardID, _ adjacent: ShardID) async throws(KinesisError) {
        try await service.mergeShards(
            MergeShardsRequest(stream: reference, shardToMerge: "\(id)", adjacentShardToMerge: "\(adjacent)"))
        try await waitUntilActive()
    }

    /// Divides the hash ring evenly over so many shards: half as many to twice as many as there are. Returns when the stream
    /// is ACTIVE.
    public func scale(to shardCount: Int) async throws(KinesisError) {
        _ = try await service.updateShardCount(
            UpdateShardCountRequest(stream: reference, targetShardCount: shardCount))
        try await waitUntilActive()
    }

    // MARK: The stream

    /// Keeps records for that period, whether it is longer or shorter than now.
    public func retain(for period: RetentionPeriod) async throws(KinesisError) {
        let now = try await service.describeStreamSummary(DescribeStreamSummaryRequest(stream: reference))
            .streamDescriptionSummary.retentionPeriod
        if period > now {
            try await service.increaseStreamRetentionPeriod(
                IncreaseStreamRetentionPeriodRequest(stream: reference, retentionPeriodHours: period.hours))
        } else if period < now {
            try await service.decreaseStreamRetentionPeriod(
                DecreaseStreamRetentionPeriodRequest(stream: reference, retentionPeriodHours: period.hours))
        }
        try await waitUntilActive()
    }

    /// Deletes the stream with all its records, its registered consumers too.
    public func delete() async throws(KinesisError) {
        try await service.deleteStream(DeleteStreamRequest(stream: reference, enforceConsumerDeletion: true))
    }

    /// Returns when the stream is ACTIVE, or the task is cancelled. Asks four times a second.
    public func waitUntilActive() async throws(KinesisError) {
        while !Task.isCancelled {
            let summary = try await service.describeStreamSummary(DescribeStreamSummaryRequest(stream: reference))
            if summary.streamDescriptionSummary.streamStatus == .active { return }
            try? await Task.sleep(nanoseconds: 250_000_000)
        }
    }
}
