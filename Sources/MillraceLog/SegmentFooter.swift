package import MillraceIO

/// The last page of a sealed segment (FORMAT section 9): a shortcut to the index and the totals.
package struct SegmentFooter: Equatable, Sendable {
    package var blockCount: Int
    package var indexByteOffset: Int
    package var blocksEndByteOffset: Int
    /// One past the last record; a cut batch is excluded.
    package var endOrdinal: UInt64
    package var greatestArrivalMilliseconds: UInt64
    package var recordCount: UInt64
    package var rawByteCount: UInt64
    package var indexChecksum: UInt32
    package var lastBlockChecksum: UInt32
    package var isSealedByRecovery: Bool

    package func encode(into page: Memory, at byteOffset: Int, identity: SegmentIdentity) {
        page.fill()
        page.store(Format.footerMagic, at: 0)
        page.store(UInt64(blockCount), at: 8)
        page.store(UInt64(indexByteOffset), at: 16)
        page.store(UInt64(blocksEndByteOffset), at: 24)
        page.store(endOrdinal, at: 32)
        page.store(greatestArrivalMilliseconds, at: 40)
        page.store(recordCount, at: 48)
        page.store(rawByteCount, at: 56)
        page.store(indexChecksum, at: 64)
        page.store(lastBlockChecksum, at: 68)
        page.store(UInt32(isSealedByRecovery ? 1 : 0), at: 72)
        PageChecksum.seal(page, seed: identity.positioned(byteOffset))
    }

    /// The footer in the last page of a segment; nil when it is missing or invalid. Its index is yet to be checked.
    package static func decode(_ page: Memory, at byteOffset: Int, identity: SegmentIdentity) -> SegmentFooter? {
        guard byteOffset >= Format.blocksByteOffset, PageChecksum.isValid(page, seed: identity.positioned(byteOffset)),
            page.load(UInt64.self, at: 0) == Format.footerMagic, page.load(UInt64.self, at: 32) >> 63 == 0,
            let blockCount = Int(exactly: page.load(UInt64.self, at: 8)),
            let indexByteOffset = Int(exactly: page.load(UInt64.self, at: 16)),
            let blocksEnd = Int(exactly: page.load(UInt64.self, at: 24)),
            blocksEnd >= Format.blocksByteOffset, blocksEnd <= indexByteOffset,
            blockCount <= byteOffset / Format.blockHeaderByteCount, indexByteOffset <= byteOffset,
            indexByteOffset + blockCount * Format.indexEntryByteCount <= byteOffset
        else { return nil }
        return SegmentFooter(
            blockCount: blockCount, indexByteOffset: indexByteOffset, blocksEndByteOffset: blocksEnd,
            endOrdinal: page.load(at: 32), greatestArrivalMilliseconds: page.load(at: 40),
            recordCount: page.load(at: 48), rawByteCount: page.load(at: 56), indexChecksum: page.load(at: 64),
            lastBlockChecksum: page.load(at: 68), isSealedByRecovery: page.load(UInt32.self, at: 72) & 1 == 1)
    }

    /// The index that the footer names, checked; nil when its bytes are not what was written.
    package func readIndex(_ index: Memory, identity: SegmentIdentity) -> SparseIndex? {
        guard index.byteCount == blockCount * Format.indexEntryByteCount,
            CRC32C.of(index, continuing: identity.positioned(indexByteOffset)) == indexChecksum
        else { return nil }
        return SparseIndex.decode(index, blockCount: blockCount, blocksEnd: blocksEndByteOffset)
    }
}
