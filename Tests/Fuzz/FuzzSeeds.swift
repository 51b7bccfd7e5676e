import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit

/// Inputs to start from, made by the engine's own encoder: for each target the kinds of thing it decodes. They hold no
/// compressed bytes, so that they are the same with every release of LZ4.
package enum FuzzSeeds {
    package static func make(_ target: FuzzTarget) -> [(name: String, bytes: [UInt8])] {
        let inputs: [[UInt8]] =
            switch target {
            case .blockHeader: headers()
            case .block: blocks()
            case .segmentHeader: segmentHeaders()
            case .note: notes()
            case .footer: footers()
            case .storeFile: storeFiles()
            case .catalogue: catalogue()
            case .segment: segments()
            case .journal: JournalFuzz.seeds()
            case .names: names()
            case .texts: texts()
            case .tokens: tokens()
            case .roundTrip: roundTrips()
            }
        return inputs.enumerated().map { index, bytes in ("seed-\(index / 10)\(index % 10)", bytes) }
    }

    private static let identity = Checksums.identity

    private static func bytes(_ page: AlignedMemory) -> [UInt8] { page.withMemory { $0.bytes } }

    // MARK: Blocks

    /// Columns of width 0: `count` records of the same lengths.
    static func equalRecords(key: Int, data: Int) -> [UInt8] {
        let heads = [data, key, 0, 0].map { least in [0] + (0..<4).map { UInt8(truncatingIfNeeded: least >> (8 * $0)) }
        }
        return heads.flatMap { $0 }
    }

    /// Data lengths 0, 1, 2 and 3 in columns of two bits, no keys.
    private static let unequalRecords: [UInt8] = [2, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 15) + [0b1110_0100]

    private static func text(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(97 + $0 % 13) } }
    /// One LZ4 block by hand: a literal, then `count` repetitions of it, then five literals.
    static func packed(_ count: Int) -> [UInt8] {
        let match = count - 4 - 15
        return [0x1F, 97, 1, 0] + [UInt8](repeating: 255, count: match / 255) + [UInt8(match % 255)] + [
            0x50, 98, 99, 100, 101, 102,
        ]
    }

    private static func allBlocks(at byteOffset: Int) -> [[UInt8]] {
        let chunked = [UInt8(truncatingIfNeeded: packed(300).count), 0, 0, 0] + packed(300)
        let blocks = [
            Forge.Block(recordCount: 1, directory: equalRecords(key: 3, data: 7), rawByteCount: 10, stored: text(10)),
            Forge.Block(recordCount: 10, directory: equalRecords(key: 1, data: 4), rawByteCount: 50, stored: text(50)),
            Forge.Block(recordCount: 4, directory: unequalRecords, rawByteCount: 6, stored: text(6), batchIndex: 3),
            Forge.Block(recordCount: 1 << 13, directory: equalRecords(key: 0, data: 0), rawByteCount: 0, stored: []),
            Forge.Block(
                recordCount: 1, directory: equalRecords(key: 0, data: 306), rawByteCount: 306, stored: packed(300),
                codec: .lz4),
            Forge.Block(
                recordCount: 1, directory: equalRecords(key: 2, data: 304), rawByteCount: 306, stored: chunked,
                codec: .lz4Chunked),
            Forge.Block(
                recordCount: 2, directory: equalRecords(key: 1, data: 4) + [2, 3, 0, 0, 0, 0b1000], rawByteCount: 10,
                stored: text(10), ordinalCount: 9),
            Forge.Block(
                recordCount: 0, directory: equalRecords(key: 0, data: 0) + [0, 0, 0, 0, 0], rawByteCount: 0, stored: [],
                ordinalCount: 5),
        ]
        return blocks.map { $0.bytes(at: byteOffset, identity) }
    }

    private static func headers() -> [[UInt8]] {
        let blocks = allBlocks(at: 0)
        return blocks.map { [0, 0] + $0 } + [[1, 0] + blocks[0]]
    }

    private static func blocks() -> [[UInt8]] {
        let blocks = allBlocks(at: Format.blocksByteOffset)
        let unequal: [UInt8] = [2, 3, 0, 0, 6, 0, 0, 0] + unequalRecords
        let equal: [UInt8] = [2, 9, 0, 0, 50, 0, 0, 0] + equalRecords(key: 1, data: 4)
        let gaps: [UInt8] = [2, 9, 0, 0, 50, 0, 0, 1] + equalRecords(key: 1, data: 4) + [0, 1, 0, 0, 0]
        return blocks.map { [0] + $0 } + blocks.map { [1] + $0 } + [unequal, equal, gaps]
    }

    // MARK: Pages

    private static func segmentHeaders() -> [[UInt8]] {
        let ends: [UInt64] = [0, 1 << 40 | 77, 1 << 62]
        let pages = ends.enumerated().map { number, end in
            bytes(
                Forge.segmentHeader(
                    identity, number: UInt32(number), fileByteCount: 32_768 << UInt64(number), previousEnd: end,
                    previousChecksum: 5,
                    created: 6))
        }
        // A later reader is asked for, and a feature that nobody knows.
        var later = Array(pages[0].prefix(112))
        var feature = later
        later[10] = 2
        feature[16] = 1
        var seeds = pages.map { [0] + $0 }
        seeds.append([3] + pages[0].prefix(112))
        seeds.append([1] + later)
        seeds.append([1] + feature)
        return seeds
    }

    private static func notes() -> [[UInt8]] {
        let sequences: [UInt64] = [1, 2, 4]
        let notes = sequences.map { sequence -> [UInt8] in
            let words: [UInt64] = [sequence, 1 << 40 | 5, 12_400, 1 << 40 | 9, 13_000, 1, 2, 3, 4]
            return bytes(
                Forge.note(
                    identity, words, isCleanClose: sequence == 4, blockCount: 2, lastChecksum: 8, segmentNumber: 0,
                    headerChecksum: 9))
        }
        var seeds: [[UInt8]] = [[4] + notes[0], [0] + notes[1], [0] + notes[2]]
        for note in notes { seeds.append([3] + note.prefix(116)) }
        seeds.append([5] + notes[0].prefix(116))
        return seeds
    }

    private static func footers() -> [[UInt8]] {
        let start = UInt64(Format.blocksByteOffset)
        let counts: [UInt64] = [0, 1, 3]
        let fields = counts.map { count -> [UInt8] in
            let words: [UInt64] = [count, start, start, 1 << 40 | 30, 40, 30, 900]
            let page = Forge.footer(
                identity, at: Format.blocksByteOffset, words, indexChecksum: 0, lastChecksum: 7,
                isSealedByRecovery: count == 3)
            return Array(bytes(page).prefix(76))
        }
        func entry(_ ordinal: UInt64, _ arrival: UInt64, _ place: UInt64, _ count: UInt64) -> [UInt8] {
            let memory = AlignedMemory(byteCount: Format.indexEntryByteCount, alignment: 8)
            memory.withMemory { Forge.put([ordinal, arrival, place | count << 32], in: $0, at: 0) }
            return bytes(memory)
        }
        var index = entry(1 << 40, 10, 1536, 10)
        index += entry(1 << 40 | 10, 20, 1600, 10)
        index += entry(1 << 40 | 20, 40, 1700, 10)
        var far = fields[2]
        // The blocks end where the last entry's may still lie.
        far[24] = 0x00
        far[25] = 0x40
        far[16] = 0x00
        far[17] = 0x40
        var seeds = fields.map { [1] + $0 }
        for field in fields { seeds.append([5] + field + index) }
        seeds.append([7] + fields[2] + index)
        seeds.append([5] + fields[2] + Array(index.reversed()))
        seeds.append([1] + far + [UInt8](repeating: 0, count: 4096) + index)
        return seeds
    }

    private static func storeFiles() -> [[UInt8]] {
        func slot(_ sequence: UInt64, _ generation: UInt64) -> [UInt8] {
            bytes(Forge.storeSlot([1, 2, sequence, generation, 3]))
        }
        let greatest = Ordinal.greatestGeneration
        var seeds: [[UInt8]] = [
            [0] + slot(2, 1) + slot(1, 0), [0] + slot(4, 3) + slot(3, 2), [0] + slot(6, greatest) + slot(5, 9),
        ]
        seeds.append([0] + slot(2, 1))
        seeds.append([5] + slot(2, 1).prefix(72) + slot(3, 2).prefix(72))
        seeds.append([7] + slot(3, 2).prefix(72) + slot(8, greatest - 1).prefix(72))
        seeds.append([7] + slot(8, greatest - 1).prefix(72))
        return seeds
    }

    // MARK: The catalogue and texts

    private static func stream(_ count: Int) -> StreamDescription {
        guard let name = try? StreamName("stream-\(count)"), let ranges = try? HashKeyRange.tiling(count: count)
        else { fatalError("a stream of \(count) shards has a name") }
        return StreamDescription(
            name: name, streamID: 42, creationSecond: 1_735_689_600, ackLevel: AckLevel.allCases[count % 3],
            shards: ranges.enumerated().map { index, range in
                ShardDescription(
                    shardID: ShardID(index: UInt32(index)), logID: UInt64(index + 1), hashKeyRange: range,
                    creationSecond: 1_735_689_600)
            })
    }

    /// One of each kind, for the stream of two shards.
    private static func changes() -> [CatalogueRecord] {
        var stream = stream(2)
        stream.settings.mode = .onDemand
        stream.settings.tags = ["team": "blue", "empty": ""]
        var settings = StreamSettings()
        settings.encryption = .kms
        settings.keyID = "alias/key"
        settings.horizonFloorMilliseconds = 1_735_689_700_000
        settings.metrics = [.incomingBytes, .iteratorAgeMilliseconds]
        settings.policy = "{}"
        settings.maximumRecordByteCount = 10 << 20
        settings.warmThroughputMiBps = 7
        settings.shardCountChanges = [1, 2]
        settings.modeChanges = [3]
        var consumer = ConsumerState(name: "billing", creationSecond: 1_735_689_601)
        consumer.tags = ["a": "b"]
        consumer.policy = "{}"
        let merged = ShardDescription(
            shardID: ShardID(index: 2), logID: 3, hashKeyRange: .whole, creationSecond: 1_735_689_601,
            parent: ShardID(index: 0), adjacentParent: ShardID(index: 1))
        let closing = ShardClosing(second: 1_735_689_601, endOrdinal: 1 << 40 | 7)
        let reshard = Reshard(
            children: [merged], closings: [ShardID(index: 0): closing, ShardID(index: 1): closing])
        guard let secret = TokenSecret(bytes: Array(0..<16)) else { fatalError("a secret has 16 bytes") }
        var account = AccountState(tokenSecret: secret)
        account.billingCommitment.isEnabled = true
        return [
            .streamCreated(stream), .settingsChanged(streamID: 42, settings), .consumerSet(streamID: 42, consumer),
            .resharded(streamID: 42, reshard), .accountChanged(account), .consumerRemoved(streamID: 42, name: "billing"),
            .streamDeleted(streamID: 42),
        ]
    }

    /// What a sweep, scaling and a snapshot add to the first of these.
    private static func standing() -> (before: [CatalogueRecord], after: [CatalogueRecord]) {
        let before = Array(changes().dropLast(2))
        var after: [CatalogueRecord] = [
            .shardsExpired(streamID: 42, [ShardID(index: 0), ShardID(index: 1)]),
            .peaksKept(streamID: 42, PeakHistory(newestDay: 20_000, peaks: [7, 0, 3])),
        ]
        var state = CatalogueState()
        for record in before + after {
            do { try state.apply(record) } catch { fatalError("a change that fits: \(error)") }
        }
        after += state.snapshotRecords
        return (before, after)
    }

    private static func catalogue() -> [[UInt8]] {
        let records = [1, 2, 7].map { CatalogueRecord.streamCreated(stream($0)).bytes }
        let second: [UInt8] = [0] + records[0] + records[0].dropFirst(8)
        let skipped: [UInt8] = [9, 0, 0, 0, 2, 0, 0, 0, 1, 2]
        let needed: [UInt8] = [200, 0, 0, 0, 0, 0, 0, 0]
        var seeds = records.map { [0] + $0 }
        seeds.append([0] + records[0] + skipped)
        seeds.append([0] + records[0] + needed)
        seeds.append([0] + records[1].dropLast(7))
        seeds.append(second)
        // A name far too long, of bytes that are no text.
        let head: [UInt8] = [0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xF0, 0, 0]
        seeds.append(head + [UInt8](repeating: 0xFF, count: 0xF000) + records[0].dropFirst(24))
        seeds += changes().map { [0] + $0.bytes }
        // All of them, one after the other.
        var all: [UInt8] = [1]
        for record in changes() {
            let bytes = record.bytes
            all += [UInt8(bytes.count & 0xFF), UInt8(bytes.count >> 8)]
            all += bytes
        }
        seeds.append(all)
        let (before, after) = standing()
        seeds += after.map { [0] + $0.bytes }
        if let name = try? StreamName("gone") {
            seeds.append([0] + CatalogueRecord.nameRetired(name, creationSecond: 1_735_689_600).bytes)
            seeds.append([0] + CatalogueRecord.shardsStand(streamID: 42, stream(3).shards).bytes)
        }
        all = [1]
        for record in before + after {
            let bytes = record.bytes
            all += [UInt8(bytes.count & 0xFF), UInt8(bytes.count >> 8)]
            all += bytes
        }
        seeds.append(all)
        return seeds
    }

    private static func names() -> [[UInt8]] {
        [
            "0000000000000001", "ffffffffffffffff", "00000001099511627776.segment", "18446744073709551615.segment",
            "65536-3.spare",
            "00000001099511627776.segment.damaged", "+000000000000001", "65536--3.spare",
        ].map { [0] + Array($0.utf8) }
    }

    private static func texts() -> [[UInt8]] {
        let number = SequenceNumber(
            shardCreationSecond: 1_735_689_600, shardID: ShardID(index: 3), ordinal: 1 << 40 | 7,
            recordSecond: 1_735_689_700)
        let texts: [(UInt8, String)] = [
            (0, number.description), (0, "0"), (0, String(repeating: "9", count: 56)), (1, UInt128.max.description),
            (1, "0"), (1, "007"),
            (2, "shardId-000000000003"), (2, "shardId-004294967296"), (3, "orders.v1_a-b"), (4, "customer-1"),
            (4, "é\u{301}\u{1F600}"),
            (5, "millrace-position-1;2a;oldest;0:1099511627776,1:0"), (5, "millrace-position-1;2a;time=-5;"),
            (5, "millrace-position-1;2a;at=\(number);"),
            (5, "millrace-position-1;2a;latest;4294967295:9223372036854775807"),
        ]
        return texts.map { [$0] + Array($1.utf8) }
    }

    private static func tokens() -> [[UInt8]] {
        let (secret, now) = (TokenFuzz.secret, TokenFuzz.nowMilliseconds)
        func iterator(issued: Int64) -> String {
            IteratorToken(
                streamID: 42, shardID: ShardID(index: 3), shardCreationSecond: 1_735_689_000, ordinal: 1 << 40 | 7,
                issuedMilliseconds: issued
            ).text(secret)
        }
        let pages = PageToken.Operation.allCases.map {
            PageToken($0, streamID: 42, position: Array("stream-7".utf8), issuedMilliseconds: now).text(secret)
        }
        let longest = PageToken(
            .listStreams, position: [UInt8](repeating: 7, count: Limits.pageTokenPositionByteCount),
            issuedMilliseconds: now)
        let ages = [now, now - 300_000, now - 300_001, now + 300_001, Int64.max].map(iterator)
        var seeds = ages.map { [0] + Array($0.utf8) } + pages.map { [0] + Array($0.utf8) }
        seeds.append([0] + Array("\"\(ages[0])\"".utf8))
        seeds.append([0] + Array(longest.text(secret).utf8))
        // Without their MAC, which the target puts behind.
        for text in [ages[0], ages[4], pages[0]] {
            seeds.append([1] + (Base64URL.decode(text.utf8) ?? []).dropLast(16))
        }
        return seeds
    }

    // MARK: Whole segments, and round trips

    private static func segments() -> [[UInt8]] {
        // Options, which segment, then changes: two bytes of place, kind, bytes.
        func place(_ at: Int) -> [UInt8] { [UInt8(truncatingIfNeeded: at), UInt8(truncatingIfNeeded: at >> 8)] }
        let block = Format.blocksByteOffset
        let note = Format.notesByteOffset
        let ones = [UInt8](repeating: 0xFF, count: 8)
        var seeds: [[UInt8]] = [[0, 0], [4, 2], [2, 1, 200, 40, 0, 0]]
        seeds.append([0, 2] + place(block + 9) + [0, 1])
        seeds.append([4, 1] + place(block + 100) + [0xC0, 0x10])
        seeds.append([0, 0] + place(block) + [0x8F])
        seeds.append([0, 2] + place(note) + [0x8F] + place(2 * note) + [0x8F])
        seeds.append([1, 1] + place(block + 32) + [0x03, 2, 0, 0, 0])
        seeds.append([1, 2] + place(80) + [0x07] + ones)
        seeds.append([1, 2] + place(note + 16) + [0x07] + ones)
        seeds.append([0, 1] + place(block) + [0xEF] + place(block + 1024))
        // The same under verification.
        for seed in seeds { seeds.append([seed[0] | 16] + seed.dropFirst()) }
        // Appending goes on: untouched, behind the last number that a segment, a note or a block may have.
        seeds.append([0x20, 2])
        seeds.append([0x21, 2] + place(12) + [0x03] + ones.prefix(4))
        seeds.append([0x25, 2] + place(note + 8) + [0x07] + ones + place(2 * note + 8) + [0x07] + ones)
        return seeds
    }

    private static func roundTrips() -> [[UInt8]] {
        let entropy = SeededEntropy(seed: 12)
        return (0..<12).map { kind -> [UInt8] in
            let count = kind % 6 == 0 ? 900 : 160
            return [UInt8(kind % 6)] + (0..<count).map { _ in UInt8(truncatingIfNeeded: entropy.next() >> 16) }
        }
    }
}
