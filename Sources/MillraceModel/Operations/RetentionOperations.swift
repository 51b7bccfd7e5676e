// How long records stay: what is asked, and what is answered. Members as in the service model's shapes.

/// Makes a stream keep its records longer. It revives nothing that is gone.
public struct IncreaseStreamRetentionPeriodRequest: OperationRequest {
    public var stream: StreamReference
    /// Hours, `Limits.retentionHours`. The service model has no bounds; the store refuses what is outside with
    /// `invalidArgument`.
    public var retentionPeriodHours: Int?

    public init(stream: StreamReference, retentionPeriodHours: Int?) {
        self.stream = stream
        self.retentionPeriodHours = retentionPeriodHours
    }

    public static var operation: KinesisOperation { .increaseStreamRetentionPeriod }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.present(retentionPeriodHours, at: "retentionPeriodHours")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
    }
}

/// Makes a stream keep its records for a shorter time. What is older is gone at once.
public struct DecreaseStreamRetentionPeriodRequest: OperationRequest {
    public var stream: StreamReference
    /// Hours, `Limits.retentionHours`. The service model has no bounds; the store refuses what is outside with
    /// `invalidArgument`.
    public var retentionPeriodHours: Int?

    public init(stream: StreamReference, retentionPeriodHours: Int?) {
        self.stream = stream
        self.retentionPeriodHours = retentionPeriodHours
    }

    public static var operation: KinesisOperation { .decreaseStreamRetentionPeriod }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.present(retentionPeriodHours, at: "retentionPeriodHours")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
    }
}
