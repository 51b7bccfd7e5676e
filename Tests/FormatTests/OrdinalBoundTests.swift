import MillraceIO
import MillraceLog
import Testing

/// Aim: no ordinal beyond its 63 bits gets past a decoder, whatever the checksum says, and no other number that is counted
/// on from: arithmetic relies on that. Method: the pages of the other tests with one number too great, under a checksum
/// that is right.
@Suite struct OrdinalBoundTests {
    static let beyond: [UInt64] = [1 << 63, .max]

    @Test(arguments: beyond) func `a block header that names one is refused`(ordinal: UInt64) {
        #expect(BlockHeaderTests.decode(BlockHeaderTests.file(.init(firstOrdinal: ordinal))) == nil)
        #expect(BlockHeaderTests.decode(BlockHeaderTests.file(.init(durable: ordinal))) == nil)
        #expect(BlockHeaderTests.decode(BlockHeaderTests.file(.init(durable: .max >> 1))) != nil)
    }

    @Test func `a block whose number no next one could follow is refused`() {
        #expect(BlockHeaderTests.decode(BlockHeaderTests.file(.init(blockNumber: 1 << 31))) == nil)
        #expect(BlockHeaderTests.decode(BlockHeaderTests.file(.init(blockNumber: .max >> 1))) != nil)
    }

    @Test(arguments: beyond) func `a note that names one is refused`(ordinal: UInt64) {
        for field in [8, 16, 32] {
            let page = DurableNoteTests.page().put(ordinal, at: field).seal(Sample.identity.positioned(4096))
            #expect(DurableNoteTests.decode(page) == nil, "field at \(field)")
            page.put(UInt64.max >> 1, at: field).seal(Sample.identity.positioned(4096))
            #expect(DurableNoteTests.decode(page) != nil, "field at \(field)")
        }
    }

    @Test(arguments: beyond) func `a footer that ends at one is refused`(ordinal: UInt64) {
        #expect(SegmentFooterTests.decode(SegmentFooterTests.page { $0.put(ordinal, at: 32) }) == nil)
    }

    @Test(arguments: beyond) func `a segment header that begins at one, or follows one, is refused`(ordinal: UInt64)
        throws
    {
        for field in [56, 80] {
            #expect(try SegmentHeaderTests.decode(SegmentHeaderTests.page().put(ordinal, at: field).seal()) == nil)
        }
    }
}
