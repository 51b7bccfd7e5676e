/// The text by which a producer says which records keep their order: equal keys go to the same shard.
///
/// 1 to 256 characters, counted in Unicode scalars. The service model writes "256 characters" with `min` and `max` on a
/// string shape, and the Smithy specification, which defines these traits, counts a string's length in Unicode scalar
/// values; neither UTF-16 units nor grapheme clusters.
///
/// Two keys are equal when their UTF-8 bytes are. `String` would also call a composed and a decomposed accent equal,
/// but they hash to different places of the ring.
public struct PartitionKey: Sendable {
    /// The key as text.
    public let text: String

    /// Checks `text` and takes it as a key.
    ///
    /// - Throws: `KinesisError.validation` when it is empty or has more than 256 Unicode scalars.
    /// - Complexity: O(1) up to 256 bytes of UTF-8; a key of up to 15 bytes allocates nothing.
    @inlinable
    public init(_ text: String) throws(KinesisError) {
        let byteCount = text.utf8.count
        // As many scalars as bytes at most, so that a short key needs no count.
        if byteCount == 0 || byteCount > 256 { try Self.check(text) }
        self.text = text
    }

    /// Copies the UTF-8 `bytes` and takes them as a key: one that was stored, or came over a wire.
    ///
    /// - Throws: `KinesisError.validation` when they are not UTF-8, or too few or too many for a key.
    public init(utf8 bytes: RawSpan) throws(KinesisError) {
        guard bytes.byteCount <= Limits.partitionKeyByteCount else {
            throw ConstraintCheck.refusal(
                .lengthAtMost(Limits.partitionKeyScalarCount.upperBound), "(\(bytes.byteCount) bytes)",
                at: "partitionKey")
        }
        guard let utf8 = try? UTF8Span(validating: Span<UInt8>(_bytes: bytes)) else {
            throw .validation("1 validation error detected: Value at 'partitionKey' is not UTF-8")
        }
        try self.init(String(copying: utf8))
    }

    @usableFromInline
    static func check(_ text: String) throws(KinesisError) {
        try ConstraintCheck.text(text, .partitionKey, at: "partitionKey")
    }

    /// Bytes of UTF-8, 1...1,024. They count towards a record's size.
    @inlinable
    public var byteCount: Int { text.utf8.count }

    /// The UTF-8 bytes, lent for as long as the key is.
    @inlinable
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        // Safe because a UInt8 has no padding that would be read as a byte.
        get { unsafe text.utf8Span.span.bytes }
    }

    /// The key's place on the hash ring: MD5 of its UTF-8.
    public var hashKey: HashKey { HashKey(MD5.hashKey(of: bytes)) }
}

extension PartitionKey: Hashable {
    public static func == (left: PartitionKey, right: PartitionKey) -> Bool {
        left.text.utf8.count == right.text.utf8.count && left.text.utf8.elementsEqual(right.text.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        // Safe because the pointer is used within the closure only.
        unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }
}

extension PartitionKey: CustomStringConvertible {
    public var description: String { text }
}
