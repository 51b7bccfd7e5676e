// Aim: names of streams and shards are taken and refused where AWS takes and refuses them.
// Method: each bound, one beyond it, and characters that only look right.

import MillraceModel
import Testing

@Suite struct StreamNameTests {
    @Test(arguments: ["a", "Z", "0", ".", "-", "_", "orders-2026_v1.eu", String(repeating: "n", count: 128)])
    func `a name of 1 to 128 allowed characters is taken as it is`(text: String) throws {
        #expect(try StreamName(text).text == text)
    }

    @Test(arguments: ["a b", "a/b", "straße", "ａ", "a\n", "a\0", "orders:1"])
    func `another character is a validation error that says the pattern`(text: String) {
        let error = #expect(throws: KinesisError.self) { try StreamName(text) }
        #expect(error?.code == "ValidationException")
        #expect(error?.message.contains("[a-zA-Z0-9_.-]+") == true)
    }

    @Test func `no character, or 129, is a validation error that says the bound`() {
        #expect(
            throws: KinesisError.validation(
                "2 validation errors detected: Value '' at 'streamName' failed to satisfy constraint: "
                    + "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value '' at 'streamName' "
                    + "failed to satisfy constraint: Member must have length greater than or equal to 1")
        ) { try StreamName("") }
        let error = #expect(throws: KinesisError.self) { try StreamName(String(repeating: "n", count: 129)) }
        #expect(error?.message.hasSuffix("Member must have length less than or equal to 128") == true)
    }

    @Test func `an error repeats no more than the front of a huge name`() {
        let error = #expect(throws: KinesisError.self) { try StreamName(String(repeating: "n", count: 1 << 20)) }
        #expect((error?.message.utf8.count ?? .max) < 400)
    }

    @Test func `names are ordered by bytes`() throws {
        let names = try ["b", "a", "B", "a.", "a-"].map { text throws in try StreamName(text) }
        #expect(names.sorted().map(\.text) == ["B", "a", "a-", "a.", "b"])
    }
}

@Suite struct ShardIDTests {
    @Test(arguments: [
        (0, "shardId-000000000000"), (1, "shardId-000000000001"), (UInt32.max, "shardId-004294967295"),
    ])
    func `an index and its text lead to each other`(index: UInt32, text: String) throws {
        #expect(ShardID(index: index).description == text)
        #expect(try ShardID(text) == ShardID(index: index))
    }

    @Test(arguments: [
        "shardId-", "shardId-1", "shardId-0000000000001", "shardId-004294967296", "shardId-999999999999",
        "shardid-000000000001", "shardId-00000000000a", "shardId--00000000001", "000000000001", "x",
    ])
    func `a text that could be some shard's and is none of ours names a shard that is not found`(text: String) {
        let error = #expect(throws: KinesisError.self) { try ShardID(text) }
        #expect(error?.code == "ResourceNotFoundException")
    }

    @Test(arguments: ["", "shardId 000000000001", "shardId-+00000000001", String(repeating: "s", count: 129)])
    func `a text that no shard may have is a validation error`(text: String) {
        let error = #expect(throws: KinesisError.self) { try ShardID(text) }
        #expect(error?.code == "ValidationException")
        #expect(error?.message.contains("'shardId'") == true)
    }

    @Test func `shards are ordered by age`() {
        #expect(ShardID(index: 9) < ShardID(index: 10))
    }
}
