/// Commands as they go over the wire, one behind the other.
struct RedisCommands {
    private(set) var bytes: [UInt8] = []

    init() {}

    /// One command.
    init(_ words: String...) {
        begin(words.count)
        for word in words { add(word) }
    }

    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    /// Begins a command of so many words, which are added next.
    mutating func begin(_ wordCount: Int) { add("*", wordCount) }

    mutating func add(_ word: String) {
        add("$", word.utf8.count)
        bytes += word.utf8
        bytes += "\r\n".utf8
    }

    mutating func add(_ word: RawSpan) {
        add("$", word.byteCount)
        // Safe because the bytes are copied.
        unsafe word.withUnsafeBytes { unsafe bytes += $0 }
        bytes += "\r\n".utf8
    }

    mutating func add(_ other: RedisCommands) { bytes += other.bytes }

    private mutating func add(_ kind: String, _ number: Int) {
        bytes += kind.utf8
        bytes += String(number).utf8
        bytes += "\r\n".utf8
    }
}
