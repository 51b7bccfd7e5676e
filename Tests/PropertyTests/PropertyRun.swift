import Foundation
import MillraceTestKit

/// How much is tried, from the environment. The lane `simulation` tries more than a plain `swift test`.
enum PropertyRun {
    static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap { Int($0) } }

    /// `MILLRACE_SEED=n`: that seed alone. `MILLRACE_SEED_FIRST=n`: seeds from there on. `<count>=n`: so many of them, on all
    /// cores; `<seconds>=n`: but no longer than that.
    static func search(count: String, least: Int, seconds: String) -> SeedSearch {
        var search = SeedSearch()
        if let seed = number("MILLRACE_SEED") {
            search.firstSeed = UInt64(seed)
            search.seedLimit = 1
            return search
        }
        search.firstSeed = UInt64(number("MILLRACE_SEED_FIRST") ?? 1)
        search.seedLimit = number(count) ?? least
        if let seconds = number(seconds) { search.nanosecondLimit = Int64(seconds) * 1_000_000_000 }
        // Other tests run beside a short search; a long one has the machine to itself.
        if search.seedLimit > least { search.threadCount = ProcessInfo.processInfo.activeProcessorCount }
        return search
    }

    static func text(_ report: SeedSearch.Report, _ noun: String) -> String {
        let seconds = max(report.seconds, 0.001)
        return "\(report.seedCount) \(noun), \(report.actionCount) actions, \(report.restartCount) restarts, "
            + "\(report.tally.callCount) calls, \(report.tally.answerCount) of them answered, "
            + "\(report.tally.limitedCount) refused by a limit, \(report.tally.busyCount) by a state, "
            + "\(report.tally.eventCount) events pushed, \(report.tally.scaledCount) shards scaled, "
            + "\(report.virtualYears) years in \(Int(seconds)) s: \(Int(Double(report.seedCount) / seconds)) \(noun)/s, "
            + "\(Int(Double(report.actionCount) / seconds)) actions/s"
    }
}
