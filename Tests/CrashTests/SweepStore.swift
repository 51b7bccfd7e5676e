import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport

/// A small store that was closed cleanly, with all there is to know about where its bytes are: what the corruption
/// sweep damages. Kept on a disk in memory whose copies cost what differs, so that a fault costs no more than opening
/// and reading.
struct SweepStore: Sendable {
    struct Block: Sendable {
        let path: String
        /// From its header to the end of its payload, the pad excluded.
        let bytes: Range<Int>
        let ordinals: Range<UInt64>
        /// What the header says was durable.
        let durable: UInt64
        /// Where the batch begins that goes on in the next block; nil when none does.
        let unfinished: UInt64?
    }
    struct Record: Sendable {
        let ordinal: UInt64
        let record: PlainRecord
    }

    let disk: ShadowIO
    let image: DiskImage
    /// In order.
    let records: [Record]
    /// In order of their ordinals.
    let blocks: [Block]
    /// Everything below it was acknowledged as durable.
    let acknowledged: UInt64
    let configuration: LogConfiguration
    /// The same files in another life: as they would be if other records of the same lengths had been put, under other
    /// salts.
    let olderLife: DiskImage

    static let log = "/store/logs/0000000000000001"

    static func configuration(isCompressing: Bool) -> LogConfiguration {
        var configuration = Harness.smallConfiguration
        configuration.isCompressing = isCompressing
        configuration.bufferByteCount = 1024
        configuration.firstSegmentByteCount = 28 << 10
        configuration.greatestSegmentByteCount = 28 << 10
        configuration.memoryByteCount = 4 << 20
        configuration.writeShareByteCount = 2 << 20
        configuration.unwrittenByteLimit = 2 << 20
        configuration.greatestRecordByteCount = 32 << 10
        // Warm memory is used again, which makes a fault cheaper.
        configuration.cacheByteCount = 0
        return configuration
    }

    enum End: Sendable {
        case clean
        /// Left with so many flushes behind the last sync, which an idle note followed if told so.
        case unclean(hasNote: Bool, isKilled: Bool)
    }

    static func make(isCompressing: Bool, rounds: Int, end: End) throws -> SweepStore {
        let life = try Life(isCompressing: isCompressing, rounds: rounds, end: end, salt: 0)
        let older = try Life(isCompressing: isCompressing, rounds: rounds, end: end, salt: 1)
        var image = DiskImage(life.harness.disk)
        image.files = image.files.filter { $0.key.hasSuffix(".segment") || $0.key == "/store/store" }
        var olderImage = DiskImage(older.harness.disk)
        olderImage.files = olderImage.files.filter { image.files[$0.key] != nil }
        recycle(&image, olderImage)
        return SweepStore(
            disk: try image.disk(), image: image, records: life.records, blocks: try findBlocks(image),
            acknowledged: life.acknowledged, configuration: life.harness.configuration, olderLife: olderImage)
    }

    /// The space that no block of the newest segment has used yet holds what stood there in the older life, as in a
    /// file that is used again.
    private static func recycle(_ image: inout DiskImage, _ older: DiskImage) {
        guard let path = image.segments.last, var bytes = image.files[path], let stale = older.files[older.segments[0]]
        else { return }
        let used = Format.align8(bytes.lastIndex { $0 != 0 }! + 1)
        guard used < bytes.count - 4096 else { return }
        for at in used..<bytes.count - 4096 { bytes[at] = stale[at] }
        image.files[path] = bytes
    }

    private final class Life {
        let harness: Harness
        var records: [Record] = []
        var acknowledged: UInt64 = 0
        private let sizes = SeededEntropy(seed: 21)
        private let content: SeededEntropy
        private var arrival: UInt64 = 1_000_000

