package import MillraceModel

/// A shard iterator: where reading goes on, for whom, and since when. Clients keep it as opaque text.
///
/// The text is base64url of these bytes, integers little-endian:
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | version: 1 |
/// | 1 | 1 | kind: 1 = shard iterator |
/// | 2 | 2 | reserved, zero |
/// | 4 | 4 | index of the shard |
/// | 8 | 8 | stream id |
/// | 16 | 8 | second in which the shard was created, since 1970 UTC |
/// | 24 | 8 | ordinal to be read next |
/// | 32 | 8 | time of issue, milliseconds since 1970 UTC |
/// | 40 | 16 | SipHash-2-4 of the 40 bytes before, 128 bits, under the store's secret |
///
/// 75 characters; a client may send any from 1 to 512 (service model, shape ShardIterator).
package struct IteratorToken: Hashable, Sendable {
    /// The stream's identity, which a later stream of the same name does not share.
    package let streamID: UInt64
    package let shardID: ShardID
    /// Seconds since 1970 UTC.
    package let shardCreationSecond: UInt64
    /// The ordinal to be read next.
    package let ordinal: UInt64
    /// Milliseconds since 1970 UTC, 0 or more.
    package let issuedMilliseconds: Int64

    private static let kind: UInt8 = 1
    private static let byteCount = 40
    /// Characters of every token.
    package static let characterCount = 75

    /// - Parameter issuedMilliseconds: since 1970 UTC; a clock before that counts as 1970.
    package init(
        streamID: UInt64, shardID: ShardID, shardCreationSecond: UInt64, ordinal: UInt64, issuedMilliseconds: Int64
    ) {
        self.streamID = streamID
        self.shardID = shardID
        self.shardCreationSecond = shardCreationSecond
        self.ordinal = ordinal
        self.issuedMilliseconds = max(0, issuedMilliseconds)
    }

    /// The text to give out.
    package func text(_ secret: TokenSecret) -> String {
        var bytes: [UInt8] = [TokenText.version, Self.kind, 0, 0]
        bytes.reserveCapacity(Self.byteCount + TokenText.codeByteCount)
        TokenText.append(shardID.index, to: &bytes)
        TokenText.append(streamID, to: &bytes)
        TokenText.append(shardCreationSecond, to: &bytes)
        TokenText.append(ordinal, to: &bytes)
        TokenText.append(UInt64(issuedMilliseconds), to: &bytes)
        return TokenText.seal(bytes, secret)
    }

    /// Reads a text that came back, in double quotes or without: clients that copy it out of JSON leave them on.
    ///
    /// A text that ages between two calls is judged by `nowMilliseconds` alone. Exactly `Limits.iteratorLifetimeSeconds`
    /// old is still good. A clock that was set back makes iterators seem to come from the future: so far ahead they are
    /// good too, and refused beyond, because they would stay good until the clock gets there.
    /// - Parameter nowMilliseconds: since 1970 UTC.
    /// - Throws: `invalidArgument` for what this store did not give out; `expiredIterator` for what is too old, or too
    ///   far ahead: asking for a new one helps in both cases.
    package init(_ text: String, _ secret: TokenSecret, nowMilliseconds: Int64) throws(KinesisError) {
        guard let token = Self.open(text, secret) else { throw .invalidArgument("Invalid ShardIterator.") }
        self = token
        let now = max(0, nowMilliseconds)
        let age = TokenText.age(issued: issuedMilliseconds, now: now, lifetimeSeconds: Limits.iteratorLifetimeSeconds)
        if age != .good { throw .expiredIterator(Self.sentence(age, issued: issuedMilliseconds, now: now)) }
    }

    private static func open(_ text: String, _ secret: TokenSecret) -> IteratorToken? {
        guard let bytes = TokenText.open(unquoted(text), byteCount: byteCount...byteCount, secret) else { return nil }
        var reader = TokenReader(bytes.span)
        guard reader.take(UInt8.self) == TokenText.version, reader.take(UInt8.self) == kind,
            reader.take(UInt16.self) == 0
        else { return nil }
        let index = reader.take(UInt32.self)
        let streamID = reader.take(UInt64.self)
        let second = reader.take(UInt64.self)
        let ordinal = reader.take(UInt64.self)
        guard second <= SequenceNumber.maximumSecond, ordinal <= SequenceNumber.maximumOrdinal,
            let issued = Int64(exactly: reader.take(UInt64.self))
        else { return nil }
        return IteratorToken(
            streamID: streamID, shardID: ShardID(index: index), shardCreationSecond: second, ordinal: ordinal,
            issuedMilliseconds: issued)
    }

    private static func unquoted(_ text: String) -> String {
        let utf8 = text.utf8
        let quote = UInt8(ascii: "\"")
        // Any other length is refused, quoted or not.
        guard utf8.first == quote, utf8.last == quote, utf8.count == characterCount + 2 else { return text }
        return String(text.dropFirst().dropLast())
    }

    /// In the words of AWS's answer for an old one, which clients show and some look into.
    private static func sentence(_ age: TokenText.Age, issued: Int64, now: Int64) -> String {
        "Iterator expired. The iterator was created at time \(UTCText.of(milliseconds: issued)) while right now it is "
            + "\(UTCText.of(milliseconds: now)) which is further in the \(age == .expired ? "future" : "past") than the "
            + "tolerated delay of \(Limits.iteratorLifetimeSeconds * 1000) milliseconds."
    }
}
