package import MillraceModel

/// A NextToken: where a listing goes on, and which one. Clients keep it as opaque text.
///
/// The text is base64url of these bytes, integers little-endian:
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | version: 1 |
/// | 1 | 1 | kind: 2 = page token |
/// | 2 | 1 | operation |
/// | 3 | 1 | reserved, zero |
/// | 4 | 4 | reserved, zero |
/// | 8 | 8 | stream id; 0 where the listing is not of one stream |
/// | 16 | 8 | time of issue, milliseconds since 1970 UTC |
/// | 24 | | position, 0 to `Limits.pageTokenPositionByteCount` bytes: the operation's own |
/// | behind | 16 | SipHash-2-4 of the bytes before, 128 bits, under the store's secret |
package struct PageToken: Hashable, Sendable {
    /// The listings that come in pages. The raw values stand in tokens.
    package enum Operation: UInt8, Hashable, Sendable, CaseIterable {
        case listShards = 1
        case listStreamConsumers = 2
        case listStreams = 3
        case listTagsForStream = 4
        case listTagsForResource = 5
    }

    package let operation: Operation
    /// The stream's identity, which a later stream of the same name does not share; 0 where there is none.
    package let streamID: UInt64
    /// Behind what the next page begins, and what else the listing was asked: the operation's own bytes.
    package let position: [UInt8]
    /// Milliseconds since 1970 UTC, 0 or more.
    package let issuedMilliseconds: Int64

    private static let kind: UInt8 = 2
    private static let headByteCount = 24

    /// - Parameters:
    ///   - position: at most `Limits.pageTokenPositionByteCount` bytes; the caller's own, so more are a defect.
    ///   - issuedMilliseconds: since 1970 UTC; a clock before that counts as 1970.
    package init(_ operation: Operation, streamID: UInt64 = 0, position: [UInt8], issuedMilliseconds: Int64) {
        precondition(
            position.count <= Limits.pageTokenPositionByteCount, "a page token's position has \(position.count) bytes")
        self.operation = operation
        self.streamID = streamID
        self.position = position
        self.issuedMilliseconds = max(0, issuedMilliseconds)
    }

    /// The text to give out.
    package func text(_ secret: TokenSecret) -> String {
        var bytes: [UInt8] = [TokenText.version, Self.kind, operation.rawValue, 0, 0, 0, 0, 0]
        bytes.reserveCapacity(Self.headByteCount + position.count + TokenText.codeByteCount)
        TokenText.append(streamID, to: &bytes)
        TokenText.append(UInt64(issuedMilliseconds), to: &bytes)
        return TokenText.seal(bytes + position, secret)
    }

    /// Reads a text that came back. Exactly `Limits.nextTokenLifetimeSeconds` old is still good, and so is one as far
    /// ahead of a clock that was set back.
    ///
    /// - Parameters:
    ///   - operation: the one that was called.
    ///   - nowMilliseconds: since 1970 UTC.
    /// - Throws: `invalidArgument` for what this store did not give out, or gave out for another operation;
    ///   `expiredNextToken` for what is too old, or too far ahead: beginning anew helps in both cases.
    package init(
        _ text: String, for operation: Operation, _ secret: TokenSecret, nowMilliseconds: Int64
    ) throws(KinesisError) {
        guard let token = Self.open(text, secret), token.operation == operation else {
            throw .invalidArgument("Invalid NextToken.")
        }
        self = token
        let now = max(0, nowMilliseconds)
        if TokenText.age(issued: issuedMilliseconds, now: now, lifetimeSeconds: Limits.nextTokenLifetimeSeconds)
            != .good
        {
            throw .expiredNextToken(
                "The NextToken was created at time \(UTCText.of(milliseconds: issuedMilliseconds)) and is good for "
                    + "\(Limits.nextTokenLifetimeSeconds) seconds; right now it is \(UTCText.of(milliseconds: now)).")
        }
    }

    private static func open(_ text: String, _ secret: TokenSecret) -> PageToken? {
        let byteCount = headByteCount...(headByteCount + Limits.pageTokenPositionByteCount)
        guard let bytes = TokenText.open(text, byteCount: byteCount, secret) else { return nil }
        var reader = TokenReader(bytes.span)
        guard reader.take(UInt8.self) == TokenText.version, reader.take(UInt8.self) == kind,
            let operation = Operation(rawValue: reader.take()), reader.take(UInt8.self) == 0,
            reader.take(UInt32.self) == 0
        else { return nil }
        let streamID = reader.take(UInt64.self)
        guard let issued = Int64(exactly: reader.take(UInt64.self)) else { return nil }
        return PageToken(
            operation, streamID: streamID, position: Array(bytes[headByteCount...]), issuedMilliseconds: issued)
    }
}
