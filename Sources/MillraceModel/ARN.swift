// Names of resources across accounts and regions: `arn:PARTITION:kinesis:REGION:ACCOUNT:stream/NAME`, and for a consumer
// `/consumer/NAME:SECOND` behind it. Rule: service model, shapes StreamARN and ConsumerARN, and the forms AWS gives.

/// The ARN of a stream: `arn:aws:kinesis:us-east-1:123456789012:stream/orders`.
public struct StreamARN: Hashable, Sendable {
    /// `aws`, `aws-cn`, ...
    public let partition: String
    /// `us-east-1`, ...
    public let region: String
    /// Twelve digits.
    public let accountID: String
    public let streamName: StreamName

    /// The ARN of the stream `streamName` of an account in a region.
    ///
    /// - Throws: `KinesisError.validation` when the account is not twelve digits, or the parts make no ARN.
    public init(
        partition: String = "aws", region: String, accountID: String, streamName: StreamName
    ) throws(KinesisError) {
        try self.init("arn:\(partition):kinesis:\(region):\(accountID):stream/\(streamName)")
    }

    /// Reads the text form.
    ///
    /// - Throws: `KinesisError.validation` when `text` does not match the model's pattern,
    ///   `KinesisError.invalidArgument` when it does and is not of the form above.
    public init(_ text: String) throws(KinesisError) {
        try ConstraintCheck.text(text, .streamARN, at: "streamARN")
        guard let parts = ARNParts(text, resource: "stream/"), let name = try? StreamName(parts.resource) else {
            throw .invalidArgument("\(ConstraintCheck.echo(text)) is not the ARN of a stream")
        }
        self.init(parts, name)
    }

    fileprivate init(_ parts: ARNParts, _ name: StreamName) {
        (partition, region, accountID, streamName) = (parts.partition, parts.region, parts.accountID, name)
    }
}

extension StreamARN: CustomStringConvertible {
    /// The text form.
    public var description: String { "arn:\(partition):kinesis:\(region):\(accountID):stream/\(streamName)" }
}

/// The ARN of a registered consumer: `arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer/billing:1700000000`.
public struct ConsumerARN: Hashable, Sendable {
    /// The stream the consumer reads.
    public let streamARN: StreamARN
    public let consumerName: ConsumerName
    /// When the consumer was registered, in seconds since 1970 UTC. Tells it from an earlier one of the same name.
    public let creationSecond: UInt64

    public init(streamARN: StreamARN, consumerName: ConsumerName, creationSecond: UInt64) {
        self.streamARN = streamARN
        self.consumerName = consumerName
        self.creationSecond = creationSecond
    }

    /// Reads the text form.
    ///
    /// - Throws: `KinesisError.validation` when `text` does not match the model's pattern,
    ///   `KinesisError.invalidArgument` when it does and is not of the form above.
    public init(_ text: String) throws(KinesisError) {
        try ConstraintCheck.text(text, .consumerARN, at: "consumerARN")
        guard let parts = ARNParts(text, resource: "stream/"), let consumer = Self.consumer(parts) else {
            throw .invalidArgument("\(ConstraintCheck.echo(text)) is not the ARN of a consumer")
        }
        self = consumer
    }

    private static func consumer(_ parts: ARNParts) -> ConsumerARN? {
        // Neither a stream's nor a consumer's name has a slash or a colon.
        let names = parts.resource.split(separator: "/", omittingEmptySubsequences: false)
        guard names.count == 3, names[1] == "consumer", let stream = try? StreamName(String(names[0])) else {
            return nil
        }
        let ends = names[2].split(separator: ":", omittingEmptySubsequences: false)
        guard ends.count == 2, let consumer = try? ConsumerName(String(ends[0])),
            ends[1].utf8.allSatisfy(DecimalText.isDigit), let second = UInt64(ends[1])
        else { return nil }
        return ConsumerARN(streamARN: StreamARN(parts, stream), consumerName: consumer, creationSecond: second)
    }
}

extension ConsumerARN: CustomStringConvertible {
    /// The text form.
    public var description: String { "\(streamARN)/consumer/\(consumerName):\(creationSecond)" }
}

/// The parts between the colons of an ARN of this service.
private struct ARNParts {
    let partition: String
    let region: String
    let accountID: String
    /// What follows the kind of resource.
    let resource: String

    /// Nil unless `text` has the six parts and its resource starts with `resource`.
    init?(_ text: String, resource kind: String) {
        let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "arn", parts[1].hasPrefix("aws"), parts[2] == "kinesis",
            Self.isWord(parts[1]), Self.isWord(parts[3]), parts[4].utf8.count == Limits.accountDigitCount,
            parts[4].utf8.allSatisfy(DecimalText.isDigit), parts[5].hasPrefix(kind)
        else { return nil }
        partition = String(parts[1])
        region = String(parts[3])
        accountID = String(parts[4])
        resource = String(parts[5].dropFirst(kind.count))
    }

    private static func isWord(_ part: Substring) -> Bool {
        !part.isEmpty && part.utf8.allSatisfy(TextPattern.isNameByte)
    }
}
