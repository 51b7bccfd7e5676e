import Foundation
import MillraceTestKit
import Testing

/// Aim: nothing acknowledged is lost, nothing else appears, whatever a power loss leaves of the unsynced bytes and names.
/// Method: seeded lives of a store on a disk in memory; states taken on the way are recovered, appended to, recovered
/// again, also with the power failing inside the recovery. A failure prints its seed, which replays it exactly:
/// `MILLRACE_SEED=n`. `MILLRACE_STATES=n` sets how many states are checked, `MILLRACE_SEED_FIRST=n` where the seeds begin.
/// `MILLRACE_STATE_SECONDS=n` ends the search earlier, with a quarter of the states at least.
@Suite struct CrashStateTests {
    static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap { Int($0) } }

    @Test func `an acknowledged record survives every state that power loss or a kill may leave`() throws {
        var explorer = CrashExplorer()
        explorer.firstSeed = UInt64(Self.number("MILLRACE_SEED") ?? Self.number("MILLRACE_SEED_FIRST") ?? 1)
        explorer.isSingle = Self.number("MILLRACE_SEED") != nil
        explorer.stateLimit = Self.number("MILLRACE_STATES") ?? 10_000
        if let seconds = Self.number("MILLRACE_STATE_SECONDS") { explorer.nanosecondLimit = Int64(seconds) * 1_000_000_000 }
        // Other tests run beside a short search; a long one has the machine to itself.
        if explorer.stateLimit > 50_000 { explorer.threadCount = ProcessInfo.processInfo.activeProcessorCount }
        let report = explorer.run()
        print("crash states checked: \(report.stateCount), lives: \(report.lifeCount)")
        if let failure = report.failure { Issue.record("\(failure)") }
        let least = explorer.nanosecondLimit == .max ? explorer.stateLimit : min(explorer.stateLimit / 4, 250_000)
        #expect(report.stateCount >= least || explorer.isSingle || report.failure != nil)
    }

    @Test func `the same seed gives the same states`() throws {
        func count(_ seed: UInt64) -> Int {
            var explorer = CrashExplorer()
            explorer.firstSeed = seed
            explorer.isSingle = true
            return explorer.run().stateCount
        }
        for seed in 1...5 as ClosedRange<UInt64> { #expect(count(seed) == count(seed)) }
    }
}
