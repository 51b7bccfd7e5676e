// Aim: every constraint of AWS's service model is enforced, at its bound and not before, in AWS's words.
// Method: for each line of fixtures/kinesis/constraints.tsv a request that is in order but for that one member, which lies
// at the bound, then one beyond it. What the error must say is worked out from the table, with Foundation's regular
// expressions, and compared whole. Random requests then break several constraints at once.

import MillraceIO
import MillraceModel
import Testing

@Suite struct ConstraintTests {
    private let table: ConstraintTable
    private let oracle: ConstraintOracle

    init() throws {
        table = try ConstraintTable()
        oracle = ConstraintOracle(table)
    }

    @Test func `the operations are the model's, and no others`() {
        #expect(KinesisOperation.allCases.map(\.rawValue) == table.operationNames)
        #expect(table.operationNames.count == 39)
        #expect(table.rows.count == 457)
    }

    @Test(arguments: KinesisOperation.allCases)
    func `a request with what is required and nothing else is valid`(operation: KinesisOperation) throws {
        let sample = Sample.valid(operation, table)
        #expect(try oracle.message(operation, sample) == nil)
        #expect(type(of: sample.request(operation)).operation == operation)
        #expect(throws: Never.self) { try sample.request(operation).validate() }
    }

    @Test(arguments: KinesisOperation.allCases)
    func `every constraint holds at its bound and is violated one beyond, in AWS's words`(
        operation: KinesisOperation
    ) throws {
        for row in table.rows where row.operation == operation {
            for value in row.satisfying {
                let sample = self.sample(row, value)
                let message = try oracle.message(operation, sample)
                #expect(message?.contains(row.words) != true, "\(row): \(value)")
                #expect(Self.message(sample.request(operation)) == message, "\(row): \(value)")
            }
            for value in row.violating {
                let sample = self.sample(row, value)
                let message = try #require(try oracle.message(operation, sample), "\(row): \(value)")
                #expect(message.contains(row.words), "\(row): \(value)")
                #expect(Self.message(sample.request(operation)) == message, "\(row): \(value)")
            }
        }
    }

    @Test(arguments: KinesisOperation.allCases)
    func `several violations are said at once, in the order of the model's members`(
        operation: KinesisOperation
    ) throws {
        for seed in 1...40 as ClosedRange<UInt64> {
            let dice = SeededEntropy(seed: seed)
            var sample = Sample.valid(operation, table)
            for (path, rows) in table.paths(operation) where dice.chance(0.6) {
                if path.contains("[]") || path.contains("{") {
                    guard sample.places(of: path).count > 0 else { continue }
                } else {
                    sample.put(path)
                }
                // Hundreds of records that are each at fault would be too many to be listed.
                let values = rows.flatMap { $0.satisfying + $0.violating }.filter {
                    path != "Records" || $0?.length ?? 0 < 2
                }
                if dice.chance(0.5), !values.isEmpty { sample.values[path] = values[dice.next(below: values.count)] }
            }
            let message = try oracle.message(operation, sample)
            #expect(Self.message(sample.request(operation)) == message, "seed \(seed)")
        }
    }

    // MARK: Helpers

    /// A sample in order but for the row's member, which has the value; nil for none.
    private func sample(_ row: ConstraintRow, _ value: Sample.Value?) -> Sample {
        var sample = Sample.valid(row.operation, table)
        if row.path.hasSuffix("[]") || row.path.hasSuffix("}") {
            sample.put(row.path.split(separator: ".").dropLast().joined(separator: "."))
        } else {
            sample.put(row.path)
        }
        // A token says which stream is meant, and must be alone.
        if row.path == "NextToken" && row.operation == .listShards { sample.values["StreamName"] = nil }
        sample.values[row.path] = value
        return sample
    }

    /// What a request that violates constraints is told.
    private static func message(_ request: any OperationRequest) -> String? {
        do throws(KinesisError) {
            try request.validate()
            return nil
        } catch {
            guard case .validation(let message) = error else { return nil }
            return message
        }
    }
}

extension ConstraintRow {
    /// What the error says of the constraint.
    var words: String {
        switch kind {
        case "required": "Member must not be null"
        case "minLength": "Member must have length greater than or equal to \(value)"
        case "maxLength": "Member must have length less than or equal to \(value)"
        case "minValue": "Member must have value greater than or equal to \(value)"
        case "maxValue": "Member must have value less than or equal to \(value)"
        case "enum": "Member must satisfy enum value set: [\(value.split(separator: " ").joined(separator: ", "))]"
        default: "Member must satisfy regular expression pattern: \(value)"
        }
    }

    /// Values of the member that satisfy the constraint; at a bound, where it is one.
    var satisfying: [Sample.Value?] {
        switch kind {
        case "required": []
        case "minLength", "maxLength": [length(bound)]
        case "minValue", "maxValue": [.number(bound)]
        case "enum": value.split(separator: " ").map { .text(String($0)) }
        default: Self.texts(value).matching.map { .text($0) }
        }
    }

