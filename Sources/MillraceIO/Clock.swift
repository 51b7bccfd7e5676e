/// Time comes in from outside. Both readings in nanoseconds.
package protocol Clock: AnyObject, Sendable {
    /// Wall time since 1970-01-01 UTC. May step in either direction.
    func wallNanoseconds() -> Int64
    /// Time since some fixed point that never goes back, suspended time included.
    func steadyNanoseconds() -> Int64
    /// A name that changes when the operating system restarts: all zero when unknown.
    func bootIdentity() -> (UInt64, UInt64)
}
