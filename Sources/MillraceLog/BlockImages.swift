import MillraceIO
import Synchronization

/// Brings blocks from their segments into images: each block once for all readers, as long as memory lasts.
final class BlockImages: Sendable {
    private let arena: Arena
    private let decoded = EventCount()
    let readAhead = ReadAhead()
    /// Blocks decompressed or unpacked since the store was opened.
    let decodeCount = Atomic<Int>(0)

    private static let decoding: UInt64 = 1
    private static let spinCount = 400

    init(arena: Arena) { self.arena = arena }

    /// The image of block `number` of a segment.
    /// - Throws: `corrupt` when its bytes are not what was written, `io` when they cannot be read, `tooManyHeldViews`.
    func image(_ open: OpenSegment, _ content: SegmentContent, block number: Int, along stretch: inout ReadStretch) throws(LogError) -> Image {
        let word = content.index.imageWord(number)
        let goesOn = stretch.goesOn
        // A cut batch in the segment's last block does not exist, though its bytes are there.
        func image(_ slot: SlotReference) -> Image {
            Image(arena: arena, slot: slot, mapped: open, cutOrdinal: content.endOrdinal)
        }
        while true {
            let value = word.loadOrdered(at: 0)
            if value == Self.decoding {
                // Somebody else is at it. The next one meanwhile, instead of waiting.
                if !goesOn || !decodeAhead(.init(open: open, content: content, number: number + 1)) { waitForDecoding(word) }
                continue
            }
            let slot = SlotReference(rawValue: value)
            switch arena.pin(slot) {
            case .pinned:
                if goesOn { ask(open, content, number + ReadAhead.distance) }
                return image(slot)
            case .tooManyHeld:
                throw .tooManyHeldViews(
                    heldByteCount: arena.heldForReadingByteCount, limitByteCount: arena.readShareByteCount)
            case .stale: break
            }
            guard word.compareExchange(expected: value, desired: Self.decoding, at: 0) else { continue }
            if goesOn { for next in number + 1...number + ReadAhead.distance { ask(open, content, next) } }
            let residentBelow = stretch.bring(number, of: open, content)
            return image(try decode(open, content, block: number, residentBelow: residentBelow, isAlone: !goesOn, claimed: word))
        }
    }

    /// Decodes the block whose word the caller has set to `decoding`, and tells everybody. The slot is pinned.
    private func decode(
        _ open: OpenSegment, _ content: SegmentContent, block number: Int, residentBelow: Int = 0, isAlone: Bool, claimed word: Memory
    ) throws(LogError) -> SlotReference {
        do throws(LogError) {
            let slot = try decode(open, content, block: number, residentBelow: residentBelow, isAlone: isAlone)
            word.exchange(slot.rawValue, at: 0)
            decoded.notify()
            return slot
        } catch {
            word.exchange(0, at: 0)
            decoded.notify()
            throw error
        }
    }

    /// A short spin, since others are at work on it, then asleep.
    private func waitForDecoding(_ word: Memory) {
        for _ in 0..<Self.spinCount {
            if word.loadOrdered(at: 0) != Self.decoding { return }
            spinHint()
        }
        let key = decoded.prepare()
        if word.loadOrdered(at: 0) == Self.decoding { decoded.wait(key) } else { decoded.cancel() }
    }

    // MARK: Ahead of readers

    /// Handing a block over costs as much as decoding some 2 KiB (decision 0018).
    private static let leastAheadByteCount = 2048

    private func ask(_ open: OpenSegment, _ content: SegmentContent, _ number: Int) {
        let index = content.index
        if number + 1 < index.count, index[number + 1].byteOffset - index[number].byteOffset < Self.leastAheadByteCount { return }
        guard missingWord(content, number) != nil else { return }
        readAhead.ask(.init(open: open, content: content, number: number))
    }

    /// What the block's word says where there is such a block, and nobody has decoded it or is about to.
    private func missingWord(_ content: SegmentContent, _ number: Int) -> UInt64? {
        guard number < content.index.count, !content.index[number].isHole else { return nil }
        let value = content.index.imageWord(number).loadOrdered(at: 0)
        return value == Self.decoding || arena.lives(SlotReference(rawValue: value)) ? nil : value
    }

    /// Decodes the block for whoever comes to it. False when there is no need to, or readers hold much of their memory already: then what is
    /// decoded ahead of all of them would be evicted before it is read, or be what they are refused for. What goes wrong is told to the
    /// reader who comes.
    func decodeAhead(_ block: ReadAhead.Block) -> Bool {
        guard let value = missingWord(block.content, block.number), arena.heldForReadingByteCount < arena.readShareByteCount / (2 * ReadAhead.distance)
        else { return false }
        let word = block.content.index.imageWord(block.number)
        guard word.compareExchange(expected: value, desired: Self.decoding, at: 0),
            let slot = try? decode(block.open, block.content, block: block.number, isAlone: false, claimed: word)
        else { return false }
        arena.unpin(slot)
        return true
    }

    private func decode(
        _ open: OpenSegment, _ content: SegmentContent, block number: Int, residentBelow: Int, isAlone: Bool
    ) throws(LogError) -> SlotReference {
        func corrupt(_ detail: String) -> LogError {
            .corrupt(file: open.name, byteOffset: content.index[number].byteOffset, detail: detail)
        }
        let block = try StoredBlock(open, content, number: number, residentBelow: residentBelow, isAlone: isAlone)
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
