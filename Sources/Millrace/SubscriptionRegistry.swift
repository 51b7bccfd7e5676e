package import MillraceIO
package import MillraceModel

/// Who is subscribed to what in a store, and who may be.
///
/// A class because it is the store's one list. Any thread may call it; nobody waits in it.
///
/// The rules are those of SubscribeToShard (service model, its text): within five seconds of a successful call another
/// one for the same consumer and shard is refused, whether or not the first subscription still runs; later it succeeds,
/// and ends the first.
package final class SubscriptionRegistry: Sendable {
    private struct Start {
        /// nil once the subscription has ended.
        var seat: SubscriptionSeat?
        let nanoseconds: Int64
    }
    private struct State {
        var starts: [SubscriptionKey: Start] = [:]
        /// Ended while another one was still refused, in the order of their ends: forgotten when that is over.
        var ended: [SubscriptionKey] = []
    }
    private let state = Guarded(State())
    private let clock: any Clock
    private let sleep: Sleep
    private let refusalNanoseconds: Int64

    /// - Parameters:
    ///   - sleep: for tests with time by hand; in keeping with the clock.
    ///   - refusalSeconds: for how long after a start another one is refused.
    package init(
        clock: any Clock, sleep: @escaping Sleep = { try? await Task.sleep(nanoseconds: UInt64(max(0, $0))) },
        refusalSeconds: Int = Limits.subscriptionRefusalSeconds
    ) {
        self.clock = clock
        self.sleep = sleep
        refusalNanoseconds = Int64(refusalSeconds) * 1_000_000_000
    }

    /// Begins a subscription, and ends the one of the same consumer and shard if there is one.
    ///
    /// The caller has checked that the consumer is ACTIVE and may read the shard. The five minutes begin now, and the
    /// subscription ends with them, with the shard, with another one's start, or when nobody holds it any more.
    /// - Parameter ordinal: the first record to be pushed is the first at or behind it.
    /// - Throws: `resourceInUse` within `Limits.subscriptionRefusalSeconds` of the last start.
    package func subscribe(
        _ key: SubscriptionKey, to shard: any SubscribedShard, from ordinal: UInt64,
        terms: SubscriptionTerms = SubscriptionTerms()
    ) throws(KinesisError) -> Subscription {
        precondition(key.shardID == shard.shardID, "a subscription to \(key.shardID) reads \(shard.shardID)")
        let now = clock.steadyNanoseconds()
        let seat = SubscriptionSeat(key, startNanoseconds: now)
        let former = try state.withLock { state throws(KinesisError) -> SubscriptionSeat? in
            forget(&state, now: now)
            if let start = state.starts[key], now - start.nanoseconds < refusalNanoseconds {
                throw .resourceInUse(
                    "Consumer \(key.consumer) subscribed to \(key.shardID) less than "
                        + "\(refusalNanoseconds / 1_000_000_000) seconds ago.")
            }
            return state.starts.updateValue(Start(seat: seat, nanoseconds: now), forKey: key)?.seat
        }
        former?.end()
        return Subscription(shard, from: ordinal, terms: terms, seat: seat, registry: self, clock: clock, sleep: sleep)
    }

    /// Ends the subscriptions of a consumer, when it is deregistered. They finish after what they already have.
    package func end(consumer: String) {
        for seat in seats(where: { $0.consumer == consumer }) { seat.end() }
    }

    /// Ends all subscriptions to a stream, when it is deleted.
    package func end(streamID: UInt64) {
        for seat in seats(where: { $0.streamID == streamID }) { seat.end() }
    }

    /// Subscriptions that run.
    package var count: Int { state.withLock { $0.starts.values.count { $0.seat != nil } } }
    /// Starts that are remembered, with those that only refuse others for a while.
    package var rememberedCount: Int { state.withLock { $0.starts.count } }

    private func seats(where matches: (SubscriptionKey) -> Bool) -> [SubscriptionSeat] {
        state.withLock { state in state.starts.compactMap { matches($0.key) ? $0.value.seat : nil } }
    }

    /// The subscription is over; another one may have its place already.
    func leave(_ seat: SubscriptionSeat) {
        let now = clock.steadyNanoseconds()
        state.withLock { state in
            if state.starts[seat.key]?.seat === seat {
                if now - seat.startNanoseconds >= refusalNanoseconds {
                    state.starts[seat.key] = nil
                } else {
                    state.starts[seat.key]?.seat = nil
                    state.ended.append(seat.key)
                }
            }
            forget(&state, now: now)
        }
    }

    /// Lets go of ended subscriptions that refuse nobody any more. The first that still does stops the search, so that one
    /// is kept for twice the time at most.
    private func forget(_ state: inout State, now: Int64) {
        var count = 0
        for key in state.ended {
            if let start = state.starts[key], start.seat == nil {
                if now - start.nanoseconds < refusalNanoseconds { break }
                state.starts[key] = nil
            }
            count += 1
        }
        state.ended.removeFirst(count)
    }
}
