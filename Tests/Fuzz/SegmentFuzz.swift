import MillraceIO
import MillraceLog
import MillraceTestKit

/// A whole log through recovery and reading. The input changes one segment of a store whose content is known. Without
/// new checksums every record that comes back is one that was put; with them nothing but order is certain. Recovery
/// decides the same twice.
enum SegmentFuzz {
    static func run(_ input: Input) {
        var input = input
        let options = Options(rawValue: input.byte())
        let paths = FuzzStore.shared.image.segments
        let path = paths[Int(input.byte()) % paths.count]
        var bytes = FuzzStore.shared.image.files[path]!
        if options[1] { bytes.removeLast(input.below(bytes.count)) }
        let file = AlignedMemory(bytes)
        file.withMemory { memory in
            while !input.isEmpty, memory.byteCount > 0 { change(memory, &input) }
            if options.repairs { Checksums.sealSegment(memory, blockLimit: options[3] ? 2 : 64) }
        }
        check(path, file.withMemory { $0.bytes }, options)
    }

    /// Two bytes of place and what goes there: 1 to 16 bytes of the input, or as many from another place of the file.
    private static func change(_ memory: Memory, _ input: inout Input) {
        let place = Int(input.number(UInt16.self))
        let kind = input.byte()
        let at = place % memory.byteCount
        let count = min(1 + Int(kind & 15), memory.byteCount - at)
        switch kind >> 4 {
        case 0..<8:
            for (index, byte) in input.take(count).enumerated() { memory.store(byte, at: at + index) }
        case 8..<12:
            let byteCount = min(count * 64, memory.byteCount - at)
            memory.slice(at, byteCount).fill(kind & 1 == 0 ? 0 : 0xFF)
        case 12..<14:
            for (index, byte) in input.take(count).enumerated() {
                memory.store(memory.load(UInt8.self, at: at + index) ^ byte, at: at + index)
            }
        default:
            let byteCount = min(count * 64, memory.byteCount - at)
            let from = Int(input.number(UInt16.self)) % (memory.byteCount - byteCount + 1)
            AlignedMemory(copying: memory.slice(from, byteCount)).withMemory { memory.copy($0, at: at) }
        }
    }

    private static func check(_ path: String, _ bytes: [UInt8], _ options: Options) {
        let disk = FuzzStore.shared.disk.kill()
        do { try put(bytes, path, disk) } catch { fatalError("a disk in memory takes the file: \(error)") }
        // One or the other, for the sake of speed; the seeds have both.
        if options[4] {
            _ = try? StoreVerification.run(at: "/store", io: disk)
            return
        }
        guard let first = read(disk, options), let second = read(disk, options) else { return }
        require(first.ordinals == second.ordinals, "a second recovery finds the same records")
        if options[5] { goOn(disk, options, behind: second.ordinals) }
    }

    /// Whatever was found, appending goes on behind it, and the next opening finds that too.
    private static func goOn(_ disk: ShadowIO, _ options: Options, behind found: [UInt64]) {
        let new: UInt64
        do {
            let store = try open(disk, options)
            let log = try store.log(1)
            new = try log.append([PlainRecord(key: [1], data: [2, 3])], arrival: 5000).lowerBound
            while log.flushStep() == .progress {}
            _ = try log.syncStep()
            try store.close()
        } catch LogError.notAStore {
            // What was found claims the last generations there are.
            return
        } catch { fatalError("property violated: \(error) while appending goes on") }
        guard let last = read(disk, options, and: new) else { fatalError("property violated: not opened again") }
        require(last.ordinals == found + [new], "what was appended stands behind what was found")
    }

    private static func open(_ disk: ShadowIO, _ options: Options) throws(LogError) -> LogStore {
        let boot: (UInt64, UInt64) = options[2] ? (1, 1) : (7, 7)
        return try LogStore(
            at: "/store", create: false, io: disk, clock: ManualClock(bootIdentity: boot),
            entropy: SeededEntropy(seed: 8), configuration: FuzzStore.shared.configuration)
    }

