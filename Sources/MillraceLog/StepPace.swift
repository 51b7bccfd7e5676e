package import MillraceIO

/// Spreads a long step over time: it works for a moment, then rests for longer. Whoever needs the processor waits for no longer than that
/// moment, and what the step does is a share of a core throughout, not a whole one for that share of the time.
///
/// The share is a quarter of a core; while the process keeps three quarters of all cores busy, a twentieth of what they are together, if
/// that is less. A class because the step goes on with it where the one that made it looks at it afterwards. Of one thread.
package final class StepPace {
    private let clock: any Clock
    private let processors: Processors?
    private let workNanoseconds: Int64
    private let rest: (Int64) -> Bool
    private var resumedAt: Int64
    /// When the last look at the process was, and what it had spent by then.
    private var lookedAt: Int64
    private var spent: Int64
    private var isHurried = false
    /// How long the step has rested.
    package private(set) var restedNanoseconds: Int64 = 0

    /// - Parameters:
    ///   - processors: nil: the step takes its quarter of a core whatever else is done.
    ///   - workNanoseconds: the step rests where it can once it has worked so long.
    ///   - rest: returns after so many nanoseconds; or earlier and false: the step goes on to its end without resting.
    package init(
        clock: any Clock, processors: Processors?, workNanoseconds: Int64 = 1_000_000, rest: @escaping (Int64) -> Bool
    ) {
        self.clock = clock
        self.processors = processors
        self.workNanoseconds = workNanoseconds
        self.rest = rest
        resumedAt = clock.steadyNanoseconds()
        lookedAt = resumedAt
        spent = processors?.spent() ?? 0
    }

    /// Called by the step wherever it can wait. Costs a look at the clock.
    package func pause() {
        guard !isHurried else { return }
        let now = clock.steadyNanoseconds()
        guard now - resumedAt >= workNanoseconds else { return }
        isHurried = !rest(owed(at: now))
        resumedAt = clock.steadyNanoseconds()
        restedNanoseconds += resumedAt - now
    }

    /// How long to rest for what has been worked since the last rest: where the step has ended, nanoseconds.
    package func owedNanoseconds() -> Int64 { owed(at: clock.steadyNanoseconds()) }

    private func owed(at now: Int64) -> Int64 {
        let worked = now - resumedAt
        guard let processors else { return 3 * worked }
        let all = Int64(processors.count) * (now - lookedAt)
        let spentNow = processors.spent()
        let isBusy = (spentNow - spent) * 4 >= all * 3
        (lookedAt, spent) = (now, spentNow)
        return isBusy ? max(3 * worked, worked * Int64(20 - processors.count) / Int64(processors.count)) : 3 * worked
    }
}
