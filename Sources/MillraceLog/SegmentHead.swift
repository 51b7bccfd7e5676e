import MillraceIO

/// The first pages of a segment: header and newest note, each standing in for the other when one is damaged.
struct SegmentHead {
    let header: SegmentHeader
    let headerChecksum: UInt32
    let note: DurableNote?
    /// The header page is not valid; what it said was taken from the note (the back-link is not known then).
    let isHeaderDamaged: Bool
    /// Every block before this place was durable, as either note says; 0 when none says so.
    let durableByteOffset: Int

    /// nil when neither header nor note is valid for this log and name.
    static func read(_ open: OpenSegment, in directory: LogDirectory, baseOrdinal: UInt64) throws(LogError) -> SegmentHead? {
        let head = try open.resident(0, Format.blocksByteOffset, isAlone: true)
        if let (header, checksum) = try SegmentHeader.decode(head.slice(0, Format.pageByteCount), file: open.name) {
            let expected = SegmentIdentity(
                storeLow: directory.storeLow, storeHigh: directory.storeHigh, logID: directory.logID,
                baseOrdinal: baseOrdinal, salt: header.identity.salt)
            // A file that was cut short has lost its end; what is left of its blocks is as good as ever.
            if header.identity == expected, header.fileByteCount >= open.memory.byteCount {
                return SegmentHead(
                    header: header, headerChecksum: checksum, note: DurableNote.newest(in: head, identity: expected),
                    isHeaderDamaged: false, durableByteOffset: durableByteOffset(in: head, expected))
            }
        }
        for slot in 0..<2 {
            let salt = head.load(UInt64.self, at: Format.notesByteOffset + slot * Format.pageByteCount + 104)
            let identity = SegmentIdentity(
                storeLow: directory.storeLow, storeHigh: directory.storeHigh, logID: directory.logID,
                baseOrdinal: baseOrdinal, salt: salt)
            guard let note = DurableNote.newest(in: head, identity: identity) else { continue }
            let header = SegmentHeader(
                identity: identity, segmentNumber: note.segmentNumber, fileByteCount: open.memory.byteCount,
                previousEndOrdinal: 0, previousBlockChecksum: 0, createdMilliseconds: note.milliseconds)
            return SegmentHead(
                header: header, headerChecksum: note.headerChecksum, note: note, isHeaderDamaged: true,
                durableByteOffset: durableByteOffset(in: head, identity))
        }
        return nil
    }

    private static func durableByteOffset(in head: Memory, _ identity: SegmentIdentity) -> Int {
        (0..<2).reduce(0) { greatest, slot in
            let byteOffset = Format.notesByteOffset + slot * Format.pageByteCount
            let note = DurableNote.decode(head.slice(byteOffset, Format.pageByteCount), at: byteOffset, identity: identity)
            return max(greatest, note?.durableByteOffset ?? 0)
        }
    }
}
