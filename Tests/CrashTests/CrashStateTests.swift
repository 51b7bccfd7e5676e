import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Aim: nothing acknowledged is lost, nothing else appears, whatever a power loss leaves of the unsynced bytes and names.
/// Method: seeded lives of one log on a disk in memory; states taken on the way are recovered, appended to, recovered
/// again, also with the power failing inside the recovery. A failure prints its seed, which replays it exactly:
/// `MILLRACE_SEED=n`. `MILLRACE_STATES=n` sets how many states are checked.
@Suite struct CrashStateTests {
    static func number(_ name: String) -> Int? {
        // Safe because the string is copied at once.
        unsafe getenv(name).flatMap { unsafe Int(String(cString: $0)) }
    }

    @Test func `an acknowledged record survives every state that power loss or a kill may leave`() throws {
        let wanted = Self.number("MILLRACE_STATES") ?? 20_000
        var states = 0
        var seed = UInt64(Self.number("MILLRACE_SEED") ?? 1)
        let onlyOne = Self.number("MILLRACE_SEED") != nil
        repeat {
            var workload = CrashWorkload(seed: seed)
            do {
                try workload.run(stepCount: 60, statesPerStop: 4)
            } catch {
                Issue.record("seed \(seed): \(error)")
                return
            }
            states += workload.stateCount
            seed += 1
        } while states < wanted && !onlyOne
        print("crash states checked: \(states), seeds: \(seed - 1)")
        #expect(states >= wanted || onlyOne)
    }
}
