// Aim: numbers have 56 digits, order records as the log does, and carry their parts there and back.
// Method: the integer and its digits were computed apart, in Python, from the layout; one number is AWS's own.

import MillraceModel
import Testing

private func number(_ creation: UInt64, _ shard: UInt32, _ ordinal: UInt64, _ second: UInt64) -> SequenceNumber {
    SequenceNumber(
        shardCreationSecond: creation, shardID: ShardID(index: shard), ordinal: ordinal, recordSecond: second)
}

@Suite struct SequenceNumberTests {
    /// Python: `int('2%09x%x%016x00%09x%08x2' % (creation, shard & 15, ordinal, second, shard), 16)`
    static let worked: [(SequenceNumber, String)] = [
        (number(0, 0, 0, 0), "49039857307708443467467104868809893875799651909875269634"),
        (
            number(0xf_ffff_ffff, .max, 0x7fff_ffff_ffff_ffff, 0xf_ffff_ffff),
            "73559785961551514828601391991642868751110021924530421746"
        ),
        (number(1_700_000_000, 1, 10, 1_700_000_000), "49646437577130777162115407028979554402054224329528311826"),
        (
            number(1_760_000_000, 0xabcd_ef12, 3 << 40 | 12_345, 1_760_003_600),
            "49667846292543667309517495943929680155153901981630656802"
        ),
    ]

    @Test(arguments: worked)
    func `a number's text is the layout's integer in decimal`(number: SequenceNumber, text: String) throws {
        #expect(number.description == text)
        #expect(try SequenceNumber(text) == number)
    }

    /// The record of shardId-000000000006 in the sample event of AWS Lambda's developer guide for Kinesis.
    @Test func `a number that AWS gave is understood`() throws {
        let text = "49590338271490256608559692538361571095921575989136588898"
        let number = try SequenceNumber(text)
        #expect(number.shardID.description == "shardId-000000000006")
        #expect(number.shardCreationSecond == 1_542_776_258)
        #expect(number.recordSecond == 1_545_084_650)
        #expect(number.ordinal == 1_734_642_199)
        #expect(number.description == text)
    }

    @Test func `parts come back from a number and from its text, and its text has 56 digits`() throws {
        let seconds: [UInt64] = [0, 1, 0xfff_ffff, 0x1000_0000, 1_760_000_000, SequenceNumber.maximumSecond]
        let ordinals: [UInt64] = [0, 1, 0xffff, 1 << 16, 1 << 40, 1 << 48, SequenceNumber.maximumOrdinal]
        for creation in seconds {
            for shard in [0, 1, 15, 16, 9_999, UInt32.max] {
                for ordinal in ordinals {
                    for second in seconds {
                        let made = number(creation, shard, ordinal, second)
                        let text = made.description
                        try #require(text.utf8.count == 56)
                        let read = try SequenceNumber(text)
                        try #require(read == made)
                        try #require(read.shardCreationSecond == creation && read.shardID.index == shard)
                        try #require(read.ordinal == ordinal && read.recordSecond == second)
                    }
                }
            }
        }
    }

    @Test func `numbers of a shard grow with the ordinal though the clock goes back`() {
        var last = number(1_760_000_000, 3, 0, 1_760_000_000)
        for (step, ordinal) in ([1, 2, 3, 0xffff, 0x1_0000, 1 << 40, 1 << 48, 1 << 62] as [UInt64]).enumerated() {
            let next = number(1_760_000_000, 3, ordinal, 1_760_000_000 - UInt64(step))
            #expect(last < next)
            #expect(last.description < next.description, "as text too, for all have one length")
            last = next
        }
    }

    @Test func `a child's numbers are above its parent's, the ending number between them`() {
        let (parent, child) = (ShardID(index: 15), ShardID(index: 16))
        let record = number(100, 15, 1 << 62, 5_000)
        let ending = SequenceNumber.ending(parent, creationSecond: 100, closingSecond: 5_000)
        let starting = SequenceNumber.starting(child, creationSecond: 5_001)
        #expect(SequenceNumber.starting(parent, creationSecond: 100) < record)
        #expect(record < ending)
        #expect(ending < starting)
        #expect(starting < number(5_001, 16, 1, 5_001))
    }

    // MARK: What is refused

    @Test(arguments: ["", "00", "01", "-1", "+5", "4.9e55", "LATEST", " 1", String(repeating: "9", count: 130)])
    func `text of another pattern is a validation error`(text: String) {
        let error = #expect(throws: KinesisError.self) { try SequenceNumber(text) }
        #expect(error?.code == "ValidationException")
    }

    @Test(arguments: [
        "0", "1", String(repeating: "9", count: 55), String(repeating: "9", count: 56),
        String(repeating: "9", count: 57), String(repeating: "9", count: 129),
        // The first number of the layout, one less, one more.
        "49039857307708443467467104868809893875799651909875269633",
        "49039857307708443467467104868809893875799651909875269635",
        // The largest number of the layout plus 16: the shard's index overflows into the second.
        "73559785961551514828601391991642868751110021924530421762",
    ])
    func `a number that is no record's is an invalid argument`(text: String) {
        let error = #expect(throws: KinesisError.self) { try SequenceNumber(text) }
        #expect(error?.code == "InvalidArgumentException")
    }

    @Test(arguments: [
        // 2^4 more than the first number: the index in full says shard 1, its low four bits say shard 0.
        ("the shard's two notes disagree", "49039857307708443467467104868809893875799651909875269650"),
        // 2^143 more: the ordinal is 2^63.
        ("the ordinal is too large", "49039857307719593840066370180380661734935976090628259842"),
        // 2^72 more: a digit that is always 0 is not.
        ("a fixed digit differs", "49039857307708443467467104868809898598166134779520483330"),
    ])
    func `a number of the right length that breaks the layout is an invalid argument`(how: String, text: String) {
        let error = #expect(throws: KinesisError.self, "\(how)") { try SequenceNumber(text) }
        #expect(error?.code == "InvalidArgumentException")
    }

    @Test func `an ordinal of 2^63 ends the process`() async {
        await #expect(processExitsWith: .failure) {
            _ = SequenceNumber(
                shardCreationSecond: 0, shardID: ShardID(index: 0), ordinal: 1 << 63, recordSecond: 0)
        }
    }

    @Test func `a second of 2^36 ends the process`() async {
        await #expect(processExitsWith: .failure) {
            _ = SequenceNumber(
                shardCreationSecond: 0, shardID: ShardID(index: 0), ordinal: 0, recordSecond: 1 << 36)
        }
        await #expect(processExitsWith: .failure) {
            _ = SequenceNumber(
                shardCreationSecond: 1 << 36, shardID: ShardID(index: 0), ordinal: 0, recordSecond: 0)
        }
    }
}
