/// The places of the hash ring one shard takes: from `starting` to `ending`, both with it.
///
/// Invariant: `starting` <= `ending`. The open shards of a stream cover every place exactly once.
public struct HashKeyRange: Hashable, Sendable {
    /// The first place.
    public let starting: HashKey
    /// The last place.
    public let ending: HashKey

    /// The places `starting` to `ending`.
    ///
    /// - Throws: `KinesisError.invalidArgument` when `ending` is before `starting`.
    public init(starting: HashKey, ending: HashKey) throws(KinesisError) {
        guard starting <= ending else {
            throw .invalidArgument("A hash key range ends at \(ending), before it starts at \(starting)")
        }
        self.init(first: starting.value, last: ending.value)
    }

    private init(first: UInt128, last: UInt128) {
        starting = HashKey(first)
        ending = HashKey(last)
    }

    /// Every place.
    public static let whole = HashKeyRange(first: .min, last: .max)

    /// The ranges of a new stream's shards: `count` of 2^128 / `count` places each, rounded down, in order; the last
    /// one takes what is left over and ends at 2^128 - 1.
    ///
    /// The rule is what AWS answers for a new stream, rounding included, so that a key goes to the shard of the same
    /// index here and there.
    ///
    /// - Parameter count: shards, 1...10,000 (`Limits.shardCount`).
    /// - Throws: `KinesisError.invalidArgument` for any other count.
    public static func tiling(count: Int) throws(KinesisError) -> [HashKeyRange] {
        guard Limits.shardCount.contains(count) else {
            throw .invalidArgument("A stream has 1 to \(Limits.shardCount.upperBound) shards, not \(count)")
        }
        if count == 1 { return [whole] }
        let parts = UInt128(count)
        // 2^128 itself does not fit: divide 2^128 - 1, and add the one that the last place would complete.
        let (quotient, remainder) = UInt128.max.quotientAndRemainder(dividingBy: parts)
        let width = remainder == parts - 1 ? quotient + 1 : quotient
        return (0..<count).map { index in
            let first = UInt128(index) * width
            return HashKeyRange(first: first, last: index == count - 1 ? .max : first + (width - 1))
        }
    }

    /// Whether `key` is one of the places.
    @inlinable
    public func contains(_ key: HashKey) -> Bool { starting <= key && key <= ending }

    /// Whether one of the two ranges starts right after the other ends, as two shards must to be merged.
    /// The ring is not closed: the last place and the first one are no neighbours.
    public func isAdjacent(to other: HashKeyRange) -> Bool {
        ending < other.starting && other.starting.value - ending.value == 1
            || other.ending < starting && starting.value - other.ending.value == 1
    }
}

extension HashKeyRange: CustomStringConvertible {
    /// `start...end` in decimal.
    public var description: String { "\(starting)...\(ending)" }
}
