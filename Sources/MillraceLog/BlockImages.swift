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
        func corrupt(_ detail: String) -> LogError {
            .corrupt(file: open.name, byteOffset: content.index[number].byteOffset, detail: detail)
        }
        let block = try StoredBlock(open, content, number: number)
        let isMapped = block.header.codec == .raw
        let needed = BufferLayout.slotByteCount(
            payload: isMapped ? 0 : block.header.rawPayloadByteCount, records: block.header.recordCount)
        guard let sizeClass = arena.sizeClass(fitting: needed) else {
            throw corrupt("the block claims \(needed) bytes, more than any buffer has")
        }
        guard let slot = arena.allocateForReading(sizeClass: sizeClass) else {
            throw .tooManyHeldViews(
                heldByteCount: arena.heldForReadingByteCount, limitByteCount: arena.readShareByteCount)
        }
        let isWhole = block.decode(into: arena.memory(slot), logID: content.identity.logID, isMapped: true)
        decodeCount.add(1, ordering: .relaxed)
        guard isWhole else {
            arena.unpin(slot)
            throw corrupt("the block's directory or payload does not decode")
        }
        return slot
    }
}
