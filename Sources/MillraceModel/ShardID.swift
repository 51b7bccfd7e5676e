/// The name of a shard within its stream: `shardId-` and the shard's index in twelve digits.
///
/// Indices count from 0 in order of creation, so a child's is above its parents'. An index has 32 bits because a
/// sequence number has room for that many. Rule: service model, shape ShardId, and the form AWS gives it.
public struct ShardID: Hashable, Sendable {
    /// The shard's place in its stream's order of creation.
    public let index: UInt32

    /// The shard of that index.
    @inlinable
    public init(index: UInt32) { self.index = index }

    /// Reads the text form, `shardId-000000000003`.
    ///
    /// - Throws: `KinesisError.validation` when `text` has a character or a length no shard ID may have,
    ///   `KinesisError.resourceNotFound` when it could be one and is not of this form: no stream has such a shard.
    public init(_ text: String) throws(KinesisError) {
        try ConstraintCheck.text(text, .shardID, at: "shardId")
        let digits = text.dropFirst(Self.prefix.count)
        guard text.hasPrefix(Self.prefix), digits.utf8.count == Self.digitCount,
            digits.utf8.allSatisfy(DecimalText.isDigit), let index = UInt32(digits)
        else { throw .resourceNotFound("Could not find shard \(text)") }
        self.index = index
    }

    private static let prefix = "shardId-"
    private static let digitCount = 12
}

extension ShardID: Comparable {
    @inlinable
    public static func < (left: ShardID, right: ShardID) -> Bool { left.index < right.index }
}

extension ShardID: CustomStringConvertible {
    /// The text form, 20 characters.
    public var description: String {
        let digits = String(index)
        return Self.prefix + String(repeating: "0", count: Self.digitCount - digits.utf8.count) + digits
    }
}
