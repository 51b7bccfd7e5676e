// Metrics for each shard: what is asked, and what is answered. Members as in the service model's shapes.

/// Reports metrics for each shard of a stream.
public struct EnableEnhancedMonitoringRequest: OperationRequest {
    public var stream: StreamReference
    /// 1 to 7 names of `ShardLevelMetric`; ALL stands for every one.
    public var shardLevelMetrics: [String]?

    public init(stream: StreamReference, shardLevelMetrics: [String]?) {
        self.stream = stream
        self.shardLevelMetrics = shardLevelMetrics
    }

    public static var operation: KinesisOperation { .enableEnhancedMonitoring }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.choices(
                shardLevelMetrics, Limits.shardLevelMetricsCount, of: ShardLevelMetric.self, at: "shardLevelMetrics")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
    }
}

/// Reports metrics for each shard of a stream no more.
public struct DisableEnhancedMonitoringRequest: OperationRequest {
    public var stream: StreamReference
    /// 1 to 7 names of `ShardLevelMetric`; ALL stands for every one.
    public var shardLevelMetrics: [String]?

    public init(stream: StreamReference, shardLevelMetrics: [String]?) {
        self.stream = stream
        self.shardLevelMetrics = shardLevelMetrics
    }

    public static var operation: KinesisOperation { .disableEnhancedMonitoring }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.choices(
                shardLevelMetrics, Limits.shardLevelMetricsCount, of: ShardLevelMetric.self, at: "shardLevelMetrics")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
    }
}

/// The metrics reported for each shard, before and after.
public struct EnhancedMonitoringResponse: Hashable, Sendable {
    public var streamName: StreamName
    public var streamARN: StreamARN
    /// Before the change.
    public var currentShardLevelMetrics: [ShardLevelMetric]
    /// After it.
    public var desiredShardLevelMetrics: [ShardLevelMetric]

    public init(
        streamName: StreamName, streamARN: StreamARN, currentShardLevelMetrics: [ShardLevelMetric],
        desiredShardLevelMetrics: [ShardLevelMetric]
    ) {
        self.streamName = streamName
        self.streamARN = streamARN
        self.currentShardLevelMetrics = currentShardLevelMetrics
        self.desiredShardLevelMetrics = desiredShardLevelMetrics
    }
}

/// What EnableEnhancedMonitoring answers.
public typealias EnableEnhancedMonitoringResponse = EnhancedMonitoringResponse
/// What DisableEnhancedMonitoring answers.
public typealias DisableEnhancedMonitoringResponse = EnhancedMonitoringResponse
