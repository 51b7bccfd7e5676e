import MillraceIO

/// A block found in its segment's mapping, checked, and not decoded yet.
struct StoredBlock {
    let header: BlockHeader
    /// Byte offset of the body in the file.
    let bodyAt: Int
    let body: Memory

    /// Finds block `number`. Its pages are resident afterwards; up to `residentBelow` in the file the caller has made them so, which saves
    /// two system calls a block. With `isAlone` nothing around it is read.
    /// - Throws: `corrupt` when its bytes are not what was written, `io`.
    init(_ open: OpenSegment, _ content: SegmentContent, number: Int, residentBelow: Int = 0, isAlone: Bool = false) throws(LogError) {
        let entry = content.index[number]
        let limit = open.memory.byteCount
        // As far as the next block stands, in one call: all of this one. Of the last one the header, as long as it may be.
        let isLast = number + 1 >= content.index.count
        let end = min(isLast ? entry.byteOffset + Format.blockHeaderByteCount + 8 * 255 : content.index[number + 1].byteOffset, limit)
        let residentEnd = max(residentBelow, end)
        if residentEnd > residentBelow { _ = try open.resident(entry.byteOffset, residentEnd - entry.byteOffset, isAlone: isAlone) }
        guard
            let header = BlockHeader.decode(
                open.memory, at: entry.byteOffset, limit: isLast ? limit : end, identity: content.identity),
            header.firstOrdinal == entry.firstOrdinal, header.ordinalCount == entry.ordinalCount
        else {
            throw .corrupt(file: open.name, byteOffset: entry.byteOffset, detail: "the block header is not valid")
        }
        bodyAt = entry.byteOffset + header.headerByteCount
        body = bodyAt + header.bodyByteCount <= residentEnd
            ? open.memory.slice(bodyAt, header.bodyByteCount) : try open.resident(bodyAt, header.bodyByteCount, isAlone: isAlone)
        guard seeded(.bodyUnchecked) || CRC32C.of(body) == header.bodyChecksum else {
            throw .corrupt(
                file: open.name, byteOffset: entry.byteOffset, detail: "the block's body does not match its checksum")
        }
        self.header = header
    }

    var payload: Memory { body.slice(header.directoryByteCount, header.storedPayloadByteCount) }

    /// Lays the block out in `memory` as a buffer (`BufferLayout`), which has room for it; with `isMapped` the payload of a raw block stays
    /// where it is. False when directory or payload do not decode.
    func decode(into memory: Memory, logID: UInt64, isMapped: Bool) -> Bool {
        memory.store(header.firstOrdinal, at: BufferLayout.baseOrdinalAt)
        memory.store(logID, at: BufferLayout.logAt)
        memory.store(header.firstArrivalMilliseconds, at: BufferLayout.firstArrivalAt)
        memory.storeRelaxed(header.endOrdinal, at: BufferLayout.endOrdinalAt)
        memory.store(UInt64(header.hasGaps ? header.recordCount + 1 : 0), at: BufferLayout.gapsAt)
        let isLeft = isMapped && header.codec == .raw
        memory.store(UInt64(isLeft ? bodyAt + header.directoryByteCount : 0), at: BufferLayout.mappedAt)
        switch header.codec {
        case .raw: if !isLeft { memory.copy(payload, at: BufferLayout.payloadAt) }
        case .lz4:
            let room = memory.slice(BufferLayout.payloadAt, header.rawPayloadByteCount)
            guard LZ4.decode(payload, into: room) == header.rawPayloadByteCount else { return false }
        case .lz4Chunked:
            let room = memory.slice(BufferLayout.payloadAt, header.rawPayloadByteCount)
            guard ChunkedPayload.decode(payload, into: room) else { return false }
        }
        let entriesAt = memory.byteCount - Directory.entryByteCount * header.recordCount
        let entries = memory.slice(entriesAt, Directory.entryByteCount * header.recordCount)
        return Directory.unpack(
            body.slice(0, header.directoryByteCount), recordCount: header.recordCount, hasGaps: header.hasGaps,
            payloadByteCount: header.rawPayloadByteCount, into: entries)
            && (!header.hasGaps || Directory.isAscending(entries, recordCount: header.recordCount, below: header.ordinalCount))
    }
}
