/// Where a stream is in its life. The raw values are AWS's (service model, shape StreamStatus).
public enum StreamStatus: String, Hashable, Sendable, CaseIterable {
    /// Not there yet: no reads and no writes.
    case creating = "CREATING"
    /// On its way out, with its data.
    case deleting = "DELETING"
    /// Reads, writes and changes are possible.
    case active = "ACTIVE"
    /// Reads and writes go on; a change of shards, mode, retention or encryption is under way.
    case updating = "UPDATING"
}
