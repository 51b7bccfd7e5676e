#if Tools
    import MillraceIO

    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// Working memory of a measurement: private, page aligned, touched before the clock starts.
    @safe
    final class Region: @unchecked Sendable {
        let memory: Memory

        /// - Throws: when the system has not that much.
        init(byteCount: Int) throws {
            // Safe because the mapping is private and new; its length is kept with it.
            let base = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            guard let base = unsafe base, unsafe base != MAP_FAILED else { throw BenchError.system("mmap") }
            unsafe memory = Memory(base: base, byteCount: byteCount)
            memory.fill(1)
        }

        deinit {
            // Safe because nothing uses the region's memory after the region.
            unsafe _ = munmap(memory.address, memory.byteCount)
        }

        var byteCount: Int { memory.byteCount }
    }

    /// Records as a block holds them: key, data, key, data, cut where the next record would pass the limit.
    struct PayloadBlocks: Sendable {
        let region: Region
        /// Where each block begins in the region; one more at the end.
        let starts: [Int]
        /// The first record of each block; one more at the end.
        let firsts: [Int]

        var count: Int { starts.count - 1 }
        var byteCount: Int { starts[count] }
        func block(_ index: Int) -> Memory { region.memory.slice(starts[index], starts[index + 1] - starts[index]) }

        init(_ records: RecordSet, count: Int? = nil, limit: Int = 65536) throws {
            let count = count ?? records.count
            region = try Region(byteCount: records.byteCount(count: count))
            var starts = [0]
            var firsts = [0]
            var end = 0
            for index in 0..<count {
                let key = records.key(index % records.count)
                let data = records.data(index % records.count)
                let size = key.byteCount + data.byteCount
                if end + size - starts.last! > limit && end > starts.last! {
                    starts.append(end)
                    firsts.append(index)
                }
                region.memory.copy(key, at: end)
                region.memory.copy(data, at: end + key.byteCount)
                end += size
            }
            self.starts = starts + [end]
            self.firsts = firsts + [count]
        }
    }
#endif
