import MillraceLog
public import MillraceModel

/// A record lent by a cursor: its bytes are the store's own, good as long as the batch it came from.
public struct LentRecord: ~Escapable {
    /// The record's place in its shard; `sequenceNumber` contains it.
    let ordinal: UInt64
    private let shardID: ShardID
    private let creationSecond: UInt64
    /// When the store took the record, in milliseconds since 1970 UTC; never decreasing within a shard.
    public let arrivalMilliseconds: Int64
    /// Whether the stream's encryption was on when the record was put.
    public let encryptionType: EncryptionType
    /// The key's UTF-8.
    public let partitionKey: RawSpan
    /// The payload.
    public let data: RawSpan

    @_lifetime(copy view)
    init(_ view: RecordView, mark: UInt8, shardID: ShardID, creationSecond: UInt64) {
        ordinal = view.ordinal
        self.shardID = shardID
        self.creationSecond = creationSecond
        arrivalMilliseconds = Int64(view.arrivalMilliseconds)
        encryptionType = mark & RecordMark.encrypted == 0 ? .unencrypted : .kms
        partitionKey = view.key
        data = view.data
    }

    /// The record's number.
    public var sequenceNumber: SequenceNumber {
        SequenceNumber(
            shardCreationSecond: creationSecond, shardID: shardID, ordinal: ordinal,
            recordSecond: UInt64(arrivalMilliseconds) / 1000)
    }

    /// The record with bytes of its own, to be kept or sent elsewhere.
    ///
    /// - Throws: `storage(.corrupt)` when the key is none: then a program put it past the checks of this library.
    public func copy() throws(KinesisError) -> Record {
        let key: PartitionKey
        do throws(KinesisError) { key = try PartitionKey(utf8: partitionKey) } catch {
            throw .storage(.corrupt(file: "\(shardID)", byteOffset: 0, detail: "record \(ordinal): \(error.message)"))
        }
        // Safe because the span is valid for its count while it is copied.
        let data = unsafe data.withUnsafeBytes { unsafe [UInt8]($0) }
        return Record(
            sequenceNumber: sequenceNumber, approximateArrivalMilliseconds: arrivalMilliseconds, partitionKey: key,
            data: data, encryptionType: encryptionType)
    }
}

/// The bits of a record's mark.
enum RecordMark {
    static let encrypted: UInt8 = 1
}

/// Consecutive records of a shard, lent while their cursor is borrowed. Iterate with `while let record = batch.next()`.
public struct LentBatch: ~Copyable, ~Escapable {
    private var batch: RecordBatch
    private let shardID: ShardID
    private let creationSecond: UInt64

    @_lifetime(copy batch)
    init(_ batch: consuming RecordBatch, shardID: ShardID, creationSecond: UInt64) {
        self.batch = batch
        self.shardID = shardID
        self.creationSecond = creationSecond
    }

    /// Records not yet taken.
    public var count: Int { batch.count }

    /// When the next record arrived, milliseconds since 1970 UTC; nil after the last.
    var nextArrivalMilliseconds: Int64? { batch.nextArrivalMilliseconds.map { Int64($0) } }
    /// Bytes of the next record's key and data; nil after the last.
    var nextByteCount: Int? { batch.nextByteCount }

    /// The next record; nil after the last. O(1), copies nothing.
    @_lifetime(copy self)
    public mutating func next() -> LentRecord? {
        guard let view = batch.next() else { return nil }
        return LentRecord(view, mark: batch.lastMark, shardID: shardID, creationSecond: creationSecond)
    }

    /// The engine's batch, with what was not taken.
    @_lifetime(copy self)
    consuming func unwrapped() -> RecordBatch { batch }
}
