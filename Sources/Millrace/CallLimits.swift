import MillraceIO
package import MillraceModel

/// How often an account may call each operation: a bucket of one second's calls for each operation and subject.
///
/// A class because the calls of a store share it. Any thread may call; one short lock, which is for control calls:
/// puts and reads of records do not come here. It refuses only under `enforce`; under `warn` it counts.
///
/// The subject is what the operation's scope names: the stream, the shard or the consumer. A subject's bucket is made
/// when it is first named and forgotten when it is full again, since a full one is as good as none; so there are at
/// most as many as were called within the last second, and nothing has to be told of streams that are gone.
package final class CallLimits: Sendable {
    private struct Key: Hashable {
        let operation: LimitedOperation
        let subject: String
    }

    private struct State {
        var buckets: [Key: TokenBucket] = [:]
        /// The buckets are looked through when there are so many.
        var sweepCount = 64
        var refusals: [LimitedOperation: Int] = [:]
    }

    private let enforcement: CapacityEnforcement
    private let state = Guarded(State())

    package init(_ enforcement: CapacityEnforcement) { self.enforcement = enforcement }

    /// Counts a call.
    ///
    /// - Parameters:
    ///   - subject: the ARN of what the operation's scope names, with the shard's name where it is a shard; empty for
    ///     the account.
    ///   - nanoseconds: the steady clock.
    /// - Throws: under `enforce` `limitExceeded`, or `provisionedThroughputExceeded` for GetShardIterator, as the
    ///   model's errors of that operation have it, when the calls of this second are spent.
    package func take(
        _ operation: LimitedOperation, subject: String = "", nanoseconds: Int64
    ) throws(KinesisError) {
        if enforcement == .off { return }
        let key = Key(operation: operation, subject: operation.scope == .account ? "" : subject)
        let isRefused = state.withLock { state in
            if state.buckets.count >= state.sweepCount { Self.sweep(&state, nanoseconds) }
            let bucket =
                state.buckets[key]
                ?? TokenBucket(tokensPerSecond: operation.callsPerSecond, nanoseconds: nanoseconds)
            state.buckets[key] = bucket
            guard bucket.take(1, nanoseconds: nanoseconds) != nil else { return false }
            state.refusals[operation, default: 0] += 1
            return true
        }
        if isRefused, enforcement == .enforce { throw Self.error(operation) }
    }

    /// How many calls of each operation were refused, or would have been.
    package var refusals: [LimitedOperation: Int] { state.withLock { $0.refusals } }

    /// How many buckets there are.
    package var bucketCount: Int { state.withLock { $0.buckets.count } }

    /// Twice as many as are left may come before the next look, so that looking costs each call the same.
    private static func sweep(_ state: inout State, _ nanoseconds: Int64) {
        state.buckets = state.buckets.filter { !$0.value.isFull(nanoseconds: nanoseconds) }
        state.sweepCount = max(64, state.buckets.count * 2)
    }

    private static func error(_ operation: LimitedOperation) -> KinesisError {
        let message = "Rate exceeded for \(operation.rawValue): \(operation.callsPerSecond) calls a second."
        return operation == .getShardIterator ? .provisionedThroughputExceeded(message) : .limitExceeded(message)
    }
}

extension CallLimits {
    /// Whether one more stream may become CREATING.
    ///
    /// - Throws: `limitExceeded` when five are. Model, text of CreateStream.
    package static func checkCreatingStreams(_ count: Int) throws(KinesisError) {
        guard count < Limits.creatingStreamCount else {
            throw .limitExceeded("\(Limits.creatingStreamCount) streams are being created; no more may be at once.")
        }
    }

    /// Whether one more consumer may become CREATING.
    ///
    /// - Throws: `limitExceeded` when five are. Model, text of RegisterStreamConsumer.
    package static func checkCreatingConsumers(_ count: Int) throws(KinesisError) {
        guard count < Limits.creatingConsumerCount else {
            throw .limitExceeded("\(Limits.creatingConsumerCount) consumers are being created; no more may be at once.")
        }
    }
}
