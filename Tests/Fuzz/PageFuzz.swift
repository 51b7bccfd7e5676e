import MillraceIO
import MillraceLog

/// The pages of a segment: header, note, footer with its index. What decodes is written again and decodes to the same;
/// it fits the file it is in; and nobody else takes it for his own.
enum PageFuzz {
    private static let identity = Checksums.identity

    static func segmentHeader(_ input: Input) {
        var input = input
        let options = Options(rawValue: input.byte())
        let file = AlignedMemory(input.rest(), byteCount: Format.pageByteCount)
        file.withMemory { page in
            if options[1] { page.store(Format.segmentMagic, at: 0) }
            if options.repairs { Checksums.sealPage(page) }
            guard let (header, checksum) = try? SegmentHeader.decode(page, file: "fuzz") else { return }
            require(checksum == page.load(UInt32.self, at: Format.checksumByteOffset), "the checksum is the page's")
            require(header.fileByteCount >= 0, "a file of \(header.fileByteCount) bytes")
            AlignedMemory(byteCount: Format.pageByteCount, alignment: 8).withMemory { again in
                header.encode(into: again)
                let found = try? SegmentHeader.decode(again, file: "fuzz")
                require(found?.header == header, "\(header) was written as \(String(describing: found))")
            }
        }
    }

    static func note(_ input: Input) {
        var input = input
        let options = Options(rawValue: input.byte())
        let at = Format.notesByteOffset + (options[2] ? Format.pageByteCount : 0)
        let file = AlignedMemory(input.rest(), byteCount: Format.pageByteCount)
        file.withMemory { page in
            if options[1] { page.store(Format.noteMagic, at: 0) }
            if options.repairs { Checksums.sealPage(page, seed: identity.positioned(at)) }
            guard let note = DurableNote.decode(page, at: at, identity: identity) else { return }
            require(note.durableByteOffset >= 0 && note.writtenByteOffset >= 0, "\(note)")
            require(note.durableOrdinal >> 63 == 0 && note.writtenOrdinal >> 63 == 0, "no ordinal is so great: \(note)")
            let other = Format.notesByteOffset + (options[2] ? 0 : Format.pageByteCount)
            require(DurableNote.decode(page, at: other, identity: identity) == nil, "a note in the other slot")
            require(DurableNote.decode(page, at: at, identity: Checksums.otherLife) == nil, "a note of another life")
            AlignedMemory(byteCount: Format.pageByteCount, alignment: 8).withMemory { again in
                note.encode(into: again, identity: identity)
                let slot = DurableNote.byteOffset(ofSequence: note.sequence)
                let found = DurableNote.decode(again, at: slot, identity: identity)
                require(found == note, "\(note) was written as \(String(describing: found))")
            }
        }
    }

    /// The input is what stands in front of the footer page, then the page's first 76 bytes.
    static func footer(_ input: Input) {
        var input = input
        let options = Options(rawValue: input.byte())
        let fields = input.take(76)
        let index = input.rest()
        let footerAt = Format.blocksByteOffset + Format.alignPage(index.count)
        let file = AlignedMemory(byteCount: footerAt + Format.pageByteCount, alignment: 8)
        file.withMemory { memory in
            // Safe because any byte is a valid UInt8.
            unsafe memory.copy(index.span.bytes, at: Format.blocksByteOffset)
            unsafe memory.copy(fields.span.bytes, at: footerAt)
            let page = memory.slice(footerAt, Format.pageByteCount)
            if options[1] { page.store(Format.footerMagic, at: 0) }
            if options[2] {
                page.store(UInt64(Format.blocksByteOffset), at: 16)
                page.store(UInt64(index.count / Format.indexEntryByteCount), at: 8)
                let used = index.count / Format.indexEntryByteCount * Format.indexEntryByteCount
                let bytes = memory.slice(Format.blocksByteOffset, used)
                page.store(CRC32C.of(bytes, continuing: identity.positioned(Format.blocksByteOffset)), at: 64)
            }
            if options.repairs { Checksums.sealPage(page, seed: identity.positioned(footerAt)) }
            guard let footer = SegmentFooter.decode(page, at: footerAt, identity: identity) else { return }
            require(
                SegmentFooter.decode(page, at: footerAt, identity: Checksums.otherLife) == nil,
                "a footer of another life")
            let byteCount = footer.blockCount * Format.indexEntryByteCount
            require(
                footer.indexByteOffset >= footer.blocksEndByteOffset
                    && footer.blocksEndByteOffset >= Format.blocksByteOffset
                    && footer.indexByteOffset + byteCount <= footerAt, "the index lies in the file: \(footer)")
            require(footer.endOrdinal >> 63 == 0, "no ordinal is so great: \(footer)")
            AlignedMemory(byteCount: Format.pageByteCount, alignment: 8).withMemory { again in
                footer.encode(into: again, at: footerAt, identity: identity)
                let found = SegmentFooter.decode(again, at: footerAt, identity: identity)
                require(found == footer, "\(footer) was written as \(String(describing: found))")
            }
            let bytes = memory.slice(footer.indexByteOffset, byteCount)
            guard let read = footer.readIndex(bytes, identity: identity) else { return }
            checkIndex(read, footer)
        }
    }

    private static func checkIndex(_ index: SparseIndex, _ footer: SegmentFooter) {
        require(index.count == footer.blockCount, "\(index.count) entries of \(footer.blockCount)")
        for number in 0..<index.count {
            let entry = index[number]
            require(
                entry.byteOffset >= Format.blocksByteOffset
                    && entry.byteOffset < footer.blocksEndByteOffset + (entry.isHole ? 1 : 0)
                    && entry.ordinalCount > 0, "entry \(number) lies among the blocks: \(entry)")
            if number > 0 {
                let last = index[number - 1]
                require(
                    entry.byteOffset > last.byteOffset && entry.firstOrdinal >= last.endOrdinal
                        && entry.greatestArrival >= last.greatestArrival, "\(entry) stands behind \(last)")
            }
            require(index.find(ordinal: entry.firstOrdinal) == number, "entry \(number) is found by its ordinal")
        }
    }
}
