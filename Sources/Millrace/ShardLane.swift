import MillraceIO
import MillraceLog
import MillraceModel

/// One shard's part in a merged reading: a cursor, and records copied from it.
///
/// A class because the merge and its watcher share it. The merge makes one call at a time.
final class ShardLane: Sendable {
    private let shard: Shard
    private let log: ShardLog
    private let level: Level
    private let state: Guarded<State>

    /// A class because a cursor is not copyable and what is guarded must be.
    private final class State {
        var cursor: ShardCursor
        /// Met when records had been copied already: they go first.
        var pending: KinesisError?

        init(_ cursor: consuming ShardCursor) { self.cursor = cursor }
    }

    /// What one call copies: enough to be worth a thread switch (some 30 us), little enough to keep.
    private static let greatestCount = 512
    private static let greatestByteCount = 256 << 10

    /// May wait for the disk, if the shard is not in use yet.
    init(_ shard: Shard, from ordinal: UInt64, level: AckLevel) throws(KinesisError) {
        self.shard = shard
        self.level = Level(level)
        let open = try shard.open()
        log = open.log
        state = Guarded(State(ShardCursor(shard, open, position: ordinal, level: level)))
    }

    var shardID: ShardID { shard.id }
    /// The shard is too old to be seen, and its log goes.
    var isGone: Bool { shard.isGone }
    /// Where the shard ends, once it is closed.
    var endOrdinal: UInt64? { shard.closing?.endOrdinal }
    /// The ordinal to be read next.
    var ordinal: UInt64 { state.withLock { $0.cursor.ordinal } }
    /// Every record of the shard was copied, and there will be no other.
    var isFinished: Bool { state.withLock { $0.pending == nil && shard.isEnd($0.cursor.ordinal) } }
    /// Nothing is visible here now; tells so without touching a record.
    var isAtTip: Bool { state.withLock { $0.pending == nil && $0.cursor.ordinal >= log.tip(level) } }

    /// Copies the next records; nil when there are none beyond the last visible one. May wait for the disk.
    func fetch() throws(KinesisError) -> [Record]? {
        try state.withLock { state throws(KinesisError) in
            if let error = state.pending.take() { throw error }
            var records: [Record] = []
            var byteCount = 0
            while records.count < Self.greatestCount, byteCount < Self.greatestByteCount {
                let count = records.count
                do throws(KinesisError) {
                    let more: Bool? = try state.cursor.withBatch { batch throws(KinesisError) in
                        while records.count < Self.greatestCount, byteCount < Self.greatestByteCount,
                            let record = batch.next()
                        {
                            records.append(try record.copy())
                            byteCount += record.data.byteCount + record.partitionKey.byteCount
                        }
                        return true
                    }
                    if more == nil { break }
                } catch {
                    // The cursor stands where this batch began.
                    records.removeLast(records.count - count)
                    if records.isEmpty { throw error }
                    state.pending = error
                    break
                }
            }
            return records.isEmpty ? nil : records
        }
    }

    /// Suspends until a record is visible, the shard is closed, or the task is cancelled.
    func wait() async throws(KinesisError) {
        do throws(LogError) {
            try await log.waitForRecordAsync(after: ordinal, level)
        } catch {
            // Nothing of it is to be seen any more: whoever looks finds its end.
            if shard.isGone { return }
            throw shard.error(error)
        }
        // A reshard that ended the log is about to be committed, or given up.
        var pause = Backoff()
        while log.isEnded, !shard.isClosed, isAtTip, !Task.isCancelled {
            try shard.core.checkOpen()
            try shard.core.checkCatalogue()
            await pause.wait()
        }
    }
}