    private static func put(_ bytes: [UInt8], _ path: String, _ disk: ShadowIO) throws(IOError) {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        var directory = try disk.openDirectory(at: "/store", create: false)
        for part in ["logs", "0000000000000001"] {
            let next = try disk.openDirectory(part, in: directory, create: false)
            disk.close(directory)
            directory = next
        }
        let file = try disk.openFile(name, in: directory, writable: true)
        try disk.allocate(file, byteCount: bytes.count)
        if !bytes.isEmpty {
            try AlignedMemory(bytes).withMemory { bytes throws(IOError) in try disk.write(file, at: 0, [bytes]) }
        }
        try disk.sync(file)
        disk.close(file)
        disk.close(directory)
    }

    private struct Found {
        var ordinals: [UInt64] = []
    }

    private static func read(_ disk: ShadowIO, _ options: Options, and new: UInt64? = nil) -> Found? {
        do throws(LogError) {
            let store = try open(disk, options)
            defer { store.abandon() }
            let log = try store.log(1)
            var found = Found()
            var cursor = log.cursor(at: 0, level: .durable)
            var isMore = true
            while isMore {
                do throws(LogError) {
                    let lent: Bool? = try cursor.withBatch { batch throws(LogError) in
                        while let record = batch.next() {
                            take(record, into: &found, isForged: options.repairs || record.ordinal == new)
                        }
                        return true
                    }
                    isMore = lent != nil
                } catch {
                    guard case .gap(let gap) = error else { throw error }
                    require(gap.from < gap.to, "\(gap) ends behind its start")
                }
            }
            return found
        } catch {
            switch error {
            case .newerFormat, .corrupt, .notAStore: return nil
            default: fatalError("property violated: \(error) for changed bytes")
            }
        }
    }

    private static func take(_ record: RecordView, into found: inout Found, isForged: Bool) {
        require(found.ordinals.last.map { $0 < record.ordinal } ?? true, "ordinal \(record.ordinal) stands behind")
        found.ordinals.append(record.ordinal)
        if isForged { return }
        guard let known = FuzzStore.shared.records[record.ordinal] else {
            fatalError("property violated: nobody put a record of ordinal \(record.ordinal)")
        }
        require(
            record.key.bytes == known.key && record.data.bytes == known.data,
            "ordinal \(record.ordinal) is what was put")
    }
}

/// A store of three small segments, closed cleanly, and what is in it.
struct FuzzStore {
    let image: DiskImage
    /// The image on a disk whose copies are cheap.
    let disk: ShadowIO
    let records: [UInt64: PlainRecord]
    let configuration: LogConfiguration

    static let shared: FuzzStore = {
        do { return try make() } catch { fatalError("the store of the fuzz targets cannot be made: \(error)") }
    }()

    private static func make() throws -> FuzzStore {
        var harness = Harness(seed: 3)
        harness.configuration.bufferByteCount = 1024
        harness.configuration.firstSegmentByteCount = 24 << 10
        harness.configuration.greatestSegmentByteCount = 24 << 10
        harness.configuration.memoryByteCount = 4 << 20
        harness.configuration.writeShareByteCount = 2 << 20
        harness.configuration.unwrittenByteLimit = 2 << 20
        harness.configuration.greatestRecordByteCount = 64 << 10
        harness.configuration.cacheByteCount = 0
        let entropy = SeededEntropy(seed: 4)
        var records: [UInt64: PlainRecord] = [:]
        for life in 0..<2 {
            let store = try harness.open()
            let log = try store.createLog(1)
            for round in 0..<14 {
                let batch = (0..<(round % 6 == 0 ? 9 : 3)).map { index in
                    PlainRecord(
                        key: Array("key-\(index)".utf8),
                        data: (0..<entropy.next(below: 240)).map { place in
                            round % 3 == 0 ? UInt8(truncatingIfNeeded: entropy.next()) : UInt8(97 + (place + index) % 5)
                        })
                }
                let range = try log.append(batch, arrival: UInt64(1000 * life + 10 * round))
                for (ordinal, record) in zip(range, batch) { records[ordinal] = record }
                while log.flushStep() == .progress {}
            }
            try store.close()
        }
        let image = DiskImage(harness.disk)
        precondition(image.segments.count >= 3, "\(image.segments.count) segments")
        return FuzzStore(image: image, disk: try image.disk(), records: records, configuration: harness.configuration)
    }
}
