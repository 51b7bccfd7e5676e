#if Tools
    import CLZ4
    import CMillrace
    import MillraceIO
    import MillraceModel

    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// What the machine itself can do with the same bytes: nothing built on it can do better.
    struct Floor: Codable, Sendable {
        enum Unit: String, Codable, Sendable {
            /// 10^9 bytes of key and data a second; more is better.
            case gigabytesPerSecond = "GB/s"
            /// Nanoseconds of one operation; less is better.
            case nanoseconds = "ns"
        }
        var kind = "floor"
        let name: String
        let unit: Unit
        let about: String
        /// The median of the repetitions.
        let value: Double
        let min: Double
        let max: Double
        let repetitions: Int

        /// How near a row comes to the floor; 1 is the floor itself.
        func ratio(of row: Row) -> Double? {
            switch unit {
            case .gigabytesPerSecond: row.megabytesPerSecond / 1000 / value
            // One operation of the floor for each call where calls were timed, otherwise for each record.
            case .nanoseconds: row.p50.map { value / $0 } ?? (row.recordsPerSecond * value / 1e9)
            }
        }
    }

    /// The names by which a row says what bounds it.
    enum FloorName {
        static let memcpy = "memcpy"
        static let checksum = "crc32c"
        static let compress = "lz4-compress"
        static let compressStream = "lz4-compress-stream"
        static let decompress = "lz4-decompress"
        static let hash = "md5-keys"
        static let write = "pwrite-64k"
        static let writeBack = "write-back"
        static let mappedRead = "mapped-read"
        static let sync = "pwrite-4k-fdatasync"
        static let randomReads = "two-random-reads"
    }

    /// One floor: how it is measured once.
    private struct Probe {
        let name: String
        let unit: Floor.Unit
        let about: String
        let measure: () throws -> Double
    }

    /// Measures every floor `context.repetitions` times, in turns.
    func measureFloors(in context: BenchContext) throws -> [Floor] {
        let memory = try MemoryProbes(context)
        let disk = try DiskProbes(context)
        let probes = memory.probes + disk.probes
        var values = [[Double]](repeating: [], count: probes.count)
        for _ in 0..<context.repetitions {
            for (index, probe) in probes.enumerated() { values[index].append(try probe.measure()) }
        }
        return zip(probes, values).map { probe, values in
            Floor(
                name: probe.name, unit: probe.unit, about: probe.about, value: median(values), min: values.min()!,
                max: values.max()!, repetitions: values.count)
        }
    }

    /// Floors of one core and memory.
    private final class MemoryProbes {
        private let blocks: PayloadBlocks
        private let flights: Flights
        private let target: Region
        private let compressed: Region
        private let back: Region
        private var compressedEnds: [Int] = []
        private var sink: UInt64 = 0

        init(_ context: BenchContext) throws {
            blocks = context.blocks
            flights = context.flights
            target = try Region(byteCount: blocks.byteCount)
            compressed = try Region(byteCount: blocks.byteCount + blocks.byteCount / 128 + 64 * blocks.count)
            back = try Region(byteCount: 1 << 16)
        }

        var probes: [Probe] {
            [
                Probe(
                    name: FloorName.memcpy, unit: .gigabytesPerSecond,
                    about: "all records to other memory, out of cache"
                ) {
                    [self] in rate(seconds { target.memory.copy(blocks.region.memory, at: 0) })
                },
                Probe(name: FloorName.checksum, unit: .gigabytesPerSecond, about: "CRC32C of each 64 KiB block") {
                    [self] in
                    rate(
                        seconds {
                            for index in 0..<blocks.count {
                                let block = blocks.block(index)
                                // Safe because the block lies inside its region.
                                sink ^= UInt64(unsafe millrace_crc32c(0, block.address, block.byteCount))
                            }
                        })
                },
                Probe(
                    name: FloorName.compress, unit: .gigabytesPerSecond,
                    about: "LZ4_compress_fast_extState of each block"
                ) {
                    [self] in rate(try compress(stream: false))
                },
                Probe(
                    name: FloorName.compressStream, unit: .gigabytesPerSecond,
                    about: "the same through a fresh stream (5-byte hashes)"
                ) { [self] in rate(try compress(stream: true)) },
                Probe(name: FloorName.decompress, unit: .gigabytesPerSecond, about: "LZ4_decompress_safe of the latter")
                {
                    [self] in rate(try decompress())
                },
                Probe(name: FloorName.hash, unit: .nanoseconds, about: "MD5 of each partition key") { [self] in
                    let flights = flights
                    let spent = seconds {
                        for index in 0..<flights.count {
                            sink ^= UInt64(truncatingIfNeeded: MD5.hashKey(of: flights.key(index)))
                        }
                    }
                    return spent * 1e9 / Double(flights.count)
                },
            ]
        }

        private func rate(_ seconds: Double) -> Double { Double(blocks.byteCount) / seconds / 1e9 }

        private func compress(stream: Bool) throws -> Double {
            let encoder = LZ4Probe(stream: stream)
            compressedEnds.removeAll(keepingCapacity: true)
            var end = 0
            return try seconds {
                for index in 0..<blocks.count {
                    let room = compressed.memory.slice(end, compressed.byteCount - end)
                    end += try encoder.encode(blocks.block(index), into: room)
                    compressedEnds.append(end)
                }
            }
        }

        private func decompress() throws -> Double {
            var start = 0
            return try seconds {
                for (index, end) in compressedEnds.enumerated() {
                    let block = compressed.memory.slice(start, end - start)
                    // Safe because both ranges lie inside their regions and the routine keeps to the counts given.
                    let count = unsafe LZ4_decompress_safe(
                        block.address, back.memory.address, Int32(block.byteCount), Int32(back.byteCount))
                    guard Int(count) == blocks.block(index).byteCount else {
                        throw BenchError("LZ4 gave back \(count) bytes")
                    }
                    start = end
                }
            }
        }
    }

    /// LZ4 of independent blocks with one kept state.
    ///
    /// liblz4 compresses inputs shorter than 65,547 bytes with small tables and 4-byte hashes, longer ones and streams
    /// with 5-byte hashes. A stream that is fresh for every block is still independent of other blocks.
    @safe
    final class LZ4Probe {
        private let state: UnsafeMutablePointer<LZ4_stream_t>
        private let stream: Bool

        init(stream: Bool) {
            self.stream = stream
            // Safe because the library allocates the state; no memory for it ends the program here.
            unsafe state = LZ4_createStream()!
        }

        deinit { unsafe _ = LZ4_freeStream(state) }

        /// The bytes written to the front of `target`.
        func encode(_ source: Memory, into target: Memory) throws -> Int {
            // Safe because both ranges are Memory's own, and the routine keeps to the counts given.
            let count: Int32
            if stream {
                unsafe LZ4_resetStream_fast(state)
                count = unsafe LZ4_compress_fast_continue(
                    state, source.address, target.address, Int32(source.byteCount), Int32(clamping: target.byteCount), 1
                )
            } else {
                count = unsafe LZ4_compress_fast_extState(
                    state, source.address, target.address, Int32(source.byteCount), Int32(clamping: target.byteCount), 1
                )
            }
            guard count > 0 else { throw BenchError("LZ4 had no room for \(source.byteCount) bytes") }
            return Int(count)
        }
    }

    /// Floors of the file system and its device. The files are written and synced before any clock starts.
    private final class DiskProbes {
        private let file: Int32
        private let small: Int32
        private let byteCount: Int
        private let smallByteCount = 4 << 20
        private let page = 4096
        private let run = 65536
        private let source: Memory
        private let syncs: Int
        private var random = SystemRandomNumberGenerator()
        private var sink: UInt64 = 0

        init(_ context: BenchContext) throws {
            source = context.blocks.region.memory
            syncs = context.quick ? 300 : 400
            // As much as there is to write, at most 256 MiB, in whole runs.
            byteCount = min(context.quick ? 32 << 20 : 256 << 20, max(1, source.byteCount / run) * run)
            file = try DiskProbes.create("\(context.directory)/floor", byteCount: byteCount)
            small = try DiskProbes.create("\(context.directory)/floor-sync", byteCount: smallByteCount)
        }

        deinit {
            close(file)
            close(small)
        }

        private static func create(_ path: String, byteCount: Int) throws -> Int32 {
            // Safe because the path is a string; the zeros outlive each call.
            let file = unsafe open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw BenchError.system("open \(path)") }
            let zeros = [UInt8](repeating: 0, count: 65536)
            for offset in stride(from: 0, to: byteCount, by: zeros.count) {
                guard unsafe pwrite(file, zeros, zeros.count, off_t(offset)) == zeros.count else {
                    throw BenchError.system("pwrite \(path)")
                }
            }
            guard fsync(file) == 0 else { throw BenchError.system("fsync \(path)") }
            return file
        }

        var probes: [Probe] {
            [
                Probe(name: FloorName.write, unit: .gigabytesPerSecond, about: "64 KiB pwrite over a file in cache") {
                    [self] in
                    let spent = try seconds {
                        for offset in stride(from: 0, to: byteCount, by: run) {
                            try write(
                                file, source.slice(offset % max(1, source.byteCount - run), min(run, source.byteCount)),
                                at: offset)
                        }
                    }
                    return Double(byteCount) / spent / 1e9
                },
                // Comes right after the writes: what it waits for is theirs.
                Probe(name: FloorName.writeBack, unit: .gigabytesPerSecond, about: "fdatasync of all of that") {
                    [self] in
                    Double(byteCount) / (try seconds { try sync(file) }) / 1e9
                },
                Probe(
                    name: FloorName.mappedRead, unit: .gigabytesPerSecond,
                    about: "every byte of a cached mapping, in order"
                ) {
                    [self] in try mappedRead()
                },
                Probe(
                    name: FloorName.sync, unit: .nanoseconds, about: "4 KiB pwrite over a written file + fdatasync, p50"
                ) {
                    [self] in
                    var latency = Latency()
                    for index in 0..<syncs {
                        let start = nanoseconds()
                        try write(small, source.slice(0, page), at: index * page % smallByteCount)
                        try sync(small)
                        latency.record(nanoseconds() &- start)
                    }
                    return latency.percentile(50)
                },
                Probe(name: FloorName.randomReads, unit: .nanoseconds, about: "two 4 KiB reads from the device, p50") {
                    [self] in try randomReads()
                },
            ]
        }

        private func write(_ file: Int32, _ bytes: Memory, at offset: Int) throws {
            // Safe because the range is Memory's own.
            guard unsafe pwrite(file, bytes.address, bytes.byteCount, off_t(offset)) == bytes.byteCount else {
                throw BenchError.system("pwrite")
            }
        }

        private func sync(_ file: Int32) throws {
            #if os(Linux)
                let result = fdatasync(file)
            #else
                let result = fsync(file)
            #endif
            guard result == 0 else { throw BenchError.system("fdatasync") }
        }

        private func mappedRead() throws -> Double {
            // Safe because the mapping is as long as the file and goes away after its last use.
            let base = unsafe mmap(nil, byteCount, PROT_READ, MAP_SHARED, file, 0)
            guard let base = unsafe base, unsafe base != MAP_FAILED else { throw BenchError.system("mmap") }
            let mapped = unsafe Memory(base: base, byteCount: byteCount)
            defer { unsafe _ = munmap(base, byteCount) }
            // Once without a clock: the pages are in cache, and mapped.
            sink ^= sum(mapped)
            return Double(byteCount) / seconds { sink ^= sum(mapped) } / 1e9
        }

        private func sum(_ memory: Memory) -> UInt64 {
            // Safe because whole words inside the range are read, and a mapping is page aligned.
            let words = unsafe UnsafeRawBufferPointer(start: memory.address, count: memory.byteCount)
                .assumingMemoryBound(to: UInt64.self)
            var sum: UInt64 = 0
            for index in 0..<words.count { unsafe sum &+= words[index] }
            return sum
        }

        private func randomReads() throws -> Double {
            let into = try Region(byteCount: page)
            var latency = Latency()
            #if os(Linux)
                _ = posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
                _ = posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM)
                defer { _ = posix_fadvise(file, 0, 0, POSIX_FADV_NORMAL) }
            #endif
            for _ in 0..<100 {
                let start = nanoseconds()
                for _ in 0..<2 {
                    let offset = Int.random(in: 0..<(byteCount / page), using: &random) * page
                    // Safe because the region has room for a page.
                    guard unsafe pread(file, into.memory.address, page, off_t(offset)) == page else {
                        throw BenchError.system("pread")
                    }
                }
                latency.record(nanoseconds() &- start)
            }
            return latency.percentile(50)
        }
    }
#endif
