import MillraceIO
import MillraceLog

/// Makes checksums right over whatever stands there, as an adversary would.
enum Checksums {
    static let identity = SegmentIdentity(
        storeLow: 0x1111_2222_3333_4444, storeHigh: 0x5555_6666_7777_8888, logID: 1, baseOrdinal: 1 << 40, salt: 0xABCD)
    /// The same file in another life.
    static let otherLife = SegmentIdentity(
        storeLow: 0x1111_2222_3333_4444, storeHigh: 0x5555_6666_7777_8888, logID: 1, baseOrdinal: 1 << 40, salt: 0xABCE)

    static func sealPage(_ page: Memory, seed: UInt32 = 0) {
        guard page.byteCount >= Format.pageByteCount else { return }
        let crc = CRC32C.of(page.slice(0, Format.checksumByteOffset), continuing: seed)
        page.store(crc, at: Format.checksumByteOffset)
    }

    /// Body and header of the block at `byteOffset`, as far as its sizes lie inside. Where the next block would start;
    /// nil when the sizes do not fit.
    @discardableResult
    static func sealBlock(_ file: Memory, at byteOffset: Int, identity: SegmentIdentity) -> Int? {
        guard byteOffset + Format.blockHeaderByteCount <= file.byteCount else { return nil }
        let block = file.slice(byteOffset, file.byteCount - byteOffset)
        let bodyAt = Format.blockHeaderByteCount + 8 * Int(block.load(UInt8.self, at: 61))
        let bodyByteCount = Int(block.load(UInt32.self, at: 40)) + Int(block.load(UInt32.self, at: 48))
        guard bodyAt <= block.byteCount else { return nil }
        let isWhole = bodyAt + bodyByteCount <= block.byteCount
        if isWhole { block.store(CRC32C.of(block.slice(bodyAt, bodyByteCount)), at: 4) }
        block.store(CRC32C.of(block.slice(4, bodyAt - 4), continuing: identity.positioned(byteOffset)), at: 0)
        return isWhole ? byteOffset + Format.align8(bodyAt + bodyByteCount) : nil
    }

    /// Pages, blocks with their chain, index and footer of a whole segment. At most `blockLimit` blocks: each may claim
    /// a lot.
    static func sealSegment(_ file: Memory, blockLimit: Int) {
        guard file.byteCount >= Format.blocksByteOffset + Format.pageByteCount else { return }
        sealPage(file)
        let identity = SegmentIdentity(
            storeLow: file.load(at: 32), storeHigh: file.load(at: 40), logID: file.load(at: 48),
            baseOrdinal: file.load(at: 56),
            salt: file.load(at: 64))
        let headerChecksum = file.load(UInt32.self, at: Format.checksumByteOffset)
        for slot in 0..<2 {
            let at = Format.notesByteOffset + slot * Format.pageByteCount
            let page = file.slice(at, Format.pageByteCount)
            guard page.load(UInt64.self, at: 0) == Format.noteMagic else { continue }
            page.store(identity.salt, at: 104)
            page.store(headerChecksum, at: 112)
            sealPage(page, seed: identity.positioned(at))
        }
        var at = Format.blocksByteOffset
        var chain = headerChecksum
        for number in 0..<blockLimit where at + Format.blockHeaderByteCount <= file.byteCount {
            guard file.load(UInt32.self, at: at + 32) != 0 else { break }
            file.store(chain, at: at + 52)
            file.store(UInt32(number), at: at + 56)
            guard let next = sealBlock(file, at: at, identity: identity) else { break }
            chain = file.load(UInt32.self, at: at)
            at = next
        }
        let footerAt = file.byteCount - Format.pageByteCount
        let footer = file.slice(footerAt, Format.pageByteCount)
        guard footer.load(UInt64.self, at: 0) == Format.footerMagic else { return }
        let indexAt = Int(truncatingIfNeeded: footer.load(UInt64.self, at: 16))
        let indexByteCount = Int(clamping: footer.load(UInt64.self, at: 8)).multipliedReportingOverflow(
            by: Format.indexEntryByteCount)
        if indexAt >= 0, !indexByteCount.overflow, indexAt <= footerAt,
            indexByteCount.partialValue <= footerAt - indexAt
        {
            let index = file.slice(indexAt, indexByteCount.partialValue)
            footer.store(CRC32C.of(index, continuing: identity.positioned(indexAt)), at: 64)
        }
        sealPage(footer, seed: identity.positioned(footerAt))
    }
}
