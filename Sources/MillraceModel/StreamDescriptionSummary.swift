/// What DescribeStreamSummary says of a stream: counts in place of shards.
/// Rule: service model, shape StreamDescriptionSummary.
public struct StreamDescriptionSummary: Hashable, Sendable {
    public var streamName: StreamName
    public var streamARN: StreamARN
    /// Reserved by AWS; nil where there is none.
    public var streamID: String?
    public var streamStatus: StreamStatus
    public var streamMode: StreamMode
    public var retentionPeriod: RetentionPeriod
    /// In milliseconds since 1970 UTC.
    public var streamCreationMilliseconds: Int64
    /// Metrics reported for each shard.
    public var shardLevelMetrics: [ShardLevelMetric]
    public var encryptionType: EncryptionType
    /// The encryption key, under the name it was given by; nil without encryption.
    public var keyID: String?
    public var openShardCount: Int
    /// Registered consumers.
    public var consumerCount: Int
    /// Nil for a provisioned stream.
    public var warmThroughput: WarmThroughput?
    /// KiB of data and partition key in the largest record the stream takes, 1,024...10,240.
    public var maxRecordSizeInKiB: Int

    public init(
        streamName: StreamName, streamARN: StreamARN, streamID: String? = nil, streamStatus: StreamStatus,
        streamMode: StreamMode, retentionPeriod: RetentionPeriod, streamCreationMilliseconds: Int64,
        shardLevelMetrics: [ShardLevelMetric] = [], encryptionType: EncryptionType = .unencrypted,
        keyID: String? = nil, openShardCount: Int, consumerCount: Int = 0, warmThroughput: WarmThroughput? = nil,
        maxRecordSizeInKiB: Int = Limits.defaultRecordByteCount >> 10
    ) {
        self.streamName = streamName
        self.streamARN = streamARN
        self.streamID = streamID
        self.streamStatus = streamStatus
        self.streamMode = streamMode
        self.retentionPeriod = retentionPeriod
        self.streamCreationMilliseconds = streamCreationMilliseconds
        self.shardLevelMetrics = shardLevelMetrics
        self.encryptionType = encryptionType
        self.keyID = keyID
        self.openShardCount = openShardCount
        self.consumerCount = consumerCount
        self.warmThroughput = warmThroughput
        self.maxRecordSizeInKiB = maxRecordSizeInKiB
    }
}
