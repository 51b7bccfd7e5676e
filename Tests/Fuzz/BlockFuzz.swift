import MillraceIO
import MillraceLog

/// Block headers, and whole blocks with directory and payload. Sizes that a header claims never lead outside the bytes
/// there are, nor to memory that could not be right.
enum BlockFuzz {
    private static let identity = Checksums.identity

    private static let greatestRecordCount = 1 << 13, greatestPayloadByteCount = 1 << 20

    static func header(_ input: Input) {
        var input = input
        let options = Options(rawValue: input.byte())
        let at = 8 * Int(input.byte() & 15)
        let file = AlignedMemory(input.rest())
        file.withMemory { memory in
            if options.repairs { Checksums.sealBlock(memory, at: at, identity: identity) }
            let limit = options[1] ? memory.byteCount / 2 : memory.byteCount
            guard let header = BlockHeader.decode(memory, at: at, limit: limit, identity: identity) else { return }
            checkSizes(header, room: limit - at)
            for wrong in [at + 8, at - 8] {
                if let moved = BlockHeader.decode(memory, at: wrong, limit: limit, identity: identity) {
                    require(wrong != at, "\(moved) at a place that is not its own")
                }
            }
            require(
                BlockHeader.decode(memory, at: at, limit: limit, identity: Checksums.otherLife) == nil,
                "a block of another life")
            writeAgain(header)
        }
    }

    static func checkSizes(_ header: BlockHeader, room: Int) {
        require(header.headerByteCount + header.bodyByteCount <= room, "\(header) fits \(room) bytes")
        require(
            header.recordCount >= (header.hasGaps ? 0 : 1) && header.recordCount <= Format.greatestRecordCount,
            "\(header.recordCount) records"
        )
        require(header.ordinalCount >= max(1, header.recordCount), "\(header) stands for what it holds")
        require(header.firstOrdinal >> 63 == 0 && header.durableOrdinal >> 63 == 0, "no ordinal is so great: \(header)")
        let greatest = header.codec == .raw ? header.storedPayloadByteCount : 255 * header.storedPayloadByteCount + 64
        require(header.rawPayloadByteCount <= greatest, "\(header) claims more than its bytes can hold")
        require(header.unfinishedBatchIndex.map { $0 < header.recordCount } ?? true, "\(header)")
    }

    /// Only the batch extension is written; other fields come back as they were.
    private static func writeAgain(_ header: BlockHeader) {
        var written = header
        let room = Format.blockHeaderByteCount + 8 + header.bodyByteCount
        AlignedMemory(byteCount: room, alignment: 8).withMemory { memory in
            written.encode(into: memory, at: 64, identity: identity)
            // Decoding looks from the segment's start on.
            let file = AlignedMemory(byteCount: 64 + room, alignment: 8)
            file.withMemory { file in
                file.copy(memory, at: 64)
                let found = BlockHeader.decode(file, at: 64, limit: file.byteCount, identity: identity)
                require(found == written, "\(written) was written as \(String(describing: found))")
            }
        }
    }

    // MARK: Whole blocks

    static func block(_ input: Input) {
        var input = input
        let options = Options(rawValue: input.byte())
        let bytes = input.rest()
        if options[1] { return columns(bytes) }
        let start = Format.blocksByteOffset
        let file = AlignedMemory(bytes, byteCount: bytes.count)
        // The block stands where a segment's first one does.
        let segment = AlignedMemory(byteCount: start + file.memory.byteCount, alignment: 8)
        segment.withMemory { memory in
            file.withMemory { memory.copy($0, at: start) }
            if options.repairs { Checksums.sealBlock(memory, at: start, identity: identity) }
            var scan = BlockWalk(
                memory, identity: identity,
                headerChecksum: memory.byteCount < start + 56 ? 0 : memory.load(at: start + 52))
            scan.runThroughDamage()
            for number in 0..<scan.index.count {
                let at = scan.index[number].byteOffset
                guard let header = BlockHeader.decode(memory, at: at, limit: memory.byteCount, identity: identity)
                else {
                    fatalError("property violated: the walk found a block that does not decode")
                }
                checkSizes(header, room: memory.byteCount - at)
                // The most that a header may claim is FuzzTests' own: here it would only slow the search down.
                if header.recordCount > greatestRecordCount || header.rawPayloadByteCount > greatestPayloadByteCount {
                    continue
                }
                decode(header, memory.slice(at + header.headerByteCount, header.bodyByteCount))
            }
        }
    }

    /// As a reader does, with guards around what is written.
    static func decode(_ header: BlockHeader, _ body: Memory) {
        let stored = body.slice(header.directoryByteCount, header.storedPayloadByteCount)
        let directory = body.slice(0, header.directoryByteCount)
        let guardByteCount = 16
        switch header.codec {
        case .raw: break
        case .lz4:
            AlignedMemory(byteCount: header.rawPayloadByteCount + guardByteCount, alignment: 8).withMemory { memory in
                let room = memory.slice(0, header.rawPayloadByteCount)
                let behind = memory.slice(header.rawPayloadByteCount, guardByteCount)
                behind.fill(0xA5)
                let count = LZ4.decode(stored, into: room)
                require(count.map { $0 <= room.byteCount } ?? true, "LZ4 gave \(count ?? 0) of \(room.byteCount) bytes")
                require(behind.bytes.allSatisfy { $0 == 0xA5 }, "LZ4 wrote behind its room")
            }
        case .lz4Chunked:
            AlignedMemory(byteCount: header.rawPayloadByteCount, alignment: 8).withMemory { memory in
                _ = ChunkedPayload.decode(stored, into: memory)
            }
        }
        unpack(
            directory, recordCount: header.recordCount, hasGaps: header.hasGaps,
            payloadByteCount: header.rawPayloadByteCount)
    }

    /// The columns of a directory alone: they need no checksum.
    private static func columns(_ bytes: [UInt8]) {
        guard bytes.count >= 8 else { return }
        let recordCount = 1 + (Int(bytes[0]) | Int(bytes[1]) << 8) % greatestRecordCount
        let payloadByteCount = Int(bytes[3]) | Int(bytes[4]) << 8 | Int(bytes[5]) << 16
        AlignedMemory(Array(bytes[7...])).withMemory { directory in
            unpack(directory, recordCount: recordCount, hasGaps: bytes[6] & 1 == 1, payloadByteCount: payloadByteCount)
        }
    }

    private static func unpack(_ directory: Memory, recordCount: Int, hasGaps: Bool, payloadByteCount: Int) {
        let byteCount = Directory.entryByteCount * recordCount
        AlignedMemory(byteCount: byteCount, alignment: 8).withMemory { entries in
            guard
                Directory.unpack(
                    directory, recordCount: recordCount, hasGaps: hasGaps, payloadByteCount: payloadByteCount,
                    into: entries)
            else { return }
            var start: UInt32 = 0
            for index in 0..<recordCount {
                let at = byteCount - Directory.entryByteCount * (index + 1)
                let end = entries.load(UInt32.self, at: at)
                let key = UInt32(entries.load(UInt16.self, at: at + 8))
                require(end >= start && key <= end - start, "record \(index) lies in the payload")
                start = end
            }
            require(Int(start) == payloadByteCount, "the records fill the payload")
        }
    }
}
