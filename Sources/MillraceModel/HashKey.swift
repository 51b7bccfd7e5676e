/// A place on the ring of 2^128 places over which a stream's shards divide the partition keys.
///
/// A partition key's place is its MD5 read as a big-endian number; a producer may name a place itself (the explicit
/// hash key). The text form is decimal. Rule: service model, shape HashKey.
public struct HashKey: Hashable, Sendable {
    /// The place, 0...2^128 - 1.
    public let value: UInt128

    /// The place of that number.
    @inlinable
    public init(_ value: UInt128) { self.value = value }

    /// Reads decimal text, as in an explicit hash key.
    ///
    /// - Throws: `KinesisError.validation` unless `text` is `0` or 1 to 39 digits with no zero in front,
    ///   `KinesisError.invalidArgument` when the number is 2^128 or more.
    public init(_ text: String) throws(KinesisError) {
        try ConstraintCheck.text(text, .hashKey, at: "explicitHashKey")
        guard let value = UInt128(text) else {
            throw .invalidArgument(
                "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was \(text)"
            )
        }
        self.value = value
    }

    public static let min = HashKey(UInt128.min)
    public static let max = HashKey(UInt128.max)
}

extension HashKey: Comparable {
    @inlinable
    public static func < (left: HashKey, right: HashKey) -> Bool { left.value < right.value }
}

extension HashKey: CustomStringConvertible {
    /// Decimal digits, 1 to 39 of them.
    public var description: String { value.description }
}
