// Registered consumers: what is asked, and what is answered. Members as in the service model's shapes.

/// Registers a consumer with a stream.
public struct RegisterStreamConsumerRequest: OperationRequest {
    public var streamARN: String?
    public var consumerName: String?
    /// Reserved by AWS: its form is checked, and it names nothing.
    public var streamID: String?
    public var tags: [String: String]?

    public init(streamARN: String?, consumerName: String?, streamID: String? = nil, tags: [String: String]? = nil) {
        self.streamARN = streamARN
        self.consumerName = consumerName
        self.streamID = streamID
        self.tags = tags
    }

    public static var operation: KinesisOperation { .registerStreamConsumer }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(streamARN, .streamARN, required: true, at: "streamARN")
            check.text(consumerName, .consumerName, required: true, at: "consumerName")
            check.text(streamID, .streamID, at: "streamId")
            check.tags(tags, required: false, at: "tags")
        }
    }
}

/// The new consumer.
public struct RegisterStreamConsumerResponse: Hashable, Sendable {
    public var consumer: ConsumerDescription

    public init(consumer: ConsumerDescription) { self.consumer = consumer }
}

/// Removes a registered consumer. It is named by its ARN, or by the ARN of its stream and its name.
public struct DeregisterStreamConsumerRequest: OperationRequest {
    public var streamARN: String?
    public var consumerName: String?
    public var consumerARN: String?
    /// Reserved by AWS: its form is checked, and it names nothing.
    public var streamID: String?

    public init(
        streamARN: String? = nil, consumerName: String? = nil, consumerARN: String? = nil, streamID: String? = nil
    ) {
        self.streamARN = streamARN
        self.consumerName = consumerName
        self.consumerARN = consumerARN
        self.streamID = streamID
    }

    public static var operation: KinesisOperation { .deregisterStreamConsumer }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(streamARN, .streamARN, at: "streamARN")
            check.text(consumerName, .consumerName, at: "consumerName")
            check.text(consumerARN, .consumerARN, at: "consumerARN")
            check.text(streamID, .streamID, at: "streamId")
        }
        try ConsumerReference.check(consumerARN: consumerARN, streamARN: streamARN, consumerName: consumerName)
    }
}

/// Asks for a registered consumer. It is named by its ARN, or by the ARN of its stream and its name.
public struct DescribeStreamConsumerRequest: OperationRequest {
    public var streamARN: String?
    public var consumerName: String?
    public var consumerARN: String?
    /// Reserved by AWS: its form is checked, and it names nothing.
    public var streamID: String?

    public init(
        streamARN: String? = nil, consumerName: String? = nil, consumerARN: String? = nil, streamID: String? = nil
    ) {
        self.streamARN = streamARN
        self.consumerName = consumerName
        self.consumerARN = consumerARN
        self.streamID = streamID
    }

    public static var operation: KinesisOperation { .describeStreamConsumer }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(streamARN, .streamARN, at: "streamARN")
            check.text(consumerName, .consumerName, at: "consumerName")
            check.text(consumerARN, .consumerARN, at: "consumerARN")
            check.text(streamID, .streamID, at: "streamId")
        }
        try ConsumerReference.check(consumerARN: consumerARN, streamARN: streamARN, consumerName: consumerName)
    }
}

/// The consumer asked for.
public struct DescribeStreamConsumerResponse: Hashable, Sendable {
    public var consumerDescription: ConsumerDescription

    public init(consumerDescription: ConsumerDescription) { self.consumerDescription = consumerDescription }
}

/// Asks for the consumers registered with a stream, a page at a time.
public struct ListStreamConsumersRequest: OperationRequest {
    public var streamARN: String?
    /// From an answer before: goes on behind it. Excludes the creation time.
    public var nextToken: String?
    /// Consumers in the answer, 1...10,000.
    public var maxResults: Int?
    /// In milliseconds since 1970 UTC: tells the stream from another of its name.
    public var streamCreationTimestampMilliseconds: Int64?
    /// Reserved by AWS: its form is checked, and it names nothing.
    public var streamID: String?

    public init(
        streamARN: String?, nextToken: String? = nil, maxResults: Int? = nil,
        streamCreationTimestampMilliseconds: Int64? = nil, streamID: String? = nil
    ) {
        self.streamARN = streamARN
        self.nextToken = nextToken
        self.maxResults = maxResults
        self.streamCreationTimestampMilliseconds = streamCreationTimestampMilliseconds
        self.streamID = streamID
    }

    public static var operation: KinesisOperation { .listStreamConsumers }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(streamARN, .streamARN, required: true, at: "streamARN")
            check.text(nextToken, .nextToken, at: "nextToken")
            check.integer(maxResults, in: Limits.listCount, at: "maxResults")
            check.text(streamID, .streamID, at: "streamId")
        }
        if nextToken != nil && streamCreationTimestampMilliseconds != nil {
            throw .invalidArgument("NextToken and StreamCreationTimestamp cannot be provided together.")
        }
    }
}

/// A page of the consumers.
public struct ListStreamConsumersResponse: Hashable, Sendable {
    public var consumers: [ConsumerDescription]
    /// What goes on behind this page; nil on the last one.
    public var nextToken: String?

    public init(consumers: [ConsumerDescription], nextToken: String? = nil) {
        self.consumers = consumers
        self.nextToken = nextToken
    }
}

enum ConsumerReference {
    /// - Throws: `KinesisError.invalidArgument` unless there is the consumer's ARN, or its stream's ARN and its name.
    static func check(consumerARN: String?, streamARN: String?, consumerName: String?) throws(KinesisError) {
        if consumerARN == nil && (streamARN == nil || consumerName == nil) {
            throw .invalidArgument("Either ConsumerARN or both StreamARN and ConsumerName should be provided.")
        }
    }
}
