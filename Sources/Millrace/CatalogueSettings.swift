import MillraceModel

// The fields of a stream's settings and of a consumer (FORMAT section 12). A setting that a record does not name has its default.

private enum Field {
    static let name: UInt8 = 1, creationSecond: UInt8 = 3
    static let mode: UInt8 = 6, retention: UInt8 = 7, horizon: UInt8 = 8, encryption: UInt8 = 9, metrics: UInt8 = 10
    static let tags: UInt8 = 11, policy: UInt8 = 12, recordByteCount: UInt8 = 13, warmThroughput: UInt8 = 14
    static let shardCountChanges: UInt8 = 15, modeChanges: UInt8 = 16, isDeleting: UInt8 = 17
    static let keyCompaction: UInt8 = 18
}

/// Numbers on disk of what has names only; never renumbered. 0 is not valid.
private enum Code {
    static let modes: [UInt8: StreamMode] = [1: .provisioned, 2: .onDemand]
    static let encryptions: [UInt8: EncryptionType] = [1: .unencrypted, 2: .kms]
    /// Bits.
    static let metrics: [(bit: UInt32, metric: ShardLevelMetric)] = [
        (0, .incomingBytes), (1, .incomingRecords), (2, .outgoingBytes), (3, .outgoingRecords),
        (4, .writeProvisionedThroughputExceeded), (5, .readProvisionedThroughputExceeded), (6, .iteratorAgeMilliseconds),
    ]

    static func code<Value: Equatable>(of value: Value, in table: [UInt8: Value]) -> UInt8 {
        guard let code = table.first(where: { $0.value == value })?.key else {
            preconditionFailure("\(value) has a number on disk")
        }
        return code
    }

    static func value<Value>(_ code: UInt8, in table: [UInt8: Value]) throws(CatalogueRecord.Refusal) -> Value {
        guard let value = table[code] else {
            if code == 0 { throw .damaged(byteOffset: 0, "a setting without a value") }
            throw .newer
        }
        return value
    }
}

/// Times in one record, at most: those of a day, which a store without limits does not bound.
private let greatestTimeCount = 4096

extension StreamSettings {
    func write(to fields: inout CatalogueFields) {
        let standard = StreamSettings()
        if mode != standard.mode { fields.add(Field.mode, Code.code(of: mode, in: Code.modes)) }
        if retention != standard.retention { fields.add(Field.retention, UInt32(retention.hours)) }
        if horizonFloorMilliseconds > 0 { fields.add(Field.horizon, horizonFloorMilliseconds) }
        if encryption != standard.encryption || !keyID.isEmpty {
            fields.add(Field.encryption, [Code.code(of: encryption, in: Code.encryptions)] + Array(keyID.utf8))
        }
        let bits = Code.metrics.reduce(0 as UInt32) { metrics.contains($1.metric) ? $0 | 1 << $1.bit : $0 }
        if bits != 0 { fields.add(Field.metrics, bits) }
        TagField.write(tags, to: &fields)
        if !policy.isEmpty { fields.add(Field.policy, policy) }
        if maximumRecordByteCount != standard.maximumRecordByteCount {
            fields.add(Field.recordByteCount, UInt32(maximumRecordByteCount))
        }
        if warmThroughputMiBps > 0 { fields.add(Field.warmThroughput, UInt32(warmThroughputMiBps)) }
        Self.write(shardCountChanges, Field.shardCountChanges, to: &fields)
        Self.write(modeChanges, Field.modeChanges, to: &fields)
        if isDeleting { fields.add(Field.isDeleting, [1]) }
        if let keyCompaction { fields.add(Field.keyCompaction, UInt64(keyCompaction.tombstoneMilliseconds)) }
    }

    private static func write(_ times: [UInt64], _ type: UInt8, to fields: inout CatalogueFields) {
        if !times.isEmpty { fields.add(type, times.flatMap(CatalogueFields.bytes(of:))) }
    }

