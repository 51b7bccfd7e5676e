public import MillraceModel

/// That a stream keeps of each partition key only the newest record: what a table of current states is made from. A value.
///
/// Records with a newer one of the same key in the same shard go, sooner or later, once they stand in a segment that is full or was
/// left behind; the newest of each key stays, with its sequence number and in its place, as long as the stream's retention period
/// lets it. A read at a number that is gone finds the next one there is, and no gap is declared. A record without data is a
/// tombstone: its key is gone; it can be read for a time, and then goes as well.
///
/// Shards are looked at one by one. After a split, a merge or an update of the shard count older records of a key stay in the closed
/// parents until they are too old.
public struct KeyCompaction: Hashable, Sendable {
    /// For how long a record without data can be read at least, in milliseconds from its arrival; a day unless told.
    public let tombstoneMilliseconds: Int

    /// A second to 366 days.
    static let tombstoneRange = 1_000...366 * 86_400_000

    /// Tombstones can be read for a day.
    public init() { tombstoneMilliseconds = 86_400_000 }

    /// - Throws: `KinesisError.invalidArgument` when it is not a second to 366 days.
    public init(keepingTombstonesFor duration: Duration) throws(KinesisError) {
        let (seconds, attoseconds) = duration.components
        let (whole, isTooLong) = seconds.multipliedReportingOverflow(by: 1000)
        let (milliseconds, isBeyond) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        guard !isTooLong, !isBeyond, Self.tombstoneRange.contains(Int(milliseconds)) else {
            throw .invalidArgument("Tombstones are kept for a second to 366 days, not for \(duration)")
        }
        self.init(tombstoneMilliseconds: Int(milliseconds))
    }

    init(tombstoneMilliseconds: Int) { self.tombstoneMilliseconds = tombstoneMilliseconds }
}

extension StreamStore {
    /// From now on the stream keeps only the newest record of each partition key; with nil, every record again. Durable when this returns.
    /// What was removed stays so. The store does the work by itself unless `StoreConfiguration.isCompacting` says otherwise, and then
    /// `compact` does.
    ///
    /// - Throws: `validation` for what is no stream's name, `resourceNotFound`, `resourceInUse` while the stream changes its state,
    ///   `storage`.
    public func setKeyCompaction(_ keyCompaction: KeyCompaction?, ofStream name: String) async throws(KinesisError) {
        try await core.readers.run { [self] () throws(KinesisError) in
            try setKeyCompactionBlocking(keyCompaction, ofStream: name)
        }
    }

    /// `setKeyCompaction` on the calling thread.
    package func setKeyCompactionBlocking(_ keyCompaction: KeyCompaction?, ofStream name: String) throws(KinesisError) {
        try changeSettings(StreamReference(name: try StreamName(name).text), showsUpdating: false) { _, settings in
            settings.keyCompaction = keyCompaction
        }
        wantUpkeep()
    }

    /// What the stream keeps of records with the same key; nil when it keeps all of them.
    /// - Throws: `validation` for what is no stream's name, `resourceNotFound`.
    public func keyCompaction(ofStream name: String) throws(KinesisError) -> KeyCompaction? {
        try find(StreamReference(name: try StreamName(name).text)).settings.keyCompaction
    }
}
