package import MillraceIO
import Synchronization

/// A run of records cut from one buffer, to become one block. The buffer's slot stays held until the block is written.
struct Cut: Sendable {
    /// Place in the log's order of blocks.
    let ticket: UInt64
    let slot: SlotReference
    let memory: Memory
    let logID: UInt64
    /// Records, as indices in the buffer.
    let range: Range<Int>
    let firstOrdinal: UInt64
    /// Index in `range` of the first record of a batch that the next block goes on with.
    let unfinishedBatchIndex: Int?
    /// Index of the buffer in the log's list, and whether this is its last block.
    let bufferIndex: UInt64
    let finishesBuffer: Bool

    var endOrdinal: UInt64 { firstOrdinal + UInt64(range.count) }
    var payload: Range<Int> { start..<end(of: range.upperBound - 1) }
    var start: Int { range.lowerBound == 0 ? 0 : end(of: range.lowerBound - 1) }
    private func end(of index: Int) -> Int {
        Int(memory.load(UInt32.self, at: memory.byteCount - Directory.entryByteCount * (index + 1)))
    }
}

/// A block ready to be placed: everything but position, chain and header checksum.
struct EncodedBlock: Sendable {
    let cut: Cut
    var header: BlockHeader
    /// Room for the header, then the directory, then the payload if it was compressed.
    let scratch: AlignedMemory
    let directoryAt: Int
    /// The payload as it will stand on disk: in the scratch, or in the buffer itself.
    let payload: Memory
}

/// Turns cuts into blocks: packs the directory, compresses when it pays, checksums. One for each worker; not shared.
package struct BlockEncoder: ~Copyable {
    private var lz4 = LZ4Encoder()
    private let scratches: ScratchPool

    package init(scratches: ScratchPool) { self.scratches = scratches }

    /// `backlog` is how full the log's share of memory is, 0...1: the fuller, the less is spent on compression. With `isHigh`
    /// much more is, for what is read often and not awaited by anybody. With `coveredOrdinalCount` the block stands for so many
    /// ordinals, and the cut is all of its memory.
    mutating func encode(
        _ cut: Cut, policy: CompressionPolicy, backlog: Double, isHigh: Bool = false, coveredOrdinalCount: Int? = nil
    ) -> EncodedBlock {
        let payloadRange = cut.payload
        let raw = cut.memory.slice(BufferLayout.payloadAt + payloadRange.lowerBound, payloadRange.count)
        let hasGaps = coveredOrdinalCount != nil
        let headerByteCount = Format.blockHeaderByteCount + (cut.unfinishedBatchIndex == nil && !hasGaps ? 0 : 8)
        // Keep LZ4 only if it takes a quarter off: as the room it gets, so that it gives up early.
        let room = raw.byteCount - raw.byteCount / 4
        let directoryLimit = Directory.greatestByteCount(recordCount: cut.range.count, hasGaps: hasGaps)
        let scratch = scratches.take(byteCount: headerByteCount + directoryLimit + room)
        let directoryByteCount = Directory.pack(
            cut.memory, cut.range, payloadStart: payloadRange.lowerBound, hasGaps: hasGaps,
            into: scratch.memory.slice(headerByteCount, directoryLimit))
        let payloadAt = headerByteCount + directoryByteCount
        let (codec, storedByteCount) = compress(
            raw, into: scratch.memory.slice(payloadAt, room), acceleration: policy.acceleration(backlog: backlog),
            policy, isHigh: isHigh)
        let payload = codec == .raw ? raw : scratch.memory.slice(payloadAt, storedByteCount)
        let first = cut.memory.byteCount - Directory.entryByteCount * (cut.range.lowerBound + 1)
        let last = cut.memory.byteCount - Directory.entryByteCount * cut.range.upperBound
        let firstArrival = cut.memory.load(UInt32.self, at: first + 4)
        let lastArrival = cut.memory.load(UInt32.self, at: last + 4)
        let body = CRC32C.of(
            payload, continuing: CRC32C.of(scratch.memory.slice(headerByteCount, directoryByteCount)))
        let header = BlockHeader(
            bodyChecksum: body, firstOrdinal: cut.firstOrdinal, durableOrdinal: 0,
            firstArrivalMilliseconds: cut.memory.load(UInt64.self, at: BufferLayout.firstArrivalAt)
                + UInt64(firstArrival),
            recordCount: cut.range.count, arrivalSpanMilliseconds: lastArrival - firstArrival,
            directoryByteCount: directoryByteCount, rawPayloadByteCount: raw.byteCount,
            storedPayloadByteCount: payload.byteCount, previousChecksum: 0, blockNumber: 0, codec: codec,
            coveredOrdinalCount: coveredOrdinalCount, unfinishedBatchIndex: cut.unfinishedBatchIndex, extensionByteCount: headerByteCount - Format.blockHeaderByteCount)
        return EncodedBlock(
            cut: cut, header: header, scratch: scratch, directoryAt: headerByteCount, payload: payload)
    }

    /// A record above 1 MiB is split into chunks, after a look at its first 64 KiB.
    private static let chunkedByteCount = 1 << 20
    private static let probeByteCount = 65_536

    private mutating func compress(
        _ raw: Memory, into room: Memory, acceleration: Int32?, _ policy: CompressionPolicy, isHigh: Bool
    ) -> (codec: BlockCodec, byteCount: Int) {
        guard let acceleration, policy.shouldTry(byteCount: raw.byteCount) else { return (.raw, 0) }
        if raw.byteCount > Self.chunkedByteCount {
            let probe = raw.slice(0, Self.probeByteCount)
            guard lz4.encode(probe, into: room.slice(0, Self.probeByteCount * 3 / 4), acceleration: acceleration) != nil,
                let stored = ChunkedPayload.encode(raw, into: room, &lz4, acceleration: acceleration)
            else { return (.raw, 0) }
            return (.lz4Chunked, stored)
        }
        let stored = isHigh ? lz4.encodeHigh(raw, into: room) : lz4.encode(raw, into: room, acceleration: acceleration)
        policy.note(raw: raw.byteCount, isCompressed: stored != nil)
        return stored.map { (.lz4, $0) } ?? (.raw, 0)
    }
}

