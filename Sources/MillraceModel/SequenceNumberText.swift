// The decimal text of sequence numbers: 56 digits, handled as 18 + 19 + 19 because 10^19 is the largest power of ten
// below 2^64.

private let tenToThe19 = 10_000_000_000_000_000_000 as UInt64

extension SequenceNumber {
    /// Decimal digits of every number: 2 * 2^184 = 4.9e55 and 3 * 2^184 = 7.4e55 both have 56.
    public static let digitCount = 56

    /// Reads decimal text.
    ///
    /// - Throws: `KinesisError.validation` unless `text` is `0` or 1 to 129 digits with no zero in front,
    ///   `KinesisError.invalidArgument` when it is and no shard of any stream could have given it.
    public init(_ text: String) throws(KinesisError) {
        try ConstraintCheck.text(text, .sequenceNumber, at: "sequenceNumber")
        if text.utf8.count == Self.digitCount {
            self = Self.parse(text.utf8)
            if isWellFormed { return }
        }
        throw .invalidArgument("\(text) is not the sequence number of a record")
    }

    /// The number that exactly 56 digits make, well-formed or not.
    private static func parse(_ digits: String.UTF8View) -> SequenceNumber {
        var groups = (first: 0 as UInt64, second: 0 as UInt64, third: 0 as UInt64)
        var place = 0
        for digit in digits {
            let value = UInt64(digit &- UInt8(ascii: "0"))
            if place < 18 {
                groups.first = groups.first &* 10 &+ value
            } else if place < 37 {
                groups.second = groups.second &* 10 &+ value
            } else {
                groups.third = groups.third &* 10 &+ value
            }
            place &+= 1
        }
        // 18 and 19 digits are below 10^37, so they fit 128 bits; 56 digits are below 2^187, so they fit three words.
        let front = UInt128(groups.first) &* UInt128(tenToThe19) &+ UInt128(groups.second)
        let lower = UInt128(UInt64(truncatingIfNeeded: front)) &* UInt128(tenToThe19) &+ UInt128(groups.third)
        let upper = (front &>> 64) &* UInt128(tenToThe19) &+ (lower &>> 64)
        return SequenceNumber(
            high: UInt64(truncatingIfNeeded: upper &>> 64), middle: UInt64(truncatingIfNeeded: upper),
            low: UInt64(truncatingIfNeeded: lower))
    }
}

extension SequenceNumber: CustomStringConvertible {
    /// The number in decimal, exactly 56 digits.
    public var description: String {
        // `high` is below 10^19, so the first quotient has two words; it is below 10^37, so the second has one.
        let upper = tenToThe19.dividingFullWidth((high, middle))
        let lower = tenToThe19.dividingFullWidth((upper.remainder, low))
        let front = tenToThe19.dividingFullWidth((upper.quotient, lower.quotient))
        var digits = InlineArray<56, UInt8>(repeating: UInt8(ascii: "0"))
        Self.write(lower.remainder, endingBefore: 56, into: &digits)
        Self.write(front.remainder, endingBefore: 37, into: &digits)
        Self.write(front.quotient, endingBefore: 18, into: &digits)
        guard let text = try? UTF8Span(validating: digits.span) else { preconditionFailure("digits are ASCII") }
        return String(copying: text)
    }

    /// Writes the digits of `value` so that the last one stands before `end`; what is in front stays `0`.
    /// Two digits a division, since each division waits for the one before it; so a `0` too many may fall in front of
    /// 19 digits, and groups are written from the last to the first.
    private static func write(_ value: UInt64, endingBefore end: Int, into digits: inout InlineArray<56, UInt8>) {
        let zero = UInt8(ascii: "0")
        var rest = value
        var place = end
        while rest > 0 {
            let (quotient, pair) = rest.quotientAndRemainder(dividingBy: 100)
            // A tenth of 0...99, by multiplication.
            let ten = (pair &* 103) &>> 10
            digits[place &- 1] = zero &+ UInt8(truncatingIfNeeded: pair &- ten &* 10)
            digits[place &- 2] = zero &+ UInt8(truncatingIfNeeded: ten)
            rest = quotient
            place &-= 2
        }
    }
}
