import MillraceModel

/// One change of the catalogue, which is a log of its own (log id 0) in the engine's format: one record, one change, no key.
/// docs/FORMAT.md section 12.
///
/// The data of a record, integers little-endian, reserved bytes zero:
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | version of this layout: 1 |
/// | 1 | 1 | kind: 1 = stream created; 0 is never valid, others are of a later version |
/// | 2 | 6 | reserved |
/// | 8 | | fields, one behind the other: type 1, reserved 3, length 4 (bytes of the value), value |
///
/// Fields of *stream created*, each exactly once. Types from 128 up must be understood, or the record is refused as of a
/// later version; others are skipped.
///
/// | type | value |
/// |---|---|
/// | 1 | name, UTF-8 |
/// | 2 | stream id, 8 bytes |
/// | 3 | creation second since 1970 UTC, 8 bytes |
/// | 4 | ack level, 1 byte: 1 published, 2 written, 3 durable |
/// | 5 | shards, 48 bytes each: index 4, reserved 4, log id 8, first hash key 16, last hash key 16 |
package enum CatalogueRecord: Hashable, Sendable {
    case streamCreated(StreamDescription)

    /// Why bytes are no record of this version.
    package enum Refusal: Error, Hashable {
        case damaged(byteOffset: Int, String)
        case newer
    }

    private static let version: UInt8 = 1
    private static let headByteCount = 8
    private static let fieldHeadByteCount = 8
    private static let shardByteCount = 48
    private enum Kind { static let streamCreated: UInt8 = 1 }
    private enum Field {
        static let name: UInt8 = 1, streamID: UInt8 = 2, creationSecond: UInt8 = 3, ackLevel: UInt8 = 4
        static let shards: UInt8 = 5, leastRequired: UInt8 = 128
    }

    // MARK: Writing

    package var bytes: [UInt8] {
        switch self {
        case .streamCreated(let stream):
            var bytes: [UInt8] = [Self.version, Kind.streamCreated, 0, 0, 0, 0, 0, 0]
            Self.append(Field.name, Array(stream.name.text.utf8), to: &bytes)
            Self.append(Field.streamID, Self.bytes(of: stream.streamID), to: &bytes)
            Self.append(Field.creationSecond, Self.bytes(of: stream.creationSecond), to: &bytes)
            Self.append(Field.ackLevel, [stream.ackLevel.rawValue], to: &bytes)
            var shards: [UInt8] = []
            shards.reserveCapacity(stream.shards.count * Self.shardByteCount)
            for shard in stream.shards {
                shards += Self.bytes(of: shard.shardID.index) + [0, 0, 0, 0] + Self.bytes(of: shard.logID)
                shards += Self.bytes(of: shard.hashKeyRange.starting.value)
                shards += Self.bytes(of: shard.hashKeyRange.ending.value)
            }
            Self.append(Field.shards, shards, to: &bytes)
            return bytes
        }
    }

    private static func append(_ type: UInt8, _ value: [UInt8], to bytes: inout [UInt8]) {
        bytes += [type, 0, 0, 0] + Self.bytes(of: UInt32(value.count)) + value
    }

    private static func bytes<Word: FixedWidthInteger>(of word: Word) -> [UInt8] {
        (0..<Word.bitWidth / 8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
    }

    // MARK: Reading

    /// Reads any bytes; nothing is trusted.
    package init(_ bytes: [UInt8]) throws(Refusal) {
        guard bytes.count >= Self.headByteCount, bytes[0] != 0, bytes[1] != 0 else {
            throw .damaged(byteOffset: 0, "no head of a catalogue record")
        }
        guard bytes[0] == Self.version, bytes[1] == Kind.streamCreated else { throw .newer }
        self = .streamCreated(try Self.stream(try Self.fields(bytes)))
    }

    private static func fields(_ bytes: [UInt8]) throws(Refusal) -> [UInt8: ArraySlice<UInt8>] {
        var fields: [UInt8: ArraySlice<UInt8>] = [:]
        var at = headByteCount
        while at < bytes.count {
            guard bytes.count - at >= fieldHeadByteCount else {
                throw .damaged(byteOffset: at, "a field's head is cut")
            }
            let type = bytes[at]
            let byteCount = Int(word(bytes[(at + 4)..<(at + 8)]) as UInt32)
            guard byteCount <= bytes.count - at - fieldHeadByteCount else {
                throw .damaged(byteOffset: at, "a field of \(byteCount) bytes is cut")
            }
            let value = bytes[(at + fieldHeadByteCount)..<(at + fieldHeadByteCount + byteCount)]
            if type >= Field.leastRequired { throw .newer }
            guard type != 0, fields.updateValue(value, forKey: type) == nil else {
                throw .damaged(byteOffset: at, "field \(type) is invalid or there twice")
            }
            at += fieldHeadByteCount + byteCount
        }
        return fields
    }

    private static func stream(_ fields: [UInt8: ArraySlice<UInt8>]) throws(Refusal) -> StreamDescription {
        func field(_ type: UInt8, byteCount: Int? = nil) throws(Refusal) -> ArraySlice<UInt8> {
            guard let value = fields[type], byteCount == nil || value.count == byteCount else {
                let at = fields[type]?.startIndex ?? 0
                throw .damaged(byteOffset: at, "field \(type) is missing or of a wrong length")
            }
            return value
        }
        let nameBytes = try field(Field.name)
        // Its length first: making a string of many bytes that are no text takes long.
        guard nameBytes.count <= Limits.nameCharacterCount.upperBound,
            let name = try? StreamName(String(decoding: nameBytes, as: UTF8.self))
        else {
            throw .damaged(byteOffset: nameBytes.startIndex, "no stream may have this name")
        }
        let streamID = word(try field(Field.streamID, byteCount: 8)) as UInt64
        let second = word(try field(Field.creationSecond, byteCount: 8)) as UInt64
        let level = try field(Field.ackLevel, byteCount: 1)
        guard let ackLevel = AckLevel(rawValue: level[level.startIndex]), second <= SequenceNumber.maximumSecond else {
            throw .damaged(byteOffset: level.startIndex, "an ack level or a time is out of range")
        }
        return StreamDescription(
            name: name, streamID: streamID, creationSecond: second, ackLevel: ackLevel,
            shards: try shards(try field(Field.shards)))
    }

    private static func shards(_ bytes: ArraySlice<UInt8>) throws(Refusal) -> [ShardDescription] {
        guard bytes.count % shardByteCount == 0, Limits.shardCount.contains(bytes.count / shardByteCount) else {
            throw .damaged(byteOffset: bytes.startIndex, "\(bytes.count) bytes of shards")
        }
        var shards: [ShardDescription] = []
        var next: UInt128? = 0
        for at in stride(from: bytes.startIndex, to: bytes.endIndex, by: shardByteCount) {
            let index = word(bytes[at..<(at + 4)]) as UInt32
            let logID = word(bytes[(at + 8)..<(at + 16)]) as UInt64
            let starting = HashKey(word(bytes[(at + 16)..<(at + 32)]))
            let ending = HashKey(word(bytes[(at + 32)..<(at + 48)]))
            guard Int(index) == shards.count, logID > 0, starting.value == next,
                let range = try? HashKeyRange(starting: starting, ending: ending)
            else { throw .damaged(byteOffset: at, "the shards do not cover the ring once, in order") }
            shards.append(ShardDescription(shardID: ShardID(index: index), logID: logID, hashKeyRange: range))
            next = ending == .max ? nil : ending.value + 1
        }
        guard next == nil else { throw .damaged(byteOffset: bytes.endIndex, "the shards leave the ring's end open") }
        return shards
    }

    private static func word<Word: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>) -> Word {
        bytes.reversed().reduce(0) { $0 << 8 | Word($1) }
    }
}
