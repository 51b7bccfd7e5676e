import MillraceLog
public import MillraceModel

/// A read position in a shard. It lends records without copying them, and moves forward over what it lent.
///
/// Not copyable; it may be stored and sent to another thread. It keeps memory of the store in use while it stands among
/// records: let go of cursors that nobody moves. Reading calls never suspend a task but may wait for the disk where
/// records are neither in memory nor in the system's cache; `StoredStream.records(from:)` never makes a task wait for that.
///
/// ```swift
/// while try cursor.withBatch({ batch in
///     while let record = batch.next() { use(record.data) }
/// }) {}
/// ```
public struct ShardCursor: ~Copyable, Sendable {
    private let shard: Shard
    private let log: ShardLog
    private var cursor: Cursor
    /// An arrival that no record from here on is before; milliseconds since 1970 UTC.
    private var leastArrival: UInt64 = 0

    init(_ shard: Shard, _ open: OpenShard, position: UInt64, level: AckLevel) {
        self.shard = shard
        log = open.log
        cursor = log.cursor(at: position, level: Level(level))
    }

    /// The ordinal to be read next, or one that stands for it where generations change.
    var ordinal: UInt64 { cursor.position }

    /// Lends the next records to `body` and moves behind those it took; nil when there are none beyond the last visible one.
    ///
    /// Never waits for new records. The records and their bytes are good until `body` returns. When it throws, the cursor
    /// stays where it was.
    /// - Throws: what `body` throws; `storage` of
    ///   - `trimmed` when records here are older than the stream keeps them, or gone, `corrupt` when their bytes are damaged: once, then reading
    ///     goes on behind them,
    ///   - `frozen` when a write failed and everything durable was read,
    ///   - `closed`, `io`.
    public mutating func withBatch<Value>(
        _ body: (inout LentBatch) throws(KinesisError) -> Value
    ) throws(KinesisError) -> Value? {
        try shard.core.checkOpen()
        let (shardID, creationSecond) = (shard.id, shard.creationSecond)
        var refused: KinesisError?
        let horizon = shard.horizonMilliseconds
        var (arrival, isExpired) = (leastArrival, false)
        defer { leastArrival = isExpired ? 0 : arrival }
        do throws(LogError) {
            return try cursor.withBatch { batch throws(LogError) in
                // Arrivals never decrease: where the first is young enough, all are.
                if arrival < horizon {
                    arrival = batch.nextArrivalMilliseconds ?? horizon
                    isExpired = arrival < horizon
                    if isExpired { throw LogError.closed }
                }
                var lent = LentBatch(batch, shardID: shardID, creationSecond: creationSecond)
                let result: Result<Value, KinesisError>
                do throws(KinesisError) { result = .success(try body(&lent)) } catch { result = .failure(error) }
                batch = lent.unwrapped()
                switch result {
                case .success(let value): return value
                case .failure(let error):
                    refused = error
                    // Any error makes the engine's cursor stay; this one is not seen outside.
                    throw LogError.closed
                }
            }
        } catch {
            if let refused { throw refused }
            if isExpired { throw try skipExpired(horizon) }
            throw shard.error(error)
        }
    }

    /// Moves to the first record that is young enough, and answers what lies between.
    private mutating func skipExpired(_ horizon: UInt64) throws(KinesisError) -> KinesisError {
        let from = cursor.position
        let level = cursor.level
        cursor.seek(to: max(from, try shard.ordinal(arrivingFrom: horizon, log, level)))
        return .storage(.trimmed(from: from, to: cursor.position))
    }

    /// The same for a body without a result; whether there were records to lend.
    @discardableResult
    public mutating func withBatch(
        _ body: (inout LentBatch) throws(KinesisError) -> Void
    ) throws(KinesisError) -> Bool {
        let lent: Bool? = try withBatch { batch throws(KinesisError) in
            try body(&batch)
            return true
        }
        return lent ?? false
    }

    /// Moves to another place of the shard. May wait for the disk.
    ///
    /// - Throws: as `Shard.cursor(at:level:)`; the cursor stays where it was.
    public mutating func seek(to start: StartingPosition) throws(KinesisError) {
        try shard.core.checkOpen()
        let level = AckLevel.allCases.first { Level($0) == cursor.level }
        cursor.seek(to: try shard.position(of: start, level: level))
        leastArrival = 0
    }

    /// Suspends until a record is visible at the cursor's place, or the task is cancelled.
    ///
    /// - Throws: `storage`: `frozen`, `closed`.
    public func wait() async throws(KinesisError) {
        do throws(LogError) {
            try await log.waitForRecordAsync(after: cursor.position, cursor.level)
        } catch { throw shard.error(error) }
    }

    /// Blocks the calling thread until a record is visible at the cursor's place, or so many milliseconds have passed
    /// (negative: without limit). Whether one is; false, too, when the store was closed or a write failed.
    public func waitBlocking(milliseconds: Int64 = -1) -> Bool {
        cursor.wait(nanoseconds: milliseconds < 0 ? -1 : milliseconds * 1_000_000)
    }
}
