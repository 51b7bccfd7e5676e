// Aim: the patterns matched by hand accept exactly what the regular expressions of the service model do.
// Method: texts strung together at random from the parts the patterns look for, and from what upsets them, are given to a
// request and to Foundation's regular expressions. Then texts made to be slow for an engine that tries and goes back.

import MillraceIO
import MillraceModel
import Testing

@Suite struct TextPatternTests {
    private static let parts = [
        "arn:aws", "arn:aws:kinesis:us-east-1:123456789012:stream/s", ":kinesis:", ":", "123456789012", "1", "0",
        ":123456789012:", "12345678901", "stream/", "stream", "/consumer/", "consumer/", "/", "-", "_", ".", "a", "Z",
        "é", " ", "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}", "\u{2027}", "x:1", ":7", "abcdefghij0123456789-xyz",
    ]

    @Test func `random texts are matched as by a regular expression`() throws {
        let oracle = ConstraintOracle(try ConstraintTable())
        let patterns = Set(oracle.table.rows.filter { $0.kind == "pattern" }.map(\.value)).sorted()
        #expect(patterns.count == 7)
        var matches = 0
        for seed in 1...4_000 as ClosedRange<UInt64> {
            let dice = SeededEntropy(seed: seed)
            var text = dice.chance(0.8) ? "arn:aws" + (dice.chance(0.8) ? ":kinesis:" : "") : ""
            for _ in 0..<dice.next(below: 8) { text += Self.parts[dice.next(below: Self.parts.count)] }
            // An end that a whole ARN has, so that many texts are near one.
            if dice.chance(0.5) { text += [":123456789012:stream/s", "stream/s/consumer/c:1"][dice.next(below: 2)] }
            for pattern in patterns {
                let expected = try oracle.matches(pattern, text)
                #expect(Self.matches(pattern, text) == expected, "seed \(seed): \(pattern): \(text.debugDescription)")
                matches += expected ? 1 : 0
            }
        }
        #expect(matches > 1_000, "too few texts match for the test to mean anything")
    }

    @Test func `texts of a megabyte are matched in one pass`() {
        let count = 1 << 20
        for part in ["a", ":", "1", ":123456789012:", "stream/", ":kinesis:", "/consumer/", "\n", "\u{2028}"] {
            let text = "arn:aws:kinesis:" + String(repeating: part, count: count / part.utf8.count) + " "
            let error = #expect(throws: KinesisError.self) {
                try DescribeStreamConsumerRequest(streamARN: text, consumerARN: text).validate()
            }
            #expect(error?.message.hasPrefix("4 validation errors detected") == true)
            #expect((error?.message.utf8.count ?? .max) < 4_000)
        }
    }

    /// Whether a request with the text in a member of that pattern is told of it.
    private static func matches(_ pattern: String, _ text: String) -> Bool {
        let request: any OperationRequest =
            switch pattern {
            case "[a-zA-Z0-9_.-]+": DescribeStreamRequest(stream: StreamReference(name: text))
            case "[a-z0-9]{20}-[a-z0-9]{3}": DescribeStreamRequest(stream: StreamReference(id: text))
            case #"0|([1-9]\d{0,38})"#: SplitShardRequest(stream: "s", shardToSplit: "s", newStartingHashKey: text)
            case #"0|([1-9]\d{0,128})"#:
                PutRecordRequest(stream: "s", data: [], partitionKey: "k", sequenceNumberForOrdering: text)
            case let pattern where pattern.contains("consumer"): DescribeStreamConsumerRequest(consumerARN: text)
            case let pattern where pattern.contains(":stream"):
                DescribeStreamRequest(stream: StreamReference(arn: text))
            default: ListTagsForResourceRequest(resourceARN: text)
            }
        do throws(KinesisError) {
            try request.validate()
            return true
        } catch {
            return !error.message.contains("regular expression pattern: " + pattern)
        }
    }
}
