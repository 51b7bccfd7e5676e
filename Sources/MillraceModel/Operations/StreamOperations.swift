// Making, deleting and looking at streams: what is asked, and what is answered. Members as in the service model's shapes.

/// Makes a stream. Shards without a count: `Limits.defaultShardCount`.
public struct CreateStreamRequest: OperationRequest {
    public var streamName: String?
    /// 1 or more; nil for an on-demand stream.
    public var shardCount: Int?
    /// Nil for provisioned.
    public var streamModeDetails: StreamModeDetails?
    public var tags: [String: String]?
    /// MiB a second an on-demand stream is to be ready for; 0 or more.
    public var warmThroughputMiBps: Int?
    /// KiB of data and partition key in the largest record, 1,024...10,240.
    public var maxRecordSizeInKiB: Int?

    public init(
        streamName: String?, shardCount: Int? = nil, streamModeDetails: StreamModeDetails? = nil,
        tags: [String: String]? = nil, warmThroughputMiBps: Int? = nil, maxRecordSizeInKiB: Int? = nil
    ) {
        self.streamName = streamName
        self.shardCount = shardCount
        self.streamModeDetails = streamModeDetails
        self.tags = tags
        self.warmThroughputMiBps = warmThroughputMiBps
        self.maxRecordSizeInKiB = maxRecordSizeInKiB
    }

    public static var operation: KinesisOperation { .createStream }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(streamName, .streamName, required: true, at: "streamName")
            check.integer(shardCount, atLeast: 1, at: "shardCount")
            streamModeDetails?.check(&check)
            check.tags(tags, required: false, at: "tags")
            check.integer(warmThroughputMiBps, atLeast: 0, at: "warmThroughputMiBps")
            check.integer(maxRecordSizeInKiB, in: Limits.maxRecordSizeKiB, at: "maxRecordSizeInKiB")
        }
    }
}

/// Deletes a stream with all its records.
public struct DeleteStreamRequest: OperationRequest {
    public var stream: StreamReference
    /// Whether registered consumers go with it; otherwise they keep it from being deleted.
    public var enforceConsumerDeletion: Bool?

    public init(stream: StreamReference, enforceConsumerDeletion: Bool? = nil) {
        self.stream = stream
        self.enforceConsumerDeletion = enforceConsumerDeletion
    }

    public static var operation: KinesisOperation { .deleteStream }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
    }
}

/// Asks for a stream and its shards, a page at a time.
public struct DescribeStreamRequest: OperationRequest {
    public var stream: StreamReference
    /// Shards in the answer, 1...10,000.
    public var limit: Int?
    /// The answer starts behind this shard.
    public var exclusiveStartShardID: String?

    public init(stream: StreamReference, limit: Int? = nil, exclusiveStartShardID: String? = nil) {
        self.stream = stream
        self.limit = limit
        self.exclusiveStartShardID = exclusiveStartShardID
    }

    public static var operation: KinesisOperation { .describeStream }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.integer(limit, in: Limits.listCount, at: "limit")
            check.text(exclusiveStartShardID, .shardID, at: "exclusiveStartShardId")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
    }
}

/// The stream asked for.
public struct DescribeStreamResponse: Hashable, Sendable {
    public var streamDetails: StreamDetails

    public init(streamDetails: StreamDetails) { self.streamDetails = streamDetails }
}

/// Asks for a stream without its shards.
public struct DescribeStreamSummaryRequest: OperationRequest {
    public var stream: StreamReference

    public init(stream: StreamReference) { self.stream = stream }

    public static var operation: KinesisOperation { .describeStreamSummary }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
    }
}

/// The stream asked for.
public struct DescribeStreamSummaryResponse: Hashable, Sendable {
    public var streamDescriptionSummary: StreamDescriptionSummary

    public init(streamDescriptionSummary: StreamDescriptionSummary) {
        self.streamDescriptionSummary = streamDescriptionSummary
    }
}

/// Asks for the streams of the account in the region, a page at a time, in order of their names.
public struct ListStreamsRequest: OperationRequest {
    /// Streams in the answer, 1...10,000.
    public var limit: Int?
    /// The answer starts behind this name.
    public var exclusiveStartStreamName: String?
    /// From an answer before: goes on behind it.
    public var nextToken: String?

    public init(limit: Int? = nil, exclusiveStartStreamName: String? = nil, nextToken: String? = nil) {
        self.limit = limit
        self.exclusiveStartStreamName = exclusiveStartStreamName
        self.nextToken = nextToken
    }

    public static var operation: KinesisOperation { .listStreams }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.integer(limit, in: Limits.listCount, at: "limit")
            check.text(exclusiveStartStreamName, .streamName, at: "exclusiveStartStreamName")
            check.text(nextToken, .nextToken, at: "nextToken")
        }
    }
}

/// A page of the streams.
public struct ListStreamsResponse: Hashable, Sendable {
    public var streamSummaries: [StreamSummary]
    /// Whether there are streams behind the last one here.
    public var hasMoreStreams: Bool
    /// What goes on behind this page; nil on the last one.
    public var nextToken: String?

    public init(streamSummaries: [StreamSummary], hasMoreStreams: Bool, nextToken: String? = nil) {
        self.streamSummaries = streamSummaries
        self.hasMoreStreams = hasMoreStreams
        self.nextToken = nextToken
    }
}
