import MillraceModel

/// What the store's tokens have in common: bytes with a MAC behind them, as text, and an age.
///
/// The first two bytes of a token are a version and a kind, and the MAC covers them: a token of one kind is none of
/// another, and a later version may lay the rest out anew.
enum TokenText {
    static let version: UInt8 = 1
    static let codeByteCount = 16

    /// The bytes with their MAC, as text.
    static func seal(_ bytes: [UInt8], _ secret: TokenSecret) -> String {
        var sealed = bytes
        append(SipHash.hash128(bytes.span, key: secret.key), to: &sealed)
        return Base64URL.encode(sealed.span)
    }

    /// The bytes in front of the MAC, if the text is one that `seal` made with this secret; else nil.
    ///
    /// The length is looked at first, so that a text of any length is refused in the time of the longest token.
    static func open(_ text: String, byteCount: ClosedRange<Int>, _ secret: TokenSecret) -> [UInt8]? {
        let characters = text.utf8
        // `count` of a native string's UTF-8 is O(1); of one bridged from elsewhere it is not, hence the limit.
        let greatest = Base64URL.characterCount(ofBytes: byteCount.upperBound + codeByteCount)
        guard characters.index(characters.startIndex, offsetBy: greatest + 1, limitedBy: characters.endIndex) == nil,
            let sealed = Base64URL.decode(characters), byteCount.contains(sealed.count - codeByteCount)
        else { return nil }
        let bytes = Array(sealed.dropLast(codeByteCount))
        var code: [UInt8] = []
        append(SipHash.hash128(bytes.span, key: secret.key), to: &code)
        let given = Array(sealed.suffix(codeByteCount))
        return SipHash.areEqual(given.span, code.span) ? bytes : nil
    }

    static func append<Word: FixedWidthInteger & UnsignedInteger>(_ word: Word, to bytes: inout [UInt8]) {
        for place in 0..<Word.bitWidth / 8 { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * place))) }
    }

    /// How the time of issue stands to now.
    enum Age {
        case good
        /// Issued longer ago than a token lives.
        case expired
        /// Issued later than a clock that was set back explains.
        case fromLater
    }

    /// - Parameters: times in milliseconds since 1970 UTC, 0 or more.
    static func age(issued: Int64, now: Int64, lifetimeSeconds: Int) -> Age {
        let lifetime = Int64(lifetimeSeconds) * 1000
        // Neither is negative, so the difference fits.
        let age = now - issued
        return age > lifetime ? .expired : age < -lifetime ? .fromLater : .good
    }
}

/// Little-endian words from the front of bytes whose count was checked.
struct TokenReader: ~Escapable {
    private let bytes: Span<UInt8>
    private var place = 0

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) { self.bytes = bytes }

    mutating func take<Word: FixedWidthInteger & UnsignedInteger>(_ type: Word.Type = Word.self) -> Word {
        var word: Word = 0
        for index in 0..<Word.bitWidth / 8 { word |= Word(bytes[place + index]) << (8 * index) }
        place += Word.bitWidth / 8
        return word
    }
}
