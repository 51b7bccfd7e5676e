/// What a service says of a registered consumer. AWS's names are Consumer and ConsumerDescription.
public struct ConsumerDescription: Hashable, Sendable {
    public let consumerARN: ConsumerARN
    public let consumerStatus: ConsumerStatus
    /// In milliseconds since 1970 UTC.
    public let consumerCreationMilliseconds: Int64

    public init(consumerARN: ConsumerARN, consumerStatus: ConsumerStatus, consumerCreationMilliseconds: Int64) {
        self.consumerARN = consumerARN
        self.consumerStatus = consumerStatus
        self.consumerCreationMilliseconds = consumerCreationMilliseconds
    }

    public var consumerName: ConsumerName { consumerARN.consumerName }
    public var streamARN: StreamARN { consumerARN.streamARN }
}
