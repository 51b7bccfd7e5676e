// Capacity of streams: what is asked, and what is answered. Members as in the service model's shapes.

/// Changes who decides how many shards a stream has.
public struct UpdateStreamModeRequest: OperationRequest {
    public var streamARN: String?
    public var streamModeDetails: StreamModeDetails?
    /// For on-demand only: MiB a second the stream is to be ready for; 0 or more.
    public var warmThroughputMiBps: Int?
    /// Reserved by AWS: its form is checked, and it names nothing.
    public var streamID: String?

    public init(
        streamARN: String?, streamModeDetails: StreamModeDetails?, warmThroughputMiBps: Int? = nil,
        streamID: String? = nil
    ) {
        self.streamARN = streamARN
        self.streamModeDetails = streamModeDetails
        self.warmThroughputMiBps = warmThroughputMiBps
        self.streamID = streamID
    }

    public static var operation: KinesisOperation { .updateStreamMode }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(streamARN, .streamARN, required: true, at: "streamARN")
            check.text(streamID, .streamID, at: "streamId")
            check.present(streamModeDetails, at: "streamModeDetails")
            streamModeDetails?.check(&check)
            check.integer(warmThroughputMiBps, atLeast: 0, at: "warmThroughputMiBps")
        }
    }
}

/// Changes what an on-demand stream is ready for.
public struct UpdateStreamWarmThroughputRequest: OperationRequest {
    public var stream: StreamReference
    /// MiB a second; 0 or more.
    public var warmThroughputMiBps: Int?

    public init(stream: StreamReference, warmThroughputMiBps: Int?) {
        self.stream = stream
        self.warmThroughputMiBps = warmThroughputMiBps
    }

    public static var operation: KinesisOperation { .updateStreamWarmThroughput }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.name, .streamName, at: "streamName")
            check.text(stream.id, .streamID, at: "streamId")
            check.integer(warmThroughputMiBps, atLeast: 0, required: true, at: "warmThroughputMiBps")
        }
        try stream.checkPresent()
    }
}

/// What has begun.
public struct UpdateStreamWarmThroughputResponse: Hashable, Sendable {
    public var streamARN: StreamARN
    public var streamName: StreamName
    public var warmThroughput: WarmThroughput

    public init(streamARN: StreamARN, streamName: StreamName, warmThroughput: WarmThroughput) {
        self.streamARN = streamARN
        self.streamName = streamName
        self.warmThroughput = warmThroughput
    }
}

/// Changes how large a record a stream takes.
public struct UpdateMaxRecordSizeRequest: OperationRequest {
    public var streamARN: String?
    /// KiB of data and partition key, 1,024...10,240.
    public var maxRecordSizeInKiB: Int?
    /// Reserved by AWS: its form is checked, and it names nothing.
    public var streamID: String?

    public init(streamARN: String?, maxRecordSizeInKiB: Int?, streamID: String? = nil) {
        self.streamARN = streamARN
        self.maxRecordSizeInKiB = maxRecordSizeInKiB
        self.streamID = streamID
    }

    public static var operation: KinesisOperation { .updateMaxRecordSize }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(streamARN, .streamARN, at: "streamARN")
            check.text(streamID, .streamID, at: "streamId")
            check.integer(maxRecordSizeInKiB, in: Limits.maxRecordSizeKiB, required: true, at: "maxRecordSizeInKiB")
        }
        if streamARN == nil { throw .invalidArgument("StreamARN should be provided.") }
    }
}
