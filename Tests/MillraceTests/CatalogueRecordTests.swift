import Millrace
import MillraceModel
import Testing

/// Aim: any bytes are a record of the catalogue or refused by name, and what is taken is written the same again. Method:
/// one record of each kind; every byte changed, every field left out, doubled, cut, made longer, or of a later version.
@Suite struct CatalogueRecordTests {
    static func records() throws -> [CatalogueRecord] {
        let second: UInt64 = 1_735_689_600
        var stream = StreamDescription(
            name: try StreamName("orders"), streamID: 42, creationSecond: second, ackLevel: .durable,
            shards: try HashKeyRange.tiling(count: 3).enumerated().map { index, range in
                ShardDescription(
                    shardID: ShardID(index: UInt32(index)), logID: UInt64(index + 1), hashKeyRange: range, creationSecond: second)
            })
        stream.settings.mode = .onDemand
        stream.settings.tags = ["team": "blue", "empty": ""]
        var settings = StreamSettings()
        settings.retention = try RetentionPeriod(hours: 48)
        settings.encryption = .kms
        settings.keyID = "alias/key"
        settings.horizonFloorMilliseconds = 7
        settings.metrics = [.incomingBytes]
        settings.policy = "{}"
        settings.maximumRecordByteCount = 2 << 20
        settings.warmThroughputMiBps = 7
        settings.shardCountChanges = [1, 2]
        settings.modeChanges = [3]
        var consumer = ConsumerState(name: "billing", creationSecond: second)
        consumer.tags = ["a": "b"]
        consumer.policy = "{}"
        let child = ShardDescription(
            shardID: ShardID(index: 3), logID: 4, hashKeyRange: .whole, creationSecond: second + 1,
            parent: ShardID(index: 0), adjacentParent: ShardID(index: 1))
        let closing = ShardClosing(second: second, endOrdinal: 1 << 40)
        var standing = stream
        standing.shards[0].closing = closing
        var account = AccountState(tokenSecret: try #require(TokenSecret(bytes: Array(0..<16))))
        account.billingCommitment.isEnabled = true
        account.agingMilliseconds = second * 1000 + 1
        return [
            .streamCreated(stream), .settingsChanged(streamID: 42, settings),
            .resharded(
                streamID: 42,
                Reshard(children: [child], closings: [ShardID(index: 0): closing, ShardID(index: 1): closing])),
            .resharded(
                streamID: 42,
                Reshard(
                    children: [
                        ShardDescription(
                            shardID: ShardID(index: 3), logID: 4, hashKeyRange: .whole, creationSecond: second)
                    ], closings: [:])),
            .streamDeleted(streamID: 42), .consumerSet(streamID: 42, consumer),
            .consumerRemoved(streamID: 42, name: "billing"), .accountChanged(account),
            .shardsExpired(streamID: 42, [ShardID(index: 0), ShardID(index: 2)]),
            .peaksKept(streamID: 42, PeakHistory(newestDay: 20_000, peaks: [5, 0, 7])),
            .snapshotBegan(recordCount: 3, greatestLogID: 7), .streamStands(standing),
            .shardsStand(streamID: 42, [child, standing.shards[0]]), .nameRetired(try StreamName("old"), creationSecond: second),
        ]
    }

    @Test func `a record comes back as it was written`() throws {
        for record in try Self.records() { #expect(try CatalogueRecord(record.bytes) == record) }
    }

    @Test func `whatever is wrong with one byte or one field, it is refused or taken for what it says`() throws {
        var refused = 0
        for record in try Self.records() {
            let bytes = record.bytes
            for place in bytes.indices {
                for value in [0, 1, 2, 9, 0x2E, 0x7F, 0x80, 0xC8, 0xFF] as [UInt8] {
                    var changed = bytes
                    changed[place] = value
                    refused += try Self.check(changed)
                }
            }
            for end in bytes.indices { refused += try Self.check(Array(bytes[..<end])) }
            let fields = Self.fields(bytes)
            for index in fields.indices {
                var others = fields
                others.remove(at: index)
                refused += try Self.check(Self.joined(bytes, others))
                others.insert(fields[index], at: index)
                others.insert(fields[index], at: index)
                refused += try Self.check(Self.joined(bytes, others))
                for value in [[], Array(fields[index].value.dropLast()), fields[index].value + [0], fields[index].value + fields[index].value] {
                    others = fields
                    others[index].value = value
                    refused += try Self.check(Self.joined(bytes, others))
                }
                for width in [4, 8, 16] {
                    for start in stride(from: 0, to: max(0, fields[index].value.count - width + 1), by: 4) {
                        others = fields
                        others[index].value.replaceSubrange(start..<(start + width), with: repeatElement(0xFF, count: width))
                        refused += try Self.check(Self.joined(bytes, others))
                    }
                }
            }
            for type in [99, 200] as [UInt8] {
                refused += try Self.check(Self.joined(bytes, fields + [(type, [1, 2])]))
            }
        }
        #expect(refused > 1000)
    }

    /// 1 when the bytes are refused.
    private static func check(_ bytes: [UInt8]) throws -> Int {
        guard let record = try? CatalogueRecord(bytes) else { return 1 }
        #expect(try CatalogueRecord(record.bytes) == record)
        return 0
    }

    private static func fields(_ bytes: [UInt8]) -> [(type: UInt8, value: [UInt8])] {
        var fields: [(type: UInt8, value: [UInt8])] = []
        var at = 8
        while at < bytes.count {
            let count = Int(bytes[at + 4]) | Int(bytes[at + 5]) << 8
            fields.append((bytes[at], Array(bytes[(at + 8)..<(at + 8 + count)])))
            at += 8 + count
        }
        return fields
    }

    private static func joined(_ bytes: [UInt8], _ fields: [(type: UInt8, value: [UInt8])]) -> [UInt8] {
        fields.reduce(Array(bytes.prefix(8))) { sum, field in
            sum + [field.type, 0, 0, 0, UInt8(field.value.count & 0xFF), UInt8(field.value.count >> 8), 0, 0] + field.value
        }
    }
}
