/// A metric that a stream may report for each shard. The raw values are AWS's (service model, shape MetricsName).
public enum ShardLevelMetric: String, Hashable, Sendable, CaseIterable {
    case incomingBytes = "IncomingBytes"
    case incomingRecords = "IncomingRecords"
    case outgoingBytes = "OutgoingBytes"
    case outgoingRecords = "OutgoingRecords"
    case writeProvisionedThroughputExceeded = "WriteProvisionedThroughputExceeded"
    case readProvisionedThroughputExceeded = "ReadProvisionedThroughputExceeded"
    case iteratorAgeMilliseconds = "IteratorAgeMilliseconds"
    /// The seven others.
    case all = "ALL"
}
