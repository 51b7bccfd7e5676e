import Millrace
import MillraceIO
import MillraceModel

/// What clients send back: shard iterators, page tokens, and the text form of their bytes. What is read is written the
/// same way; without the secret nothing is read at all.
enum TokenFuzz {
    static let secret = TokenSecret(drawnFrom: SeededEntropy(seed: 5))
    static let nowMilliseconds: Int64 = 1_735_689_600_000

    /// The lowest bit of the options has the MAC made right over the bytes, as only the store can.
    static func run(_ input: Input) {
        var input = input
        let options = Options(rawValue: input.byte())
        let bytes = input.rest()
        base64(bytes)
        let text: String
        if options.repairs {
            text = seal(bytes)
        } else {
            // Making a string of many bytes that are no UTF-8 takes the standard library long.
            guard let given = String(validating: bytes, as: UTF8.self) else { return }
            text = given
        }
        iterator(text)
        page(text)
    }

    private static func seal(_ bytes: [UInt8]) -> String {
        let code = SipHash.hash128(bytes.span, key: key)
        return Base64URL.encode((bytes + (0..<16).map { UInt8(truncatingIfNeeded: code >> UInt128(8 * $0)) }).span)
    }

    private static let key: SipHash.Key = {
        let words = [0, 8].map { at in secret.bytes[at..<(at + 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        return SipHash.Key(low: words[0], high: words[1])
    }()

    private static func base64(_ bytes: [UInt8]) {
        if let decoded = Base64URL.decode(bytes) {
            require(Base64URL.encode(decoded.span).utf8.elementsEqual(bytes), "one text for each sequence of bytes")
        }
        let text = Base64URL.encode(bytes.span)
        require(text.utf8.count == Base64URL.characterCount(ofBytes: bytes.count), "the length is as foretold")
        require(Base64URL.decode(text.utf8) == bytes, "\(bytes) come back")
    }

    private static func iterator(_ text: String) {
        do throws(KinesisError) {
            let token = try IteratorToken(text, secret, nowMilliseconds: nowMilliseconds)
            let again = token.text(secret)
            require(again == text || "\"\(again)\"" == text, "\(text) was written as \(again)")
            require(token.ordinal <= SequenceNumber.maximumOrdinal, "\(token)")
            require(abs(token.issuedMilliseconds - nowMilliseconds) <= 300_000, "\(token) is not of now")
        } catch {
            require(["InvalidArgumentException", "ExpiredIteratorException"].contains(error.code), "\(error)")
        }
    }

    private static func page(_ text: String) {
        var count = 0
        for operation in PageToken.Operation.allCases {
            do throws(KinesisError) {
                let token = try PageToken(text, for: operation, secret, nowMilliseconds: nowMilliseconds)
                count += 1
                require(token.operation == operation && token.text(secret) == text, "\(text) was written otherwise")
                require(token.position.count <= Limits.pageTokenPositionByteCount, "\(token.position.count) bytes")
            } catch {
                require(["InvalidArgumentException", "ExpiredNextTokenException"].contains(error.code), "\(error)")
            }
        }
        require(count <= 1, "\(text) is of one operation")
    }
}
