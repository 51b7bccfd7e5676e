/// The events of one subscription, for one reader to iterate over once. It ends after five minutes, at the end of a
/// closed shard, or with an error.
public struct ShardEvents: AsyncSequence, Sendable {
    public typealias Element = SubscribeToShardEvent
    public typealias Failure = KinesisError
    /// Waits for the next event; nil at the end.
    public typealias Next = @Sendable () async throws(KinesisError) -> SubscribeToShardEvent?

    private let next: Next

    /// - Parameter next: waits for the next event; it is called one call at a time, and no more after nil or an error.
    public init(_ next: @escaping Next) { self.next = next }

    public func makeAsyncIterator() -> Iterator { Iterator(next) }

    public struct Iterator: AsyncIteratorProtocol {
        private var source: Next?

        fileprivate init(_ source: @escaping Next) { self.source = source }

        /// - Throws: what ended the subscription before its time; afterwards there is nothing more.
        /// - Throws: what ended the subscription before its time; afterwards there is nothing more.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(KinesisError) -> SubscribeToShardEvent? {
            guard let source else { return nil }
            self.source = nil
            guard let event = try await source() else { return nil }
            self.source = source
            return event
        }
    }
}
