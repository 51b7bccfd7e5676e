import Millrace
import MillraceIO
import MillraceLog
import MillraceModel

/// What is written, then changed as the input says, decodes to itself or not at all. The changes are of the kinds that
/// CRC32C finds for certain: up to three bits, or a stretch of up to 32 of them.
enum RoundTripFuzz {
    static func run(_ input: Input) {
        var input = input
        switch input.byte() % 6 {
        case 0: block(&input)
        case 1: note(&input)
        case 2: segmentHeader(&input)
        case 3: footer(&input)
        case 4: storeFile(&input)
        default: catalogue(&input)
        }
    }

    /// Changes the bytes; true when they are others now.
    private static func change(_ memory: Memory, _ input: inout Input) -> Bool {
        let kind = input.byte() % 4
        let before = memory.bytes
        switch kind {
        case 0: return false
        case 1:
            let at = input.below(memory.byteCount - 3)
            memory.store(memory.load(UInt32.self, at: at) ^ input.number(UInt32.self), at: at)
        default:
            for _ in 0..<kind {
                let bit = input.below(8 * memory.byteCount)
                memory.store(memory.load(UInt8.self, at: bit / 8) ^ 1 << UInt8(bit % 8), at: bit / 8)
            }
        }
        return memory.bytes != before
    }

    private static func identity(_ input: inout Input) -> SegmentIdentity {
        SegmentIdentity(
            storeLow: 1, storeHigh: 2, logID: UInt64(input.byte()), baseOrdinal: UInt64(input.number(UInt32.self)),
            salt: input.number())
    }

    // MARK: Pages

    private static func page<Value: Equatable>(
        _ input: inout Input, _ value: Value, write: (Memory) -> Void, read: (Memory) -> Value?
    ) {
        AlignedMemory(byteCount: Format.pageByteCount, alignment: 8).withMemory { page in
            write(page)
            require(read(page) == value, "\(value) was written as \(String(describing: read(page)))")
            let isChanged = change(page, &input)
            require(
                isChanged ? read(page) == nil : read(page) == value,
                "changed, \(value) is \(String(describing: read(page)))")
        }
    }

    /// The value comes from bytes put down by hand.
    private static func value<Value>(_ forged: AlignedMemory, _ read: (Memory) -> Value?) -> Value {
        guard let value = forged.withMemory(read) else { fatalError("property violated: a good page does not decode") }
        return value
    }

    private static func note(_ input: inout Input) {
        let identity = identity(&input)
        let durable = [input.number() >> 1 as UInt64, UInt64(input.number(UInt32.self))]
        let written = [input.number() >> 1 as UInt64, UInt64(input.number(UInt32.self))]
        let words =
            [input.number() >> 1] + durable + written + [input.number(), input.number(), input.number(), input.number()]
        let at = DurableNote.byteOffset(ofSequence: words[0])
        let forged = Forge.note(
            identity, words, isCleanClose: input.byte() & 1 == 1, blockCount: input.number(),
            lastChecksum: input.number(),
            segmentNumber: input.number(), headerChecksum: input.number())
        let note = value(forged) { DurableNote.decode($0, at: at, identity: identity) }
        page(
            &input, note, write: { note.encode(into: $0, identity: identity) },
            read: { DurableNote.decode($0, at: at, identity: identity) })
    }

    private static func segmentHeader(_ input: inout Input) {
        let forged = Forge.segmentHeader(
            identity(&input), number: input.number(), fileByteCount: UInt64(input.number(UInt32.self)),
            previousEnd: input.number() >> 1, previousChecksum: input.number(), created: input.number())
        let header = value(forged) { (try? SegmentHeader.decode($0, file: ""))?.header }
        page(
            &input, header, write: { header.encode(into: $0) },
            read: { (try? SegmentHeader.decode($0, file: ""))?.header })
    }

    private static func footer(_ input: inout Input) {
        let identity = identity(&input)
        let places = [UInt64(input.byte()), 32_768, 16_384 + UInt64(input.number(UInt16.self)) / 4]
        let words = places + [input.number() >> 1 as UInt64, input.number(), input.number(), input.number()]
        let forged = Forge.footer(
            identity, at: 61_440, words, indexChecksum: input.number(), lastChecksum: input.number(),
            isSealedByRecovery: input.byte() & 1 == 1)
        let footer = value(forged) { SegmentFooter.decode($0, at: 61_440, identity: identity) }
        page(
            &input, footer, write: { footer.encode(into: $0, at: 61_440, identity: identity) },
            read: { SegmentFooter.decode($0, at: 61_440, identity: identity) })
    }

    private static func storeFile(_ input: inout Input) {
        let generation = UInt64(input.number(UInt32.self)) % Ordinal.greatestGeneration
        let words: [UInt64] = [input.number(), input.number(), max(1, input.number() >> 1), generation, input.number()]
        let store = value(Forge.storeSlot(words)) { try? StoreFile.decode($0) }
        page(&input, store, write: { store.encode(into: $0) }, read: { try? StoreFile.decode($0) })
    }

    // MARK: Blocks

