/// Where a registered consumer is in its life. The raw values are AWS's (service model, shape ConsumerStatus).
public enum ConsumerStatus: String, Hashable, Sendable, CaseIterable {
    case creating = "CREATING"
    case deleting = "DELETING"
    /// It may subscribe.
    case active = "ACTIVE"
}
