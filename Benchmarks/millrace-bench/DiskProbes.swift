#if Tools
    import MillraceIO

    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// Floors of the file system and its device. The files are written and synced before any clock starts.
    final class DiskProbes {
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
