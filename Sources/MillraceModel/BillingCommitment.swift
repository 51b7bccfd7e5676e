/// An account's commitment to a minimum of throughput, which unlocks larger limits for on-demand streams, as answered.
/// Rule: service model, shape MinimumThroughputBillingCommitmentOutput.
public struct BillingCommitment: Hashable, Sendable {
    public let status: BillingCommitmentStatus
    /// In milliseconds since 1970 UTC, as the others; nil when there never was one.
    public let startedAtMilliseconds: Int64?
    /// Nil unless it has ended.
    public let endedAtMilliseconds: Int64?
    /// Before this it cannot be ended.
    public let earliestAllowedEndAtMilliseconds: Int64?

    public init(
        status: BillingCommitmentStatus, startedAtMilliseconds: Int64? = nil, endedAtMilliseconds: Int64? = nil,
        earliestAllowedEndAtMilliseconds: Int64? = nil
    ) {
        self.status = status
        self.startedAtMilliseconds = startedAtMilliseconds
        self.endedAtMilliseconds = endedAtMilliseconds
        self.earliestAllowedEndAtMilliseconds = earliestAllowedEndAtMilliseconds
    }
}

/// The raw values are AWS's (service model, shape MinimumThroughputBillingCommitmentOutputStatus).
public enum BillingCommitmentStatus: String, Hashable, Sendable, CaseIterable {
    case enabled = "ENABLED"
    case disabled = "DISABLED"
    /// Its end was asked for and takes effect at the earliest time allowed.
    case enabledUntilEarliestAllowedEnd = "ENABLED_UNTIL_EARLIEST_ALLOWED_END"
}

/// The commitment an account's owner asks for, as given and not yet checked.
/// Rule: service model, shape MinimumThroughputBillingCommitmentInput.
public struct BillingCommitmentChange: Hashable, Sendable {
    /// A name of `Status`. Required.
    public var status: String?

    /// What may be asked for. The raw values are AWS's.
    public enum Status: String, Hashable, Sendable, CaseIterable {
        case enabled = "ENABLED"
        case disabled = "DISABLED"
    }

    public init(status: String?) { self.status = status }
    public init(_ status: Status) { self.init(status: status.rawValue) }

    func check(_ check: inout ConstraintCheck) {
        check.choice(status, of: Status.self, required: true, at: "minimumThroughputBillingCommitment.status")
    }
}
