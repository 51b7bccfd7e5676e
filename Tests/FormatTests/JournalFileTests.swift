import MillraceIO
import MillraceLog
import Testing

/// Aim: the commit journal is laid out as docs/FORMAT.md section 11 says, and nothing of it is believed that was not written so. Method:
/// pages and frames put down by hand, every bit turned, frames moved.
@Suite struct JournalFileTests {
    static let file = JournalFile(storeLow: 0x11, storeHigh: 0x22, salt: 0x5A17, sequence: 3, byteCount: 40_960)

    static func page(sequence: UInt64 = 3) -> Bytes {
        let page = Bytes.page().put("MILLRJNL", at: 0).put(UInt16(1), at: 8).put(UInt16(1), at: 10).put(UInt64(0x11), at: 32)
        page.put(UInt64(0x22), at: 40).put(sequence, at: 48).put(UInt64(0x5A17), at: 56).put(UInt64(40_960), at: 64)
        return page.seal()
    }

    /// 24 bytes that belong at 12,800 of segment 77 of log 9.
    static func journal(frameAt place: Int) -> Bytes {
        let journal = Bytes(count: 40_960)
        for slot in 0..<2 { page().lend { page in journal.lend { $0.copy(page, at: 4096 * slot) } } }
        for index in 0..<24 { journal.put(UInt8(100 + index), at: place + 48 + index) }
        journal.put(UInt64(24), at: place + 8).put(UInt64(9), at: place + 16).put(UInt64(77), at: place + 24)
        journal.put(UInt64(0x5E6), at: place + 32).put(UInt64(12_800), at: place + 40)
        var seed: UInt32 = 0
        for word in [UInt64(0x11), 0x22, 0x5A17, UInt64(place)] { seed = CRC32C.mixing(word, into: seed) }
        journal.put(journal.checksum(place + 48..<place + 72, continuing: seed), at: place + 4)
        journal.put(journal.checksum(place + 4..<place + 48, continuing: seed), at: place)
        return journal
    }

    static func frames(_ journal: Bytes) -> [JournalFrame] { journal.lend { JournalFrame.all(in: $0, of: file) } }

    @Test func `the header stands in both pages where the document says`() throws {
        let pages = Bytes(count: 8192)
        pages.lend { Self.file.encode(into: $0) }
        #expect(Array(pages.array.prefix(4096)) == Self.page().array && Array(pages.array.suffix(4096)) == Self.page().array)
        #expect(try pages.lend { try JournalFile.decode($0) } == Self.file)
        for bit in stride(from: 0, to: 8 * 4096, by: 7) {
            let page = Self.page()
            page.flip(bit: bit)
            #expect(try page.lend { try JournalFile.decode($0) } == nil)
        }
    }

    @Test func `of two pages the later one counts, and one is enough`() throws {
        let pages = Bytes(count: 8192)
        Self.page(sequence: 4).lend { page in pages.lend { $0.copy(page, at: 0) } }
        Self.page(sequence: 5).lend { page in pages.lend { $0.copy(page, at: 4096) } }
        #expect(try pages.lend { try JournalFile.decode($0) }?.sequence == 5)
        pages.flip(bit: 8 * 5000)
        #expect(try pages.lend { try JournalFile.decode($0) }?.sequence == 4)
        pages.flip(bit: 8 * 500)
        #expect(try pages.lend { try JournalFile.decode($0) } == nil)
    }

    @Test func `a journal that needs a later reader is refused`() {
        let page = Self.page().put(UInt64(1) << 40, at: 16).seal()
        #expect(throws: LogError.self) { try page.lend { try JournalFile.decode($0) } }
    }

    @Test(arguments: [8192, 8200, 12_280, 24_576, 24_576 + 8]) func `a frame is found at any multiple of 8 of either half`(place: Int) throws {
        let frame = try #require(Self.frames(Self.journal(frameAt: place)).first)
        #expect(frame.logID == 9 && frame.baseOrdinal == 77 && frame.salt == 0x5E6)
        #expect(frame.byteOffset == 12_800 && frame.byteCount == 24 && frame.dataByteOffset == place + 48)
        #expect(Self.frames(Self.journal(frameAt: place)).count == 1)
    }

    @Test func `no frame with one bit turned is believed, nor one that was moved, of another salt or over a half's end`() {
        let place = 8192, journal = Self.journal(frameAt: place)
        for bit in 8 * place..<8 * (place + 72) {
            journal.flip(bit: bit)
            #expect(Self.frames(journal).isEmpty, "bit \(bit - 8 * place)")
            journal.flip(bit: bit)
        }
        let moved = Bytes(count: 40_960)
        journal.lend { source in moved.lend { $0.copy(source.slice(place, 72), at: place + 64) } }
        #expect(Self.frames(moved).isEmpty)
        let other = JournalFile(storeLow: 0x11, storeHigh: 0x22, salt: 0x5A18, sequence: 4, byteCount: 40_960)
        #expect(journal.lend { JournalFrame.all(in: $0, of: other) }.isEmpty)
        #expect(Self.frames(Self.journal(frameAt: 24_576 - 64)).isEmpty)
    }

    @Test(arguments: [UInt64(0), 12_281, 12_280, 1 << 62]) func `a frame for a place where no block stands is not believed`(byteOffset: UInt64) {
        let place = 8192, journal = Self.journal(frameAt: place)
        journal.put(byteOffset, at: place + 40)
        var seed: UInt32 = 0
        for word in [UInt64(0x11), 0x22, 0x5A17, UInt64(place)] { seed = CRC32C.mixing(word, into: seed) }
        journal.put(journal.checksum(place + 4..<place + 48, continuing: seed), at: place)
        #expect(Self.frames(journal).isEmpty)
    }
}
