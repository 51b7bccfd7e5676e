package import MillraceModel

/// What a subscription needs of a shard. All that a subscription knows of logs, lineage and disks is behind this.
package protocol SubscribedShard: Sendable {
    var shardID: ShardID { get }
    /// Seconds since 1970 UTC: part of the shard's sequence numbers.
    var creationSecond: UInt64 { get }

    /// Copies the next visible records at or behind `ordinal`. Never waits for new ones, and holds on to nothing of the
    /// log when it has returned.
    ///
    /// - Parameters:
    ///   - isWarm: the records were put a moment ago, so they are in memory: reading them makes no thread wait.
    /// - Returns: at most so many records, of at most so many bytes with their keys; but one record at least, when there
    ///   is one, whatever its size.
    func fetch(
        from ordinal: UInt64, recordCount: Int, byteCount: Int, isWarm: Bool
    ) async throws(KinesisError) -> SubscribedRecords

    /// The same on the calling thread, which may wait for the disk.
    func fetchBlocking(
        from ordinal: UInt64, recordCount: Int, byteCount: Int
    ) throws(KinesisError) -> SubscribedRecords

    /// Suspends until a record at or behind `ordinal` is visible, none will ever be because the shard is closed, or the
    /// task is cancelled. May return earlier: the shard is looked at again in any case.
    ///
    /// - Throws: `storage`: `frozen`, `closed`.
    func waitForRecord(from ordinal: UInt64) async throws(KinesisError)

    /// The shards that go on where this one stops; nil unless it takes no more records and none of those it has, visible
    /// or not yet, is at or behind `ordinal`.
    func childShards(at ordinal: UInt64) throws(KinesisError) -> [ChildShard]?
}

/// What was found at one place of a shard.
package struct SubscribedRecords: Sendable {
    package var records: [Record]
    /// Where to read next: behind the last record, or behind what is missing.
    package var nextOrdinal: UInt64
    /// No record is visible at or behind `nextOrdinal`.
    package var isAtTip: Bool
    /// Why records between the place and `nextOrdinal` cannot be read; then there are no records here.
    package var damage: KinesisError?

    package init(records: [Record], nextOrdinal: UInt64, isAtTip: Bool, damage: KinesisError? = nil) {
        self.records = records
        self.nextOrdinal = nextOrdinal
        self.isAtTip = isAtTip
        self.damage = damage
    }
}
