public import MillraceModel

/// All records of a stream, old and new, until the iterating task is cancelled.
///
/// Records of one shard come in their order, and so do records of one key. Cancelling ends the iteration at once, also while it
/// waits for records. An error does not end the sequence for good: iterated again it goes on, behind a gap that it reported.
/// All its iterators share one place, and one task at a time may ask for a record.
///
/// Memory: up to some 256 KiB of copied records, or one record that is larger.
public struct RecordSequence: AsyncSequence, Sendable {
    public typealias Element = Record
    public typealias Failure = KinesisError
    private let merge: RecordMerge

    init(_ merge: RecordMerge) { self.merge = merge }

    /// Behind the last record handed out: `StoredStream.records(from:)` goes on there, in this process or a later one.
    /// In the body of a loop that includes the record at hand.
    public var position: StreamPosition { merge.position }

    public func makeAsyncIterator() -> Iterator { Iterator(merge: merge) }

    public struct Iterator: AsyncIteratorProtocol, Sendable {
        fileprivate let merge: RecordMerge

        /// The next record, once there is one; nil when the task is cancelled.
        ///
        /// - Throws: `KinesisError.storage`: `trimmed` or `corrupt` for records that are gone, `frozen`, `closed`, `io`;
        ///   `invalidArgument` when the sequence was to begin at a number that is not one of the stream's.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(KinesisError) -> Record? {
            if Task.isCancelled { return nil }
            if let record = merge.take() { return record }
            return try await merge.next()
        }
    }
}
