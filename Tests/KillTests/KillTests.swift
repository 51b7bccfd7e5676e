import Foundation
import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: what was acknowledged as written or durable survives the death of the process, and nothing else appears.
/// Method: a writer process on one directory, killed at a random time again and again, also while it recovers from the kill before.
/// Its standard output is a file, which a kill cannot take back. After each kill the store is opened, read and compared: every
/// acknowledged record byte for byte, numbers of records without hole or repetition, ordinals that only rise, whole
/// batches. Every other time the store is let go without a close. `MILLRACE_KILLS=n` sets how many kills,
/// `MILLRACE_SEED=n` draws the same times and sizes again (what the scheduler makes of them differs).
@Suite(.serialized) struct KillTests {
    @Test func `records acknowledged as written survive every kill of the writer`() throws {
        let environment = ProcessInfo.processInfo.environment
        let kills = environment["MILLRACE_KILLS"].flatMap { UInt32($0) } ?? 100
        let seed = environment["MILLRACE_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 1...1_000_000)
        let dice = SeededEntropy(seed: seed)
        let directory = TemporaryDirectory()
        let store = "\(directory.path)/store"
        var ledger = KillLedger()
        for cycle in 1...kills {
            do {
                let output = try life(
                    of: store, cycle: cycle, seed: dice.next(), microseconds: UInt32(dice.next() % 160_000),
                    output: "\(directory.path)/output")
                try ledger.take(output, cycle: cycle)
                try ledger.verify(store, cycle: cycle, isWhole: cycle % max(25, kills / 10) == 0 || cycle == kills)
            } catch {
                Issue.record("seed \(seed), cycle \(cycle): \(error)")
                return
            }
        }
        print("seed \(seed): \(ledger.summary)")
        #expect(ledger.acknowledged > 0)
    }

    /// A test that cannot fail proves nothing.
    @Test func `an acknowledged record that is not there is noticed`() throws {
        let directory = TemporaryDirectory()
        let store = "\(directory.path)/store"
        let output = try life(
            of: store, cycle: 1, seed: 1, microseconds: 400_000, output: "\(directory.path)/output")
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

    /// One life of the writer: what it said until it was killed.
    private func life(of store: String, cycle: UInt32, seed: UInt64, microseconds: UInt32, output: String) throws
        -> String
    {
        guard FileManager.default.createFile(atPath: output, contents: nil) else { throw KillFailure("no \(output)") }
        let process = Process()
        process.executableURL = KillTests.writer
        process.arguments = [store, "\(cycle)", "\(seed)"]
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        try process.run()
        usleep(microseconds)
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        let said = try String(contentsOfFile: output, encoding: .utf8)
        guard process.terminationReason == .uncaughtSignal, process.terminationStatus == SIGKILL else {
            throw KillFailure("the writer ended by itself, status \(process.terminationStatus): \(said.suffix(300))")
        }
        return said
    }

    /// The writer stands beside the tests.
    private static var writer: URL {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("millrace-kill-writer")
    }
}

struct KillFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
