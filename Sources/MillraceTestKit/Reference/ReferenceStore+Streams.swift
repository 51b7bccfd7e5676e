package import MillraceModel

// Making, deleting and looking at streams.

extension ReferenceStore {
    package mutating func answer(_ request: CreateStreamRequest) throws(KinesisError) {
        try begin(request)
        finishDeletions()
        let name = request.streamName ?? ""
        let tags = try Self.adding(request.tags ?? [:], to: [:])
        let isOnDemand = request.streamModeDetails?.streamMode == StreamMode.onDemand.rawValue
        if isOnDemand, request.shardCount != nil { throw .validation("count") }
        let ranges = try HashKeyRange.tiling(count: request.shardCount ?? 4)
        if streams[name] != nil { throw .resourceInUse("name") }
        if isEnforcing, (streams.keys.sorted().count { status($0) == .creating }) >= 5 { throw .limitExceeded("CREATING") }
        // Later than a stream of that name that is gone, whose numbers somebody may hold.
        let second = max(now / 1000, retired[name].map { $0 + 1 } ?? 0)
        retired = retired.filter { $0.value >= second && $0.key != name }
        let shards = ranges.enumerated().map { index, range in
            ReferenceShard(
                id: ShardID(index: UInt32(index)), range: range.starting.value...range.ending.value, creationSecond: second)
        }
        identityCount += 1
        var stream = ReferenceStream(name: name, identity: identityCount, creationSecond: second, shards: shards)
        stream.mode = isOnDemand ? .onDemand : .provisioned
        stream.tags = tags
        stream.recordByteLimit = (request.maxRecordSizeInKiB ?? 1024) << 10
        stream.raiseHorizon(keptTime)
        streams[name] = stream
        show(.creating, name)
    }

    package mutating func answer(_ request: DeleteStreamRequest) throws(KinesisError) {
        try begin(request)
        let stream = try find(request.stream)
        if !stream.consumers.isEmpty, request.enforceConsumerDeletion != true { throw .resourceInUse("consumers") }
        try requireActive(stream.name)
        if transitionMilliseconds == 0 { delete(stream.name) } else { show(.deleting, stream.name) }
    }

    package mutating func answer(_ request: DescribeStreamRequest) throws(KinesisError) -> DescribeStreamResponse {
        try begin(request)
        let name = try find(request.stream).name
        let status = status(name)
        return try change(name) { [aging] stream throws(KinesisError) in
            stream.raiseHorizon(aging)
            let start = try request.exclusiveStartShardID.map { text throws(KinesisError) in try ShardID(text) }
            let shards = stream.livingShards.filter { shard in start.map { shard.id > $0 } ?? true }
            let limit = min(request.limit ?? 100, 100)
            return DescribeStreamResponse(
                streamDetails: StreamDetails(
                    streamName: Self.arn(stream.name).streamName, streamARN: Self.arn(stream.name), streamStatus: status,
                    streamMode: stream.mode, shards: shards.prefix(limit).map(\.summary),
                    hasMoreShards: shards.count > limit, retentionPeriod: stream.retention,
                    streamCreationMilliseconds: Int64(stream.creationSecond) * 1000,
                    shardLevelMetrics: stream.metrics.sorted { $0.rawValue < $1.rawValue },
                    encryptionType: stream.encryption, keyID: stream.keyID))
        }
    }

    package mutating func answer(_ request: DescribeStreamSummaryRequest) throws(KinesisError) -> StreamDescriptionSummary {
        try begin(request)
        let stream = try find(request.stream)
        return stream.describe(status(stream.name))
    }

    /// Names and states.
    package mutating func answer(_ request: ListStreamsRequest) throws(KinesisError) -> [String] {
        try begin(request)
        finishDeletions()
        let names = streams.keys.sorted().filter { $0 > request.exclusiveStartStreamName ?? "" }
        return names.prefix(min(request.limit ?? 100, 100)).map { "\($0) \(status($0).rawValue)" }
    }
}

extension ReferenceStream {
    /// In that state, as DescribeStreamSummary tells.
    package func describe(_ status: StreamStatus) -> StreamDescriptionSummary {
        StreamDescriptionSummary(
            streamName: ReferenceStore.arn(name).streamName, streamARN: ReferenceStore.arn(name), streamStatus: status,
            streamMode: mode, retentionPeriod: retention, streamCreationMilliseconds: Int64(creationSecond) * 1000,
            shardLevelMetrics: metrics.sorted { $0.rawValue < $1.rawValue }, encryptionType: encryption, keyID: keyID,
            openShardCount: openShards.count, consumerCount: consumers.count, maxRecordSizeInKiB: recordByteLimit >> 10)
    }
}
