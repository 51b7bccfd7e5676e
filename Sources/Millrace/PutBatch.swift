import MillraceLog
public import MillraceModel

/// Records gathered to be put in one call. A value; it may be emptied and filled again, and keeps its memory.
///
/// Everything is checked when it is added, the limit of the stream's records apart, so that a batch is put or not for the
/// store's reasons alone.
public struct PutBatch: Sendable {
    /// Records in one batch, at most: with `greatestByteCount` what one call may ask of the memory for unwritten records.
    public static let greatestCount = 10_000
    /// Bytes of data and keys in one batch, at most: as in one PutRecords.
    public static let greatestByteCount = Limits.putRecordsByteCount

    /// Key and data of each record, one behind the other.
    private var bytes: [UInt8] = []
    private var lengths: [Lengths] = []
    /// Places given by the producer, by index; rare.
    private var explicitHashKeys: [Int: HashKey] = [:]
    /// Data and key of the largest record added.
    private(set) var greatestRecordByteCount = 0

    private struct Lengths: Sendable {
        /// Where the record's key starts in `bytes`.
        let start: Int
        let keyByteCount: UInt32
        let dataByteCount: UInt32
        var keyEnd: Int { start + Int(keyByteCount) }
        var key: Range<Int> { start..<keyEnd }
        var dataEnd: Int { keyEnd + Int(dataByteCount) }
    }

    public init() {}

    /// Records added.
    public var count: Int { lengths.count }
    public var isEmpty: Bool { lengths.isEmpty }
    /// Bytes of data and keys added.
    public var byteCount: Int { bytes.count }

    /// Adds a copy of the record.
    ///
    /// - Throws: `validation` for a key that is empty or longer than 256 characters and for a record that is too large,
    ///   `invalidArgument` when the batch is full: the batch is as it was.
    public mutating func add(
        _ data: Span<UInt8>, partitionKey: String, explicitHashKey: HashKey? = nil
    ) throws(KinesisError) {
        let key = try PartitionKey(partitionKey)
        // Safe because a UInt8 has no padding that would be read as a byte.
        try add(unsafe data.bytes, key.bytes, explicitHashKey)
    }

    /// Adds a copy of a record whose key comes as UTF-8 bytes.
    ///
    /// - Throws: as `add(_:partitionKey:explicitHashKey:)`, and `validation` when the key is not UTF-8.
    public mutating func add(
        _ data: RawSpan, partitionKey: RawSpan, explicitHashKey: HashKey? = nil
    ) throws(KinesisError) {
        try PutCheck.check(key: partitionKey)
        try add(data, partitionKey, explicitHashKey)
    }

    private mutating func add(_ data: RawSpan, _ key: RawSpan, _ explicitHashKey: HashKey?) throws(KinesisError) {
        let byteCount = key.byteCount + data.byteCount
        try PutCheck.check(byteCount: byteCount, limit: Limits.maximumRecordByteCount)
        guard count < Self.greatestCount, bytes.count + byteCount <= Self.greatestByteCount else {
            throw .invalidArgument(
                "A batch holds \(Self.greatestCount) records and \(Self.greatestByteCount) bytes; it has \(count) records "
                    + "and \(bytes.count) bytes")
        }
        if let explicitHashKey { explicitHashKeys[count] = explicitHashKey }
        greatestRecordByteCount = max(greatestRecordByteCount, byteCount)
        lengths.append(
            Lengths(start: bytes.count, keyByteCount: UInt32(key.byteCount), dataByteCount: UInt32(data.byteCount)))
        // Safe because the spans are valid for their counts while they are copied.
        unsafe key.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
        unsafe data.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }

    /// - Throws: `validation` when a record is larger than a stream's may be.
    func check(limit: Int) throws(KinesisError) {
        try PutCheck.check(byteCount: greatestRecordByteCount, limit: limit)
    }