/// Memory for blocks on their way to disk, reused. Bounded: what comes back beyond the limit is let go.
package final class ScratchPool: Sendable {
    private let free = Guarded<[AlignedMemory]>([])
    /// For records larger than a buffer, at most two: the system zeroes the pages of new memory, which takes longer than to compress
    /// into it.
    private let large = Guarded<[AlignedMemory]>([])
    private let limit: Int
    private let ordinaryByteCount: Int
    private static let largeLimit = 2

    package init(limit: Int, ordinaryByteCount: Int) {
        self.limit = limit
        self.ordinaryByteCount = ordinaryByteCount
    }

    /// At least so many bytes, with whatever stood in them.
    package func take(byteCount: Int) -> AlignedMemory {
        let found = byteCount <= ordinaryByteCount
            ? free.withLock { $0.popLast() }
            : large.withLock { large in large.firstIndex { $0.memory.byteCount >= byteCount }.map { large.remove(at: $0) } }
        return found ?? AlignedMemory(byteCount: max(byteCount, ordinaryByteCount), alignment: 64)
    }

    package func give(_ memory: AlignedMemory) {
        if memory.memory.byteCount == ordinaryByteCount {
            free.withLock { if $0.count < limit { $0.append(memory) } }
            return
        }
        large.withLock { large in
            large.append(memory)
            guard large.count > Self.largeLimit else { return }
            // The largest stay: they serve every record.
            large.sort { $0.memory.byteCount < $1.memory.byteCount }
            large.removeFirst()
        }
    }
}