        init(isCompressing: Bool, rounds: Int, end: End, salt: UInt64) throws {
            var harness = Harness(seed: 20)
            harness.configuration = SweepStore.configuration(isCompressing: isCompressing)
            self.harness = harness
            content = SeededEntropy(seed: 22 + salt)
            // The store's identity is drawn first, the salts later.
            try harness.open().close()
            for _ in 0..<salt { _ = harness.entropy.next() }
            let first = try harness.open()
            let log = try first.createLog(1)
            for round in 0..<rounds / 2 { try append(log, round) }
            try first.close()
            harness.clock.advance(milliseconds: 5000)
            let second = try harness.open()
            let log2 = try second.createLog(1)
            for round in 0..<rounds / 2 - 4 { try append(log2, round) }
            try second.close()
            // The newest segment has records of two generations, and was closed by a third that appended nothing if it
            // is clean.
            try finish(try harness.open(), rounds: 4, end)
            guard case .clean = end else { return }
            let last = try harness.open()
            acknowledged = try last.log(1).tip(.durable)
            try last.close()
        }

        private func finish(_ store: LogStore, rounds: Int, _ end: End) throws {
            let log = try store.createLog(1)
            for round in 0..<rounds {
                try append(log, round)
                if round % 2 == 1 { _ = try log.syncStep() }
            }
            guard case .unclean(let hasNote, let isKilled) = end else {
                try store.close()
                acknowledged = log.tip(.durable)
                return
            }
            _ = try log.syncStep()
            if hasNote { _ = try log.idleStep() }
            acknowledged = log.tip(.durable)
            for round in 0..<6 { try append(log, round + 1) }
            if isKilled { acknowledged = log.tip(.written) }
            store.abandon()
        }

        private func append(_ log: ShardLog, _ round: Int) throws {
            arrival += 3
            // Now and then a batch that does not fit a block.
            let batch = (0..<(round % 7 == 3 ? 11 : 1 + sizes.next(below: 4))).map { index in
                let isText = sizes.next(below: 2) == 0
                let count = sizes.next(below: 300)
                let shift = content.next(below: 19)
                return PlainRecord(
                    key: Array("key-\(sizes.next(below: 7))".utf8),
                    data: (0..<count).map {
                        isText ? UInt8(97 + ($0 + index + shift) % 7) : UInt8(truncatingIfNeeded: content.next() >> 24)
                    })
            }
            let range = try log.append(batch, arrival: arrival)
            for (ordinal, record) in zip(range, batch) { records.append(Record(ordinal: ordinal, record: record)) }
            while log.flushStep() == .progress {}
        }
    }

    static func findBlocks(_ image: DiskImage) throws -> [Block] {
        var blocks: [Block] = []
        for path in image.segments {
            let bytes = image.files[path]!
            let file = AlignedMemory(byteCount: bytes.count)
            file.memory.copy(unsafe bytes.span.bytes, at: 0)
            try file.withMemory { memory in
                guard let (header, checksum) = try SegmentHeader.decode(memory.slice(0, 4096), file: path) else {
                    return
                }
                var walk = BlockWalk(memory, identity: header.identity, headerChecksum: checksum)
                walk.run()
                for number in 0..<walk.index.count {
                    let at = walk.index[number].byteOffset
                    let block = BlockHeader.decode(memory, at: at, limit: memory.byteCount, identity: header.identity)!
                    // A block that belongs to the batch as a whole goes on with that of the block before.
                    let start = block.unfinishedBatchIndex.map { index in
                        index == 0 ? blocks.last?.unfinished ?? block.firstOrdinal : block.firstOrdinal + UInt64(index)
                    }
                    blocks.append(
                        Block(
                            path: path, bytes: at..<at + block.headerByteCount + block.bodyByteCount,
                            ordinals: walk.index[number].firstOrdinal..<walk.index[number].endOrdinal,
                            durable: block.durableOrdinal,
                            unfinished: start))
                }
            }
        }
        return blocks
    }

    func blocks(of path: String) -> [Block] { blocks.filter { $0.path == path } }

    /// The stretches of a segment in which no byte may change unnoticed: everything but pads and what nobody wrote.
    func covered(_ path: String) -> [Range<Int>] {
        let blocks = blocks(of: path)
        var covered = [0..<Format.blocksByteOffset] + blocks.map(\.bytes)
        guard path != image.segments.last else { return covered }
        let byteCount = image.files[path]!.count
        let indexAt = Format.alignPage(blocks.last!.bytes.upperBound)
        covered.append(indexAt..<indexAt + Format.indexEntryByteCount * blocks.count)
        covered.append(byteCount - 4096..<byteCount)
        return covered
    }
}
