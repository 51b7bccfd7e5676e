import MillraceModel

/// Records copied from a shard for one answer, with a cursor that lives for that: nothing is held afterwards. A value.
struct RecordPage: Sendable {
    var records: [Record] = []
    /// Behind the last record copied, or behind what is damaged.
    var nextOrdinal: UInt64
    /// When the first record that was left arrived, milliseconds since 1970 UTC; nil when none was visible.
    var nextArrivalMilliseconds: Int64?
    /// What cannot be read in front of `nextOrdinal`; then there are no records.
    var damage: KinesisError?

    /// Copies what is visible from there on, at most so many records, and bytes unless the first record has more. What
    /// retention took is passed over, as the service does. May wait for the disk.
    ///
    /// - Throws: `storage`: `frozen`, `closed`, `io`, when nothing was copied.
    static func read(
        _ shard: Shard, from ordinal: UInt64, recordCount: Int, byteCount: Int, level: AckLevel? = nil
    ) throws(KinesisError) -> RecordPage {
        var cursor = ShardCursor(shard, try shard.open(), position: ordinal, level: level ?? shard.ackLevel)
        var copy = Copy(page: RecordPage(nextOrdinal: ordinal), recordLimit: recordCount, restByteCount: byteCount)
        while !copy.isFull {
            do throws(KinesisError) {
                let more: Bool? = try cursor.withBatch { batch throws(KinesisError) in
                    try copy.take(&batch)
                    return true
                }
                if more == nil { break }
            } catch {
                if let last = copy.page.records.last {
                    // What cannot be read is the next answer's to say.
                    copy.page.nextOrdinal = last.sequenceNumber.ordinal + 1
                    return copy.page
                }
                let next = copy.damagedOrdinal.map { $0 + 1 } ?? cursor.ordinal
                switch error {
                case .storage(.trimmed): continue
                case .storage(.corrupt) where next > ordinal:
                    copy.page.nextOrdinal = next
                    copy.page.damage = error
                    return copy.page
                default: throw error
                }
            }
        }
        copy.page.nextOrdinal = cursor.ordinal
        return copy.page
    }

    private struct Copy {
        var page: RecordPage
        let recordLimit: Int
        var restByteCount: Int
        var isFull = false
        /// Of a record whose key is none.
        var damagedOrdinal: UInt64?

        mutating func take(_ batch: inout LentBatch) throws(KinesisError) {
            while let arrival = batch.nextArrivalMilliseconds, let byteCount = batch.nextByteCount {
                if page.records.count >= recordLimit || byteCount > restByteCount && !page.records.isEmpty {
                    page.nextArrivalMilliseconds = arrival
                    isFull = true
                    return
                }
                guard let record = batch.next() else { return }
                damagedOrdinal = record.ordinal
                page.records.append(try record.copy())
                damagedOrdinal = nil
                restByteCount -= byteCount
            }
        }
    }
}
