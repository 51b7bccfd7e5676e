package import MillraceIO

/// The layout of the commit journal (FORMAT section 11): two header pages, then two halves of frames.
package struct JournalFile: Equatable, Sendable {
    package let storeLow: UInt64
    package let storeHigh: UInt64
    /// New whenever everything in the journal has become void. Frames validate under their own salt alone.
    package let salt: UInt64
    /// +1 with every salt: of two header pages the later one counts.
    package let sequence: UInt64
    package let byteCount: Int

    package init(storeLow: UInt64, storeHigh: UInt64, salt: UInt64, sequence: UInt64, byteCount: Int) {
        self.storeLow = storeLow
        self.storeHigh = storeHigh
        self.salt = salt
        self.sequence = sequence
        self.byteCount = byteCount
    }

    /// Where frames of a half may stand: multiples of 8.
    package func half(_ number: Int) -> Range<Int> {
        let byteCount = (byteCount - Format.framesByteOffset) / 2 / Format.pageByteCount * Format.pageByteCount
        let start = Format.framesByteOffset + number * byteCount
        return start..<start + byteCount
    }

    /// Both header pages, the same in each.
    package func encode(into pages: Memory) {
        for slot in 0..<2 {
            let page = pages.slice(slot * Format.pageByteCount, Format.pageByteCount)
            page.fill()
            page.store(Format.journalMagic, at: 0)
            page.store(Format.version, at: 8)
            page.store(Format.leastReaderVersion, at: 10)
            page.store(storeLow, at: 32)
            page.store(storeHigh, at: 40)
            page.store(sequence, at: 48)
            page.store(salt, at: 56)
            page.store(UInt64(byteCount), at: 64)
            PageChecksum.seal(page)
        }
    }

    /// The valid page with the higher sequence; nil when neither is valid.
    /// - Throws: `newerFormat`.
    package static func decode(_ pages: Memory) throws(LogError) -> JournalFile? {
        var newest: JournalFile?
        for slot in 0..<2 where pages.byteCount >= (slot + 1) * Format.pageByteCount {
            let page = pages.slice(slot * Format.pageByteCount, Format.pageByteCount)
            guard PageChecksum.isValid(page), page.load(UInt64.self, at: 0) == Format.journalMagic else { continue }
            try FormatVersion.check(page, file: FileNames.journal)
            guard let byteCount = Int(exactly: page.load(UInt64.self, at: 64)), byteCount >= Format.framesByteOffset else { continue }
            let found = JournalFile(
                storeLow: page.load(at: 32), storeHigh: page.load(at: 40), salt: page.load(at: 56), sequence: page.load(at: 48),
                byteCount: byteCount)
            if newest.map({ found.sequence > $0.sequence }) ?? true { newest = found }
        }
        return newest
    }

    /// CRC of store and salt, which every checksum in the journal starts from.
    var seed: UInt32 { [storeLow, storeHigh, salt].reduce(0) { CRC32C.mixing($1, into: $0) } }
}

/// Bytes that belong at a place of a segment, as a frame of the journal holds them.
package struct JournalFrame: Equatable, Sendable {
    package let logID: UInt64
    package let baseOrdinal: UInt64
    /// Of the segment: in another life of the file the bytes have no place.
    package let salt: UInt64
    package let byteOffset: Int
    package let byteCount: Int
    /// Where in the journal the bytes stand.
    package let dataByteOffset: Int

    /// Writes a frame's header, whose bytes follow it at once, for a place in the journal.
    static func encode(
        _ identity: SegmentIdentity, at byteOffset: Int, _ data: Memory, into header: Memory, standingAt place: Int, seed: UInt32
    ) {
        let positioned = CRC32C.mixing(UInt64(place), into: seed)
        header.store(CRC32C.of(data, continuing: positioned), at: 4)
        header.store(UInt64(data.byteCount), at: 8)
        header.store(identity.logID, at: 16)
        header.store(identity.baseOrdinal, at: 24)
        header.store(identity.salt, at: 32)
        header.store(UInt64(byteOffset), at: 40)
        header.store(CRC32C.of(header.slice(4, Format.frameHeaderByteCount - 4), continuing: positioned), at: 0)
    }

    /// The frame at a place, when its header and its bytes validate.
    package static func decode(_ journal: Memory, at place: Int, limit: Int, seed: UInt32) -> JournalFrame? {
        guard place >= 0, place + Format.frameHeaderByteCount <= limit, limit <= journal.byteCount else { return nil }
        let header = journal.slice(place, Format.frameHeaderByteCount)
        let byteCount = header.load(UInt64.self, at: 8), byteOffset = header.load(UInt64.self, at: 40)
        // Cheap and seldom true of anything else: the search goes over stale bytes in steps of 8.
        guard byteCount > 0, byteCount & 7 == 0, byteCount <= UInt64(limit - place - Format.frameHeaderByteCount),
            byteOffset & 7 == 0, byteOffset >= UInt64(Format.blocksByteOffset), byteOffset >> 62 == 0
        else { return nil }
        let positioned = CRC32C.mixing(UInt64(place), into: seed)
        let data = journal.slice(place + Format.frameHeaderByteCount, Int(byteCount))
        guard header.load(UInt32.self, at: 0) == CRC32C.of(header.slice(4, Format.frameHeaderByteCount - 4), continuing: positioned),
            header.load(UInt32.self, at: 4) == CRC32C.of(data, continuing: positioned)
        else { return nil }
        return JournalFrame(
            logID: header.load(at: 16), baseOrdinal: header.load(at: 24), salt: header.load(at: 32), byteOffset: Int(byteOffset),
            byteCount: Int(byteCount), dataByteOffset: place + Format.frameHeaderByteCount)
    }

    /// Every frame of the journal that validates, wherever it stands: what a frame says stays true as long as its segment's salt does,
    /// so that neither their order matters nor what became of the frames before them.
    package static func all(in journal: Memory, of file: JournalFile) -> [JournalFrame] {
        var frames: [JournalFrame] = []
        let seed = file.seed
        for number in 0..<2 {
            let half = file.half(number)
            let end = min(half.upperBound, journal.byteCount)
            var place = half.lowerBound
            while place + Format.frameHeaderByteCount <= end {
                guard let frame = decode(journal, at: place, limit: end, seed: seed) else {
                    place += 8
                    continue
                }
                frames.append(frame)
                place = frame.dataByteOffset + frame.byteCount
            }
        }
        return frames
    }
}
