package import MillraceIO

/// Reads the blocks of one segment in order and says how far they hold together. Decides nothing: recovery does.
package struct BlockWalk {
    /// A stretch that validates as no block, and the ordinals that are missing with it.
    package struct Damage: Equatable, Sendable {
        package let bytes: Range<Int>
        package let ordinals: Range<UInt64>
    }

    private let memory: Memory
    private let identity: SegmentIdentity
    /// Valid blocks so far, and the holes between them.
    package let index = SparseIndex()
    package private(set) var byteOffset = Format.blocksByteOffset
    package private(set) var nextOrdinal: UInt64
    package private(set) var lastChecksum: UInt32
    package private(set) var blockNumber: UInt32 = 0
    package private(set) var greatestArrival: UInt64 = 0
    /// The greatest durable ordinal that any valid header states.
    package private(set) var durableOrdinal: UInt64 = 0
    /// Where the batch began that the last block leaves unfinished; nil when it leaves none.
    package private(set) var unfinishedBatchOrdinal: UInt64?
    package private(set) var damage: [Damage] = []
    package private(set) var recordCount: UInt64 = 0
    package private(set) var rawByteCount: UInt64 = 0

    /// Starts before the first block. `unfinishedBatchOrdinal` comes from the segment before.
    package init(
        _ memory: Memory, identity: SegmentIdentity, headerChecksum: UInt32, unfinishedBatchOrdinal: UInt64? = nil
    ) {
        self.memory = memory
        self.identity = identity
        self.unfinishedBatchOrdinal = unfinishedBatchOrdinal
        nextOrdinal = identity.baseOrdinal
        lastChecksum = headerChecksum
    }

    /// The whole file: its last page holds a footer, which is no block, unless the file was cut short.
    private var limit: Int { memory.byteCount }
    /// From where the walk stopped to the file's end, which may lie in the last block's pad.
    package var rest: Range<Int> { byteOffset..<max(byteOffset, limit) }

    /// Takes every block that continues the chain, bodies checked; stops at the first that does not.
    package mutating func run() {
        while let header = valid(at: byteOffset), header.previousChecksum == lastChecksum,
            header.blockNumber == blockNumber, header.firstOrdinal >= nextOrdinal
        {
            take(header)
        }
    }

    /// As `run`, over damage too: each stretch that is no block is noted and skipped, as long as a valid block follows.
    package mutating func runThroughDamage() {
        run()
        while let next = findNext() {
            skip(to: next)
            run()
        }
    }

    /// The next valid block behind the place where the walk stopped. O(bytes), a load and a comparison for each 8.
    package func findNext() -> (header: BlockHeader, byteOffset: Int)? {
        // A header that validates with a damaged body says itself where the next block starts.
        var at = byteOffset
        if let header = BlockHeader.decode(memory, at: at, limit: limit, identity: identity),
            let next = valid(at: at + header.blockByteCount), follows(next)
        {
            return (next, at + header.blockByteCount)
        }
        at += Format.blockAlignment
        while at + Format.blockHeaderByteCount <= limit {
            if memory.load(UInt64.self, at: at + 8) >= nextOrdinal, memory.load(UInt64.self, at: at + 8) >> 63 == 0,
                let header = valid(at: at), follows(header)
            {
                return (header, at)
            }
            at += Format.blockAlignment
        }
        return nil
    }

    /// Notes what lies before `next` as damage and goes on there.
    package mutating func skip(to next: (header: BlockHeader, byteOffset: Int)) {
        note(Damage(bytes: byteOffset..<next.byteOffset, ordinals: nextOrdinal..<next.header.firstOrdinal))
        byteOffset = next.byteOffset
        unfinishedBatchOrdinal = nil
        take(next.header)
    }

    /// Notes that everything from here up to `ordinal` is missing.
    package mutating func noteMissing(upTo ordinal: UInt64) {
        note(Damage(bytes: rest, ordinals: nextOrdinal..<ordinal))
        nextOrdinal = ordinal
        unfinishedBatchOrdinal = nil
    }

    /// In the index, too: where a block is lost at the end of a generation, nothing else tells that from an ordinary step.
    private mutating func note(_ found: Damage) {
        damage.append(found)
        guard !found.ordinals.isEmpty else { return }
        index.append(.hole(found.ordinals, at: byteOffset, greatestArrival: greatestArrival))
    }

    private func follows(_ header: BlockHeader) -> Bool {
        header.blockNumber >= blockNumber && header.firstOrdinal >= nextOrdinal
    }

    private func valid(at byteOffset: Int) -> BlockHeader? {
        guard let header = BlockHeader.decode(memory, at: byteOffset, limit: limit, identity: identity),
            seeded(.bodyUnchecked)
                || CRC32C.of(memory.slice(byteOffset + header.headerByteCount, header.bodyByteCount)) == header.bodyChecksum
        else { return nil }
        return header
    }

    private mutating func take(_ header: BlockHeader) {
        greatestArrival = max(greatestArrival, header.greatestArrivalMilliseconds)
        index.append(
            SparseIndex.Entry(
                firstOrdinal: header.firstOrdinal, greatestArrival: greatestArrival, byteOffset: byteOffset,
                ordinalCount: header.ordinalCount))
        if let start = header.unfinishedBatchIndex {
            // Index 0 goes on with the batch that the block before left unfinished, if it did.
            if start > 0 || unfinishedBatchOrdinal == nil { unfinishedBatchOrdinal = header.firstOrdinal + UInt64(start) }
        } else {
            unfinishedBatchOrdinal = nil
        }
        durableOrdinal = max(durableOrdinal, header.durableOrdinal)
        nextOrdinal = header.endOrdinal
        lastChecksum = header.checksum
        blockNumber = header.blockNumber &+ 1
        recordCount += UInt64(header.recordCount)
        rawByteCount += UInt64(header.rawPayloadByteCount)
        byteOffset += header.blockByteCount
    }
}
