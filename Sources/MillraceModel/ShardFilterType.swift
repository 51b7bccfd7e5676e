/// Which shards a list is to have. The raw values are AWS's (service model, shape ShardFilterType).
public enum ShardFilterType: String, Hashable, Sendable, CaseIterable {
    /// Those whose IDs come after the one given.
    case afterShardID = "AFTER_SHARD_ID"
    /// Those that were open at the trim horizon.
    case atTrimHorizon = "AT_TRIM_HORIZON"
    /// Those within the retention period: what a list without a filter has.
    case fromTrimHorizon = "FROM_TRIM_HORIZON"
    /// Those open now.
    case atLatest = "AT_LATEST"
    /// Those that were open at the time given.
    case atTimestamp = "AT_TIMESTAMP"
    /// Those open at the time given or later.
    case fromTimestamp = "FROM_TIMESTAMP"
}
