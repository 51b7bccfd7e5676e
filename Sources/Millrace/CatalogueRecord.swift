package import MillraceModel

/// One change of the catalogue, which is a log of its own (log id 0) in the engine's format: one record, one change, no key.
/// docs/FORMAT.md section 12.
///
/// The data of a record, integers little-endian, reserved bytes zero:
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | version of this layout: 1 |
/// | 1 | 1 | kind; 0 is never valid, those unknown here are of a later version |
/// | 2 | 6 | reserved |
/// | 8 | | fields, one behind the other: type 1, reserved 3, length 4 (bytes of the value), value |
///
/// Each field at most once. Types from 128 up must be understood, or the record is refused as of a later version; others
/// are skipped.
package enum CatalogueRecord: Hashable, Sendable {
    case streamCreated(StreamDescription)
    case settingsChanged(streamID: UInt64, StreamSettings)
    case resharded(streamID: UInt64, Reshard)
    case streamDeleted(streamID: UInt64)
    /// A new consumer, or another state of one.
    case consumerSet(streamID: UInt64, ConsumerState)
    case consumerRemoved(streamID: UInt64, name: String)
    case accountChanged(AccountState)
    /// Closed shards whose last record is too old to be seen, in order of their indices: they are the stream's no more.
    case shardsExpired(streamID: UInt64, [ShardID])

    /// Why bytes are no record of this version.
    package enum Refusal: Error, Hashable {
        case damaged(byteOffset: Int, String)
        case newer
    }

    static let version: UInt8 = 1

    private enum Kind {
        static let streamCreated: UInt8 = 1, settingsChanged: UInt8 = 2, resharded: UInt8 = 3, streamDeleted: UInt8 = 4
        static let consumerSet: UInt8 = 5, consumerRemoved: UInt8 = 6, accountChanged: UInt8 = 7
        static let shardsExpired: UInt8 = 8
        static let known = streamCreated...shardsExpired
    }

    private enum Field {
        static let name: UInt8 = 1, streamID: UInt8 = 2, creationSecond: UInt8 = 3, ackLevel: UInt8 = 4, shards: UInt8 = 5
        static let children: UInt8 = 22, closings: UInt8 = 23, secret: UInt8 = 24, commitment: UInt8 = 25
        static let agingTime: UInt8 = 26, expired: UInt8 = 27
    }

    private static let shardByteCount = 48
    private static let childByteCount = 64
    private static let closingByteCount = 24
    private static let noShard = UInt32.max
    /// Shards that expire in one record, at most: 256 KiB.
    static let greatestExpiredCount = 1 << 16

    // MARK: Writing

    package var bytes: [UInt8] {
        switch self {
        case .streamCreated(let stream):
            var fields = CatalogueFields(kind: Kind.streamCreated)
            fields.add(Field.name, stream.name.text)
            fields.add(Field.streamID, stream.streamID)
            fields.add(Field.creationSecond, stream.creationSecond)
            fields.add(Field.ackLevel, stream.ackLevel.rawValue)
            fields.add(Field.shards, stream.shards.flatMap(Self.bytes(of:)))
            stream.settings.write(to: &fields)
            return fields.bytes
        case .settingsChanged(let streamID, let settings):
            var fields = CatalogueFields(kind: Kind.settingsChanged)
            fields.add(Field.streamID, streamID)
            settings.write(to: &fields)
            return fields.bytes
        case .resharded(let streamID, let reshard):
            var fields = CatalogueFields(kind: Kind.resharded)
            fields.add(Field.streamID, streamID)
            fields.add(Field.children, reshard.children.flatMap(Self.bytes(ofChild:)))
            fields.add(
                Field.closings, reshard.closings.sorted { $0.key < $1.key }.flatMap { Self.bytes(of: $0.key, $0.value) })
            return fields.bytes
        case .streamDeleted(let streamID):
            var fields = CatalogueFields(kind: Kind.streamDeleted)
            fields.add(Field.streamID, streamID)
            return fields.bytes
        case .consumerSet(let streamID, let consumer):
            var fields = CatalogueFields(kind: Kind.consumerSet)
            fields.add(Field.streamID, streamID)
            consumer.write(to: &fields)
            return fields.bytes
        case .consumerRemoved(let streamID, let name):
            var fields = CatalogueFields(kind: Kind.consumerRemoved)
            fields.add(Field.streamID, streamID)
            fields.add(Field.name, name)
            return fields.bytes
        case .accountChanged(let account):
            var fields = CatalogueFields(kind: Kind.accountChanged)
            fields.add(Field.secret, account.tokenSecret.bytes)
            let commitment = account.billingCommitment
            fields.add(
                Field.commitment,
                [commitment.isEnabled ? 1 : 0, 0, 0, 0, 0, 0, 0, 0] + CatalogueFields.bytes(of: commitment.startSecond)
                    + CatalogueFields.bytes(of: commitment.endSecond))
            if account.agingMilliseconds > 0 { fields.add(Field.agingTime, account.agingMilliseconds) }
            return fields.bytes
        case .shardsExpired(let streamID, let shards):
            var fields = CatalogueFields(kind: Kind.shardsExpired)
            fields.add(Field.streamID, streamID)
            fields.add(Field.expired, shards.flatMap { CatalogueFields.bytes(of: $0.index) })
            return fields.bytes
        }
    }

    private static func bytes(of shard: ShardDescription) -> [UInt8] {
        CatalogueFields.bytes(of: shard.shardID.index) + [0, 0, 0, 0] + CatalogueFields.bytes(of: shard.logID)
            + bytes(of: shard.hashKeyRange)
    }
    private static func bytes(ofChild shard: ShardDescription) -> [UInt8] {
        CatalogueFields.bytes(of: shard.shardID.index) + CatalogueFields.bytes(of: shard.parent?.index ?? noShard)
            + CatalogueFields.bytes(of: shard.adjacentParent?.index ?? noShard) + [0, 0, 0, 0]
            + CatalogueFields.bytes(of: shard.logID) + CatalogueFields.bytes(of: shard.creationSecond)
            + bytes(of: shard.hashKeyRange)
    }
    private static func bytes(of range: HashKeyRange) -> [UInt8] {
        CatalogueFields.bytes(of: range.starting.value) + CatalogueFields.bytes(of: range.ending.value)
    }
    private static func bytes(of shardID: ShardID, _ closing: ShardClosing) -> [UInt8] {
        CatalogueFields.bytes(of: shardID.index) + [0, 0, 0, 0] + CatalogueFields.bytes(of: closing.second)
            + CatalogueFields.bytes(of: closing.endOrdinal)
    }

    // MARK: Reading

    /// Reads any bytes; nothing is trusted. Whether a change fits what was there before is `CatalogueState`'s to say.
    package init(_ bytes: [UInt8]) throws(Refusal) {
        guard bytes.count >= CatalogueFields.headByteCount, bytes[0] != 0, bytes[1] != 0 else {
            throw .damaged(byteOffset: 0, "no head of a catalogue record")
        }
        guard bytes[0] == Self.version, Kind.known.contains(bytes[1]) else { throw .newer }
        let fields = try CatalogueFieldReader(bytes)
        if bytes[1] == Kind.accountChanged {
            self = .accountChanged(try Self.account(fields))
            return
        }
        let streamID: UInt64 = try fields.word(Field.streamID)
        self =
            switch bytes[1] {
            case Kind.streamCreated: .streamCreated(try Self.stream(fields, streamID))
            case Kind.settingsChanged: .settingsChanged(streamID: streamID, try StreamSettings(fields))
            case Kind.resharded: .resharded(streamID: streamID, try Self.reshard(fields))
            case Kind.streamDeleted: .streamDeleted(streamID: streamID)
            case Kind.consumerSet: .consumerSet(streamID: streamID, try ConsumerState(fields))
            case Kind.shardsExpired: .shardsExpired(streamID: streamID, try Self.expired(fields))
            default: .consumerRemoved(streamID: streamID, name: try Self.name(fields).text)
            }
    }

    static func name(_ fields: CatalogueFieldReader) throws(Refusal) -> StreamName {
        let text = try fields.text(Field.name, greatestByteCount: Limits.nameCharacterCount.upperBound)
        guard let name = try? StreamName(text) else { throw .damaged(byteOffset: 0, "nothing may have this name") }
        return name
    }

    private static func stream(_ fields: CatalogueFieldReader, _ streamID: UInt64) throws(Refusal) -> StreamDescription {
        let second = try self.second(try fields.field(Field.creationSecond, byteCount: 8), 0)
        guard let ackLevel = AckLevel(rawValue: try fields.word(Field.ackLevel)) else {
            throw .damaged(byteOffset: 0, "no ack level")
        }
        let shards = try fields.parts(Field.shards, byteCount: shardByteCount, limit: Limits.shardCount.upperBound)
        var stream = StreamDescription(
            name: try name(fields), streamID: streamID, creationSecond: second, ackLevel: ackLevel,
            shards: try self.shards(shards, creationSecond: second))
        stream.settings = try StreamSettings(fields)
        return stream
    }

    private static func shards(
        _ parts: [ArraySlice<UInt8>], creationSecond: UInt64
    ) throws(Refusal) -> [ShardDescription] {
        var shards: [ShardDescription] = []
        var next: UInt128? = 0
        for part in parts {
            let range = try range(part, 16)
            let logID: UInt64 = part.word(8)
            guard part.word(0) == UInt32(shards.count), logID > 0, range.starting.value == next else {
                throw .damaged(byteOffset: part.startIndex, "the shards do not cover the ring once, in order")
            }
            shards.append(
                ShardDescription(
                    shardID: ShardID(index: part.word(0)), logID: logID, hashKeyRange: range, creationSecond: creationSecond))
            next = range.ending == .max ? nil : range.ending.value + 1
        }
        guard !shards.isEmpty, next == nil else { throw .damaged(byteOffset: 0, "the shards leave the ring's end open") }
        return shards
    }

    private static func range(_ part: ArraySlice<UInt8>, _ at: Int) throws(Refusal) -> HashKeyRange {
        do throws(KinesisError) {
            return try HashKeyRange(starting: HashKey(part.word(at)), ending: HashKey(part.word(at + 16)))
        } catch { throw .damaged(byteOffset: part.startIndex + at, "a range ends before it starts") }
    }

    private static func second(_ part: ArraySlice<UInt8>, _ at: Int) throws(Refusal) -> UInt64 {
        let second: UInt64 = part.word(at)
        guard second <= SequenceNumber.maximumSecond else {
            throw .damaged(byteOffset: part.startIndex + at, "a time is out of range")
        }
        return second
    }

    private static func reshard(_ fields: CatalogueFieldReader) throws(Refusal) -> Reshard {
        // Between the shards there were and those there will be, each may stand once.
        let limit = 4 * Limits.shardCount.upperBound
        var reshard = Reshard(children: [], closings: [:])
        for part in try fields.parts(Field.children, byteCount: childByteCount, limit: limit) {
            func shard(_ at: Int) -> ShardID? {
                let index: UInt32 = part.word(at)
                return index == noShard ? nil : ShardID(index: index)
            }
            let logID: UInt64 = part.word(16)
            guard let shardID = shard(0), logID > 0 else {
                throw .damaged(byteOffset: part.startIndex, "a shard without an index, or without a log")
            }
            reshard.children.append(
                ShardDescription(
                    shardID: shardID, logID: logID, hashKeyRange: try range(part, 32),
                    creationSecond: try second(part, 24), parent: shard(4), adjacentParent: shard(8)))
        }
        for part in try fields.parts(Field.closings, byteCount: closingByteCount, limit: limit) {
            let endOrdinal: UInt64 = part.word(16)
            let closing = ShardClosing(second: try second(part, 8), endOrdinal: endOrdinal)
            guard endOrdinal <= SequenceNumber.maximumOrdinal,
                reshard.closings.updateValue(closing, forKey: ShardID(index: part.word(0))) == nil
            else { throw .damaged(byteOffset: part.startIndex, "a shard is closed twice, or beyond its end") }
        }
        return reshard
    }

    private static func expired(_ fields: CatalogueFieldReader) throws(Refusal) -> [ShardID] {
        var shards: [ShardID] = []
        for part in try fields.parts(Field.expired, byteCount: 4, limit: greatestExpiredCount) {
            let shard = ShardID(index: part.word(0))
            if let last = shards.last, last >= shard {
                throw .damaged(byteOffset: part.startIndex, "a shard expires twice, or out of order")
            }
            shards.append(shard)
        }
        return shards
    }

    private static func account(_ fields: CatalogueFieldReader) throws(Refusal) -> AccountState {
        guard let secret = TokenSecret(bytes: Array(try fields.field(Field.secret))) else {
            throw .damaged(byteOffset: 0, "a secret of another length")
        }
        var account = AccountState(tokenSecret: secret)
        let commitment = try fields.field(Field.commitment, byteCount: 24)
        guard commitment[commitment.startIndex] < 2 else { throw .damaged(byteOffset: commitment.startIndex, "no status") }
        account.billingCommitment.isEnabled = commitment[commitment.startIndex] == 1
        account.billingCommitment.startSecond = try second(commitment, 8)
        account.billingCommitment.endSecond = try second(commitment, 16)
        if let time = fields.optional(Field.agingTime) {
            account.agingMilliseconds = try fields.word(Field.agingTime)
            guard account.agingMilliseconds / 1000 <= SequenceNumber.maximumSecond else {
                throw .damaged(byteOffset: time.startIndex, "a time is out of range")
            }
        }
        return account
    }
}
