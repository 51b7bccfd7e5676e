import MillraceIO
import MillraceLog

/// A store in memory with one log and no threads, its sizes those of production.
struct MemoryStore {
    let disk: ShadowIO
    let store: LogStore
    let log: ShardLog

    /// - Parameter isDropping: what is written is forgotten, for benchmarks that read nothing back.
    init(isDropping: Bool) throws(LogError) {
        var configuration = LogConfiguration()
        configuration.workerCount = 0
        configuration.isCompressing = false
        configuration.reserveByteCount = 0
        // Memory is used again soon, so that what is timed does not meet new pages.
        if isDropping { configuration.cacheByteCount = 1 << 20 }
        disk = ShadowIO()
        store = try LogStore(
            at: "/store", create: true, io: QuietIO(disk, isDropping: isDropping), clock: ManualClock(),
            entropy: SeededEntropy(seed: 1), configuration: configuration)
        log = try store.createLog(1)
    }

    /// Appends `count` flights from the `start`th on, round and round, as one batch.
    @inline(never)
    func appendBatch(_ flights: Flights, from start: Int, count: Int) throws(LogError) -> Range<UInt64> {
        try log.append(arrival: 1000) { sink throws(LogError) in
            for index in start..<start + count {
                let at = index % flights.count
                try sink.add(key: flights.key(at), data: flights.data(at))
            }
        }
    }

    /// Writes all that was appended.
    func flush() {
        while log.flushStep() == .progress {}
    }

    /// The bytes of the log's first segment file.
    func firstSegment() throws -> (name: String, bytes: AlignedMemory) {
        let root = try disk.openDirectory(at: "/store", create: false)
        let logs = try disk.openDirectory(FileNames.logs, in: root, create: false)
        let directory = try disk.openDirectory(FileNames.log(1), in: logs, create: false)
        let names = try disk.list(directory).filter { FileNames.segmentName($0) != nil }
        guard let name = names.min() else { throw BenchError("the log has no segment") }
        let file = try disk.openFile(name, in: directory, writable: false)
        let bytes = AlignedMemory(byteCount: try disk.byteCount(of: file))
        _ = try disk.read(file, at: 0, into: bytes.memory)
        return (name, bytes)
    }
}
