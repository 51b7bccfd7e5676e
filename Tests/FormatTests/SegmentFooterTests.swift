import MillraceIO
import MillraceLog
import Testing

/// Aim: footer and index are taken only as they were written for this place; everything else means that the blocks are walked.
/// Method: both put down by hand from docs/FORMAT.md sections 8 and 9, every bit turned.
@Suite struct SegmentFooterTests {
    static let footerAt = 28_672
    static let indexAt = 16_384

    /// First ordinal, greatest arrival, byte offset, record count.
    typealias Line = (UInt64, UInt64, Int, UInt32)
    static let lines: [Line] = [
        (1 << 40, 1000, 12_288, 5), (1 << 40 | 5, 1000, 13_000, 1), (1 << 40 | 6, 1200, 13_104, 100),
        (2 << 40, 1300, 15_000, 2),
    ]

    static func index(_ lines: [Line] = lines) -> Bytes {
        let index = Bytes(count: 24 * lines.count)
        for (number, line) in lines.enumerated() {
            index.put(line.0, at: 24 * number).put(line.1, at: 24 * number + 8)
            index.put(UInt32(line.2 / 8), at: 24 * number + 16).put(line.3, at: 24 * number + 20)
        }
        return index
    }

    static func page(_ index: Bytes = index(), change: (Bytes) -> Void = { _ in }) -> Bytes {
        let page = Bytes.page().put("MILLRFTR", at: 0).put(UInt64(index.count / 24), at: 8).put(UInt64(indexAt), at: 16)
        page.put(UInt64(15_504), at: 24).put(UInt64(2 << 40 | 2), at: 32).put(UInt64(1300), at: 40).put(UInt64(108), at: 48)
        page.put(UInt64(9999), at: 56)
        page.put(index.checksum(0..<index.count, continuing: Sample.identity.positioned(indexAt)), at: 64)
        page.put(UInt32(0x1A57), at: 68).put(UInt32(1), at: 72)
        change(page)
        return page.seal(Sample.identity.positioned(footerAt))
    }

    static func decode(
        _ page: Bytes, at byteOffset: Int = footerAt, identity: SegmentIdentity = Sample.identity
    ) -> SegmentFooter? {
        page.lend { SegmentFooter.decode($0, at: byteOffset, identity: identity) }
    }
    static func readIndex(_ footer: SegmentFooter, _ index: Bytes) -> SparseIndex? {
        index.lend { footer.readIndex($0, identity: Sample.identity) }
    }

    @Test func `every field stands where the document says, and encodes to the same page`() throws {
        let page = Self.page()
        let footer = try #require(Self.decode(page))
        #expect(footer.blockCount == 4)
        #expect(footer.indexByteOffset == Self.indexAt)
        #expect(footer.blocksEndByteOffset == 15_504)
        #expect(footer.endOrdinal == 2 << 40 | 2)
        #expect(footer.greatestArrivalMilliseconds == 1300)
        #expect(footer.recordCount == 108)
        #expect(footer.rawByteCount == 9999)
        #expect(footer.lastBlockChecksum == 0x1A57)
        #expect(footer.isSealedByRecovery)
        let again = Bytes.page().put(UInt64.max, at: 3000)
        again.lend { footer.encode(into: $0, at: Self.footerAt, identity: Sample.identity) }
        #expect(again.array == page.array)
    }

    @Test func `the index finds blocks by ordinal and by time`() throws {
        let footer = try #require(Self.decode(Self.page()))
        let index = try #require(Self.readIndex(footer, Self.index()))
        #expect(index.count == 4)
        for (number, line) in Self.lines.enumerated() {
            let entry = index[number]
            #expect(entry.firstOrdinal == line.0 && entry.greatestArrival == line.1)
            #expect(entry.byteOffset == line.2 && entry.ordinalCount == Int(line.3))
            #expect(index.find(ordinal: line.0) == number)
            #expect(index.find(ordinal: line.0 + UInt64(line.3) - 1) == number)
        }
        #expect(index.find(ordinal: (1 << 40) - 1) == nil)
        #expect(index.find(arrival: 0) == 0)
        #expect(index.find(arrival: 1001) == 2)
        #expect(index.find(arrival: 1301) == nil)
    }

