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
