// Subscriptions of registered consumers: what is asked, and what is answered. Members as in the service model's shapes.

/// Lets a registered consumer receive the records of a shard as they come, for five minutes.
public struct SubscribeToShardRequest: OperationRequest {
    public var consumerARN: String?
    public var shardID: String?
    public var startingPosition: SubscriptionStart?
    /// Reserved by AWS: its form is checked, and it names nothing.
    public var streamID: String?

    public init(consumerARN: String?, shardID: String?, startingPosition: SubscriptionStart?, streamID: String? = nil) {
        self.consumerARN = consumerARN
        self.shardID = shardID
        self.startingPosition = startingPosition
        self.streamID = streamID
    }

    public static var operation: KinesisOperation { .subscribeToShard }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(consumerARN, .consumerARN, required: true, at: "consumerARN")
            check.text(streamID, .streamID, at: "streamId")
            check.text(shardID, .shardID, required: true, at: "shardId")
            check.present(startingPosition, at: "startingPosition")
            startingPosition?.check(&check)
        }
        try startingPosition?.checkComplete()
    }
}
