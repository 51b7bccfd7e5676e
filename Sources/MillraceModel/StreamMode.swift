/// Who decides how many shards a stream has. The raw values are AWS's (service model, shape StreamMode).
public enum StreamMode: String, Hashable, Sendable, CaseIterable {
    /// The stream's owner, by splits, merges and shard counts.
    case provisioned = "PROVISIONED"
    /// The store, by the traffic it sees.
    case onDemand = "ON_DEMAND"
}