    /// Values of the member that violate the constraint; one beyond a bound, where it is one.
    var violating: [Sample.Value?] {
        switch kind {
        case "required": [nil]
        case "minLength": bound == 0 ? [] : [length(bound - 1)]
        case "maxLength": [length(bound + 1)]
        case "minValue": [.number(bound - 1), .number(.min)]
        case "maxValue": [.number(bound + 1), .number(.max)]
        case "enum": ["", "?", value + " ", value.lowercased(), String(repeating: "é", count: 500)].map { .text($0) }
        default: Self.texts(value).other.map { .text($0) }
        }
    }

    private func length(_ count: Int) -> Sample.Value {
        switch path {
        case "Tags": .entries(count)
        case "Records", "TagKeys", "ShardLevelMetrics": .members(count)
        case "Data", "Records.[].Data": .bytes(count)
        default: .text(text(count))
        }
    }

    /// A text of so many characters that matches the pattern of its shape, if one of that length can.
    private func text(_ count: Int) -> String {
        func stretched(_ front: String, _ back: String = "") -> String {
            front + String(repeating: "n", count: max(0, count - front.count - back.count)) + back
        }
        let stream = "arn:aws:kinesis:us-east-1:123456789012:stream/"
        let id = "abcdefghij0123456789-xyz"
        switch path {
        case "StreamARN" where count > stream.count, "ResourceARN" where count > stream.count: return stretched(stream)
        case "ConsumerARN" where count > stream.count: return stretched(stream, "/consumer/billing:1")
        case "StreamId" where count >= id.count: return stretched(id)
        // Two bytes and one character each: characters are counted.
        case "PartitionKey", "Records.[].PartitionKey", "KeyId", "TagKeys.[]", "ExclusiveStartTagKey", "ShardIterator":
            return String(repeating: "é", count: count)
        default: return stretched("")
        }
    }

    /// Texts that match one of the model's patterns, and texts that just do not.
    private static func texts(_ pattern: String) -> (matching: [String], other: [String]) {
        let nines = String(repeating: "9", count: 38)
        let arn = "arn:aws:kinesis:us-east-1:123456789012:"
        switch pattern {
        case "[a-zA-Z0-9_.-]+":
            return (
                ["a", "Z", "0", "9", "_", ".", "-", "azAZ09_.-"],
                ["", " ", "a b", "a/b", "a:b", "é", "@", "[", "`", "{", ",", "a\n", "a\u{0}"]
            )
        case "[a-z0-9]{20}-[a-z0-9]{3}":
            return (
                ["abcdefghij0123456789-xyz", "zzzzzzzzzzzzzzzzzzzz-999"],
                [
                    "abcdefghij0123456789_xyz", "abcdefghij012345678-wxyz", "Abcdefghij0123456789-xyz",
                    "abcdefghij0123456789-xy",
                ]
            )
        case #"0|([1-9]\d{0,38})"#:
            return (["0", "1", "9" + nines], ["", "00", "01", "9" + nines + "9", "-1", "+1", "1 ", "1a", "٣"])
        case #"0|([1-9]\d{0,128})"#:
            let longest = String(repeating: "9", count: 129)
            return (["0", "1", longest], ["", "00", "01", longest + "9", "-1", "1.0", "0x1"])
        case let pattern where pattern.contains("consumer"):
            let consumer = arn + "stream/s/consumer/c:1"
            return (
                [
                    consumer, consumer + "0", "arn:aws-cn:kinesis::123456789012:x:stream/s/consumer/c:1",
                    "arn:aws:kinesis:a b:123456789012:stream/s/consumer/c:1",
                ],
                [
                    arn + "stream/s", arn + "stream/s/consumer/c", arn + "stream/s/consumer/c:",
                    arn + "stream/s/consumer/:1", consumer + "x", " " + consumer,
                    "arn:aws:kinesis:r:12345678901:stream/s/consumer/c:1",
                    "arn:aws:kinesis:\n:123456789012:stream/s/consumer/c:1",
                ]
            )
        default:
            return (
                [
                    arn + "stream/s", "arn:aws-us-gov:kinesis:r:000000000000:stream/s/t:u",
                    "arn:awsé:kinesis:r\u{b}:1:123456789012:stream/é",
                ],
                [
                    "", "orders", arn + "stream/", arn + "stream/a b", arn + "stream", arn + "table/s",
                    " " + arn + "stream/s",
                    "arn:aws:kinesis:r:12345678901:stream/s", "arn:aws:kinesis:r:12345678901a:stream/s",
                    "arn:aws:firehose:r:123456789012:stream/s", "arn:aws:kinesis:r\n:123456789012:stream/s",
                    arn + "stream/s\n", "ARN:aws:kinesis:r:123456789012:stream/s",
                ]
            )
        }
    }
}
