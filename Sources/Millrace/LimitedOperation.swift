import MillraceModel

/// An operation that AWS counts, and how often it may be called.
///
/// The rates are those that the model's text of the operation states; an operation for which it states none is not
/// limited here. GetRecords is not among them: its calls are one of the shard's own budgets (`Throttle`).
package enum LimitedOperation: String, Hashable, Sendable, CaseIterable {
    case addTagsToStream = "AddTagsToStream"
    case createStream = "CreateStream"
    case deleteStream = "DeleteStream"
    case deregisterStreamConsumer = "DeregisterStreamConsumer"
    case describeAccountSettings = "DescribeAccountSettings"
    case describeLimits = "DescribeLimits"
    case describeStream = "DescribeStream"
    case describeStreamConsumer = "DescribeStreamConsumer"
    case describeStreamSummary = "DescribeStreamSummary"
    case getShardIterator = "GetShardIterator"
    case listShards = "ListShards"
    case listStreamConsumers = "ListStreamConsumers"
    case listStreams = "ListStreams"
    case listTagsForStream = "ListTagsForStream"
    case mergeShards = "MergeShards"
    case registerStreamConsumer = "RegisterStreamConsumer"
    case removeTagsFromStream = "RemoveTagsFromStream"
    case splitShard = "SplitShard"
    case subscribeToShard = "SubscribeToShard"
    case updateAccountSettings = "UpdateAccountSettings"
    case updateShardCount = "UpdateShardCount"
    case updateStreamWarmThroughput = "UpdateStreamWarmThroughput"

    /// Whose calls are counted together.
    package enum Scope: Hashable, Sendable {
        /// All of an account in a region: of a store.
        case account
        /// Those on one stream.
        case stream
        /// Those on one shard.
        case shard
        /// Those of one consumer on one shard.
        case consumerAndShard
    }

    package var scope: Scope {
        switch self {
        case .deregisterStreamConsumer, .describeStreamConsumer, .listShards, .listStreamConsumers: .stream
        case .getShardIterator: .shard
        case .subscribeToShard: .consumerAndShard
        default: .account
        }
    }

    /// Calls a second. Model, text of the operation.
    package var callsPerSecond: Int {
        switch self {
        case .describeLimits: 1
        case .subscribeToShard: Limits.subscriptionsPerSecond
        case .describeStream, .updateShardCount: 10
        case .describeStreamConsumer, .describeStreamSummary: 20
        case .listShards: 1_000
        case .getShardIterator: Limits.shardIteratorsPerSecond
        default: 5
        }
    }
}
