public import MillraceModel

/// One record to be put with others, with bytes of its own.
public struct PutEntry: Hashable, Sendable {
    /// The payload; empty is allowed.
    public var data: [UInt8]
    /// 1 to 256 characters; equal keys go to the same shard, in order.
    public var partitionKey: String
    /// A place on the ring in place of the key's own.
    public var explicitHashKey: HashKey?

    @inlinable
    public init(_ data: [UInt8], partitionKey: String, explicitHashKey: HashKey? = nil) {
        self.data = data
        self.partitionKey = partitionKey
        self.explicitHashKey = explicitHashKey
    }

    /// A record of text, as UTF-8.
    @inlinable
    public init(_ data: String, partitionKey: String, explicitHashKey: HashKey? = nil) {
        self.init(Array(data.utf8), partitionKey: partitionKey, explicitHashKey: explicitHashKey)
    }
}
