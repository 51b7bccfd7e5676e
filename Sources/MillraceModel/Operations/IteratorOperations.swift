// Places to read from: what is asked, and what is answered. Members as in the service model's shapes.

/// Asks for a place in a shard to read from.
public struct GetShardIteratorRequest: OperationRequest {
    public var stream: StreamReference
    public var shardID: String?
    /// A name of `ShardIteratorType`.
    public var shardIteratorType: String?
    /// For AT_SEQUENCE_NUMBER and AFTER_SEQUENCE_NUMBER.
    public var startingSequenceNumber: String?
    /// In milliseconds since 1970 UTC; for AT_TIMESTAMP.
    public var timestampMilliseconds: Int64?

    public init(
        stream: StreamReference, shardID: String?, shardIteratorType: String?, startingSequenceNumber: String? = nil,
        timestampMilliseconds: Int64? = nil
    ) {
        self.stream = stream
        self.shardID = shardID
        self.shardIteratorType = shardIteratorType
        self.startingSequenceNumber = startingSequenceNumber
        self.timestampMilliseconds = timestampMilliseconds
    }

    public static var operation: KinesisOperation { .getShardIterator }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.text(shardID, .shardID, required: true, at: "shardId")
            check.choice(
                shardIteratorType, of: ShardIteratorType.self, required: true, at: "shardIteratorType")
            check.text(startingSequenceNumber, .sequenceNumber, at: "startingSequenceNumber")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
        try StartingPosition.checkComplete(
            type: shardIteratorType, hasNumber: startingSequenceNumber != nil, numberMember: "StartingSequenceNumber",
            hasTimestamp: timestampMilliseconds != nil)
    }
}

extension GetShardIteratorRequest {
    /// The place asked for, once the request is valid.
    ///
    /// - Throws: `KinesisError.invalidArgument` when the number or time that the type needs is missing, or no shard has
    ///   such a number; `KinesisError.validation` for a type that does not exist or a number of another form.
    public var position: StartingPosition {
        get throws(KinesisError) {
            try StartingPosition(
                type: shardIteratorType, sequenceNumber: startingSequenceNumber, numberMember: "StartingSequenceNumber",
                timestampMilliseconds: timestampMilliseconds)
        }
    }
}

/// The iterator: opaque text of at most 512 characters, good for five minutes.
public struct GetShardIteratorResponse: Hashable, Sendable {
    public var shardIterator: String

    public init(shardIterator: String) { self.shardIterator = shardIterator }
}
