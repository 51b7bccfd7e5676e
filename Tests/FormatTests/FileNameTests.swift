import MillraceLog
import Testing

/// Aim: every name is read as what it was made from, and nothing else is. Method: bounds, and names one letter off.
@Suite struct FileNameTests {
    @Test func `log names are 16 hex digits`() {
        for id in [0, 1, 0xDEAD_BEEF, UInt64.max] {
            #expect(FileNames.log(id).utf8.count == 16)
            #expect(FileNames.logID(FileNames.log(id)) == id)
        }
        #expect(FileNames.log(255) == "00000000000000ff")
        for name in ["", "ff", "00000000000000FF", "00000000000000fg", "+0000000000000ff", "000000000000000ff", ".."] {
            #expect(FileNames.logID(name) == nil, "\(name)")
        }
    }

    @Test func `segment names are 20 decimal digits, so that they sort as their ordinals do`() {
        let bases: [UInt64] = [0, 1, 1 << 40, 2 << 40 | 77, UInt64(Int64.max), UInt64.max]
        #expect(bases.map(FileNames.segment).sorted() == bases.map(FileNames.segment))
        for base in bases { #expect(FileNames.baseOrdinal(FileNames.segment(base)) == base) }
        #expect(FileNames.segment(1 << 40) == "00000001099511627776.segment")
        for name in [
            "1.segment", "00000001099511627776", "00000001099511627776.segment.damaged", "+0000001099511627776.segment",
            "99999999999999999999.segment", ".segment", "",
        ] { #expect(FileNames.baseOrdinal(name) == nil, "\(name)") }
    }

    @Test func `spare names carry size and number`() throws {
        let spare = try #require(FileNames.spare(FileNames.spare(byteCount: 1 << 20, number: 7)))
        #expect(spare.byteCount == 1 << 20 && spare.number == 7)
        for name in ["1048576-7", "-7.spare", "1048576-.spare", "01-7.spare", "1-07.spare", "1-7-7.spare", ".spare", ""] {
            #expect(FileNames.spare(name) == nil, "\(name)")
        }
    }
}
