import MillraceIO
import MillraceLog
import Testing

/// Aim: page 0 of a segment says what was written or nothing; a later version's says its version. Method: the page put down by
/// hand from docs/FORMAT.md section 4.1, every bit turned.
@Suite struct SegmentHeaderTests {
    static func page() -> Bytes {
        let page = Bytes.page().put("MILLRSEG", at: 0).put(UInt16(1), at: 8).put(UInt16(1), at: 10)
        page.put(UInt32(77), at: 12)
        page.put(Sample.identity.storeLow, at: 32).put(Sample.identity.storeHigh, at: 40).put(Sample.identity.logID, at: 48)
        page.put(Sample.identity.baseOrdinal, at: 56).put(Sample.identity.salt, at: 64).put(UInt64(32_768), at: 72)
        page.put(UInt64(1 << 40 | 55), at: 80).put(UInt32(0xC0DE), at: 88).put(UInt64(1_735_689_600_000), at: 96)
        return page.seal()
    }

    static func decode(_ page: Bytes) throws -> (header: SegmentHeader, checksum: UInt32)? {
        try page.lend { try SegmentHeader.decode($0, file: "7.segment") }
    }

    @Test func `every field stands where the document says, and encodes to the same page`() throws {
        let page = Self.page()
        let (header, checksum) = try #require(try Self.decode(page))
        #expect(header.identity == Sample.identity)
        #expect(header.segmentNumber == 77)
        #expect(header.fileByteCount == 32_768)
        #expect(header.previousEndOrdinal == 1 << 40 | 55)
        #expect(header.previousBlockChecksum == 0xC0DE)
        #expect(header.createdMilliseconds == 1_735_689_600_000)
        #expect(checksum == page.get(UInt32.self, at: 4092))
        let again = Bytes.page().put(UInt64.max, at: 2000)
        #expect(again.lend { header.encode(into: $0) } == checksum)
        #expect(again.array == page.array)
    }

    // MARK: Refusals

    @Test func `no page with one bit turned is believed`() throws {
        let page = Self.page()
        for bit in 0..<8 * 4096 {
            page.flip(bit: bit)
            if try Self.decode(page) != nil { Issue.record("bit \(bit) turned") }
            page.flip(bit: bit)
        }
    }

    @Test func `a torn page, zeros and another kind of page are no header`() throws {
        let page = Self.page()
        for at in stride(from: 0, to: 4096, by: 512) {
            let torn = Bytes(copying: page.array)
            torn.lend { $0.slice(at, 512).fill() }
            if torn.array != page.array { #expect(try Self.decode(torn) == nil, "sector at \(at)") }
        }
        #expect(try Self.decode(Bytes.page()) == nil)
        #expect(try Self.decode(Bytes(count: 4095)) == nil)
        #expect(try Self.decode(Self.page().put("MILLRFTR", at: 0).seal()) == nil)
    }

    @Test func `a header that needs a later version, or an unknown feature, is refused by name`() {
        #expect(throws: LogError.newerFormat(file: "7.segment", leastReaderVersion: 2, unknownFeatures: 0)) {
            try Self.decode(Self.page().put(UInt16(3), at: 8).put(UInt16(2), at: 10).seal())
        }
        #expect(throws: LogError.newerFormat(file: "7.segment", leastReaderVersion: 1, unknownFeatures: 1 << 40)) {
            try Self.decode(Self.page().put(UInt64(1 << 40), at: 16).seal())
        }
        #expect(throws: LogError.newerFormat(file: "7.segment", leastReaderVersion: 1, unknownFeatures: 1)) {
            try Self.decode(Self.page().put(UInt64(1), at: 16).seal())
        }
    }

    @Test func `a later writer that lets this version read, and optional features, are accepted`() throws {
        #expect(try Self.decode(Self.page().put(UInt16(9), at: 8).seal()) != nil)
        #expect(try Self.decode(Self.page().put(UInt64.max, at: 24).seal()) != nil)
    }

    @Test func `a file size that no machine has is no header`() throws {
        #expect(try Self.decode(Self.page().put(UInt64.max, at: 72).seal()) == nil)
    }
}