    init(_ fields: CatalogueFieldReader) throws(CatalogueRecord.Refusal) {
        self.init()
        if fields.optional(Field.mode) != nil {
            mode = try Code.value(try fields.word(Field.mode), in: Code.modes)
        }
        if fields.optional(Field.retention) != nil {
            let hours: UInt32 = try fields.word(Field.retention)
            guard let period = try? RetentionPeriod(hours: Int(hours)) else {
                throw .damaged(byteOffset: 0, "a retention of \(hours) hours")
            }
            retention = period
        }
        if fields.optional(Field.horizon) != nil { horizonFloorMilliseconds = try fields.word(Field.horizon) }
        if let bytes = fields.optional(Field.encryption) {
            encryption = try Code.value(bytes.first ?? 0, in: Code.encryptions)
            keyID = try CatalogueFieldReader.text(
                bytes.dropFirst(), greatestByteCount: 4 * Limits.keyIDCharacterCount.upperBound)
        }
        if fields.optional(Field.metrics) != nil {
            let bits: UInt32 = try fields.word(Field.metrics)
            metrics = Set(Code.metrics.filter { bits >> $0.bit & 1 == 1 }.map(\.metric))
        }
        tags = try TagField.read(fields)
        if fields.optional(Field.policy) != nil {
            policy = try fields.text(Field.policy, greatestByteCount: Limits.policyByteCount)
        }
        if fields.optional(Field.recordByteCount) != nil {
            let byteCount: UInt32 = try fields.word(Field.recordByteCount)
            guard (Limits.defaultRecordByteCount...Limits.maximumRecordByteCount).contains(Int(byteCount)) else {
                throw .damaged(byteOffset: 0, "records of \(byteCount) bytes")
            }
            maximumRecordByteCount = Int(byteCount)
        }
        if fields.optional(Field.warmThroughput) != nil {
            warmThroughputMiBps = Int(try fields.word(Field.warmThroughput) as UInt32)
        }
        shardCountChanges = try Self.times(fields, Field.shardCountChanges)
        modeChanges = try Self.times(fields, Field.modeChanges)
        if fields.optional(Field.isDeleting) != nil {
            guard try fields.word(Field.isDeleting) as UInt8 == 1 else {
                throw .damaged(byteOffset: 0, "a stream that is being deleted, or is not")
            }
            isDeleting = true
        }
        if fields.optional(Field.keyCompaction) != nil {
            let milliseconds: UInt64 = try fields.word(Field.keyCompaction)
            guard let kept = Int(exactly: milliseconds), KeyCompaction.tombstoneRange.contains(kept) else {
                throw .damaged(byteOffset: 0, "tombstones kept for \(milliseconds) milliseconds")
            }
            keyCompaction = KeyCompaction(tombstoneMilliseconds: kept)
        }
    }

    private static func times(
        _ fields: CatalogueFieldReader, _ type: UInt8
    ) throws(CatalogueRecord.Refusal) -> [UInt64] {
        guard fields.optional(type) != nil else { return [] }
        return try fields.parts(type, byteCount: 8, limit: greatestTimeCount).map { $0.word(0) }
    }
}

extension ConsumerState {
    func write(to fields: inout CatalogueFields) {
        fields.add(Field.name, name)
        fields.add(Field.creationSecond, creationSecond)
        TagField.write(tags, to: &fields)
        if !policy.isEmpty { fields.add(Field.policy, policy) }
    }

    init(_ fields: CatalogueFieldReader) throws(CatalogueRecord.Refusal) {
        let second: UInt64 = try fields.word(Field.creationSecond)
        guard second <= SequenceNumber.maximumSecond else { throw .damaged(byteOffset: 0, "a time is out of range") }
        self.init(name: try CatalogueRecord.name(fields).text, creationSecond: second)
        tags = try TagField.read(fields)
        if fields.optional(Field.policy) != nil {
            policy = try fields.text(Field.policy, greatestByteCount: Limits.policyByteCount)
        }
    }
}

/// Tags in order of their keys: key length 2, value length 2, key, value.
private enum TagField {
    static func write(_ tags: [String: String], to fields: inout CatalogueFields) {
        if tags.isEmpty { return }
        var bytes: [UInt8] = []
        for (key, value) in tags.sorted(by: { $0.key < $1.key }) {
            bytes += CatalogueFields.bytes(of: UInt16(key.utf8.count)) + CatalogueFields.bytes(of: UInt16(value.utf8.count))
            bytes += Array(key.utf8) + Array(value.utf8)
        }
        fields.add(Field.tags, bytes)
    }

    static func read(_ fields: CatalogueFieldReader) throws(CatalogueRecord.Refusal) -> [String: String] {
        guard var rest = fields.optional(Field.tags) else { return [:] }
        var tags: [String: String] = [:]
        while !rest.isEmpty {
            guard rest.count >= 4 else { throw .damaged(byteOffset: rest.startIndex, "a tag is cut") }
            let keyByteCount = Int(rest.word(0, UInt16.self))
            let byteCount = 4 + keyByteCount + Int(rest.word(2, UInt16.self))
            guard rest.count >= byteCount, tags.count < Limits.tagCount else {
                throw .damaged(byteOffset: rest.startIndex, "a tag is cut, or there are too many")
            }
            let texts = rest.dropFirst(4).prefix(byteCount - 4)
            let key = try CatalogueFieldReader.text(
                texts.prefix(keyByteCount), greatestByteCount: 4 * Limits.tagKeyCharacterCount.upperBound)
            let value = try CatalogueFieldReader.text(
                texts.dropFirst(keyByteCount), greatestByteCount: 4 * Limits.tagValueCharacterCount.upperBound)
            guard tags.updateValue(value, forKey: key) == nil else {
                throw .damaged(byteOffset: rest.startIndex, "a tag is there twice")
            }
            rest = rest.dropFirst(byteCount)
        }
        return tags
    }
}
