/// What a store does about AWS's limits of throughput and of calls.
///
/// The budgets are those of Kinesis (`Limits`), not what this machine can do; a program that embeds the store for its
/// own use wants them off, one that is tested against it before it goes to AWS wants them enforced.
public enum CapacityEnforcement: String, Hashable, Sendable, CaseIterable {
    /// Nothing is measured against the limits.
    case off
    /// What AWS would refuse is counted and done all the same.
    case warn
    /// What AWS would refuse is refused, with AWS's error.
    case enforce
}
