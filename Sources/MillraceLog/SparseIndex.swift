import MillraceIO
import Synchronization

/// One entry for each block of a segment, in order; serves seeks by ordinal and by arrival time.
///
/// Append-only with one writer (the holder of the write turn) and any number of readers without locks: an entry is complete
/// before `count` is raised (release; pairs with the acquire in readers) and never changes, its image word apart.
/// Chunks double in size and never move, so a growing index copies nothing.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | first ordinal |
/// | 8 | 8 | greatest arrival time up to and with this block |
/// | 16 | 4 | byte offset / 8 |
/// | 20 | 4 | how many ordinals it stands for; with the top bit set nothing but damage stands here, and so many records are missing |
/// | 24 | 8 | image: slot that holds the block decoded; 0 none, 1 somebody is decoding it |
package final class SparseIndex: Sendable {
    package struct Entry: Equatable, Sendable {
        package var firstOrdinal: UInt64
        package var greatestArrival: UInt64
        package var byteOffset: Int
        package var ordinalCount: Int
        /// Damage that recovery found: the records from `firstOrdinal` on are missing, up to the next entry.
        package var isHole = false
        package var endOrdinal: UInt64 { firstOrdinal + UInt64(ordinalCount) }

        /// What is missing where ordinals jump from one to the other: counted as far as 31 bits go.
        static func hole(_ ordinals: Range<UInt64>, at byteOffset: Int, greatestArrival: UInt64) -> Entry {
            let count = Int(min(ordinals.upperBound - ordinals.lowerBound, UInt64(Int32.max)))
            return Entry(
                firstOrdinal: ordinals.lowerBound, greatestArrival: greatestArrival, byteOffset: byteOffset,
                ordinalCount: count, isHole: true)
        }

        var countWord: UInt32 { UInt32(ordinalCount) | (isHole ? SparseIndex.holeBit : 0) }

        static func at(_ offset: Int, in memory: Memory) -> Entry {
            let count = memory.load(UInt32.self, at: offset + 20)
            return Entry(
                firstOrdinal: memory.load(at: offset), greatestArrival: memory.load(at: offset + 8),
                byteOffset: Int(memory.load(UInt32.self, at: offset + 16)) * 8, ordinalCount: Int(count & ~SparseIndex.holeBit),
                isHole: count & SparseIndex.holeBit != 0)
        }
    }

    private static let holeBit: UInt32 = 1 << 31
    private static let entryByteCount = 32
    private static let firstChunkShift = 4
    private static let chunkLimit = 24
    private let chunks: AlignedMemory
    private let kept = Guarded<[AlignedMemory]>([])
    private let appended = Atomic<Int>(0)

    package init() { chunks = AlignedMemory(byteCount: Self.chunkLimit * 8, alignment: 64) }

    package var count: Int { appended.load(ordering: .acquiring) }

    /// Chunk and place in it: chunk k holds 16 << k entries.
    private static func place(_ index: Int) -> (chunk: Int, offset: Int) {
        let shifted = index + (1 << firstChunkShift)
        let chunk = Int.bitWidth - 1 - shifted.leadingZeroBitCount - firstChunkShift
        return (chunk, (shifted - (1 << (chunk + firstChunkShift))) * entryByteCount)
    }

    private func entryMemory(_ index: Int) -> Memory {
        let (chunk, offset) = Self.place(index)
        let address = chunks.memory.loadAcquire(at: chunk * 8)
        // Safe because the word is the base of a chunk kept as long as this index, and `index < count` was stored in it.
        let base = unsafe UnsafeMutableRawPointer(bitPattern: UInt(address)).unsafelyUnwrapped
        return unsafe Memory(base: base + offset, byteCount: Self.entryByteCount)
    }

    /// Called by the holder of the write turn, or by whoever builds the index before it is shared.
    package func append(_ entry: Entry) {
        let index = appended.load(ordering: .relaxed)
        let (chunk, offset) = Self.place(index)
        precondition(chunk < Self.chunkLimit, "a segment of \(index) blocks")
        if offset == 0 {
            let memory = AlignedMemory(
                byteCount: Self.entryByteCount << (chunk + Self.firstChunkShift), alignment: 64)
            kept.withLock { $0.append(memory) }
            // Safe because the chunk is kept as long as this index.
            chunks.memory.storeRelease(unsafe UInt64(UInt(bitPattern: memory.memory.address)), at: chunk * 8)
        }
        let memory = entryMemory(index)
        memory.store(entry.firstOrdinal, at: 0)
        memory.store(entry.greatestArrival, at: 8)
        memory.store(UInt32(entry.byteOffset / 8), at: 16)
        memory.store(entry.countWord, at: 20)
        appended.store(index + 1, ordering: .releasing)
    }

    package subscript(index: Int) -> Entry { Entry.at(0, in: entryMemory(index)) }

    /// The image word of a block, for `BlockImages`.
    func imageWord(_ index: Int) -> Memory { entryMemory(index).slice(24, 8) }

    /// Index of the last block whose first ordinal is at most `ordinal`; nil when there is none. O(log blocks).
    package func find(ordinal: UInt64) -> Int? {
        let after = partition { entryMemory($0).load(UInt64.self, at: 0) > ordinal }
        if seeded(.indexOffByOne), after > 1 { return after - 2 }
        return after == 0 ? nil : after - 1
    }

    /// Index of the first block with a record at `ordinal` or behind it; nil when there is none. O(log blocks).
    package func first(endingAfter ordinal: UInt64) -> Int? {
        let first = partition { self[$0].endOrdinal > ordinal }
        return first < count ? first : nil
    }

    /// Index of the first block with a record that arrived at or after the time; nil when there is none.
    package func find(arrival: UInt64) -> Int? {
        let count = self.count
        let first = partition { entryMemory($0).load(UInt64.self, at: 8) >= arrival }
        return first < count ? first : nil
    }

    private func partition(_ isBehind: (Int) -> Bool) -> Int {
        var low = 0, high = count
        while low < high {
            let middle = (low + high) / 2
            if isBehind(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    // MARK: On disk (FORMAT section 8)

    func encode(into memory: Memory) {
        for index in 0..<count {
            let entry = entryMemory(index)
            memory.copy(entry.slice(0, Format.indexEntryByteCount), at: index * Format.indexEntryByteCount)
        }
    }

    /// Builds an index from a footer's checked bytes; nil when entries are out of order or outside the blocks.
    static func decode(_ memory: Memory, blockCount: Int, blocksEnd: Int) -> SparseIndex? {
        let index = SparseIndex()
        var last = Entry(firstOrdinal: 0, greatestArrival: 0, byteOffset: Format.blocksByteOffset - 8, ordinalCount: 0)
        for position in 0..<blockCount {
            let at = position * Format.indexEntryByteCount
            let entry = Entry.at(at, in: memory)
            // A hole may stand behind the last block.
            guard entry.byteOffset > last.byteOffset, entry.byteOffset < blocksEnd + (entry.isHole ? 1 : 0),
                entry.ordinalCount > 0,
                entry.firstOrdinal >> 63 == 0,
                entry.firstOrdinal >= last.endOrdinal, entry.greatestArrival >= last.greatestArrival
            else { return nil }
            index.append(entry)
            last = entry
        }
        return index
    }
}
