/// What was seen of a store, so that it is known what a search has looked at. A value.
package struct StreamTally: Hashable, Sendable {
    /// Calls of the store, and those that it did not refuse.
    package var callCount = 0
    package var answerCount = 0
    /// Calls and records that were refused for want of a budget.
    package var limitedCount = 0
    /// Calls that were refused because of a state.
    package var busyCount = 0
    /// Events of subscriptions.
    package var eventCount = 0
    /// Shards that were split or merged for an on-demand stream.
    package var scaledCount = 0

    package init() {}

    package static func += (left: inout StreamTally, right: StreamTally) {
        left.callCount += right.callCount
        left.answerCount += right.answerCount
        left.limitedCount += right.limitedCount
        left.busyCount += right.busyCount
        left.eventCount += right.eventCount
        left.scaledCount += right.scaledCount
    }
}
