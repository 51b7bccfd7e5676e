/// Bytes as text of `A-Z a-z 0-9 - _` without padding (RFC 4648 section 5): it may stand in JSON, in a URL and in a shell.
///
/// Strict: for each sequence of bytes there is exactly one text that is read.
package enum Base64URL {
    /// Characters of the text of so many bytes.
    package static func characterCount(ofBytes byteCount: Int) -> Int { (byteCount * 4 + 2) / 3 }

    package static func encode(_ bytes: Span<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(characterCount(ofBytes: bytes.count))
        var bits: UInt32 = 0
        var bitCount: UInt32 = 0
        for place in bytes.indices {
            bits = bits &<< 8 | UInt32(bytes[place])
            bitCount &+= 8
            while bitCount >= 6 {
                bitCount &-= 6
                text.append(character(UInt8(truncatingIfNeeded: bits &>> bitCount & 63)))
            }
        }
        if bitCount > 0 { text.append(character(UInt8(truncatingIfNeeded: bits &<< (6 &- bitCount) & 63))) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of a text; nil when a character is none of the 64, when no bytes have a text of that length, or when
    /// bits are set that belong to no byte. O(count), and memory for the bytes: bound the text first.
    package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        let count = text.count
        if count % 4 == 1 { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count / 4 * 3 + 2)
        var bits: UInt32 = 0
        var bitCount: UInt32 = 0
        for character in text {
            guard let value = value(character) else { return nil }
            bits = bits &<< 6 | UInt32(value)
            bitCount &+= 6
            if bitCount >= 8 {
                bitCount &-= 8
                bytes.append(UInt8(truncatingIfNeeded: bits &>> bitCount))
            }
        }
        let unused = (1 as UInt32) &<< bitCount &- 1
        return bits & unused == 0 ? bytes : nil
    }

    private static func character(_ value: UInt8) -> UInt8 {
        switch value {
        case 0..<26: UInt8(ascii: "A") + value
        case 26..<52: UInt8(ascii: "a") + (value - 26)
        case 52..<62: UInt8(ascii: "0") + (value - 52)
        case 62: UInt8(ascii: "-")
        default: UInt8(ascii: "_")
        }
    }

    private static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
