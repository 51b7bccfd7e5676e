package import MillraceIO

/// A clock that runs faster than another one, from the moment it is made: periods of days pass in seconds. Both readings keep pace, so
/// none is ahead of the other. A class because stores share it.
package final class ScaledClock: Clock {
    private let base: any Clock
    private let factor: Int64
    private let startWall: Int64
    private let startSteady: Int64

    /// - Parameter factor: 1 or more. Nanoseconds since 1970 end in 2262: a factor of 10,000 lasts for more than a week.
    package init(_ base: any Clock, factor: Int64, startWallNanoseconds: Int64 = 1_735_689_600_000_000_000) {
        precondition(factor >= 1, "a clock does not run backwards")
        self.base = base
        self.factor = factor
        startWall = startWallNanoseconds
        startSteady = base.steadyNanoseconds()
    }

    private var elapsed: Int64 { (base.steadyNanoseconds() - startSteady) * factor }
    package func wallNanoseconds() -> Int64 { startWall + elapsed }
    package func steadyNanoseconds() -> Int64 { startSteady + elapsed }
    package func bootIdentity() -> (UInt64, UInt64) { base.bootIdentity() }
}
