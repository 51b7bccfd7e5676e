#if Tools
    import MillraceIO
    import Synchronization

    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// Where a producer stores: into memory that another thread writes and syncs, as the engine does, or into a mapped file that another
    /// thread syncs. No engine: the two ways alone, on the same bytes, at the same rate (docs/decisions/0001).
    struct Writers: Scenario {
        let name = "writers"
        let about = "open loop: 100 MB/s of 100 B records stored into memory, and into a mapped file, with a sync every 10 ms; no engine"

        enum Writer: String, CaseIterable { case memory, mapped }

        func run(in context: BenchContext) async throws -> [Row] {
            try Writer.allCases.filter { context.options.writer == nil || context.options.writer == $0.rawValue }
                .map { try measure($0, context) }
        }

        private func measure(_ writer: Writer, _ context: BenchContext) throws -> Row {
            let set = RecordSet.made(recordByteCount: 100, keyByteCount: 10)
            let file = try RingFile("\(context.directory)/writers", isMapped: writer == .mapped)
            let stored = Atomic<Int>(0), isOver = Atomic<Bool>(false)
            let failure = Mutex<IOError?>(nil)
            let syncCount = Atomic<Int>(0)
            let syncer = WorkerThread(name: "bench-writer") {
                var synced = 0
                do throws(IOError) {
                    while true {
                        let isLast = isOver.load(ordering: .acquiring)
                        let end = stored.load(ordering: .acquiring)
                        if end > synced {
                            try file.sync(synced..<end)
                            syncCount.add(1, ordering: .relaxed)
                        }
                        synced = end
                        if isLast { return }
                        usleep(10_000)
                    }
                } catch { failure.withLock { $0 = error } }
            }
            let rate = 1_000_000.0, seconds = context.quick ? 2 : 10
            let warmUp = Int(rate), count = warmUp + seconds * Int(rate)
            var latency = Latency()
            var pacer = Pacer(callsPerSecond: rate)
            let start = nanoseconds()
            var at = 0, end = 0
            for index in 0..<count {
                let due = pacer.next()
                file.memory.copy(set.key(at), at: end % RingFile.byteCount)
                file.memory.copy(set.data(at), at: end % RingFile.byteCount + set.key(at).byteCount)
                end += Self.recordByteCount
                stored.store(end, ordering: .releasing)
                if index >= warmUp { latency.record(nanoseconds() &- due) }
                at += 1
                if at == set.count { at = 0 }
            }
            let spent = Double(nanoseconds() &- start) / 1e9
            isOver.store(true, ordering: .releasing)
            syncer.join()
            if let failure = failure.withLock({ $0 }) { throw failure }
            var row = Row(engine: "bare \(writer.rawValue)", scenario: name, ack: "published", codec: "raw", batch: 1)
            row.detail = "\(set.name), 1000000 a second, a sync every 10 ms"
            row.measured(records: count, payloadBytes: set.byteCount(count: count), seconds: spent)
            latency.fill(&row)
            row.note =
                "from when a store was due; \(syncCount.load(ordering: .relaxed)) syncs; p99.99 \(figure(latency.percentile(99.99) / 1000)) us"
            row.verified = try isWhole(file, set, count: count)
            return row
        }

        private static let recordByteCount = 100

        /// The file holds the last records that fit it.
        private func isWhole(_ file: RingFile, _ set: RecordSet, count: Int) throws -> Bool {
            let found = try file.read()
            for index in max(0, count - RingFile.byteCount / Self.recordByteCount)..<count {
                let start = index * Self.recordByteCount % RingFile.byteCount, record = index % set.count
                let keyByteCount = set.key(record).byteCount
                guard Self.equal(found.slice(start, keyByteCount), set.key(record)),
                    Self.equal(found.slice(start + keyByteCount, Self.recordByteCount - keyByteCount), set.data(record))
                else { return false }
            }
            return true
        }

        private static func equal(_ found: Memory, _ wanted: RawSpan) -> Bool {
            found.byteCount == wanted.byteCount && (0..<wanted.byteCount).allSatisfy { unsafe wanted.unsafeLoad(fromByteOffset: $0, as: UInt8.self) == found.load(UInt8.self, at: $0) }
        }
    }

    /// A file that was written whole before, filled round and round, and the memory that producers store into: the file's own pages, or
    /// pages of the process as many. Sendable because producer and syncer share it as the scenario says.
    @safe
    private final class RingFile: @unchecked Sendable {
        /// A whole number of records and of pages.
        static let byteCount = 100 * 4096 * 512
        let memory: Memory
        private let isMapped: Bool
        private let path: String
        private let io = PosixIO()
        private let directory: DirectoryHandle
        private let file: FileHandle
        private let descriptor: Int32

        init(_ path: String, isMapped: Bool) throws {
            self.path = path
            self.isMapped = isMapped
            directory = try io.openDirectory(at: path, create: true)
            file = try io.createFile("ring", in: directory)
            try io.writeZeros(file, 0..<Self.byteCount)
            try io.sync(file)
            // Safe because the path is a string.
            descriptor = unsafe open("\(path)/ring", O_RDWR | O_CLOEXEC)
            guard descriptor >= 0 else { throw BenchError.system("open \(path)/ring") }
            // Safe because the mapping is new and its length kept with it.
            let base = unsafe mmap(
                nil, Self.byteCount, PROT_READ | PROT_WRITE, isMapped ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, isMapped ? descriptor : -1, 0)
            guard let base = unsafe base, unsafe base != MAP_FAILED else { throw BenchError.system("mmap") }
            unsafe memory = Memory(base: base, byteCount: Self.byteCount)
            // Every page is there, and written, before the clock starts.
            memory.fill(1)
            if isMapped { try sync(0..<Self.byteCount) }
        }

        deinit {
            // Safe because nothing uses the memory after this.
            unsafe _ = munmap(memory.address, memory.byteCount)
            close(descriptor)
            io.close(file)
            io.close(directory)
            removeTree(path)
        }

        /// Brings a stretch to the device, in bytes since the beginning.
        /// - Throws: what the system answered; ENOBUFS when the producer is a whole round ahead of the device.
        func sync(_ range: Range<Int>) throws(IOError) {
            guard range.count <= Self.byteCount else {
                throw IOError(.sync, name: "ring", errorNumber: ENOBUFS, detail: "the device is a whole round behind")
            }
            for stretch in stretches(range) {
                if isMapped {
                    let start = stretch.lowerBound & ~4095
                    // Safe because the stretch is in the mapping.
                    if unsafe msync(memory.address + start, stretch.upperBound - start, MS_SYNC) != 0 {
                        throw IOError(.sync, name: "ring", errorNumber: errno)
                    }
                } else {
                    try io.write(file, at: stretch.lowerBound, [memory.slice(stretch.lowerBound, stretch.count)])
                }
            }
            if !isMapped { try io.sync(file) }
        }

        private func stretches(_ range: Range<Int>) -> [Range<Int>] {
            let start = range.lowerBound % Self.byteCount, end = start + range.count
            return end <= Self.byteCount ? [start..<end] : [start..<Self.byteCount, 0..<end - Self.byteCount]
        }

        /// What the file holds, by way of the file.
        func read() throws -> Memory {
            let found = AlignedMemory(byteCount: Self.byteCount)
            guard try io.read(file, at: 0, into: found.memory) == Self.byteCount else { throw BenchError.system("read \(path)/ring") }
            kept = found
            return found.memory
        }
        private var kept: AlignedMemory?
    }
#endif
