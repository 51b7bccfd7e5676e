import MillraceModel

// Reading records of the catalogue (FORMAT section 12): any bytes; nothing is trusted.

extension CatalogueRecord {
    /// Far more thousandths of a shard, and days, than there can be; small enough to be reckoned with.
    private static let greatestPeak = UInt64(1) << 40

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
        if bytes[1] == Kind.snapshotBegan {
            self = .snapshotBegan(
                recordCount: try fields.word(Field.recordCount), greatestLogID: try fields.word(Field.greatestLogID))
            return
        }
        if bytes[1] == Kind.nameRetired {
            self = .nameRetired(
                try Self.name(fields), creationSecond: try Self.second(try fields.field(Field.creationSecond, byteCount: 8), 0))
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
            case Kind.streamStands: .streamStands(try Self.stream(fields, streamID, shards: try Self.standing(fields)))
            case Kind.shardsStand: .shardsStand(streamID: streamID, try Self.standing(fields))
            case Kind.peaksKept: .peaksKept(streamID: streamID, try Self.peaks(fields))
            case Kind.shardsExpired: .shardsExpired(streamID: streamID, try Self.expired(fields))
            default: .consumerRemoved(streamID: streamID, name: try Self.name(fields).text)
            }
    }

    /// Whether a record is the beginning of a snapshot, told without reading it.
    static func isSnapshot(_ bytes: RawSpan) -> Bool {
        guard bytes.byteCount >= CatalogueFields.headByteCount else { return false }
        // Safe because both bytes are there.
        let head = unsafe (bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self), bytes.unsafeLoad(fromByteOffset: 1, as: UInt8.self))
        return head == (version, Kind.snapshotBegan)
    }

    static func name(_ fields: CatalogueFieldReader) throws(Refusal) -> StreamName {
        let text = try fields.text(Field.name, greatestByteCount: Limits.nameCharacterCount.upperBound)
        guard let name = try? StreamName(text) else { throw .damaged(byteOffset: 0, "nothing may have this name") }
        return name
    }

    /// - Parameter standing: of a snapshot; nil where the stream is created.
    private static func stream(
        _ fields: CatalogueFieldReader, _ streamID: UInt64, shards standing: [ShardDescription]? = nil
    ) throws(Refusal) -> StreamDescription {
        let second = try self.second(try fields.field(Field.creationSecond, byteCount: 8), 0)
        guard let ackLevel = AckLevel(rawValue: try fields.word(Field.ackLevel)) else {
            throw .damaged(byteOffset: 0, "no ack level")
        }
        let shards: [ShardDescription]
        if let standing {
            shards = standing
        } else {
            shards = try self.shards(
                try fields.parts(Field.shards, byteCount: shardByteCount, limit: Limits.shardCount.upperBound),
                creationSecond: second)
        }
        var stream = StreamDescription(
            name: try name(fields), streamID: streamID, creationSecond: second, ackLevel: ackLevel, shards: shards)
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
            reshard.children.append(try child(part))
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

    private static func child(_ part: ArraySlice<UInt8>) throws(Refusal) -> ShardDescription {
        func shard(_ at: Int) -> ShardID? {
            let index: UInt32 = part.word(at)
            return index == noShard ? nil : ShardID(index: index)
        }
        let logID: UInt64 = part.word(16)
        guard let shardID = shard(0), logID > 0 else {
            throw .damaged(byteOffset: part.startIndex, "a shard without an index, or without a log")
        }
        return ShardDescription(
            shardID: shardID, logID: logID, hashKeyRange: try range(part, 32), creationSecond: try second(part, 24),
            parent: shard(4), adjacentParent: shard(8))
    }

    private static func standing(_ fields: CatalogueFieldReader) throws(Refusal) -> [ShardDescription] {
        var shards: [ShardDescription] = []
        for part in try fields.parts(Field.standing, byteCount: standingByteCount, limit: greatestStandingCount) {
            var shard = try child(part)
            let (closing, end): (UInt64, UInt64) = (part.word(64), part.word(72))
            if closing != .max || end != .max {
                guard end <= SequenceNumber.maximumOrdinal else {
                    throw .damaged(byteOffset: part.startIndex, "a shard ends beyond the last ordinal")
                }
                shard.closing = ShardClosing(second: try second(part, 64), endOrdinal: end)
            }
            shards.append(shard)
        }
        return shards
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

    private static func peaks(_ fields: CatalogueFieldReader) throws(Refusal) -> PeakHistory {
        let words = try fields.parts(Field.peaks, byteCount: 8, limit: 1 + PeakHistory.dayCount).map { $0.word(0, UInt64.self) }
        guard let day = words.first, words.allSatisfy({ $0 <= greatestPeak }) else {
            throw .damaged(byteOffset: 0, "no day, or a number out of range")
        }
        return PeakHistory(newestDay: Int(day), peaks: words.dropFirst().map(Int.init))
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
