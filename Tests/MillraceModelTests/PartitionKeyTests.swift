// Aim: keys are counted in Unicode scalars, compared by bytes and lent without a copy, however they were made.
// Method: keys at the bounds in one-, two- and four-byte scalars; pairs that String calls equal and MD5 does not.

import MillraceModel
import Testing

private func key(utf8 bytes: [UInt8]) throws -> PartitionKey {
    // Safe because an array of UInt8 has no padding.
    try PartitionKey(utf8: unsafe bytes.span.bytes)
}

private func copy(of key: PartitionKey) -> [UInt8] {
    let bytes = key.bytes
    // Safe because the load is checked and every bit pattern is a UInt8.
    return (0..<bytes.byteCount).map { unsafe bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
}

@Suite struct PartitionKeyTests {
    @Test(arguments: ["k", "é", "日", "🌊"])
    func `one to 256 scalars are a key, whatever bytes they take`(scalar: String) throws {
        for count in [1, 2, 255, 256] {
            let text = String(repeating: scalar, count: count)
            let made = try PartitionKey(text)
            #expect(made.text == text)
            #expect(made.byteCount == text.utf8.count)
            #expect(try key(utf8: Array(text.utf8)) == made)
        }
        let long = String(repeating: scalar, count: 257)
        let error = #expect(throws: KinesisError.self) { try PartitionKey(long) }
        #expect(error?.message.hasSuffix("Member must have length less than or equal to 256") == true)
        let same = #expect(throws: KinesisError.self) { try key(utf8: Array(long.utf8)) }
        #expect(same?.code == "ValidationException")
    }

    @Test func `a flag is two characters, as scalars go`() throws {
        #expect(throws: Never.self) { try PartitionKey(String(repeating: "🇯🇵", count: 128)) }
        #expect(throws: KinesisError.self) { try PartitionKey(String(repeating: "🇯🇵", count: 129)) }
    }

    @Test func `no key is empty`() {
        let error = #expect(throws: KinesisError.self) { try PartitionKey("") }
        #expect(error?.code == "ValidationException")
        let same = #expect(throws: KinesisError.self) { try key(utf8: []) }
        #expect(same == error)
    }

    @Test(arguments: [[0xff], [0x61, 0x80], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x8c]] as [[UInt8]])
    func `bytes that are not UTF-8 are a validation error`(bytes: [UInt8]) {
        let error = #expect(throws: KinesisError.self) { try key(utf8: bytes) }
        #expect(error?.code == "ValidationException")
    }

    @Test func `a megabyte is refused by its size alone`() {
        let error = #expect(throws: KinesisError.self) { try key(utf8: [UInt8](repeating: 0x6b, count: 1 << 20)) }
        #expect((error?.message.utf8.count ?? .max) < 400)
    }

    @Test func `accents composed and decomposed are two keys`() throws {
        let composed = try PartitionKey("caf\u{e9}")
        let decomposed = try PartitionKey("cafe\u{301}")
        #expect(composed.text == decomposed.text)
        #expect(composed != decomposed)
        #expect(composed.hashKey != decomposed.hashKey)
        #expect(Set([composed, decomposed, composed]).count == 2)
    }

    @Test func `the bytes lent are the key's UTF-8, for keys of every length`() throws {
        // Up to 15 bytes a String keeps its text in itself, beyond that elsewhere.
        for length in 1...256 {
            let text = String(repeating: "é", count: length / 2) + String(repeating: "x", count: length % 2)
            #expect(copy(of: try PartitionKey(text)) == Array(text.utf8))
        }
    }

    @Test func `a substring's key stands alone`() throws {
        let line = "tailnum=N14228,carrier=UA"
        let made = try PartitionKey(String(line.dropFirst(8).prefix(6)))
        #expect(copy(of: made) == Array("N14228".utf8))
    }

    /// Python: `int(md5('schlüssel-日本'.encode()).hexdigest(), 16)`
    @Test func `a key's place is the MD5 of its UTF-8, first byte most significant`() throws {
        #expect(try PartitionKey("schlüssel-日本").hashKey.description == "35098776087724282326079837079954365158")
    }
}
