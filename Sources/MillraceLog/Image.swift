import MillraceIO

/// The bytes that readers see: a buffer's slot, a decoded block's slot, or a raw block in its mapped file. Counted: as long as
/// somebody holds it, retention, recycling and eviction leave the bytes alone.
package final class Image: Sendable {
    private let arena: Arena
    private let slot: SlotReference
    /// Records at and above it do not exist, though their bytes are here; nearly always `UInt64.max`.
    private let cutOrdinal: UInt64
    /// The file that the payload stands in, for a raw block.
    private let mapped: OpenSegment?
    /// Keys and data, from the first record's first byte.
    let payload: Memory
    /// One entry for each record, growing down from the end (`Directory`).
    let entries: Memory
    package let baseOrdinal: UInt64
    let firstArrival: UInt64
    /// Of a block that stands for more ordinals than it holds records of, how many those are; nil where none was removed.
    private let sparseCount: Int?

    /// Takes over one pin of `slot`.
    init(arena: Arena, slot: SlotReference, mapped: OpenSegment? = nil, cutOrdinal: UInt64 = .max) {
        self.arena = arena
        self.cutOrdinal = cutOrdinal
        self.slot = slot
        entries = arena.memory(slot)
        baseOrdinal = entries.load(at: BufferLayout.baseOrdinalAt)
        firstArrival = entries.load(at: BufferLayout.firstArrivalAt)
        let gaps = entries.load(UInt64.self, at: BufferLayout.gapsAt)
        sparseCount = gaps == 0 ? nil : Int(gaps) - 1
        let mappedAt = Int(entries.load(UInt64.self, at: BufferLayout.mappedAt))
        if let mapped, mappedAt > 0 {
            self.mapped = mapped
            payload = mapped.memory.slice(mappedAt, mapped.memory.byteCount - mappedAt)
        } else {
            self.mapped = nil
            payload = entries.slice(BufferLayout.payloadAt, entries.byteCount - BufferLayout.payloadAt)
        }
    }

    deinit { arena.unpin(slot) }

    func isOf(_ logID: UInt64) -> Bool { entries.load(UInt64.self, at: BufferLayout.logAt) == logID }

    /// One past the last record of it that is below `visible`, a watermark read before.
    func end(visible: UInt64) -> UInt64 {
        // Read after the watermark: while the buffer is still open, everything visible from its base on is in it.
        let closed = entries.loadAcquire(at: BufferLayout.endOrdinalAt)
        return min(visible, closed == 0 ? .max : closed, cutOrdinal)
    }

    /// Index of the first record at `ordinal` or behind it, both of the image. O(1); O(log records) where some were removed.
    @inline(__always)
    func index(of ordinal: UInt64) -> Int { sparseCount == nil ? Int(ordinal - baseOrdinal) : sparseIndex(of: ordinal) }

    @inline(never)
    private func sparseIndex(of ordinal: UInt64) -> Int {
        var low = 0, high = sparseCount ?? 0
        while low < high {
            let middle = (low + high) / 2
            if sparseOrdinal(middle) >= ordinal { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private func sparseOrdinal(_ index: Int) -> UInt64 {
        baseOrdinal + UInt64(entries.load(UInt32.self, at: entries.byteCount - Directory.entryByteCount * (index + 1) + 12))
    }

    /// Where a reader goes on at record `index`: its ordinal; behind the last one, the end of what the image stands for.
    @inline(__always)
    func ordinal(at index: Int) -> UInt64 {
        guard let sparseCount else { return baseOrdinal + UInt64(index) }
        return index < sparseCount ? sparseOrdinal(index) : end(visible: .max)
    }

    /// The first record from `index` on that arrived at or after the time; `end` when none of them did.
    func find(arrival: UInt64, from index: Int, to end: Int) -> Int {
        var low = index, high = end
        while low < high {
            let middle = (low + high) / 2
            if arrivalMilliseconds(middle) >= arrival { high = middle } else { low = middle + 1 }
        }
        return low
    }

    @inline(__always)
    func arrivalMilliseconds(_ index: Int) -> UInt64 {
        firstArrival + UInt64(entries.load(UInt32.self, at: entries.byteCount - Directory.entryByteCount * (index + 1) + 4))
    }
}

/// One record lent from an image; good as long as the batch it came from.
package struct RecordView: ~Escapable {
    package let ordinal: UInt64
    /// Milliseconds since 1970 UTC; never less than the record's before it.
    package let arrivalMilliseconds: UInt64
    package let key: RawSpan
    package let data: RawSpan

    @_lifetime(copy key, copy data)
    init(ordinal: UInt64, arrivalMilliseconds: UInt64, key: RawSpan, data: RawSpan) {
        self.ordinal = ordinal
        self.arrivalMilliseconds = arrivalMilliseconds
        self.key = key
        self.data = data
    }
}

/// Consecutive records of one image, lent while their cursor is borrowed. Iterate with `while let record = batch.next()`.
package struct RecordBatch: ~Copyable, ~Escapable {
    private let payload: Memory
    private let entries: Memory
    private let baseOrdinal: UInt64
    private let firstArrival: UInt64
    private var index: Int
    private let end: Int
    private var start: Int

    /// Records `range` (indices) of the image, which `image`'s holder keeps alive.
    @_lifetime(borrow image)
    init(_ image: borrowing Image, _ range: Range<Int>) {
        payload = image.payload
        entries = image.entries
        baseOrdinal = image.baseOrdinal
        firstArrival = image.firstArrival
        index = range.lowerBound
        end = range.upperBound
        start =
            index == 0
            ? 0 : Int(image.entries.load(UInt32.self, at: image.entries.byteCount - Directory.entryByteCount * index))
    }

    /// Records not yet taken.
    package var count: Int { end - index }

    /// When the next record arrived, milliseconds since 1970 UTC; nil after the last.
    package var nextArrivalMilliseconds: UInt64? {
        guard index < end else { return nil }
        let at = entries.byteCount - Directory.entryByteCount * (index + 1)
        return firstArrival + UInt64(entries.load(UInt32.self, at: at + 4))
    }

    /// Bytes of the next record's key and data; nil after the last.
    package var nextByteCount: Int? {
        guard index < end else { return nil }
        let at = entries.byteCount - Directory.entryByteCount * (index + 1)
        return Int(entries.load(UInt32.self, at: at)) - start
    }

    /// What the log was told to mark its records with when the last one taken was appended. One has been.
    package var lastMark: UInt8 { entries.load(UInt8.self, at: entries.byteCount - Directory.entryByteCount * index + 10) }

    /// The next record; nil after the last. O(1), copies nothing.
    @inline(__always)
    @_lifetime(copy self)
    package mutating func next() -> RecordView? {
        guard index < end else { return nil }
        let at = entries.byteCount - Directory.entryByteCount * (index + 1)
        let low = entries.load(UInt64.self, at: at)
        let high = entries.load(UInt64.self, at: at + 8)
        let recordEnd = Int(low & 0xFFFF_FFFF)
        let keyByteCount = Int(high & 0xFFFF)
        let key = payload.slice(start, keyByteCount)
        let data = payload.slice(start + keyByteCount, recordEnd - start - keyByteCount)
        start = recordEnd
        index += 1
        let view = RecordView(
            ordinal: baseOrdinal + (high >> 32), arrivalMilliseconds: firstArrival + (low >> 32),
            key: key.span(borrowing: self), data: data.span(borrowing: self))
        // Safe because the bytes belong to the image that this batch itself depends on, not to the batch.
        return unsafe _overrideLifetime(view, copying: self)
    }
}
