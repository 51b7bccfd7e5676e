/// The three patterns of ARNs, matched as regular expressions are: `.*` takes anything up to the end of a line, `\S+`
/// anything but white space.
///
/// Each pattern is a row of fixed parts with `.*` between them. The earliest place of each part leaves the most room
/// for the next, so one pass decides what a backtracking engine would have to try.
enum ARNText {
    /// `arn:aws.*:kinesis:.*:\d{12}:stream/\S+`
    static func isStream(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let line = firstLineEnd(bytes)
        let name = firstNamePlace(bytes)
        guard var place = afterService(bytes, line) else { return false }
        while let end = accountEnd(bytes, from: place), end - accountByteCount <= line {
            let start = end + stream.count
            if has(bytes, stream, at: end) && start >= name && start < bytes.count { return true }
            // Its last colon may be the next one's first.
            place = end - 1
        }
        return false
    }

    /// `arn:aws.*:kinesis:.*:\d{12}:.*stream/\S+`
    static func isResource(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let line = firstLineEnd(bytes)
        let name = firstNamePlace(bytes)
        guard let service = afterService(bytes, line), var place = accountEnd(bytes, from: service) else {
            return false
        }
        while let found = find(bytes, stream, from: place), found <= line {
            let start = found + stream.count
            if start >= name && start < bytes.count { return true }
            place = found + 1
        }
        return false
    }

    /// `^(arn):aws.*:kinesis:.*:\d{12}:.*stream\/[a-zA-Z0-9_.-]+\/consumer\/[a-zA-Z0-9_.-]+:[0-9]+`
    ///
    /// Read from its end, where each part is one the next cannot take from.
    static func isConsumer(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let colon = back(bytes, from: bytes.count, while: DecimalText.isDigit) - 1
        guard colon >= 0, colon < bytes.count - 1, bytes[colon] == UInt8(ascii: ":") else { return false }
        let name = back(bytes, from: colon, while: TextPattern.isNameByte)
        let nameEnd = name - consumer.count
        guard name < colon, has(bytes, consumer, at: nameEnd) else { return false }
        let streamName = back(bytes, from: nameEnd, while: TextPattern.isNameByte)
        let frontEnd = streamName - stream.count
        guard streamName < nameEnd, has(bytes, stream, at: frontEnd) else { return false }
        let front = Array(bytes[..<frontEnd])
        guard firstLineEnd(front) == front.count, let service = afterService(front, front.count) else { return false }
        return accountEnd(front, from: service) != nil
    }

    // MARK: Parts

    private static let front = Array("arn:aws".utf8)
    private static let service = Array(":kinesis:".utf8)
    private static let stream = Array("stream/".utf8)
    private static let consumer = Array("/consumer/".utf8)
    /// Bytes of `:\d{12}:`.
    private static let accountByteCount = 14

    /// The place behind the first `:kinesis:` that follows `arn:aws` and starts on the first line, which ends at `line`.
    private static func afterService(_ bytes: [UInt8], _ line: Int) -> Int? {
        guard has(bytes, front, at: 0), let start = find(bytes, service, from: front.count), start <= line else {
            return nil
        }
        return start + service.count
    }

    /// The place behind the first `:\d{12}:` that starts at `place` or later.
    private static func accountEnd(_ bytes: [UInt8], from place: Int) -> Int? {
        // Digits since the last colon; nil when something else came since, or no colon yet.
        var digitCount: Int?
        for index in place..<max(place, bytes.count) {
            if bytes[index] == UInt8(ascii: ":") {
                if digitCount == Limits.accountDigitCount { return index + 1 }
                digitCount = 0
            } else {
                digitCount = DecimalText.isDigit(bytes[index]) ? digitCount.map { $0 + 1 } : nil
            }
        }
        return nil
    }

    /// The first place from which on there is no white space: ASCII's six, as in the engine AWS matches with.
    private static func firstNamePlace(_ bytes: [UInt8]) -> Int {
        (bytes.lastIndex { $0 == 0x20 || (0x09...0x0d).contains($0) } ?? -1) + 1
    }

    /// Where the first line ends: at a line feed or carriage return, U+0085, U+2028 or U+2029, or the end.
    private static func firstLineEnd(_ bytes: [UInt8]) -> Int {
        bytes.indices.first { index in
            switch bytes[index] {
            case 0x0a, 0x0d: true
            case 0xc2: has(bytes, [0xc2, 0x85], at: index)
            case 0xe2: has(bytes, [0xe2, 0x80, 0xa8], at: index) || has(bytes, [0xe2, 0x80, 0xa9], at: index)
            default: false
            }
        } ?? bytes.count
    }

    private static func has(_ bytes: [UInt8], _ part: [UInt8], at place: Int) -> Bool {
        guard place >= 0, part.count <= bytes.count - place else { return false }
        return part.indices.allSatisfy { bytes[place + $0] == part[$0] }
    }

    private static func find(_ bytes: [UInt8], _ part: [UInt8], from place: Int) -> Int? {
        guard part.count <= bytes.count - place else { return nil }
        return (place...(bytes.count - part.count)).first { has(bytes, part, at: $0) }
    }

    /// The place at which the run of bytes that satisfy `test` and end before `end` starts.
    private static func back(_ bytes: [UInt8], from end: Int, while test: (UInt8) -> Bool) -> Int {
        var place = end
        while place > 0 && test(bytes[place - 1]) { place -= 1 }
        return place
    }
}
