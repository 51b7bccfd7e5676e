/// One record to be put with others, with bytes of its own, as given and not yet checked.
/// Rule: service model, shape PutRecordsRequestEntry.
public struct PutEntry: Hashable, Sendable {
    /// The payload; empty is allowed. Required.
    public var data: [UInt8]?
    /// 1 to 256 characters; equal keys go to the same shard, in order. Required.
    public var partitionKey: String?
    /// A place on the ring in place of the key's own, as decimal text.
    public var explicitHashKey: String?

    /// An entry as it came over a wire, where a member may be missing.
    @inlinable
    public init(data: [UInt8]?, partitionKey: String?, explicitHashKey: String? = nil) {
        self.data = data
        self.partitionKey = partitionKey
        self.explicitHashKey = explicitHashKey
    }

    @inlinable
    public init(_ data: [UInt8], partitionKey: String, explicitHashKey: HashKey? = nil) {
        self.init(data: data, partitionKey: partitionKey, explicitHashKey: explicitHashKey?.description)
    }

    /// A record of text, as UTF-8.
    @inlinable
    public init(_ data: String, partitionKey: String, explicitHashKey: HashKey? = nil) {
        self.init(Array(data.utf8), partitionKey: partitionKey, explicitHashKey: explicitHashKey)
    }
}
