/// How a shard iterator's place is given. The raw values are AWS's (service model, shape ShardIteratorType).
/// `StartingPosition` is the same with the number or time that belongs to it.
public enum ShardIteratorType: String, Hashable, Sendable, CaseIterable {
    case atSequenceNumber = "AT_SEQUENCE_NUMBER"
    case afterSequenceNumber = "AFTER_SEQUENCE_NUMBER"
    case trimHorizon = "TRIM_HORIZON"
    case latest = "LATEST"
    case atTimestamp = "AT_TIMESTAMP"
}
