/// What DescribeStream says of a stream, its shards with it. AWS's name is StreamDescription.
public struct StreamDetails: Hashable, Sendable {
    public var streamName: StreamName
    public var streamARN: StreamARN
    public var streamStatus: StreamStatus
    public var streamMode: StreamMode
    /// In order of their IDs; not all of them when `hasMoreShards`.
    public var shards: [ShardSummary]
    /// Whether there are shards behind the last one here.
    public var hasMoreShards: Bool
    public var retentionPeriod: RetentionPeriod
    /// In milliseconds since 1970 UTC.
    public var streamCreationMilliseconds: Int64
    /// Metrics reported for each shard.
    public var shardLevelMetrics: [ShardLevelMetric]
    public var encryptionType: EncryptionType
    /// The encryption key, under the name it was given by; nil without encryption.
    public var keyID: String?

    public init(
        streamName: StreamName, streamARN: StreamARN, streamStatus: StreamStatus, streamMode: StreamMode,
        shards: [ShardSummary], hasMoreShards: Bool, retentionPeriod: RetentionPeriod,
        streamCreationMilliseconds: Int64, shardLevelMetrics: [ShardLevelMetric] = [],
        encryptionType: EncryptionType = .unencrypted, keyID: String? = nil
    ) {
        self.streamName = streamName
        self.streamARN = streamARN
        self.streamStatus = streamStatus
        self.streamMode = streamMode
        self.shards = shards
        self.hasMoreShards = hasMoreShards
        self.retentionPeriod = retentionPeriod
        self.streamCreationMilliseconds = streamCreationMilliseconds
        self.shardLevelMetrics = shardLevelMetrics
        self.encryptionType = encryptionType
        self.keyID = keyID
    }
}
