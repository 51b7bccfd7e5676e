/// Whether a text looks like JSON: enough to refuse what is none before it is kept. No parser.
package enum JSONShape {
    /// An object: braces around it, and all braces and brackets outside of strings closed in order, at most 64 deep.
    package static func isObject(_ text: String) -> Bool {
        var open: [UInt8] = []
        var isString = false
        var isEscaped = false
        var hasEnded = false
        for byte in text.utf8 {
            if isString {
                if isEscaped { isEscaped = false } else if byte == UInt8(ascii: "\\") { isEscaped = true } else {
                    isString = byte != UInt8(ascii: "\"")
                }
                continue
            }
            if [0x20, 0x09, 0x0A, 0x0D].contains(byte) { continue }
            if hasEnded || open.isEmpty && byte != UInt8(ascii: "{") { return false }
            switch byte {
            case UInt8(ascii: "\""): isString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if open.count == 64 { return false }
                open.append(byte)
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                // `{` and `}` are two apart in ASCII, `[` and `]` too.
                guard let last = open.popLast(), last + 2 == byte else { return false }
                hasEnded = open.isEmpty
            default: break
            }
        }
        return hasEnded
    }
}
