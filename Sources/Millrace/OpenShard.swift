import MillraceLog
import MillraceModel
import Synchronization

/// A shard's log in use, and the sequence numbers of what is appended to it.
///
/// A class because producers share it. A number holds the second in which its record arrived, and the engine raises an arrival
/// to the one before it when the clock went back; the engine answers ordinals only. So this keeps the greatest arrival that
/// the record can have been raised to, and reads the record when that is in another second.
final class OpenShard: Sendable {
    let log: ShardLog
    /// The log was told a mark other than that of a new one.
    let isMarked = Atomic<Bool>(false)
    private let shardID: ShardID
    private let creationSecond: UInt64
    /// Invariant: no appended record's arrival is above the greater of `handed` and, once it is not 0, `learned`.
    /// Relaxed: an arrival goes into `handed` before its append, and whoever appends later is ordered behind it by the
    /// log's writer role.
    private let handed = Atomic<UInt64>(0)
    /// An arrival of a record of this opening, which is not below what recovery found; 0 before the first one was read.
    private let learned = Atomic<UInt64>(0)

    init(_ log: ShardLog, shardID: ShardID, creationSecond: UInt64) {
        self.log = log
        self.shardID = shardID
        self.creationSecond = creationSecond
    }

    /// Appends one record, published when this returns. Its ordinal and the second of its arrival.
    func append(key: RawSpan, data: RawSpan, arrival: UInt64, isLed: Bool = false) throws(LogError) -> Placed {
        hand(arrival)
        let ordinal = try log.append(key: key, data: data, arrival: arrival, isLed: isLed)
        return Placed(firstOrdinal: ordinal, second: second(of: ordinal, arrival))
    }

    /// Appends what `body` adds, all or nothing, published when this returns. `body` adds at least one record.
    func append(
        arrival: UInt64, isLed: Bool = false, _ body: (borrowing RecordSink) throws(LogError) -> Void
    ) throws(LogError) -> Placed {
        hand(arrival)
        let ordinals = try log.append(arrival: arrival, isLed: isLed, body)
        return Placed(firstOrdinal: ordinals.lowerBound, second: second(of: ordinals.lowerBound, arrival))
    }

    /// The sequence number of the record `index` places behind the first.
    func number(_ placed: Placed, _ index: Int = 0) -> SequenceNumber {
        SequenceNumber(
            shardCreationSecond: creationSecond, shardID: shardID, ordinal: placed.firstOrdinal + UInt64(index),
            recordSecond: placed.second)
    }

    struct Placed: Sendable {
        let firstOrdinal: UInt64
        let second: UInt64
    }

    @inline(__always)
    private func hand(_ arrival: UInt64) {
        if handed.load(ordering: .relaxed) < arrival { _ = handed.max(arrival, ordering: .relaxed) }
    }

    @inline(__always)
    private func second(of ordinal: UInt64, _ arrival: UInt64) -> UInt64 {
        let learned = learned.load(ordering: .relaxed)
        let bound = max(learned, handed.load(ordering: .relaxed))
        if learned > 0, bound / 1000 == arrival / 1000 { return arrival / 1000 }
        return readSecond(of: ordinal, arrival)
    }

    @inline(never)
    private func readSecond(of ordinal: UInt64, _ arrival: UInt64) -> UInt64 {
        var cursor = log.cursor(at: ordinal, level: .published)
        // A record that cannot be read back now (too many are lent out) is in the log all the same, under this ordinal.
        let found = try? cursor.withBatch { batch throws(LogError) in batch.next()?.arrivalMilliseconds }
        guard let found, let found else { return arrival / 1000 }
        _ = learned.max(found, ordering: .relaxed)
        return found / 1000
    }
}
