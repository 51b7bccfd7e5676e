// Listing and changing shards: what is asked, and what is answered. Members as in the service model's shapes.

/// Asks for the shards of a stream, a page at a time, in order of their IDs.
public struct ListShardsRequest: OperationRequest {
    /// Required unless there is a token.
    public var stream: StreamReference
    /// From an answer before: goes on behind it. Excludes the stream, its creation time and a start.
    public var nextToken: String?
    /// The answer starts behind this shard.
    public var exclusiveStartShardID: String?
    /// Shards in the answer, 1...10,000.
    public var maxResults: Int?
    /// In milliseconds since 1970 UTC: tells the stream from another of its name.
    public var streamCreationTimestampMilliseconds: Int64?
    public var shardFilter: ShardFilter?

    public init(
        stream: StreamReference = StreamReference(), nextToken: String? = nil, exclusiveStartShardID: String? = nil,
        maxResults: Int? = nil, streamCreationTimestampMilliseconds: Int64? = nil, shardFilter: ShardFilter? = nil
    ) {
        self.stream = stream
        self.nextToken = nextToken
        self.exclusiveStartShardID = exclusiveStartShardID
        self.maxResults = maxResults
        self.streamCreationTimestampMilliseconds = streamCreationTimestampMilliseconds
        self.shardFilter = shardFilter
    }

    public static var operation: KinesisOperation { .listShards }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.text(nextToken, .nextToken, at: "nextToken")
            check.text(exclusiveStartShardID, .shardID, at: "exclusiveStartShardId")
            check.integer(maxResults, in: Limits.listCount, at: "maxResults")
            shardFilter?.check(&check)
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        guard nextToken != nil else {
            try stream.checkPresent()
            try shardFilter?.checkComplete()
            return
        }
        let excluded: [(String, Bool)] = [
            ("StreamName", stream.name != nil), ("StreamARN", stream.arn != nil),
            ("StreamCreationTimestamp", streamCreationTimestampMilliseconds != nil),
            ("ExclusiveStartShardId", exclusiveStartShardID != nil),
        ]
        if let (name, _) = excluded.first(where: \.1) {
            throw .invalidArgument("NextToken and \(name) cannot be provided together.")
        }
        try shardFilter?.checkComplete()
    }
}

/// A page of the shards.
public struct ListShardsResponse: Hashable, Sendable {
    public var shards: [ShardSummary]
    /// What goes on behind this page; nil on the last one.
    public var nextToken: String?

    public init(shards: [ShardSummary], nextToken: String? = nil) {
        self.shards = shards
        self.nextToken = nextToken
    }
}

/// Splits a shard into two. It closes and keeps its records.
public struct SplitShardRequest: OperationRequest {
    public var stream: StreamReference
    public var shardToSplit: String?
    /// Where the range of the second child starts, as decimal text.
    public var newStartingHashKey: String?

    public init(stream: StreamReference, shardToSplit: String?, newStartingHashKey: String?) {
        self.stream = stream
        self.shardToSplit = shardToSplit
        self.newStartingHashKey = newStartingHashKey
    }

    public static var operation: KinesisOperation { .splitShard }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.text(shardToSplit, .shardID, required: true, at: "shardToSplit")
            check.text(newStartingHashKey, .hashKey, required: true, at: "newStartingHashKey")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
    }
}

/// Merges two shards of adjacent ranges into one. Both close and keep their records.
public struct MergeShardsRequest: OperationRequest {
    public var stream: StreamReference
    public var shardToMerge: String?
    public var adjacentShardToMerge: String?

    public init(stream: StreamReference, shardToMerge: String?, adjacentShardToMerge: String?) {
        self.stream = stream
        self.shardToMerge = shardToMerge
        self.adjacentShardToMerge = adjacentShardToMerge
    }

    public static var operation: KinesisOperation { .mergeShards }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.text(shardToMerge, .shardID, required: true, at: "shardToMerge")
            check.text(adjacentShardToMerge, .shardID, required: true, at: "adjacentShardToMerge")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
    }
}

/// Splits and merges shards until a stream has that many, of equal ranges.
public struct UpdateShardCountRequest: OperationRequest {
    public var stream: StreamReference
    /// 1 or more.
    public var targetShardCount: Int?
    /// A name of `ScalingType`. Required.
    public var scalingType: String?

    public init(
        stream: StreamReference, targetShardCount: Int?, scalingType: String? = ScalingType.uniformScaling.rawValue
    ) {
        self.stream = stream
        self.targetShardCount = targetShardCount
        self.scalingType = scalingType
    }

    public static var operation: KinesisOperation { .updateShardCount }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.integer(targetShardCount, atLeast: 1, required: true, at: "targetShardCount")
            check.choice(scalingType, of: ScalingType.self, required: true, at: "scalingType")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
    }
}

/// What has begun.
public struct UpdateShardCountResponse: Hashable, Sendable {
    public var streamName: StreamName
    public var streamARN: StreamARN
    /// Open shards before.
    public var currentShardCount: Int
    /// Open shards afterwards.
    public var targetShardCount: Int

    public init(streamName: StreamName, streamARN: StreamARN, currentShardCount: Int, targetShardCount: Int) {
        self.streamName = streamName
        self.streamARN = streamARN
        self.currentShardCount = currentShardCount
        self.targetShardCount = targetShardCount
    }
}
