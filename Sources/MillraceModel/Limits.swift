/// Every number that bounds a stream, a shard, a record or a call, in one place, with its unit and its source.
///
/// "Model" is AWS's service model of Kinesis 2013-12-02 as botocore 1.43 ships it; "quotas" is the page "Quotas and
/// limits" of the Kinesis Data Streams developer guide. Where the two disagree the developer guide counts.
public enum Limits {
    // MARK: Names and keys

    /// Characters in the name of a stream or a shard. Model, shapes StreamName and ShardId.
    public static let nameCharacterCount = 1...128
    /// Unicode scalars in a partition key. Model, shape PartitionKey; see `PartitionKey` for what is counted.
    public static let partitionKeyScalarCount = 1...256
    /// Bytes a partition key takes at most: four a scalar in UTF-8, times 256 scalars.
    public static let partitionKeyByteCount = 1024
    /// Characters in a stream's ID. Model, shape StreamId.
    public static let streamIDCharacterCount = 1...24
    /// Characters in the ARN of a stream, a consumer or a resource. Model, shapes StreamARN, ConsumerARN, ResourceARN.
    public static let arnCharacterCount = 1...2_048
    /// Digits of an account in an ARN. Model, pattern of StreamARN.
    public static let accountDigitCount = 12
    /// Digits of a hash key in decimal text. Model, shape HashKey.
    public static let hashKeyDigitCount = 39
    /// Digits that text must not exceed to be looked at as a sequence number. Model, shape SequenceNumber.
    public static let sequenceNumberDigitCount = 129

    // MARK: Records and calls

    /// Bytes of data and partition key together in one record, unless the stream was told otherwise. Quotas.
    public static let defaultRecordByteCount = 1 << 20
    /// Bytes of data and partition key together in one record, at most. Model, shape Data; quotas.
    public static let maximumRecordByteCount = 10 << 20
    /// Records in one PutRecords. Model, shape PutRecordsRequestEntryList.
    public static let putRecordsCount = 1...500
    /// Bytes of data and partition keys together in one PutRecords. Model, text of PutRecords.
    public static let putRecordsByteCount = 10 << 20
    /// Records one GetRecords may ask for; the upper end when it does not say. Model, shape GetRecordsInputLimit.
    public static let getRecordsCount = 1...10_000
    /// Bytes of data in one GetRecords answer. Model, text of GetRecords.
    public static let getRecordsByteCount = 10 << 20
    /// Seconds for which a shard iterator is good. Model, text of GetShardIterator.
    public static let iteratorLifetimeSeconds = 300
    /// Seconds for which the token for the next page of a listing is good. Model, text of ListShards.
    public static let nextTokenLifetimeSeconds = 300
    /// Bytes of a listing's own position in such a token. Ours: the longest is a tag's key of 128 characters, four bytes
    /// each, with some words beside it; the model lets a token have 1,048,576 characters.
    public static let pageTokenPositionByteCount = 1_024

    /// Characters in a shard iterator. Model, shape ShardIterator.
    public static let shardIteratorCharacterCount = 1...512
    /// Characters in the token with which a list goes on. Model, shape NextToken.
    public static let nextTokenCharacterCount = 1...1_048_576
    /// Shards, streams or consumers one call may ask for. Model, shapes DescribeStreamInputLimit, ListShardsInputLimit,
    /// ListStreamsInputLimit and ListStreamConsumersInputLimit.
    public static let listCount = 1...10_000
    /// KiB of the largest record a stream may be told to take. Model, shape MaxRecordSizeInKiB.
    public static let maxRecordSizeKiB = 1_024...10_240

    // MARK: Lists, accounts and resources

    /// Shards in one DescribeStream, which is also what it answers unless told. Model, text of DescribeStream.
    public static let describeStreamShardCount = 100
    /// Shards in one ListShards, which is also what it answers unless told. Model, text of ListShards.
    public static let listShardsCount = 1_000
    /// Streams in one ListStreams, which is also what it answers unless told. Model, text of ListStreams.
    public static let listStreamsCount = 100
    /// Consumers in one ListStreamConsumers, which is also what it answers unless told. Model, its text.
    public static let listConsumersCount = 100
    /// Consumers registered with a stream. Model, text of RegisterStreamConsumer.
    public static let consumerCount = 20
    /// Tags of a resource. Model, text of AddTagsToStream.
    public static let tagCount = 50
    /// Bytes of a resource's policy. Quotas of the policies of other services; Kinesis documents none.
    public static let policyByteCount = 20 << 10
    /// Provisioned shards of an account that DescribeLimits answers: the greatest default of any region. Quotas.
    public static let accountShardCount = 20_000
    /// On-demand streams of an account that DescribeLimits answers. Quotas.
    public static let accountOnDemandStreamCount = 50
    /// MiB a second that a stream may be asked to be ready for. Quotas.
    public static let warmThroughputMiBps = 10 << 10

