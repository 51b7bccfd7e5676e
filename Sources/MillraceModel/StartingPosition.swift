/// Where in a shard reading begins. The cases are AWS's shard iterator types (service model, shape ShardIteratorType).
public enum StartingPosition: Hashable, Sendable {
    /// The oldest record still kept.
    case trimHorizon
    /// Behind the newest record: only what is put from now on.
    case latest
    /// The record of that number.
    case at(SequenceNumber)
    /// The first record behind the one of that number.
    case after(SequenceNumber)
    /// The first record that arrived at that time or later, in milliseconds since 1970 UTC.
    /// Before the oldest record it is `trimHorizon`, between the newest and now `latest`.
    case atTimestamp(milliseconds: Int64)
}

extension StartingPosition: CustomStringConvertible {
    /// AWS's name of the type, and the number or time.
    public var description: String {
        switch self {
        case .trimHorizon: "TRIM_HORIZON"
        case .latest: "LATEST"
        case .at(let number): "AT_SEQUENCE_NUMBER \(number)"
        case .after(let number): "AFTER_SEQUENCE_NUMBER \(number)"
        case .atTimestamp(let milliseconds): "AT_TIMESTAMP \(milliseconds) ms"
        }
    }
}

extension StartingPosition {
    /// Which kind of place it is.
    public var type: ShardIteratorType {
        switch self {
        case .trimHorizon: .trimHorizon
        case .latest: .latest
        case .at: .atSequenceNumber
        case .after: .afterSequenceNumber
        case .atTimestamp: .atTimestamp
        }
    }

    /// - Parameter numberMember: what the request calls the number.
    /// - Throws: `KinesisError.invalidArgument` when the number or time that the type needs is missing.
    static func checkComplete(
        type: String?, hasNumber: Bool, numberMember: String, hasTimestamp: Bool
    ) throws(KinesisError) {
        let type = type.flatMap(ShardIteratorType.init)
        switch type {
        case .atSequenceNumber where !hasNumber, .afterSequenceNumber where !hasNumber:
            throw .invalidArgument("\(numberMember) must be provided when the type is \(type?.rawValue ?? "")")
        case .atTimestamp where !hasTimestamp:
            throw .invalidArgument("Timestamp must be provided when the type is AT_TIMESTAMP")
        default: return
        }
    }

    /// - Throws: as `checkComplete`, and `KinesisError.invalidArgument` when no shard has such a number,
    ///   `KinesisError.validation` for a type that does not exist or a number of another form.
    init(
        type: String?, sequenceNumber: String?, numberMember: String, timestampMilliseconds: Int64?
    ) throws(KinesisError) {
        try Self.checkComplete(
            type: type, hasNumber: sequenceNumber != nil, numberMember: numberMember,
            hasTimestamp: timestampMilliseconds != nil)
        switch type.flatMap(ShardIteratorType.init) {
        case .trimHorizon: self = .trimHorizon
        case .latest: self = .latest
        case .atSequenceNumber: self = .at(try SequenceNumber(sequenceNumber ?? ""))
        case .afterSequenceNumber: self = .after(try SequenceNumber(sequenceNumber ?? ""))
        case .atTimestamp: self = .atTimestamp(milliseconds: timestampMilliseconds ?? 0)
        case nil:
            try ConstraintCheck.run {
                $0.choice(type, of: ShardIteratorType.self, required: true, at: "shardIteratorType")
            }
            self = .trimHorizon
        }
    }
}
