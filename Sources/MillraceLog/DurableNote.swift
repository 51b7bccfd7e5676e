package import MillraceIO

/// What was durable and written when the note was taken (FORMAT section 4.2).
package struct DurableNote: Equatable, Sendable {
    package var sequence: UInt64
    package var durableOrdinal: UInt64
    package var durableByteOffset: Int
    package var writtenOrdinal: UInt64
    package var writtenByteOffset: Int
    package var bootLow: UInt64
    package var bootHigh: UInt64
    package var milliseconds: UInt64
    package var lastArrivalMilliseconds: UInt64
    package var isCleanClose: Bool
    package var blockCount: UInt32
    package var lastBlockChecksum: UInt32
    package var segmentNumber: UInt32
    package var headerChecksum: UInt32
    /// No record below is read any more, and segments wholly below it may be gone; 0: retention has taken nothing.
    package var trimmedOrdinal: UInt64
    /// That, as far as it is believed: retention takes only what is durable.
    var horizon: UInt64 { min(trimmedOrdinal, durableOrdinal) }

    package static func byteOffset(ofSequence sequence: UInt64) -> Int {
        Format.notesByteOffset + Int(sequence & 1) * Format.pageByteCount
    }

    package func encode(into page: Memory, identity: SegmentIdentity) {
        page.fill()
        page.store(Format.noteMagic, at: 0)
        page.store(sequence, at: 8)
        page.store(durableOrdinal, at: 16)
        page.store(UInt64(durableByteOffset), at: 24)
        page.store(writtenOrdinal, at: 32)
        page.store(UInt64(writtenByteOffset), at: 40)
        page.store(bootLow, at: 48)
        page.store(bootHigh, at: 56)
        page.store(milliseconds, at: 64)
        page.store(lastArrivalMilliseconds, at: 72)
        page.store(UInt32(isCleanClose ? 1 : 0), at: 88)
        page.store(blockCount, at: 92)
        page.store(lastBlockChecksum, at: 96)
        page.store(segmentNumber, at: 100)
        page.store(identity.salt, at: 104)
        page.store(headerChecksum, at: 112)
        page.store(trimmedOrdinal, at: 120)
        PageChecksum.seal(page, seed: identity.positioned(Self.byteOffset(ofSequence: sequence)))
    }

    /// The note in the slot at `byteOffset`; nil when it is not valid there.
    package static func decode(_ page: Memory, at byteOffset: Int, identity: SegmentIdentity) -> DurableNote? {
        guard PageChecksum.isValid(page, seed: identity.positioned(byteOffset)),
            page.load(UInt64.self, at: 0) == Format.noteMagic, page.load(UInt64.self, at: 8) >> 63 == 0,
            page.load(UInt64.self, at: 16) >> 63 == 0, page.load(UInt64.self, at: 32) >> 63 == 0,
            page.load(UInt64.self, at: 120) >> 63 == 0,
            let durableByteOffset = Int(exactly: page.load(UInt64.self, at: 24)),
            let writtenByteOffset = Int(exactly: page.load(UInt64.self, at: 40))
        else { return nil }
        return DurableNote(
            sequence: page.load(at: 8), durableOrdinal: page.load(at: 16), durableByteOffset: durableByteOffset,
            writtenOrdinal: page.load(at: 32), writtenByteOffset: writtenByteOffset, bootLow: page.load(at: 48),
            bootHigh: page.load(at: 56), milliseconds: page.load(at: 64), lastArrivalMilliseconds: page.load(at: 72),
            isCleanClose: page.load(UInt32.self, at: 88) & 1 == 1,
            blockCount: page.load(at: 92), lastBlockChecksum: page.load(at: 96),
            segmentNumber: page.load(at: 100), headerChecksum: page.load(at: 112),
            trimmedOrdinal: page.load(at: 120))
    }

    /// The newest valid note of a segment whose first pages are `head`.
    package static func newest(in head: Memory, identity: SegmentIdentity) -> DurableNote? {
        var newest: DurableNote?
        for slot in 0..<2 {
            let byteOffset = Format.notesByteOffset + slot * Format.pageByteCount
            let page = head.slice(byteOffset, Format.pageByteCount)
            if let note = decode(page, at: byteOffset, identity: identity), note.sequence > (newest?.sequence ?? 0) {
                newest = note
            }
        }
        return newest
    }
}
