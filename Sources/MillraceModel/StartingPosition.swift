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
