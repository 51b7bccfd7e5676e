/// Which shards ListShards is to answer, as given and not yet checked. Rule: service model, shape ShardFilter.
public struct ShardFilter: Hashable, Sendable {
    /// A name of `ShardFilterType`. Required.
    public var type: String?
    /// The shard after which the list starts; for AFTER_SHARD_ID.
    public var shardID: String?
    /// In milliseconds since 1970 UTC; for AT_TIMESTAMP and FROM_TIMESTAMP.
    public var timestampMilliseconds: Int64?

    public init(type: String?, shardID: String? = nil, timestampMilliseconds: Int64? = nil) {
        self.type = type
        self.shardID = shardID
        self.timestampMilliseconds = timestampMilliseconds
    }

    public init(_ type: ShardFilterType, shardID: String? = nil, timestampMilliseconds: Int64? = nil) {
        self.init(type: type.rawValue, shardID: shardID, timestampMilliseconds: timestampMilliseconds)
    }

    func check(_ check: inout ConstraintCheck) {
        check.choice(type, of: ShardFilterType.self, required: true, at: "shardFilter.type")
        check.text(shardID, .shardID, at: "shardFilter.shardId")
    }

    /// - Throws: `KinesisError.invalidArgument` when the type needs a shard or a time that is not there.
    func checkComplete() throws(KinesisError) {
        guard let type = type.flatMap(ShardFilterType.init) else { return }
        switch type {
        case .afterShardID where shardID == nil:
            throw .invalidArgument("ShardId must be provided in ShardFilter when its Type is \(type.rawValue)")
        case .atTimestamp where timestampMilliseconds == nil, .fromTimestamp where timestampMilliseconds == nil:
            throw .invalidArgument("Timestamp must be provided in ShardFilter when its Type is \(type.rawValue)")
        default: return
        }
    }
}
