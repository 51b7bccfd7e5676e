/// Decimal numbers as AWS writes them: digits only, no sign, no zero in front.
enum DecimalText {
    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    /// Whether `text` is `0`, or 1 to `digitCount` digits of which the first is not `0`.
    static func isCanonical(_ text: String, digitCount: Int) -> Bool {
        let utf8 = text.utf8
        let count = utf8.count
        guard (1...digitCount).contains(count), utf8.allSatisfy(isDigit) else { return false }
        return count == 1 || utf8.first != UInt8(ascii: "0")
    }
}
