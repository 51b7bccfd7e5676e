package import MillraceIO

/// Everything that one segment file says, read without changing it. A value: what it means for the log, `StoreVerification` judges.
package struct SegmentInspection: Sendable {
    /// A page that is there only after something happened.
    package enum Page<Content: Sendable>: Sendable {
        /// Zeros: never written.
        case empty
        case valid(Content)
        /// Something stands there that does not validate.
        case damaged

        package var content: Content? { if case .valid(let content) = self { content } else { nil } }
        package var isDamaged: Bool { if case .damaged = self { true } else { false } }
    }

    package struct Block: Sendable {
        package let byteOffset: Int
        package let header: BlockHeader
        /// What does not hold though both checksums do; nil when everything does.
        package let fault: String?
        package var ordinals: Range<UInt64> {
            header.firstOrdinal..<header.endOrdinal
        }
    }

    package let file: String
    package let fileByteCount: Int
    package let header: SegmentHeader
    package let headerChecksum: UInt32
    /// The header page does not validate; what it said was taken from a note.
    package let isHeaderDamaged: Bool
    /// In the order of their slots.
    package let notes: [Page<DurableNote>]
    package let blocks: [Block]
    /// Stretches between valid blocks that validate as none.
    package let damage: [BlockWalk.Damage]
    /// What the index says is missing and the blocks do not: records that recovery found gone at the segment's end.
    package let holes: [BlockWalk.Damage]
    package let blocksEndByteOffset: Int
    /// From there to the file's end, which may lie in the last block's pad.
    package var rest: Range<Int> { blocksEndByteOffset..<max(blocksEndByteOffset, fileByteCount) }
    /// One past the last record of the last valid block.
    package let endOrdinal: UInt64
    package let lastBlockChecksum: UInt32
    package let unfinishedBatchOrdinal: UInt64?
    package let footer: Page<SegmentFooter>
    /// In what index and footer differ from the blocks; nil when in nothing, or when there is no valid footer.
    package let footerFault: String?
    /// Where the last block ends that a valid index lists and recovery did not cut: from there to the footer's end no record ever stood.
    package let indexedEndOrdinal: UInt64?
    package let rawByteCount: UInt64
    package let greatestArrivalMilliseconds: UInt64

    /// Every block before this place was durable, as the notes say; 0 when none does.
    package var durableByteOffset: Int { notes.compactMap { $0.content?.durableByteOffset }.max() ?? 0 }
    /// What retention has taken, as the notes say.
    var horizon: UInt64 { notes.compactMap { $0.content?.horizon }.max() ?? 0 }
    package var newestNote: DurableNote? { notes.compactMap(\.content).max { $0.sequence < $1.sequence } }
    package var recordCount: Int { blocks.reduce(0) { $0 + $1.header.recordCount } }
    package var storedByteCount: Int { blocks.reduce(0) { $0 + $1.header.blockByteCount } }
    /// The greatest ordinal that this segment says everything was durable below.
    package var durableOrdinal: UInt64 {
        let footerEnd = footer.content.flatMap { $0.isSealedByRecovery ? $0.endOrdinal : nil } ?? 0
        let noted = notes.compactMap { $0.content?.durableOrdinal }.max() ?? 0
        return max(footerEnd, noted, blocks.map(\.header.durableOrdinal).max() ?? 0)
    }

    /// Reads a segment by its name in its log's directory. O(bytes of the file).
    /// - Throws: `corrupt` when it does not say who it is, `newerFormat`, `io`.
    package static func read(_ name: SegmentName, in directory: LogDirectory) throws(LogError) -> SegmentInspection {
        try read(name, in: directory, after: nil)
    }

    /// The same as it is after an opening has brought into it what the commit journal holds.
    static func read(
        _ name: SegmentName, in directory: LogDirectory, after journal: JournalContents?
    ) throws(LogError) -> SegmentInspection {
        let open = try OpenSegment(in: directory, name: name.text, writable: false)
        guard let head = try SegmentHead.read(open, in: directory, baseOrdinal: name.baseOrdinal) else {
            throw .corrupt(file: open.name, byteOffset: 0, detail: "neither the segment header nor a note is valid")
        }
        guard let copy = try journal?.copy(of: open, baseOrdinal: name.baseOrdinal, in: directory) else { return try read(open, head) }
        return try copy.withMemory { memory throws(LogError) in read(memory, file: open.name, head) }
    }

    /// The same of a segment that was appended to.
    package static func read(_ baseOrdinal: UInt64, in directory: LogDirectory) throws(LogError) -> SegmentInspection {
        try read(SegmentName(baseOrdinal), in: directory)
    }

    /// Reads a segment whose store and log are not known: its own header page must be valid.
    /// - Throws: as `read`.
    package static func read(
        file name: String, in handle: DirectoryHandle, io: any StorageIO
    ) throws(LogError) -> SegmentInspection {
        let open = try OpenSegment(io: io, directory: handle, name: name, writable: false)
        let page = try open.resident(0, Format.pageByteCount)
        guard let (header, checksum) = try SegmentHeader.decode(page, file: name) else {
            throw .corrupt(file: name, byteOffset: 0, detail: "the segment header is not valid; inspect the file inside its store")
        }
        let pages = try open.resident(0, Format.blocksByteOffset)
        return try read(
            open,
            SegmentHead(
                header: header, headerChecksum: checksum, note: DurableNote.newest(in: pages, identity: header.identity),
                isHeaderDamaged: false, durableByteOffset: 0))
    }

    private static func read(_ open: OpenSegment, _ head: SegmentHead) throws(LogError) -> SegmentInspection {
        read(try open.resident(0, open.memory.byteCount), file: open.name, head)
    }

    private static func read(_ memory: Memory, file: String, _ head: SegmentHead) -> SegmentInspection {
        let identity = head.header.identity
        let notes = (0..<2).map { slot in
            let byteOffset = Format.notesByteOffset + slot * Format.pageByteCount
            let page = memory.slice(byteOffset, Format.pageByteCount)
            return Self.page(page, DurableNote.decode(page, at: byteOffset, identity: identity))
        }
        let footerAt = memory.byteCount - Format.pageByteCount
        let lastPage = memory.slice(footerAt, Format.pageByteCount)
        let footer = Self.page(lastPage, SegmentFooter.decode(lastPage, at: footerAt, identity: identity))
        // Behind the end that a footer names, blocks that recovery cut may still validate.
        let limit = footer.content?.blocksEndByteOffset ?? memory.byteCount
        var walk = BlockWalk(memory.slice(0, limit), identity: identity, headerChecksum: head.headerChecksum)
        walk.runThroughDamage()
        let blocks = (0..<walk.index.count).filter { !walk.index[$0].isHole }.compactMap { number -> Block? in
            let byteOffset = walk.index[number].byteOffset
            return BlockHeader.decode(memory, at: byteOffset, limit: limit, identity: identity).map {
                Block(byteOffset: byteOffset, header: $0, fault: fault(of: $0, at: byteOffset, in: memory))
            }
        }
        let index = footer.content.flatMap { footer in
            footer.readIndex(memory.slice(footer.indexByteOffset, footer.blockCount * Format.indexEntryByteCount), identity: identity)
        }
        return SegmentInspection(
            file: file, fileByteCount: memory.byteCount, header: head.header, headerChecksum: head.headerChecksum,
            isHeaderDamaged: head.isHeaderDamaged, notes: notes, blocks: blocks, damage: walk.damage,
            holes: footer.content.map { Self.holes(of: $0, index, walk) } ?? [],
            blocksEndByteOffset: walk.byteOffset, endOrdinal: walk.nextOrdinal,
            lastBlockChecksum: blocks.isEmpty ? 0 : walk.lastChecksum, unfinishedBatchOrdinal: walk.unfinishedBatchOrdinal,
            footer: footer, footerFault: footer.content.flatMap { Self.fault(of: $0, index, walk) },
            indexedEndOrdinal: footer.content.flatMap { Self.indexedEnd(of: $0, index) },
            rawByteCount: walk.rawByteCount, greatestArrivalMilliseconds: walk.greatestArrival)
    }

    private static func page<Content>(_ bytes: Memory, _ content: Content?) -> Page<Content> {
        if let content { return .valid(content) }
        for at in stride(from: 0, to: bytes.byteCount, by: 8) where bytes.load(UInt64.self, at: at) != 0 { return .damaged }
        return .empty
    }

    /// Decodes a block whose checksums hold, as a reader would; nil when everything in it adds up.
    private static func fault(of header: BlockHeader, at byteOffset: Int, in file: Memory) -> String? {
        let body = file.slice(byteOffset + header.headerByteCount, header.bodyByteCount)
        let stored = body.slice(header.directoryByteCount, header.storedPayloadByteCount)
        if header.codec != .raw {
            let payload = AlignedMemory(byteCount: header.rawPayloadByteCount)
            let isWhole = payload.withMemory { payload in
                header.codec == .lz4
                    ? LZ4.decode(stored, into: payload) == payload.byteCount : ChunkedPayload.decode(stored, into: payload)
            }
            guard isWhole else { return "the payload does not decode to \(header.rawPayloadByteCount) bytes" }
        }
        let entries = AlignedMemory(byteCount: Directory.entryByteCount * header.recordCount)
        return entries.withMemory { entries in
            guard
                Directory.unpack(
                    body.slice(0, header.directoryByteCount), recordCount: header.recordCount, hasGaps: header.hasGaps,
                    payloadByteCount: header.rawPayloadByteCount, into: entries)
            else { return "the directory does not add up to the payload" }
            guard !header.hasGaps || Directory.isAscending(entries, recordCount: header.recordCount, below: header.ordinalCount)
            else { return "the directory's ordinals do not increase" }
            var last: UInt32 = 0
            for index in 0..<header.recordCount {
                let at = entries.byteCount - Directory.entryByteCount * (index + 1)
                let arrival = entries.load(UInt32.self, at: at + 4)
                guard arrival >= last else { return "arrival times go back at record \(index)" }
                last = arrival
                guard entries.load(UInt8.self, at: at + 11) == 0 else { return "unknown flags at record \(index)" }
            }
            // A record that was removed may have been the last to arrive.
            return last == header.arrivalSpanMilliseconds || header.hasGaps && last < header.arrivalSpanMilliseconds
                ? nil : "the greatest arrival time is \(last) ms after the first, the header says \(header.arrivalSpanMilliseconds)"
        }
    }

    private static func indexedEnd(of footer: SegmentFooter, _ index: SparseIndex?) -> UInt64? {
        guard let index else { return nil }
        let last = (0..<index.count).last { index[$0].firstOrdinal < footer.endOrdinal }.map { index[$0] }
        guard let last else { return 0 }
        return last.isHole ? footer.endOrdinal : min(last.endOrdinal, footer.endOrdinal)
    }

    private static func holes(of footer: SegmentFooter, _ index: SparseIndex?, _ walk: BlockWalk) -> [BlockWalk.Damage] {
        guard let index else { return [] }
        return (0..<index.count).compactMap { number in
            let entry = index[number]
            guard entry.isHole, !walk.damage.contains(where: { $0.ordinals.contains(entry.firstOrdinal) }) else { return nil }
            let end = number + 1 < index.count ? index[number + 1].firstOrdinal : footer.endOrdinal
            return BlockWalk.Damage(
                bytes: entry.byteOffset..<max(entry.byteOffset, footer.indexByteOffset),
                ordinals: entry.firstOrdinal..<max(entry.firstOrdinal, end))
        }
    }

    /// Compares a valid footer and its index with what the blocks say. Damaged blocks are missing from the scan, so that only
    /// what is there can be compared then.
    private static func fault(of footer: SegmentFooter, _ index: SparseIndex?, _ walk: BlockWalk) -> String? {
        guard let index else { return "the index does not match its checksum" }
        let hasHole = (0..<index.count).contains { index[$0].isHole }
        guard walk.damage.isEmpty, !hasHole, walk.byteOffset == footer.blocksEndByteOffset else {
            let known = Set((0..<index.count).map { index[$0].byteOffset })
            let isListed = (0..<walk.index.count).allSatisfy {
                walk.index[$0].isHole || known.contains(walk.index[$0].byteOffset)
            }
            return isListed ? nil : "the index lacks a block"
        }
        guard index.count == walk.index.count else { return "the index has \(index.count) blocks, the segment \(walk.index.count)" }
        for number in 0..<index.count where index[number] != walk.index[number] {
            return "index entry \(number) says \(index[number]), the block \(walk.index[number])"
        }
        if footer.recordCount != walk.recordCount { return "the footer counts \(footer.recordCount) records, the blocks \(walk.recordCount)" }
        if footer.rawByteCount != walk.rawByteCount { return "the footer counts \(footer.rawByteCount) raw bytes, the blocks \(walk.rawByteCount)" }
        if footer.greatestArrivalMilliseconds != walk.greatestArrival { return "the footer's greatest arrival time is not the blocks'" }
        if walk.index.count > 0, footer.lastBlockChecksum != walk.lastChecksum { return "the footer names another last block" }
        let isEndRight = footer.isSealedByRecovery ? footer.endOrdinal <= walk.nextOrdinal : footer.endOrdinal == walk.nextOrdinal
        return isEndRight ? nil : "the footer ends at ordinal \(footer.endOrdinal), the blocks at \(walk.nextOrdinal)"
    }
}
