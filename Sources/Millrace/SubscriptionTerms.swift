import MillraceModel

/// What a subscription may have of a shard, and for how long.
package struct SubscriptionTerms: Sendable {
    /// Nanoseconds from its start after which it ends.
    package var lifetimeNanoseconds = Int64(Limits.subscriptionLifetimeSeconds) * 1_000_000_000
    /// After so many nanoseconds without an event an empty one comes; nil: none ever does, and an idle subscription
    /// sleeps until there are records or it ends.
    package var heartbeatNanoseconds: Int64?
    /// Records in one event.
    package var eventRecordCount = Limits.subscriptionEventRecordCount
    /// Bytes of data and keys in one event; a record that is larger comes alone.
    package var eventByteCount = Limits.subscriptionEventByteCount
    /// The budget of bytes.
    package var budget: ReadBudget = { _, _ in 0 }

    package init() {}
}

/// Takes so many bytes, which were read already, out of a budget at a steady time in nanoseconds; how many nanoseconds
/// have to pass before the next are read, 0 or more. The budget may go into debt: one record may be larger than it.
package typealias ReadBudget = @Sendable (_ byteCount: Int, _ nowNanoseconds: Int64) -> Int64

/// Suspends for so many nanoseconds, or until the task is cancelled; may return early.
package typealias Sleep = @Sendable (_ nanoseconds: Int64) async -> Void