    /// Calls of UpdateShardCount on a stream in 24 hours. Model, text of UpdateShardCount.
    public static let shardCountChangesPerDay = 10
    /// Changes of a stream's mode in 24 hours. Model, text of UpdateStreamMode.
    public static let modeChangesPerDay = 2

    // MARK: Tags, keys and metrics

    /// Characters in a tag's key. Model, shape TagKey.
    public static let tagKeyCharacterCount = 1...128
    /// Characters in a tag's value. Model, shape TagValue.
    public static let tagValueCharacterCount = 0...256
    /// Tags in one call; a resource has fewer. Model, shape TagMap.
    public static let tagsInCallCount = 1...200
    /// Keys of tags in one call that removes them. Model, shape TagKeyList.
    public static let tagKeysInCallCount = 1...50
    /// Tags one call may ask for. Model, shape ListTagsForStreamInputLimit.
    public static let listTagsCount = 1...50
    /// Characters in the name of an encryption key. Model, shape KeyId.
    public static let keyIDCharacterCount = 1...2_048
    /// Metrics in one call. Model, shape MetricsNameList.
    public static let shardLevelMetricsCount = 1...7

    // MARK: Subscriptions

    /// Seconds after which a subscription ends by itself. Model, text of SubscribeToShard.
    public static let subscriptionLifetimeSeconds = 300
    /// Seconds from a subscription's start within which another of the same consumer and shard is refused. Model, text of
    /// SubscribeToShard.
    public static let subscriptionRefusalSeconds = 5
    /// Records in one event of a subscription. As for GetRecords; the model names no number.
    public static let subscriptionEventRecordCount = 10_000
    /// Bytes of data and keys in one event of a subscription, unless its only record is larger: 1 MiB. Ours: an event is
    /// in memory once for each subscription, and two a second are the consumer's 2 MiB a second.
    public static let subscriptionEventByteCount = 1 << 20

    // MARK: Errors

    /// How much of a refused value an error repeats, in Unicode scalars. With the next one it keeps a message below 100 KiB,
    /// whatever came in.
    static let errorEchoScalarCount = 160
    /// How many violations an error spells out; the rest are counted.
    static let errorViolationCount = 50

    // MARK: Shards

    /// Bytes written to a shard in a second: 1 MiB. Model, text of CreateStream; quotas.
    public static let shardWriteBytesPerSecond = 1 << 20
    /// Records written to a shard in a second. Model, text of CreateStream; quotas.
    public static let shardWriteRecordsPerSecond = 1_000
    /// Bytes read from a shard in a second by GetRecords: 2 MiB. Model, text of CreateStream; quotas.
    public static let shardReadBytesPerSecond = 2 << 20
    /// GetRecords calls on a shard in a second. Model, text of CreateStream; quotas.
    public static let shardReadsPerSecond = 5
    /// Shards of a stream. The upper end is UpdateShardCount's, in the model's text.
    public static let shardCount = 1...10_000
    /// Shards of a stream created without a count. Seen from AWS; quotas (4 MB/s of writes for a new on-demand stream).
    public static let defaultShardCount = 4

    // MARK: Retention

    /// Hours for which records stay. Model, texts of DecreaseStreamRetentionPeriod and IncreaseStreamRetentionPeriod.
    public static let retentionHours = 24...8_760
    /// Hours for which records stay in a new stream. Model, text of IncreaseStreamRetentionPeriod; quotas.
    public static let defaultRetentionHours = 24

    // MARK: Calls

    /// Bytes a second each registered consumer is sent from each shard: 2 MiB. Model, text of RegisterStreamConsumer.
    public static let consumerReadBytesPerSecond = 2 << 20
    /// GetShardIterator calls on a shard in a second. Model, text of GetShardIterator.
    public static let shardIteratorsPerSecond = 5
    /// SubscribeToShard calls of a consumer on a shard in a second. Model, text of SubscribeToShard.
    public static let subscriptionsPerSecond = 1
    /// Streams that may be CREATING at once in an account. Model, text of CreateStream.
    public static let creatingStreamCount = 5
    /// Consumers that may be CREATING at once in an account. Model, text of RegisterStreamConsumer.
    public static let creatingConsumerCount = 5

    // MARK: On-demand

    /// Shards below which an on-demand stream does not go. Quotas (4 MB/s of writes for a new on-demand stream).
    public static let onDemandShardCount = 4
    /// Days whose peak decides what an on-demand stream can take. Developer guide, "Choose the right mode".
    public static let onDemandPeakDays = 30
}
