import MillraceIO
import Synchronization

/// Brings blocks from their segments into images: each block once for all readers, as long as memory lasts.
final class BlockImages: Sendable {
    private let arena: Arena
    private let decoded = EventCount()
    /// Blocks decompressed or unpacked since the store was opened.
    let decodeCount = Atomic<Int>(0)

    private static let decoding: UInt64 = 1

    init(arena: Arena) { self.arena = arena }

    /// The image of block `number` of a segment.
    /// - Throws: `corrupt` when its bytes are not what was written, `io` when they cannot be read, `tooManyHeldViews`.
    func image(_ open: OpenSegment, _ content: SegmentContent, block number: Int) throws(LogError) -> Image {
        let word = content.index.imageWord(number)
        // A cut batch in the segment's last block does not exist, though its bytes are there.
        func image(_ slot: SlotReference) -> Image {
            Image(arena: arena, slot: slot, mapped: open, cutOrdinal: content.endOrdinal)
        }
        while true {
            let value = word.loadOrdered(at: 0)
            if value == Self.decoding {
                let key = decoded.prepare()
                if word.loadOrdered(at: 0) == Self.decoding { decoded.wait(key) } else { decoded.cancel() }
                continue
            }
            let slot = SlotReference(rawValue: value)
            switch arena.pin(slot) {
            case .pinned: return image(slot)
            case .tooManyHeld:
                throw .tooManyHeldViews(
                    heldByteCount: arena.heldForReadingByteCount, limitByteCount: arena.readShareByteCount)
            case .stale: break
            }
            guard word.compareExchange(expected: value, desired: Self.decoding, at: 0) else { continue }
            do throws(LogError) {
                let slot = try decode(open, content, block: number)
                word.exchange(slot.rawValue, at: 0)
                decoded.notify()
                return image(slot)
            } catch {
                word.exchange(0, at: 0)
                decoded.notify()
                throw error
            }
        }
    }

    private func decode(_ open: OpenSegment, _ content: SegmentContent, block number: Int) throws(LogError) -> SlotReference {
        let entry = content.index[number]
        func corrupt(_ detail: String) -> LogError {
            .corrupt(file: open.name, byteOffset: entry.byteOffset, detail: detail)
        }
        let limit = open.memory.byteCount
        _ = try open.resident(entry.byteOffset, min(Format.blockHeaderByteCount + 8 * 255, limit - entry.byteOffset))
        guard
            let header = BlockHeader.decode(
                open.memory, at: entry.byteOffset, limit: limit, identity: content.identity),
            header.firstOrdinal == entry.firstOrdinal, header.recordCount == entry.recordCount
        else { throw corrupt("the block header is not valid") }
        let bodyAt = entry.byteOffset + header.headerByteCount
        let body = try open.resident(bodyAt, header.bodyByteCount)
        guard seeded(.bodyUnchecked) || CRC32C.of(body) == header.bodyChecksum else { throw corrupt("the block's body does not match its checksum") }
        let stored = body.slice(header.directoryByteCount, header.storedPayloadByteCount)
        let isMapped = header.codec == .raw
        let needed = BufferLayout.slotByteCount(
            payload: isMapped ? 0 : header.rawPayloadByteCount, records: header.recordCount)
        guard let sizeClass = arena.sizeClass(fitting: needed) else {
            throw corrupt("the block claims \(needed) bytes, more than any buffer has")
        }
        guard let slot = arena.allocateForReading(sizeClass: sizeClass) else {
            throw .tooManyHeldViews(
                heldByteCount: arena.heldForReadingByteCount, limitByteCount: arena.readShareByteCount)
        }
        let memory = arena.memory(slot)
        memory.store(header.firstOrdinal, at: BufferLayout.baseOrdinalAt)
        memory.store(content.identity.logID, at: BufferLayout.logAt)
        memory.store(header.firstArrivalMilliseconds, at: BufferLayout.firstArrivalAt)
        memory.storeRelaxed(header.firstOrdinal + UInt64(header.recordCount), at: BufferLayout.endOrdinalAt)
        memory.store(
            UInt64(isMapped ? bodyAt + header.directoryByteCount : 0), at: BufferLayout.mappedAt)
        var isWhole = true
        switch header.codec {
        case .raw: break
        case .lz4:
            isWhole = LZ4.decode(stored, into: memory.slice(BufferLayout.payloadAt, header.rawPayloadByteCount))
                == header.rawPayloadByteCount
        case .lz4Chunked:
            isWhole = ChunkedPayload.decode(stored, into: memory.slice(BufferLayout.payloadAt, header.rawPayloadByteCount))
        }
        let entriesAt = memory.byteCount - Directory.entryByteCount * header.recordCount
        isWhole = isWhole && Directory.unpack(
            body.slice(0, header.directoryByteCount), recordCount: header.recordCount, hasGaps: header.hasGaps,
            payloadByteCount: header.rawPayloadByteCount,
            into: memory.slice(entriesAt, Directory.entryByteCount * header.recordCount))
        decodeCount.add(1, ordering: .relaxed)
        guard isWhole else {
            arena.unpin(slot)
            throw corrupt("the block's directory or payload does not decode")
        }
        return slot
    }
}
