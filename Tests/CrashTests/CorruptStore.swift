import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport

/// A store with a known content, to be damaged and read: the oracle of the corruption tests.
struct CorruptStore {
    struct Block {
        let path: String
        /// From its header to the end of its payload, the pad excluded.
        let bytes: Range<Int>
        let ordinals: Range<UInt64>
    }
    struct Outcome {
        var records: [(ordinal: UInt64, record: PlainRecord)] = []
        var gaps: [Gap] = []
        var recovery: RecoveryReport
    }

    let image: DiskImage
    let records: [UInt64: PlainRecord]
    let blocks: [Block]
    /// Everything below it was durable, and known to be.
    let durable: UInt64
    private let configuration: LogConfiguration

    /// Two generations over several segments, with raw and LZ4 blocks and a batch over blocks. Closed cleanly, or else left
    /// after a note, with more records behind it that were never synced.
    static func make(isClean: Bool) throws -> CorruptStore {
        var harness = Harness(seed: 5)
        harness.configuration.bufferByteCount = 1024
        harness.configuration.greatestSegmentByteCount = 32 << 10
        harness.configuration.memoryByteCount = 4 << 20
        harness.configuration.writeShareByteCount = 2 << 20
        harness.configuration.unwrittenByteLimit = 2 << 20
        harness.configuration.greatestRecordByteCount = 64 << 10
        let entropy = SeededEntropy(seed: 6)
        var records: [UInt64: PlainRecord] = [:]
        var arrival: UInt64 = 1_000_000
        func append(_ log: ShardLog, _ count: Int) throws {
            arrival += 3
            let batch = (0..<count).map { index in
                let isText = entropy.next(below: 2) == 0
                return PlainRecord(
                    key: Array("key-\(entropy.next(below: 7))".utf8),
                    data: (0..<entropy.next(below: 300)).map {
                        isText ? UInt8(97 + ($0 + index) % 7) : UInt8(truncatingIfNeeded: entropy.next())
                    })
            }
            let range = try log.append(batch, arrival: arrival)
            for (ordinal, record) in zip(range, batch) { records[ordinal] = record }
            while log.flushStep() == .progress {}
        }
        func life(_ rounds: Int) throws -> (LogStore, ShardLog) {
            let store = try harness.open()
            let log = try store.createLog(1)
            for round in 0..<rounds { try append(log, round % 5 == 0 ? 14 : 1 + entropy.next(below: 4)) }
            _ = try log.syncStep()
            return (store, log)
        }
        try life(55).0.close()
        let (store, log) = try life(75)
        var durable = log.tip(.published)
        if isClean {
            try store.close()
        } else {
            _ = try log.idleStep()
            durable = log.tip(.durable)
            for _ in 0..<8 { try append(log, 2) }
            store.abandon()
        }
        let image = DiskImage(harness.disk)
        return CorruptStore(
            image: image, records: records, blocks: try findBlocks(image), durable: durable,
            configuration: harness.configuration)
    }

    private static func findBlocks(_ image: DiskImage) throws -> [Block] {
        var blocks: [Block] = []
        for path in image.segments {
            let bytes = image.files[path]!
            let file = AlignedMemory(byteCount: bytes.count)
            file.memory.copy(unsafe bytes.span.bytes, at: 0)
            try file.withMemory { memory in
                guard let (header, checksum) = try SegmentHeader.decode(memory.slice(0, 4096), file: path) else { return }
                var walk = BlockWalk(memory, identity: header.identity, headerChecksum: checksum)
                walk.run()
                for number in 0..<walk.index.count {
                    let entry = walk.index[number]
                    let block = BlockHeader.decode(
                        memory, at: entry.byteOffset, limit: memory.byteCount, identity: header.identity)!
                    let end = entry.byteOffset + block.headerByteCount + block.bodyByteCount
                    blocks.append(Block(path: path, bytes: entry.byteOffset..<end, ordinals: entry.firstOrdinal..<entry.endOrdinal))
                }
            }
        }
        return blocks
    }

    /// Opens the damaged files after a restart of the machine, and reads everything.
    func read(_ image: DiskImage) throws -> Outcome {
        let clock = ManualClock(bootIdentity: (77, 77))
        let store = try LogStore(
            at: "/store", create: false, io: try image.disk(), clock: clock, entropy: SeededEntropy(seed: 8),
            configuration: configuration)
        defer { store.abandon() }
        let log = try store.log(1)
        let (records, gaps) = try log.readAll(level: .durable)
        return Outcome(records: records, gaps: gaps, recovery: log.recovery)
    }

    /// nil when the outcome is allowed after damage to `bytes` of the file: no wrong record, nothing lost silently, nothing lost that was
    /// not hit.
    func violation(_ outcome: Outcome, path: String, hit: Range<Int>) -> String? {
        violation(outcome, path: path, costs: blocks.filter { $0.path == path && $0.bytes.overlaps(hit) })
    }

    func violation(_ outcome: Outcome, path: String, costs: [Block]) -> String? {
        var last: UInt64?
        var found: Set<UInt64> = []
        for (ordinal, record) in outcome.records {
            guard records[ordinal] == record else { return "ordinal \(ordinal): \(record) in place of \(records[ordinal]?.description ?? "nothing")" }
            if let last, ordinal <= last { return "ordinal \(ordinal) after \(last)" }
            last = ordinal
            found.insert(ordinal)
        }
        let file = path.split(separator: "/").last.map(String.init) ?? ""
        for gap in outcome.gaps {
            guard case .corrupt(file, let byteOffset) = gap.cause else { return "\(gap) for damage to \(file)" }
            if byteOffset < 0 || byteOffset > 32 << 10 { return "\(gap) names no place of the file" }
        }
        var cut: UInt64?
        for ordinal in records.keys.sorted() {
            if found.contains(ordinal) {
                if let cut { return "ordinal \(ordinal) after the log was cut at \(cut)" }
                continue
            }
            if ordinal >= durable {
                if !outcome.gaps.contains(where: { $0.from <= ordinal && ordinal < $0.to }) { cut = cut ?? ordinal }
                continue
            }
            guard costs.contains(where: { $0.ordinals.contains(ordinal) }) else {
                return "ordinal \(ordinal) is lost, though its block was not hit; gaps \(outcome.gaps); \(outcome.recovery)"
            }
            guard outcome.gaps.contains(where: { $0.from <= ordinal && ordinal < $0.to }) else {
                return "ordinal \(ordinal) is lost silently; gaps \(outcome.gaps); \(outcome.recovery)"
            }
        }
        return nil
    }
}
