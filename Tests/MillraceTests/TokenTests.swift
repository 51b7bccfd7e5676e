// Aim: a token that was given out comes back as it was, for five minutes; nothing else is ever taken for one. Method:
// round trips of edge values; every single change to a token's text; text by chance; the bounds of age with time by hand.

import Millrace
import MillraceIO
import MillraceModel
import Testing

@Suite(.timeLimit(.minutes(1))) struct TokenTests {
    let secret = TokenSecret(drawnFrom: SeededEntropy(seed: 7))
    let now: Int64 = 1_735_689_600_000

    func iterator(
        stream: UInt64 = 42, shard: UInt32 = 3, second: UInt64 = 1_735_689_000, ordinal: UInt64 = 1 << 40 | 9,
        issued: Int64? = nil
    ) -> IteratorToken {
        IteratorToken(
            streamID: stream, shardID: ShardID(index: shard), shardCreationSecond: second, ordinal: ordinal,
            issuedMilliseconds: issued ?? now)
    }

    func refusal(_ body: () throws(KinesisError) -> Void) -> KinesisError? {
        do throws(KinesisError) {
            try body()
            return nil
        } catch { return error }
    }

    func readIterator(_ text: String, at now: Int64? = nil) -> KinesisError? {
        refusal { () throws(KinesisError) in _ = try IteratorToken(text, secret, nowMilliseconds: now ?? self.now) }
    }

    func readPage(
        _ text: String, for operation: PageToken.Operation = .listShards, at now: Int64? = nil
    ) -> KinesisError? {
        refusal { () throws(KinesisError) in
            _ = try PageToken(text, for: operation, secret, nowMilliseconds: now ?? self.now)
        }
    }

    // MARK: Round trips

    @Test func `an iterator comes back as it was, in 75 characters`() throws {
        for stream in [0, 1, UInt64.max] {
            for shard in [0, 9_999, UInt32.max] {
                for ordinal in [0, 1 << 40, SequenceNumber.maximumOrdinal] {
                    for second in [0, SequenceNumber.maximumSecond] {
                        let token = iterator(stream: stream, shard: shard, second: second, ordinal: ordinal)
                        let text = token.text(secret)
                        #expect(text.utf8.count == IteratorToken.characterCount)
                        #expect(try IteratorToken(text, secret, nowMilliseconds: now) == token)
                    }
                }
            }
        }
    }

    @Test func `an iterator in double quotes is taken, one with half of them is not`() throws {
        let text = iterator().text(secret)
        #expect(try IteratorToken("\"\(text)\"", secret, nowMilliseconds: now) == iterator())
        let invalid = KinesisError.invalidArgument("Invalid ShardIterator.")
        for wrong in [
            "\"\(text)", "\(text)\"", "\"\"\(text)\"\"", "'\(text)'", " \(text)", "\(text) ", "\"\"", "\"", "",
        ] {
            #expect(readIterator(wrong) == invalid)
        }
    }

    @Test func `a page token comes back as it was, whatever its position, and fits what a client may send`() throws {
        for operation in PageToken.Operation.allCases {
            for count in [0, 1, 2, 3, 128, Limits.pageTokenPositionByteCount] {
                let token = PageToken(
                    operation, streamID: 42, position: [UInt8](repeating: 0xa5, count: count), issuedMilliseconds: now)
                let text = token.text(secret)
                #expect((1...1_048_576).contains(text.utf8.count))
                #expect(try PageToken(text, for: operation, secret, nowMilliseconds: now) == token)
            }
        }
    }

    @Test func `a secret that was kept reads what it wrote before, and another one does not`() throws {
        let kept = try #require(TokenSecret(bytes: secret.bytes))
        #expect(kept == secret && secret.bytes.count == TokenSecret.byteCount)
        #expect(try IteratorToken(iterator().text(secret), kept, nowMilliseconds: now) == iterator())
        #expect(TokenSecret(bytes: Array(secret.bytes.dropLast())) == nil)
        #expect(TokenSecret(bytes: secret.bytes + [0]) == nil)
        let other = TokenSecret(drawnFrom: SeededEntropy(seed: 8))
        #expect(other != secret)
        #expect(readIterator(iterator().text(other)) == .invalidArgument("Invalid ShardIterator."))
        var dumped = ""
        dump(secret, to: &dumped)
        #expect("\(secret)" == "TokenSecret" && !dumped.contains("low"))
    }

    // MARK: What is refused

    @Test func `every change of one bit in a token's text is refused`() {
        let iterator = Array(iterator().text(secret).utf8)
        let page = PageToken(.listShards, streamID: 1, position: [1, 2, 3], issuedMilliseconds: now).text(secret)
        for bit in 0..<(8 * iterator.count) {
            var changed = iterator
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(
                readIterator(String(decoding: changed, as: UTF8.self)) == .invalidArgument("Invalid ShardIterator."))
        }
        for bit in 0..<(8 * page.utf8.count) {
            var changed = Array(page.utf8)
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(readPage(String(decoding: changed, as: UTF8.self)) == .invalidArgument("Invalid NextToken."))
        }
    }

    @Test func `a token of another kind, operation or stream, or cut or continued, is refused`() {
        let iterator = iterator().text(secret)
        let page = PageToken(.listShards, streamID: 42, position: [], issuedMilliseconds: now).text(secret)
        #expect(readIterator(page) != nil && readPage(iterator) != nil)
        // 16 bytes of position make a page token as long as an iterator.
        let alike = PageToken(
            .listShards, streamID: 42, position: [UInt8](repeating: 0, count: 16), issuedMilliseconds: now
        ).text(secret)
        #expect(alike.utf8.count == iterator.utf8.count)
        #expect(readIterator(alike) != nil && readPage(iterator) != nil)
        for operation in PageToken.Operation.allCases {
            #expect((readPage(page, for: operation) == nil) == (operation == .listShards))
        }
        for count in 0..<iterator.utf8.count { #expect(readIterator(String(iterator.prefix(count))) != nil) }
        for count in 0..<page.utf8.count { #expect(readPage(String(page.prefix(count))) != nil) }
        for more in ["A", "AA", "AAA", "AAAA", "=", "==", "\0", "é"] {
            #expect(readIterator(iterator + more) != nil && readPage(page + more) != nil)
        }
    }

    @Test func `text by chance is refused, a megabyte of it as fast as a line`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        let entropy = SeededEntropy(seed: seed)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        for _ in 0..<5_000 {
            let count = entropy.next(below: 10) == 0 ? entropy.next(below: 2_000) : 75
            let text = String(decoding: (0..<count).map { _ in alphabet[entropy.next(below: 64)] }, as: UTF8.self)
            #expect(readIterator(text) != nil && readPage(text) != nil, "seed \(seed): \(text)")
        }
        for unit in ["A", "\"", "é", "\u{1F600}"] {
            let text = String(repeating: unit, count: 1 << 20)
            let start = ContinuousClock().now
            for _ in 0..<100 { #expect(readIterator(text) != nil && readPage(text) != nil) }
            // 200 refusals that looked at every character would be 200 MiB.
            #expect(ContinuousClock().now - start < .seconds(1))
        }
    }

    // MARK: Age

    @Test func `an iterator is good for exactly five minutes of a clock, and in AWS's words no longer`() {
        let clock = ManualClock(wallNanoseconds: now * 1_000_000)
        let text = iterator().text(secret)
        func read() -> KinesisError? { readIterator(text, at: clock.wallNanoseconds() / 1_000_000) }
        #expect(read() == nil)
        clock.advance(milliseconds: 300_000)
        #expect(read() == nil)
        clock.advance(milliseconds: 1)
        #expect(
            read()
                == .expiredIterator(
                    "Iterator expired. The iterator was created at time Wed Jan 01 00:00:00 UTC 2025 while right now it is "
                        + "Wed Jan 01 00:05:00 UTC 2025 which is further in the future than the tolerated delay of 300000 "
                        + "milliseconds."))
    }

    @Test func `after a clock was set back an iterator is good for as far ahead, and no farther`() {
        let text = iterator().text(secret)
        #expect(readIterator(text, at: now - 300_000) == nil)
        #expect(readIterator(text, at: now - 300_001)?.code == "ExpiredIteratorException")
        #expect(readIterator(text, at: -5)?.code == "ExpiredIteratorException")
        #expect(readIterator(text, at: Int64.max)?.code == "ExpiredIteratorException")
        #expect(readIterator(iterator(issued: Int64.max).text(secret))?.code == "ExpiredIteratorException")
        #expect(iterator(issued: -1).issuedMilliseconds == 0)
    }

    @Test func `a page token is good for exactly five minutes, either way`() {
        let text = PageToken(.listShards, streamID: 1, position: [1], issuedMilliseconds: now).text(secret)
        for offset in [-300_000, 0, 300_000] as [Int64] { #expect(readPage(text, at: now + offset) == nil) }
        for offset in [-300_001, 300_001] as [Int64] {
            #expect(readPage(text, at: now + offset)?.code == "ExpiredNextTokenException")
        }
    }

    /// Python: `time.strftime('%a %b %d %H:%M:%S UTC %Y', time.gmtime(s))`
    @Test(arguments: [
        (0, "Thu Jan 01 00:00:00 UTC 1970"), (951_782_400, "Tue Feb 29 00:00:00 UTC 2000"),
        (951_868_800, "Wed Mar 01 00:00:00 UTC 2000"), (1_735_689_599, "Tue Dec 31 23:59:59 UTC 2024"),
        (1_795_690_800, "Thu Nov 26 11:00:00 UTC 2026"), (4_107_542_399, "Sun Feb 28 23:59:59 UTC 2100"),
        (4_107_542_400, "Mon Mar 01 00:00:00 UTC 2100"), (253_402_300_799, "Fri Dec 31 23:59:59 UTC 9999"),
    ])
    func `times are written as AWS does`(second: Int64, text: String) {
        #expect(
            readIterator(iterator(issued: second * 1000).text(secret), at: Int64.max)?.message.contains(text) == true)
    }

    // MARK: The text form of bytes

    /// The bytes and texts of RFC 4648 section 10, without padding, and both characters that differ from base64.
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"), ("~~~???", "fn5-Pz8_"),
    ])
    func `bytes have the text that the standard gives them`(bytes: String, text: String) {
        let encoded = Base64URL.encode(Array(bytes.utf8).span)
        #expect(encoded == text)
        #expect(Base64URL.decode(text.utf8) == Array(bytes.utf8))
    }

    @Test(arguments: ["A", "AAAAA", "Zh", "Zm9", "Zg==", "Zm+v", "Zm/v", "Zm v", "Zm\n", "Zmé"])
    func `text that no bytes have is refused`(text: String) { #expect(Base64URL.decode(text.utf8) == nil) }
}
