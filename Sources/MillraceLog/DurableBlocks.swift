import MillraceIO

/// Copies the blocks of a segment that hold records below D, while others may be written behind them. Used by one
/// thread.
///
/// Read through calls, not through the mapping: of the last page a writer writes the same bytes again and more. And not
/// copied by the system: where that would share blocks of the disk, the store's next write into its last page would
/// need new ones.
struct DurableBlocks {
    /// Behind the last block that was copied.
    private(set) var endByteOffset = Format.blocksByteOffset
    /// The last of them says that everything below this was durable.
    private(set) var statedOrdinal: UInt64 = 0
    /// Blocks that do not validate, and the records they held. They are copied as they are.
    private(set) var faults: [BlockWalk.Damage] = []

    private let open: OpenSegment
    private let content: SegmentContent
    private let durable: UInt64
    private var lastHeader: BlockHeader?
    private var greatestArrival: UInt64 = 0
    private static let runByteCount = 1 << 20

    init(_ open: OpenSegment, _ content: SegmentContent, durable: UInt64) {
        self.open = open
        self.content = content
        self.durable = durable
    }

    mutating func copy(to target: FileHandle) throws(IOError) {
        // Entries below D are all there: a block is in the index before its records are durable.
        let index = content.index
        var count = index.count
        while count > 0, index[count - 1].firstOrdinal >= durable { count -= 1 }
        var first = 0
        var buffer = AlignedMemory(byteCount: Self.runByteCount)
        while first < count {
            // As many whole blocks as the buffer holds, or one larger one.
            let start = index[first].byteOffset
            var last = first
            while last + 1 < count, try end(of: last + 1) - start <= Self.runByteCount { last += 1 }
            let byteCount = try end(of: last) - start
            if byteCount > buffer.memory.byteCount { buffer = AlignedMemory(byteCount: byteCount) }
            let bytes = buffer.memory.slice(0, byteCount)
            guard try open.io.read(open.file, at: start, into: bytes) == byteCount else {
                throw IOError(.read, name: open.name, errorNumber: 0, detail: "the file ends before byte \(start + byteCount)")
            }
            for block in first...last { try check(block, bytes, startingAt: start) }
            if byteCount > 0 { try open.io.write(target, at: start, [bytes]) }
            endByteOffset = max(endByteOffset, start + byteCount)
            first = last + 1
        }
        withExtendedLifetime(buffer) {}
    }

    /// Where a block ends: where the next one starts, or as its own header says.
    private func end(of block: Int) throws(IOError) -> Int {
        let index = content.index
        let entry = index[block]
        if entry.isHole { return entry.byteOffset }
        if block + 1 < index.count { return index[block + 1].byteOffset }
        let header = AlignedMemory(byteCount: Format.blockHeaderByteCount)
        let count = try open.io.read(open.file, at: entry.byteOffset, into: header.memory)
        return header.withMemory { memory in
            let claimed = count < memory.byteCount ? 0 : BlockHeader.claimedByteCount(memory)
            // A header that was hit may claim anything. What it really held is lost with it.
            return entry.byteOffset + min(claimed, max(0, open.memory.byteCount - Format.pageByteCount - entry.byteOffset))
        }
    }

    private mutating func check(_ block: Int, _ bytes: Memory, startingAt start: Int) throws(IOError) {
        let entry = content.index[block]
        if entry.isHole { return }
        let place = entry.byteOffset..<(try end(of: block))
        let memory = bytes.slice(place.lowerBound - start, place.count)
        if let header = BlockHeader.decode(memory, standingAt: place.lowerBound, identity: content.identity),
            CRC32C.of(memory.slice(header.headerByteCount, header.bodyByteCount)) == header.bodyChecksum
        {
            lastHeader = header
            statedOrdinal = header.durableOrdinal
        } else {
            faults.append(.init(bytes: place, ordinals: entry.firstOrdinal..<entry.endOrdinal))
        }
        greatestArrival = entry.greatestArrival
    }

    /// What the copy says of itself, in both slots: durable up to D, and not closed. The header page stays what it is.
    func putNotes(into front: Memory) {
        let before = DurableNote.newest(in: front, identity: content.identity)
        for sequence in [1, 2] as [UInt64] {
            let note = DurableNote(
                sequence: sequence, durableOrdinal: durable, durableByteOffset: endByteOffset, writtenOrdinal: durable,
                writtenByteOffset: endByteOffset, bootLow: 0, bootHigh: 0,
                milliseconds: before?.milliseconds ?? content.header.createdMilliseconds,
                lastArrivalMilliseconds: endByteOffset > Format.blocksByteOffset ? greatestArrival : before?.lastArrivalMilliseconds ?? 0,
                isCleanClose: false, blockCount: lastHeader.map { $0.blockNumber + 1 } ?? 0,
                lastBlockChecksum: lastHeader?.checksum ?? content.headerChecksum, segmentNumber: content.header.segmentNumber,
                headerChecksum: content.headerChecksum, trimmedOrdinal: before?.trimmedOrdinal ?? 0)
            let at = DurableNote.byteOffset(ofSequence: sequence)
            note.encode(into: front.slice(at, Format.pageByteCount), identity: content.identity)
        }
    }
}
