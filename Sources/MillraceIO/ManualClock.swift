
/// A clock that stands still until a test moves it. Any thread may read and move it.
package final class ManualClock: Clock {
    private struct Hands {
        var wall: Int64
        var steady: Int64
        var boot: (UInt64, UInt64)
    }
    private let hands: Guarded<Hands>

    /// Both readings in nanoseconds; 2025-01-01 UTC unless told.
    package init(
        wallNanoseconds: Int64 = 1_735_689_600_000_000_000, steadyNanoseconds: Int64 = 1_000_000_000,
        bootIdentity: (UInt64, UInt64) = (1, 1)
    ) {
        hands = Guarded(Hands(wall: wallNanoseconds, steady: steadyNanoseconds, boot: bootIdentity))
    }

    package func wallNanoseconds() -> Int64 { hands.withLock { $0.wall } }
    package func steadyNanoseconds() -> Int64 { hands.withLock { $0.steady } }
    package func bootIdentity() -> (UInt64, UInt64) { hands.withLock { $0.boot } }

    /// Lets time pass: both readings move by `nanoseconds` (0 or more).
    package func advance(nanoseconds: Int64) {
        precondition(nanoseconds >= 0, "time passes forwards; setWall steps back")
        hands.withLock {
            $0.wall += nanoseconds
            $0.steady += nanoseconds
        }
    }

    package func advance(milliseconds: Int64) { advance(nanoseconds: milliseconds * 1_000_000) }

    /// Steps the wall time alone, in either direction, as an administrator or a time service does.
    package func setWall(nanoseconds: Int64) { hands.withLock { $0.wall = nanoseconds } }

    /// Restarts the machine: a new boot identity, and the steady reading begins again.
    package func restart(bootIdentity: (UInt64, UInt64), steadyNanoseconds: Int64 = 0) {
        hands.withLock {
            $0.boot = bootIdentity
            $0.steady = steadyNanoseconds
        }
    }
}
