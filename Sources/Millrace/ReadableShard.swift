import MillraceIO
import MillraceLog
package import MillraceModel

/// A shard of a store, as subscriptions read it.
package struct ReadableShard: SubscribedShard {
    private let shard: Shard
    private let log: ShardLog
    private let level: AckLevel
    private let children: @Sendable (UInt64) throws(KinesisError) -> [ChildShard]?

    /// Opens the shard's log if this is its first use, on a thread that may wait for the disk.
    ///
    /// - Parameters:
    ///   - level: how far a record must have come to be pushed; the stream's ack level unless told.
    ///   - children: as `SubscribedShard.childShards`; a shard that is never closed has none.
    package init(
        _ shard: Shard, level: AckLevel? = nil,
        children: @escaping @Sendable (UInt64) throws(KinesisError) -> [ChildShard]? = { _ in nil }
    ) async throws(KinesisError) {
        self.init(shard, try await shard.openAsync(), level: level, children: children)
    }

    /// The same of a shard whose log is open.
    init(
        _ shard: Shard, _ opened: OpenShard, level: AckLevel? = nil,
        children: @escaping @Sendable (UInt64) throws(KinesisError) -> [ChildShard]?
    ) {
        self.shard = shard
        log = opened.log
        self.level = level ?? shard.ackLevel
        self.children = children
    }

    package var shardID: ShardID { shard.id }
    package var creationSecond: UInt64 { shard.creationSecond }

    /// The ordinal at which reading begins. Does not make the task wait for the disk.
    package func ordinal(of start: StartingPosition) async throws(KinesisError) -> UInt64 {
        try await shard.core.readers.run { [shard, level] () throws(KinesisError) in
            try shard.position(of: start, level: level)
        }
    }

    package func fetch(
        from ordinal: UInt64, recordCount: Int, byteCount: Int, isWarm: Bool
    ) async throws(KinesisError) -> SubscribedRecords {
        // At the tip there is nothing to read, so no thread has to be asked.
        if isWarm || ordinal >= log.tip(Level(level)) {
            return try fetchBlocking(from: ordinal, recordCount: recordCount, byteCount: byteCount)
        }
        return try await shard.core.readers.run { () throws(KinesisError) in
            try fetchBlocking(from: ordinal, recordCount: recordCount, byteCount: byteCount)
        }
    }

    package func fetchBlocking(
        from ordinal: UInt64, recordCount: Int, byteCount: Int
    ) throws(KinesisError) -> SubscribedRecords {
        let page = try RecordPage.read(
            shard, from: ordinal, recordCount: recordCount, byteCount: byteCount, level: level)
        return SubscribedRecords(
            records: page.records, nextOrdinal: page.nextOrdinal,
            isAtTip: page.damage == nil && page.nextOrdinal >= log.tip(Level(level)), damage: page.damage)
    }

    package func waitForRecord(from ordinal: UInt64) async throws(KinesisError) {
        do throws(LogError) {
            try await log.waitForRecordAsync(after: ordinal, Level(level))
        } catch { throw shard.error(error) }
        // The log has ended here and nobody has said yet what goes on: for the moment between the end of a shard's
        // appends and its closing, or its going on because it could not be closed, this looks again and again.
        if let end = log.endOrdinal, ordinal >= end { try? await Task.sleep(nanoseconds: Self.closingPauseNanoseconds) }
    }

    /// Between two looks at a shard that is being closed, which takes some syncs.
    private static let closingPauseNanoseconds: UInt64 = 5_000_000

    package func childShards(at ordinal: UInt64) throws(KinesisError) -> [ChildShard]? { try children(ordinal) }
}
