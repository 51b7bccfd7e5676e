/// How far a record has come when a put returns, and from when on a reader sees it.
///
/// Ordered by what a record survives: a record that is durable is written, one that is written is published.
public enum AckLevel: UInt8, Hashable, Sendable, CaseIterable {
    /// In memory, in its place in the order. Lost when the process ends.
    case published = 1
    /// Handed to the operating system. Survives the end of the process, not that of the machine.
    case written = 2
    /// On the disk, synced. Survives the loss of power.
    case durable = 3
}

extension AckLevel: Comparable {
    @inlinable
    public static func < (left: AckLevel, right: AckLevel) -> Bool { left.rawValue < right.rawValue }
}