    private static func block(_ input: inout Input) {
        let identity = identity(&input)
        let records = (0..<1 + Int(input.byte() % 24)).map { _ in
            (
                key: input.take(Int(input.byte() % 32)), data: input.take(Int(input.byte())),
                arrival: UInt32(input.byte())
            )
        }
        let payload = records.flatMap { $0.key + $0.data }
        let entries = image(records)
        let room = Directory.greatestByteCount(recordCount: records.count, hasGaps: false)
        let file = AlignedMemory(byteCount: 128 + room + payload.count + 8, alignment: 8)
        file.withMemory { memory in
            let raw = AlignedMemory(payload)
            let isContinued = input.byte() & 1 == 1
            let at = 8
            let bodyAt = at + 64 + (isContinued ? 8 : 0)
            let directoryByteCount = entries.withMemory {
                Directory.pack($0, 0..<records.count, payloadStart: 0, into: memory.slice(bodyAt, room))
            }
            let payloadAt = bodyAt + directoryByteCount
            var lz4 = LZ4Encoder()
            let packed = raw.withMemory { raw in
                lz4.encode(raw, into: memory.slice(payloadAt, max(0, raw.byteCount - 1)))
            }
            if packed == nil { raw.withMemory { memory.copy($0, at: payloadAt) } }
            let stored = packed ?? payload.count
            let body = memory.slice(bodyAt, directoryByteCount + stored)
            let forged = Forge.Block(
                words: (input.number() >> 1, input.number() >> 1, input.number() >> 1), recordCount: records.count,
                arrivalSpan: records.map(\.arrival).max()!, directory: body.slice(0, directoryByteCount).bytes,
                rawByteCount: payload.count, stored: body.slice(directoryByteCount, stored).bytes,
                codec: packed == nil ? .raw : .lz4, batchIndex: isContinued ? Int(input.byte()) % records.count : nil,
                previousChecksum: input.number(), number: input.number() >> 1)
            let bytes = AlignedMemory([UInt8](repeating: 0, count: at) + forged.bytes(at: at, identity))
            let made = bytes.withMemory { BlockHeader.decode($0, at: at, limit: $0.byteCount, identity: identity) }
            guard var header = made else { fatalError("property violated: a good block does not decode") }
            header.encode(into: memory.slice(at, memory.byteCount - at), at: at, identity: identity)
            check(memory, at: at, header, identity, entries, raw, isChanged: false)
            let used = header.headerByteCount + header.bodyByteCount
            let isChanged = change(memory.slice(at, used), &input)
            check(memory, at: at, header, identity, entries, raw, isChanged: isChanged)
        }
    }

    /// Entries as a buffer has them, arrival times in order.
    private static func image(_ records: [(key: [UInt8], data: [UInt8], arrival: UInt32)]) -> AlignedMemory {
        let image = AlignedMemory(byteCount: Directory.entryByteCount * records.count, alignment: 8)
        let arrivals = records.map(\.arrival).sorted()
        let first = arrivals[0]
        image.withMemory { memory in
            var end = 0
            for (index, record) in records.enumerated() {
                end += record.key.count + record.data.count
                let at = memory.byteCount - Directory.entryByteCount * (index + 1)
                memory.store(UInt64(end) | UInt64(arrivals[index] - first) << 32, at: at)
                memory.store(UInt64(record.key.count) | UInt64(index) << 32, at: at + 8)
            }
        }
        return image
    }

    private static func check(
        _ file: Memory, at byteOffset: Int, _ header: BlockHeader, _ identity: SegmentIdentity,
        _ entries: AlignedMemory,
        _ raw: AlignedMemory, isChanged: Bool
    ) {
        let found = BlockHeader.decode(file, at: byteOffset, limit: file.byteCount, identity: identity)
        guard let found else { return require(isChanged, "\(header) does not decode") }
        require(found == header, "\(header) is \(found)")
        let body = file.slice(byteOffset + found.headerByteCount, found.bodyByteCount)
        guard CRC32C.of(body) == found.bodyChecksum else {
            return require(isChanged, "the body of \(header) does not decode")
        }
        require(!isChanged, "changed, \(header) decodes")
        let again = AlignedMemory(byteCount: entries.memory.byteCount, alignment: 8)
        again.withMemory { again in
            let isWhole = Directory.unpack(
                body.slice(0, found.directoryByteCount), recordCount: found.recordCount, hasGaps: false,
                payloadByteCount: found.rawPayloadByteCount, into: again)
            require(isWhole && entries.withMemory { $0.isEqual(to: again) }, "the entries come back")
        }
        let stored = body.slice(found.directoryByteCount, found.storedPayloadByteCount)
        guard found.codec == .lz4 else {
            return require(raw.withMemory { $0.isEqual(to: stored) }, "the payload comes back")
        }
        AlignedMemory(byteCount: raw.memory.byteCount, alignment: 8).withMemory { room in
            let count = LZ4.decode(stored, into: room)
            require(count == room.byteCount && raw.withMemory { $0.isEqual(to: room) }, "the packed payload comes back")
        }
    }

    // MARK: The catalogue

    private static func catalogue(_ input: inout Input) {
        let letters = Array("abcXYZ019_.-".utf8)
        let name = (0..<1 + Int(input.byte() % 128)).map { _ in letters[Int(input.byte()) % letters.count] }
        guard let ranges = try? HashKeyRange.tiling(count: 1 + Int(input.byte() % 40)),
            let name = try? StreamName(String(decoding: name, as: UTF8.self))
        else { fatalError("property violated: a good name or count is refused") }
        let firstLog = UInt64(input.number(UInt32.self)) + 1
        let second: UInt64 = input.number() & SequenceNumber.maximumSecond
        let record = CatalogueRecord.streamCreated(
            StreamDescription(
                name: name, streamID: input.number(), creationSecond: second,
                ackLevel: AckLevel.allCases[Int(input.byte()) % AckLevel.allCases.count],
                shards: ranges.enumerated().map { index, range in
                    ShardDescription(
                        shardID: ShardID(index: UInt32(index)), logID: firstLog + UInt64(index), hashKeyRange: range,
                        creationSecond: second)
                }))
        let found = try? CatalogueRecord(record.bytes)
        require(found == record, "\(record) was written as \(String(describing: found))")
    }
}
