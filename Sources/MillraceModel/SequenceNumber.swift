/// The number of a record: it orders the records of a shard, and tells shard, place and time by arithmetic alone.
///
/// It is one integer of 188 bits, in 47 hexadecimal digits, most significant first:
///
/// | digits | bits      | meaning                                                                     |
/// |-------:|-----------|-----------------------------------------------------------------------------|
/// |      1 | 187...184 | 2: the version of this layout                                               |
/// |      9 | 183...148 | second at which the shard was created, since 1970 UTC                       |
/// |      1 | 147...144 | the lowest four bits of the shard's index                                   |
/// |     16 | 143...80  | the record's ordinal in the shard's log, below 2^63                         |
/// |      2 | 79...72   | 0                                                                           |
/// |      9 | 71...36   | second at which the record arrived, since 1970 UTC                          |
/// |      8 | 35...4    | the shard's index                                                           |
/// |      1 | 3...0     | 2: the version again                                                        |
///
/// The leading 2 makes every number exactly 56 decimal digits long, which AWS's clients expect. Within a shard numbers
/// grow with the ordinal, whatever the clock did. A child's numbers are above its parents' because it is created in a
/// later second than they; whoever creates the child sees to that.
///
/// The layout is the one observed in AWS's own numbers; AWS documents only their pattern, `0|([1-9]\d{0,128})`
/// (service model, shape SequenceNumber).
@frozen
public struct SequenceNumber: Hashable, Sendable {
    // Bits 187...128, 127...64 and 63...0 of the number.
    @usableFromInline let high: UInt64
    @usableFromInline let middle: UInt64
    @usableFromInline let low: UInt64

    @inlinable
    init(high: UInt64, middle: UInt64, low: UInt64) {
        self.high = high
        self.middle = middle
        self.low = low
    }

    /// The number of a record, from its parts. The parts are the engine's own, so one out of range is a defect and
    /// ends the process.
    ///
    /// - Parameters:
    ///   - shardCreationSecond: seconds since 1970 UTC, below 2^36 (the year 4147).
    ///   - shardID: the record's shard.
    ///   - ordinal: the record's place in the shard's log, below 2^63.
    ///   - recordSecond: seconds since 1970 UTC, below 2^36.
    @inlinable
    public init(shardCreationSecond: UInt64, shardID: ShardID, ordinal: UInt64, recordSecond: UInt64) {
        precondition(
            shardCreationSecond <= Self.maximumSecond && recordSecond <= Self.maximumSecond,
            "a second of a sequence number is beyond 2^36")
        precondition(ordinal <= Self.maximumOrdinal, "an ordinal is beyond 2^63")
        let index = UInt64(shardID.index)
        high = 2 &<< 56 | shardCreationSecond &<< 20 | (index & 0xf) &<< 16 | ordinal &>> 48
        middle = ordinal &<< 16 | recordSecond &>> 28
        low = recordSecond &<< 36 | index &<< 4 | 2
    }

    /// The largest second a number holds, 2^36 - 1.
    public static let maximumSecond = 0xf_ffff_ffff as UInt64
    /// The largest ordinal a number holds, 2^63 - 1. No record has it: it stands in the ending number of a closed shard.
    public static let maximumOrdinal = 0x7fff_ffff_ffff_ffff as UInt64

    /// The number at which a shard's description says that the shard starts: ordinal 0, in the second of creation.
    public static func starting(_ shardID: ShardID, creationSecond: UInt64) -> SequenceNumber {
        SequenceNumber(
            shardCreationSecond: creationSecond, shardID: shardID, ordinal: 0, recordSecond: creationSecond)
    }

    /// The number at which a closed shard's description says that the shard ends, above all its records'.
    public static func ending(_ shardID: ShardID, creationSecond: UInt64, closingSecond: UInt64) -> SequenceNumber {
        SequenceNumber(
            shardCreationSecond: creationSecond, shardID: shardID, ordinal: maximumOrdinal,
            recordSecond: closingSecond)
    }

    // MARK: Parts

    /// Second at which the shard was created, since 1970 UTC.
    @inlinable public var shardCreationSecond: UInt64 { high &>> 20 & Self.maximumSecond }
    /// The shard the record is in.
    @inlinable public var shardID: ShardID { ShardID(index: UInt32(truncatingIfNeeded: low &>> 4)) }
    /// The record's place in the shard's log.
    @inlinable public var ordinal: UInt64 { high &<< 48 | middle &>> 16 }
    /// Second at which the record arrived, since 1970 UTC.
    @inlinable public var recordSecond: UInt64 { (middle & 0xff) &<< 28 | low &>> 36 }

    /// Whether the fixed digits are what they must be, and the digits that repeat each other agree.
    var isWellFormed: Bool {
        high &>> 56 == 2 && low & 0xf == 2 && middle &>> 8 & 0xff == 0 && ordinal <= Self.maximumOrdinal
            && high &>> 16 & 0xf == UInt64(shardID.index & 0xf)
    }
}

extension SequenceNumber: Comparable {
    /// By the number as an integer.
    @inlinable
    public static func < (left: SequenceNumber, right: SequenceNumber) -> Bool {
        if left.high != right.high { return left.high < right.high }
        if left.middle != right.middle { return left.middle < right.middle }
        return left.low < right.low
    }
}
