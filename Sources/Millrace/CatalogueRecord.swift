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
    /// How much an on-demand stream was used, day by day.
    case peaksKept(streamID: UInt64, PeakHistory)
    /// Everything before is void: the next so many records say how things stand, and were appended as one batch with this.
    case snapshotBegan(recordCount: UInt32, greatestLogID: UInt64)
    /// Of a snapshot: a stream without its consumers, and with the first of its shards.
    case streamStands(StreamDescription)
    /// Of a snapshot: more shards of a stream, behind those that it has.
    case shardsStand(streamID: UInt64, [ShardDescription])
    /// Of a snapshot: when the last stream of a name was created that is gone.
    case nameRetired(StreamName, creationSecond: UInt64)

    /// Why bytes are no record of this version.
    package enum Refusal: Error, Hashable {
        case damaged(byteOffset: Int, String)
        case newer
    }

    static let version: UInt8 = 1

    enum Kind {
        static let streamCreated: UInt8 = 1, settingsChanged: UInt8 = 2, resharded: UInt8 = 3, streamDeleted: UInt8 = 4
        static let consumerSet: UInt8 = 5, consumerRemoved: UInt8 = 6, accountChanged: UInt8 = 7
        static let shardsExpired: UInt8 = 8, peaksKept: UInt8 = 9
        static let snapshotBegan: UInt8 = 10, streamStands: UInt8 = 11, shardsStand: UInt8 = 12, nameRetired: UInt8 = 13
        static let known = streamCreated...nameRetired
    }

    enum Field {
        static let name: UInt8 = 1, streamID: UInt8 = 2, creationSecond: UInt8 = 3, ackLevel: UInt8 = 4, shards: UInt8 = 5
        static let children: UInt8 = 22, closings: UInt8 = 23, secret: UInt8 = 24, commitment: UInt8 = 25
        static let agingTime: UInt8 = 26, expired: UInt8 = 27, peaks: UInt8 = 28
        static let recordCount: UInt8 = 29, greatestLogID: UInt8 = 30, standing: UInt8 = 31
    }

    static let shardByteCount = 48
    static let childByteCount = 64
    static let closingByteCount = 24
    static let standingByteCount = 80
    /// Shards in one record of a snapshot, at most: 320 KiB.
    static let greatestStandingCount = 4096
    static let noShard = UInt32.max
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
        case .peaksKept(let streamID, let peaks):
            var fields = CatalogueFields(kind: Kind.peaksKept)
            fields.add(Field.streamID, streamID)
            fields.add(Field.peaks, ([peaks.newestDay] + peaks.peaks).flatMap { CatalogueFields.bytes(of: UInt64($0)) })
            return fields.bytes
        case .snapshotBegan(let recordCount, let greatestLogID):
            var fields = CatalogueFields(kind: Kind.snapshotBegan)
            fields.add(Field.recordCount, recordCount)
            fields.add(Field.greatestLogID, greatestLogID)
            return fields.bytes
        case .streamStands(let stream):
            var fields = CatalogueFields(kind: Kind.streamStands)
            fields.add(Field.name, stream.name.text)
            fields.add(Field.streamID, stream.streamID)
            fields.add(Field.creationSecond, stream.creationSecond)
            fields.add(Field.ackLevel, stream.ackLevel.rawValue)
            fields.add(Field.standing, stream.shards.flatMap(Self.bytes(ofStanding:)))
            stream.settings.write(to: &fields)
            return fields.bytes
        case .shardsStand(let streamID, let shards):
            var fields = CatalogueFields(kind: Kind.shardsStand)
            fields.add(Field.streamID, streamID)
            fields.add(Field.standing, shards.flatMap(Self.bytes(ofStanding:)))
            return fields.bytes
        case .nameRetired(let name, let second):
            var fields = CatalogueFields(kind: Kind.nameRetired)
            fields.add(Field.name, name.text)
            fields.add(Field.creationSecond, second)
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
    private static func bytes(ofStanding shard: ShardDescription) -> [UInt8] {
        // 2^64 - 1 where a closing would be: open.
        bytes(ofChild: shard) + CatalogueFields.bytes(of: shard.closing?.second ?? .max)
            + CatalogueFields.bytes(of: shard.closing?.endOrdinal ?? .max)
    }
    private static func bytes(of range: HashKeyRange) -> [UInt8] {
        CatalogueFields.bytes(of: range.starting.value) + CatalogueFields.bytes(of: range.ending.value)
    }
    private static func bytes(of shardID: ShardID, _ closing: ShardClosing) -> [UInt8] {
        CatalogueFields.bytes(of: shardID.index) + [0, 0, 0, 0] + CatalogueFields.bytes(of: closing.second)
            + CatalogueFields.bytes(of: closing.endOrdinal)
    }
}