    @Test func `the footer of a segment without blocks names an empty index`() throws {
        let footer = try #require(
            Self.decode(Self.page(Self.index([])) { $0.put(UInt64(12_288), at: 24).put(UInt64(12_288), at: 16) }))
        #expect(footer.blockCount == 0)
    }

    // MARK: Refusals

    @Test func `no footer with one bit turned is believed`() {
        let page = Self.page()
        for bit in 0..<8 * 4096 {
            page.flip(bit: bit)
            if Self.decode(page) != nil { Issue.record("bit \(bit) turned") }
            page.flip(bit: bit)
        }
    }

    @Test func `no index with one bit turned, cut or misplaced is believed`() throws {
        let footer = try #require(Self.decode(Self.page()))
        let index = Self.index()
        for bit in 0..<8 * index.count {
            index.flip(bit: bit)
            if Self.readIndex(footer, index) != nil { Issue.record("bit \(bit) turned") }
            index.flip(bit: bit)
        }
        #expect(Self.readIndex(footer, index) != nil)
        #expect(Self.readIndex(footer, Bytes(copying: Array(index.array.dropLast(24)))) == nil)
        #expect(Self.readIndex(footer, Bytes(count: 0)) == nil)
        var moved = footer
        moved.indexByteOffset += 4096
        #expect(Self.readIndex(moved, index) == nil)
    }

    @Test func `a footer of another segment or place is not believed`() {
        let page = Self.page()
        for other in Sample.others { #expect(Self.decode(page, identity: other.identity) == nil, "\(other.what)") }
        for byteOffset in [0, 4096, Self.footerAt - 4096, Self.footerAt + 4096] {
            #expect(Self.decode(page, at: byteOffset) == nil)
        }
    }

    @Test func `places that cannot be true are refused under a right checksum`() {
        let impossible: [(String, (Bytes) -> Void)] = [
            ("blocks end in the head", { $0.put(UInt64(12_280), at: 24) }),
            ("blocks end behind the index", { $0.put(UInt64(Self.indexAt + 8), at: 24) }),
            ("index behind the footer", { $0.put(UInt64(Self.footerAt + 8), at: 16) }),
            ("index over the footer", { $0.put(UInt64(Self.footerAt - 24), at: 16) }),
            ("more blocks than fit", { $0.put(UInt64(Self.footerAt), at: 8) }),
            ("more blocks than any file has", { $0.put(UInt64(Int.max), at: 8) }),
            ("a count without end", { $0.put(UInt64.max, at: 8) }),
            ("an index without place", { $0.put(UInt64.max, at: 16) }),
            ("an end without place", { $0.put(UInt64.max, at: 24) }),
            ("another magic", { $0.put("MILLRNOT", at: 0) }),
        ]
        for (what, change) in impossible { #expect(Self.decode(Self.page(change: change)) == nil, "\(what)") }
    }

    @Test func `an index out of order, or outside the blocks, is refused under a right checksum`() throws {
        func changed(_ change: (inout [Line]) -> Void) -> [Line] {
            var lines = Self.lines
            change(&lines)
            return lines
        }
        let impossible: [(String, [Line])] = [
            ("ordinals back", changed { $0[1].0 = 1 << 40 | 4 }), ("times back", changed { $0[2].1 = 999 }),
            ("places back", changed { $0[2].2 = 12_992 }), ("the same place", changed { $0[1].2 = 12_288 }),
            ("before the blocks", changed { $0[0].2 = 12_280 }), ("behind the blocks", changed { $0[3].2 = 15_504 }),
            ("no ordinal", changed { $0[3].0 = UInt64.max }), ("records overlap", changed { $0[0].3 = 6 }),
            ("no record", changed { $0[3].3 = 0 }),
        ]
        for (what, lines) in impossible {
            let index = Self.index(lines)
            let footer = try #require(Self.decode(Self.page(index)))
            #expect(Self.readIndex(footer, index) == nil, "\(what)")
        }
    }
}
