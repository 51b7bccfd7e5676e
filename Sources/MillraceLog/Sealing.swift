import MillraceIO

/// Writes a segment's index and footer (FORMAT sections 8 and 9).
enum Sealing {
    /// Returns the checksum for the next segment's back-link.
    static func write(
        _ open: OpenSegment, content: SegmentContent, blocksEnd: Int, endOrdinal: UInt64, greatestArrival: UInt64,
        recordCount: UInt64, rawByteCount: UInt64, lastChecksum: UInt32, isByRecovery: Bool
    ) throws(LogError) -> UInt32 {
        let identity = content.identity
        let footerAt = open.memory.byteCount - Format.pageByteCount
        let indexAt = Format.alignPage(blocksEnd)
        let byteCount = content.index.count * Format.indexEntryByteCount
        let bytes = AlignedMemory(byteCount: Format.alignPage(max(byteCount, 1)))
        content.index.encode(into: bytes.memory)
        let checksum = CRC32C.of(bytes.memory.slice(0, byteCount), continuing: identity.positioned(indexAt))
        let footer = SegmentFooter(
            blockCount: content.index.count, indexByteOffset: indexAt, blocksEndByteOffset: blocksEnd,
            endOrdinal: endOrdinal, greatestArrivalMilliseconds: greatestArrival, recordCount: recordCount,
            rawByteCount: rawByteCount, indexChecksum: checksum, lastBlockChecksum: lastChecksum,
            isSealedByRecovery: isByRecovery)
        let page = AlignedMemory(byteCount: Format.pageByteCount)
        footer.encode(into: page.memory, at: footerAt, identity: identity)
        try systemCall { () throws(IOError) in
            if byteCount > 0 { try open.io.write(open.file, at: indexAt, [bytes.memory]) }
            try open.io.write(open.file, at: footerAt, [page.memory])
        }
        return lastChecksum
    }
}
