import Foundation
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: what was acknowledged as written or durable survives the death of the process, and nothing else appears.
/// Method: a writer process on one directory, killed again and again: at a random time, or by strace at the n-th of a
/// system call, n from 1 on until the writer comes to its end; also while it recovers from the kill before, and while
/// it closes. Its standard output is a file, which a kill cannot take back. After each kill the store is opened, read
/// and compared: every acknowledged record byte for byte, numbers of records without hole or repetition, ordinals that
/// only rise, whole batches. Every other time the store is let go without a close. `MILLRACE_KILLS` and
/// `MILLRACE_CALL_KILLS` set how many kills; `MILLRACE_SEED` draws the same times and sizes again (what the scheduler
/// makes of them differs).
@Suite(.serialized) struct KillTests {
    @Test func `records acknowledged as written survive every kill of the writer`() throws {
        var ledger = KillLedger()
        let plan = KillPlan(share: 0.75)
        try plan.run("logs") { output, store, cycle, isLast in
            try ledger.take(output, cycle: cycle)
            try ledger.verify(store, cycle: cycle, isWhole: isLast || cycle % max(25, UInt32(plan.killCount) / 10) == 0)
        } summary: {
            ledger.summary
        }
        #expect(ledger.acknowledged > 0)
    }

    @Test func `streams and records that were acknowledged survive every kill of the writer`() throws {
        var ledger = StreamLedger()
        try KillPlan(share: 0.25).run("streams", isInTurn: true) { output, store, cycle, isLast in
            try ledger.take(output, cycle: cycle)
            try ledger.verify(store, cycle: cycle, isWhole: isLast || cycle % 25 == 0)
        } summary: {
            ledger.summary
        }
        #expect(ledger.acknowledged > 0)
        #expect(ledger.streamCount > 0)
    }

    /// A test that cannot fail proves nothing.
    @Test func `a line that a kill cut short was not said`() {
        #expect(Life.said("A 1 2\nA 1 3") == "A 1 2\n")
        #expect(Life.said("A 1 2\n") == "A 1 2\n")
        #expect(Life.said("A 1").isEmpty)
    }

    @Test func `an acknowledged record that is not there is noticed`() throws {
        let directory = TemporaryDirectory()
        let store = "\(directory.path)/store"
        let output = try Life(
            "logs", store, ["1", "1"], .random(microseconds: 400_000), output: "\(directory.path)/output"
        ).output
        var honest = KillLedger()
        try honest.take(output, cycle: 1)
        try honest.verify(store, cycle: 1, isWhole: true)

        var lines = output.split(separator: "\n").map(String.init)
        let last = try #require(lines.last { $0.hasPrefix("A 1 ") }).split(separator: " ").compactMap { UInt64($0) }
        let (ordinal, number) = (last[1] + last[2] + 1_000_000, last[3] + last[2])
        lines += ["P 1 \(ordinal) 1 \(number)", "A 1 \(ordinal) 1 \(number) 2"]
        var loss = KillLedger()
        try loss.take(lines.joined(separator: "\n"), cycle: 1)
        #expect(throws: KillFailure.self) { try loss.verify(store, cycle: 1, isWhole: true) }

        var change = KillLedger()
        try change.take(output, cycle: 2)
        #expect(throws: KillFailure.self) { try change.verify(store, cycle: 2, isWhole: true) }
    }

    @Test func `an acknowledged stream or record of a stream that is not there is noticed`() throws {
        let directory = TemporaryDirectory()
        let store = "\(directory.path)/store"
        let output = try Life(
            "streams", store, ["1", "1", "40"], .call("ioctl", 10_000), output: "\(directory.path)/output"
        ).output
        func verify(_ output: String, cycle: UInt32 = 1) throws {
            var ledger = StreamLedger()
            try ledger.take(output, cycle: cycle)
            try ledger.verify(store, cycle: cycle, isWhole: true)
        }
        try verify(output)
        #expect(throws: KillFailure.self) { try verify(output + "B s99 1\nN s99\n") }
        #expect(throws: KillFailure.self) { try verify(output, cycle: 2) }
        let deleted = output.split(separator: "\n").filter { $0.hasPrefix("D ") }.map { $0.dropFirst(2) }
        let line = try #require(
            output.split(separator: "\n").last { line in
                line.hasPrefix("A ") && !deleted.contains { line.hasPrefix("A \($0) ") }
            })
        let words = line.split(separator: " ")
        let real = try SequenceNumber(String(words[4]))
        // Changes that were not made.
        let name = words[1]
        for change in [
            "G \(name)", "T \(name) 99", "I \(name) 99\nJ \(name) 99", "U \(name) t9 1\nV \(name) t9 1",
            "K \(name) c\nL \(name) c",
        ] { #expect(throws: KillFailure.self) { try verify(output + "S \(name)\n\(change)\n") } }
        // The number of a record that nobody put.
        let number = SequenceNumber(
            shardCreationSecond: real.shardCreationSecond, shardID: real.shardID, ordinal: real.ordinal + 1_000_000,
            recordSecond: real.recordSecond)
        #expect(throws: KillFailure.self) { try verify(output + "A \(words[1]) \(words[2]) \(words[3]) \(number)\n") }
    }
}

struct KillFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
