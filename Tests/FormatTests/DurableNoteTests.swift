import MillraceIO
import MillraceLog
import Testing

/// Aim: a note is believed in its own slot of its own segment, as it was written, and the newer of two counts. Method: notes put
/// down by hand from docs/FORMAT.md section 4.2, every bit turned.
@Suite struct DurableNoteTests {
    static func page(sequence: UInt64 = 6, identity: SegmentIdentity = Sample.identity) -> Bytes {
        let page = Bytes.page().put("MILLRNOT", at: 0).put(sequence, at: 8).put(UInt64(1 << 40 | 10), at: 16)
        page.put(UInt64(13_000), at: 24).put(UInt64(1 << 40 | 20), at: 32).put(UInt64(14_000), at: 40)
        page.put(UInt64(0xB001), at: 48).put(UInt64(0xB002), at: 56).put(UInt64(1_735_689_600_000), at: 64)
        page.put(UInt64(1_735_689_599_000), at: 72).put(UInt32(1), at: 88).put(UInt32(5), at: 92)
        page.put(UInt32(0xCCCC), at: 96).put(UInt32(2), at: 100).put(identity.salt, at: 104).put(UInt32(0xAAAA), at: 112)
        return page.seal(identity.positioned(DurableNote.byteOffset(ofSequence: sequence)))
    }

    static func decode(_ page: Bytes, at byteOffset: Int = 4096, identity: SegmentIdentity = Sample.identity) -> DurableNote? {
        page.lend { DurableNote.decode($0, at: byteOffset, identity: identity) }
    }

    static func head(_ pages: [Bytes?]) -> Bytes {
        let head = Bytes(count: Format.blocksByteOffset)
        for (slot, page) in pages.enumerated() {
            page?.lend { page in head.lend { $0.copy(page, at: Format.notesByteOffset + slot * 4096) } }
        }
        return head
    }
    static func newest(_ head: Bytes) -> DurableNote? {
        head.lend { DurableNote.newest(in: $0, identity: Sample.identity) }
    }

    @Test func `every field stands where the document says, and encodes to the same page`() throws {
        let page = Self.page()
        let note = try #require(Self.decode(page))
        #expect(note.sequence == 6)
        #expect(note.durableOrdinal == 1 << 40 | 10)
        #expect(note.durableByteOffset == 13_000)
        #expect(note.writtenOrdinal == 1 << 40 | 20)
        #expect(note.writtenByteOffset == 14_000)
        #expect(note.bootLow == 0xB001 && note.bootHigh == 0xB002)
        #expect(note.milliseconds == 1_735_689_600_000)
        #expect(note.lastArrivalMilliseconds == 1_735_689_599_000)
        #expect(note.isCleanClose)
        #expect(note.blockCount == 5)
        #expect(note.lastBlockChecksum == 0xCCCC)
        #expect(note.segmentNumber == 2)
        #expect(note.headerChecksum == 0xAAAA)
        let again = Bytes.page().put(UInt64.max, at: 3000)
        again.lend { note.encode(into: $0, identity: Sample.identity) }
        #expect(again.array == page.array)
    }

    @Test func `the valid note with the higher sequence counts, whichever slot it is in`() {
        #expect(Self.newest(Self.head([Self.page(sequence: 6), Self.page(sequence: 5)]))?.sequence == 6)
        #expect(Self.newest(Self.head([Self.page(sequence: 6), Self.page(sequence: 7)]))?.sequence == 7)
        #expect(Self.newest(Self.head([nil, Self.page(sequence: 7)]))?.sequence == 7)
        #expect(Self.newest(Self.head([Self.page(sequence: 6), nil]))?.sequence == 6)
        #expect(Self.newest(Self.head([nil, nil])) == nil)
        let torn = Self.page(sequence: 7)
        torn.lend { $0.slice(512, 512).fill(0xFF) }
        #expect(Self.newest(Self.head([Self.page(sequence: 6), torn]))?.sequence == 6)
    }

    // MARK: Refusals

    @Test func `no note with one bit turned is believed`() {
        let page = Self.page()
        for bit in 0..<8 * 4096 {
            page.flip(bit: bit)
            if Self.decode(page) != nil { Issue.record("bit \(bit) turned") }
            page.flip(bit: bit)
        }
    }

    @Test func `a note of another segment, or in the other slot, is not believed`() {
        let page = Self.page()
        for other in Sample.others { #expect(Self.decode(page, identity: other.identity) == nil, "\(other.what)") }
        #expect(Self.decode(page, at: 8192) == nil)
        #expect(Self.newest(Self.head([nil, page])) == nil)
        #expect(Self.decode(Self.page().put("MILLRFTR", at: 0).seal(Sample.identity.positioned(4096))) == nil)
    }

    @Test func `byte offsets that no machine has are no note`() {
        for at in [24, 40] {
            #expect(Self.decode(Self.page().put(UInt64.max, at: at).seal(Sample.identity.positioned(4096))) == nil)
        }
    }
}
