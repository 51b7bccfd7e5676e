/// Names as AWS writes them: 1 to 128 of `[a-zA-Z0-9_.-]`. The service model's shapes StreamName and ShardId share it.
enum NameText {
    static let pattern = "[a-zA-Z0-9_.-]+"

    /// - Throws: `KinesisError.validation`, naming `member`, when `text` is empty, has another character or is too long.
    static func check(_ text: String, member: String) throws(KinesisError) {
        let count = Limits.nameCharacterCount
        let byteCount = text.utf8.count
        if byteCount < count.lowerBound {
            throw .constraint(.atLeast(characterCount: count.lowerBound), value: text, member: member)
        }
        if !text.utf8.allSatisfy(allows) {
            throw .constraint(.pattern(pattern), value: text, member: member)
        }
        if byteCount > count.upperBound {
            throw .constraint(.atMost(characterCount: count.upperBound), value: text, member: member)
        }
    }

    private static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
