package import MillraceIO

/// Spreads a long step over time: it works for a moment, then rests three times as long. Whoever needs the processor waits for no longer
/// than that moment, and what the step does is a quarter of a core throughout, not a whole one for a quarter of the time.
///
/// A class because the step goes on with it where the one that made it looks at it afterwards. Of one thread.
package final class StepPace {
    private let clock: any Clock
    private let workNanoseconds: Int64
    private let rest: (Int64) -> Bool
    private let startedAt: Int64
    private var resumedAt: Int64
    private var isHurried = false
    /// How long the step has rested.
    package private(set) var restedNanoseconds: Int64 = 0
    /// How long it has not.
    package var workedNanoseconds: Int64 { clock.steadyNanoseconds() - startedAt - restedNanoseconds }

    /// - Parameters:
    ///   - workNanoseconds: the step rests where it can once it has worked so long.
    ///   - rest: returns after so many nanoseconds; or earlier and false: the step goes on to its end without resting.
    package init(clock: any Clock, workNanoseconds: Int64 = 1_000_000, rest: @escaping (Int64) -> Bool) {
        self.clock = clock
        self.workNanoseconds = workNanoseconds
        self.rest = rest
        startedAt = clock.steadyNanoseconds()
        resumedAt = startedAt
    }

    /// Called by the step wherever it can wait. Costs a look at the clock.
    package func pause() {
        guard !isHurried else { return }
        let now = clock.steadyNanoseconds()
        guard now - resumedAt >= workNanoseconds else { return }
        isHurried = !rest(3 * (now - resumedAt))
        resumedAt = clock.steadyNanoseconds()
        restedNanoseconds += resumedAt - now
    }
}
