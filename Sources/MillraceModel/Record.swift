/// A record as a consumer gets it, with bytes of its own.
///
/// The readers of the engine lend records without a copy; this is the form that may be kept and sent elsewhere.
public struct Record: Hashable, Sendable {
    /// The record's number, unique in its stream and increasing in its shard.
    public let sequenceNumber: SequenceNumber
    /// When the store took the record, in milliseconds since 1970 UTC; never decreasing within a shard's log.
    /// AWS's name is ApproximateArrivalTimestamp.
    public let approximateArrivalMilliseconds: Int64
    /// The key the producer gave.
    public let partitionKey: PartitionKey
    /// The payload; empty is allowed.
    public let data: [UInt8]
    /// How the record is kept; nil when the service does not say.
    public let encryptionType: EncryptionType?

    @inlinable
    public init(
        sequenceNumber: SequenceNumber, approximateArrivalMilliseconds: Int64, partitionKey: PartitionKey,
        data: [UInt8], encryptionType: EncryptionType? = nil
    ) {
        self.sequenceNumber = sequenceNumber
        self.approximateArrivalMilliseconds = approximateArrivalMilliseconds
        self.partitionKey = partitionKey
        self.data = data
        self.encryptionType = encryptionType
    }

    /// Data and partition key together, in bytes: what the limits on records and calls count.
    public var byteCount: Int { data.count + partitionKey.byteCount }
}
