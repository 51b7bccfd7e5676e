/// Where a subscription begins, as given and not yet checked. AWS's name is StartingPosition; here that is the checked
/// form.
public struct SubscriptionStart: Hashable, Sendable {
    /// A name of `ShardIteratorType`. Required.
    public var type: String?
    /// For AT_SEQUENCE_NUMBER and AFTER_SEQUENCE_NUMBER.
    public var sequenceNumber: String?
    /// In milliseconds since 1970 UTC; for AT_TIMESTAMP.
    public var timestampMilliseconds: Int64?

    public init(type: String?, sequenceNumber: String? = nil, timestampMilliseconds: Int64? = nil) {
        self.type = type
        self.sequenceNumber = sequenceNumber
        self.timestampMilliseconds = timestampMilliseconds
    }

    public init(_ position: StartingPosition) {
        self.init(type: position.type.rawValue)
        switch position {
        case .trimHorizon, .latest: break
        case .at(let number), .after(let number): sequenceNumber = number.description
        case .atTimestamp(let milliseconds): timestampMilliseconds = milliseconds
        }
    }

    func check(_ check: inout ConstraintCheck) {
        check.choice(type, of: ShardIteratorType.self, required: true, at: "startingPosition.type")
        check.text(sequenceNumber, .sequenceNumber, at: "startingPosition.sequenceNumber")
    }

    /// - Throws: `KinesisError.invalidArgument` when the number or time that the type needs is missing.
    func checkComplete() throws(KinesisError) {
        try StartingPosition.checkComplete(
            type: type, hasNumber: sequenceNumber != nil, numberMember: "SequenceNumber",
            hasTimestamp: timestampMilliseconds != nil)
    }

    /// The place asked for, once the request is valid.
    ///
    /// - Throws: `KinesisError.invalidArgument` when the number or time that the type needs is missing, or no shard has
    ///   such a number; `KinesisError.validation` for a type that does not exist or a number of another form.
    public var position: StartingPosition {
        get throws(KinesisError) {
            try StartingPosition(
                type: type, sequenceNumber: sequenceNumber, numberMember: "SequenceNumber",
                timestampMilliseconds: timestampMilliseconds)
        }
    }
}