    /// Empties the batch; its memory stays.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        explicitHashKeys.removeAll()
        greatestRecordByteCount = 0
    }

    // MARK: For putting

    /// The records of a batch that go to one shard, in the order in which they were added.
    struct Part {
        /// Index of the shard.
        let shard: Int
        /// Which records; nil when they are the first `count`.
        private let order: [Int]?
        private let places: Range<Int>

        init(shard: Int, all count: Int) { (self.shard, order, places) = (shard, nil, 0..<count) }
        init(shard: Int, _ indices: [Int]) { self.init(shard: shard, indices, 0..<indices.count) }
        /// Those that stand at `places` in `order`, which the parts of a batch share.
        init(shard: Int, _ order: [Int], _ places: Range<Int>) { (self.shard, self.order, self.places) = (shard, order, places) }

        var count: Int { places.count }
        /// Index in the batch of the part's record at `place`, 0..<count.
        @inline(__always)
        func index(_ place: Int) -> Int {
            guard let order else { return place }
            return order[places.lowerBound + place]
        }
        var indices: [Int] { order.map { Array($0[places]) } ?? Array(places) }
    }

    /// Every record, or those of `selection`, in one part, in order of the shards, without empty parts. O(records + shards).
    func parts(_ map: ShardMap, of selection: [Int]? = nil) -> [Part] {
        if isEmpty { return [] }
        if map.isSingle { return [selection.map { Part(shard: 0, $0) } ?? Part(shard: 0, all: count)] }
        let selected = selection ?? Array(0..<count)
        // Safe because a UInt8 has no padding that would be read as a byte.
        let hashKeys = unsafe MD5.hashKeys(in: bytes.span.bytes, count: selected.count) { lengths[selected[$0]].key }
        // Counted, then laid out: where each shard's records end, from the shard before it on.
        var ends = [Int](repeating: 0, count: map.count)
        let shards = zip(selected, hashKeys).map { index, hashKey in
            let shard = map.index(of: explicitHashKeys.isEmpty ? hashKey : explicitHashKeys[index]?.value ?? hashKey)
            ends[shard] += 1
            return shard
        }
        var start = 0
        for shard in ends.indices { (ends[shard], start) = (start, start + ends[shard]) }
        var order = [Int](repeating: 0, count: selected.count)
        for (index, shard) in zip(selected, shards) {
            order[ends[shard]] = index
            ends[shard] += 1
        }
        var parts: [Part] = []
        start = 0
        for (shard, end) in ends.enumerated() where end > start {
            parts.append(Part(shard: shard, order, start..<end))
            start = end
        }
        return parts
    }

    /// Data and key of the record.
    func byteCount(of index: Int) -> Int { Int(lengths[index].keyByteCount + lengths[index].dataByteCount) }
    func hashKey(of index: Int) -> HashKey { explicitHashKeys[index] ?? key(index).hashKey }

    private func key(_ index: Int) -> PartitionKey {
        let lengths = lengths[index]
        // Safe because a UInt8 has no padding that would be read as a byte.
        let bytes = unsafe bytes.span.bytes
        guard let key = try? PartitionKey(utf8: bytes.extracting(lengths.key)) else {
            preconditionFailure("keys are checked when they are added")
        }
        return key
    }

    /// Adds the part's records to a batch of the engine.
    func add(_ part: Part, to sink: borrowing RecordSink) throws(LogError) {
        // Safe because a UInt8 has no padding that would be read as a byte.
        let bytes = unsafe bytes.span.bytes
        for place in 0..<part.count {
            let lengths = lengths[part.index(place)]
            try sink.add(
                key: bytes.extracting(lengths.key),
                data: bytes.extracting(lengths.keyEnd..<lengths.dataEnd))
        }
    }
}

/// What a record must be to be put.
enum PutCheck {
    /// - Throws: `validation` when data and key together exceed the stream's limit.
    @inline(__always)
    static func check(byteCount: Int, limit: Int) throws(KinesisError) {
        if byteCount > limit { throw .recordTooLarge(byteCount: byteCount, limitByteCount: limit) }
    }

    /// - Throws: `validation` unless the bytes are UTF-8 of 1 to 256 characters.
    static func check(key: RawSpan) throws(KinesisError) {
        // As many characters as bytes at most; for the rest the key's own check has the words.
        guard (1...256).contains(key.byteCount), (try? UTF8Span(validating: Span<UInt8>(_bytes: key))) != nil else {
            _ = try PartitionKey(utf8: key)
            return
        }
    }
}
