// Putting and getting records: what is asked, and what is answered. Members as in the service model's shapes.

/// Puts one record.
public struct PutRecordRequest: OperationRequest {
    public var stream: StreamReference
    /// The payload, at most 10 MiB; the stream may take less. Empty is allowed.
    public var data: [UInt8]?
    /// 1 to 256 characters; equal keys go to the same shard.
    public var partitionKey: String?
    /// A place on the ring in place of the key's own, as decimal text.
    public var explicitHashKey: String?
    /// The number of a record of the same producer: this one gets a greater one.
    public var sequenceNumberForOrdering: String?

    public init(
        stream: StreamReference, data: [UInt8]?, partitionKey: String?, explicitHashKey: String? = nil,
        sequenceNumberForOrdering: String? = nil
    ) {
        self.stream = stream
        self.data = data
        self.partitionKey = partitionKey
        self.explicitHashKey = explicitHashKey
        self.sequenceNumberForOrdering = sequenceNumberForOrdering
    }

    public static var operation: KinesisOperation { .putRecord }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.data(data, at: "data")
            check.text(partitionKey, .partitionKey, required: true, at: "partitionKey")
            check.text(explicitHashKey, .hashKey, at: "explicitHashKey")
            check.text(sequenceNumberForOrdering, .sequenceNumber, at: "sequenceNumberForOrdering")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
    }
}

/// Where the record is.
public struct PutRecordResponse: Hashable, Sendable {
    public var shardID: ShardID
    public var sequenceNumber: SequenceNumber
    /// Nil when the service does not say.
    public var encryptionType: EncryptionType?

    public init(shardID: ShardID, sequenceNumber: SequenceNumber, encryptionType: EncryptionType? = nil) {
        self.shardID = shardID
        self.sequenceNumber = sequenceNumber
        self.encryptionType = encryptionType
    }
}

/// Puts up to 500 records, of 10 MiB in all. Each succeeds or fails by itself.
public struct PutRecordsRequest: OperationRequest {
    public var stream: StreamReference
    public var records: [PutEntry]?

    public init(stream: StreamReference, records: [PutEntry]?) {
        self.stream = stream
        self.records = records
    }

    public static var operation: KinesisOperation { .putRecords }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.entries(records, at: "records")
            check.text(stream.name, .streamName, at: "streamName")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
    }
}

/// What has become of each record, in the order of the request.
public struct PutRecordsResponse: Hashable, Sendable {
    public var records: [PutRecordsResult]
    /// Nil when the service does not say.
    public var encryptionType: EncryptionType?

    public init(records: [PutRecordsResult], encryptionType: EncryptionType? = nil) {
        self.records = records
        self.encryptionType = encryptionType
    }

    /// How many failed; may be 0. O(n).
    public var failedRecordCount: Int { records.count { $0.isFailure } }
}

/// Reads on from an iterator.
public struct GetRecordsRequest: OperationRequest {
    /// From GetShardIterator or the answer before.
    public var shardIterator: String?
    /// Records in the answer, 1...10,000; nil for 10,000.
    public var limit: Int?
    public var streamARN: String?
    /// Reserved by AWS: its form is checked, and it names nothing.
    public var streamID: String?

    public init(shardIterator: String?, limit: Int? = nil, streamARN: String? = nil, streamID: String? = nil) {
        self.shardIterator = shardIterator
        self.limit = limit
        self.streamARN = streamARN
        self.streamID = streamID
    }

    public static var operation: KinesisOperation { .getRecords }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(shardIterator, .shardIterator, required: true, at: "shardIterator")
            check.integer(limit, in: Limits.getRecordsCount, at: "limit")
            check.text(streamARN, .streamARN, at: "streamARN")
            check.text(streamID, .streamID, at: "streamId")
        }
    }
}

/// Records in their order, and where to read on.
public struct GetRecordsResponse: Hashable, Sendable {
    public var records: [Record]
    /// Nil at the end of a closed shard.
    public var nextShardIterator: String?
    /// Age of the last record read, or of the place reached, against the newest; 0 at the tip.
    public var millisBehindLatest: Int64
    /// At the end of a closed shard: those that follow it.
    public var childShards: [ChildShard]

    public init(
        records: [Record], nextShardIterator: String?, millisBehindLatest: Int64, childShards: [ChildShard] = []
    ) {
        self.records = records
        self.nextShardIterator = nextShardIterator
        self.millisBehindLatest = millisBehindLatest
        self.childShards = childShards
    }
}
