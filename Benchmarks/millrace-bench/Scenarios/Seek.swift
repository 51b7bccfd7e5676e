#if Tools
    import MillraceIO
    import MillraceLog

    /// From "where is the record" to the record itself, at random places of one log.
    struct Seek: Scenario {
        let name = "seek"
        let about = "one record at a random number or time: image cached, block in the page cache, nothing in memory"

        func run(in context: BenchContext) async throws -> [Row] {
            let set = RecordSet(context.flights)
            let path = "\(context.directory)/seek"
            defer { removeTree(path) }
            let count = set.count(ofBytes: context.quick ? 100_000_000 : 500_000_000)
            let written = try MeasuredLog(path)
            try written.fill(set, count: count, isSpread: true)
            try written.store.close()
            let calls = context.quick ? 2_000 : 20_000
            return [
                try measure(path, set, count, calls: calls, .cached, byTime: false),
                try measure(path, set, count, calls: calls, .pageCache, byTime: false),
                try measure(path, set, count, calls: calls, .pageCache, byTime: true),
                try measure(path, set, count, calls: min(calls, 2_000), .cold, byTime: false),
            ]
        }

        private enum Place: String {
            case cached = "image cached"
            case pageCache = "LZ4 block in the page cache"
            case cold = "nothing in memory"
        }

        private func measure(_ path: String, _ set: RecordSet, _ count: Int, calls: Int, _ place: Place, byTime: Bool) throws -> Row {
            var reads = Latency()
            if place == .cold {
                let files = try segmentPaths(under: path)
                try dropPages(of: files)
                reads = try randomReads(files, count: calls)
                try dropPages(of: files)
            }
            let reopened = try MeasuredLog(path, create: false) { if place != .cached { $0.cacheByteCount = 1 << 20 } }
            defer { try? reopened.store.close() }
            let random = SeededEntropy(seed: 17)
            let first = reopened.log.trimHorizon
            // What the cache keeps for sure.
            let span = place == .cached ? min(count, set.count(ofBytes: 24 << 20)) : count
            if place == .cached {
                var sum = 0
                _ = try reopened.log.touchAll(level: .durable, limit: span, sum: &sum)
            } else if place == .pageCache {
                var sum = 0
                _ = try reopened.log.touchAll(level: .durable, sum: &sum)
                reopened.store.dropCache()
            }
            var latency = Latency()
            var isRight = true
            var cursor = reopened.log.cursor(at: first, level: .durable)
            let begin = try Self.arrival(of: &cursor, at: first), end = try Self.arrival(of: &cursor, at: first + UInt64(span - 1))
            let start = nanoseconds()
            for _ in 0..<calls {
                let index = random.next(below: span)
                let time = begin + UInt64(random.next(below: Int(end - begin) + 1))
                let before = nanoseconds()
                if byTime { try cursor.seek(toArrival: time) } else { cursor.seek(to: first + UInt64(index)) }
                let found: Bool? = try cursor.withBatch { batch throws(LogError) in
                    guard let record = batch.next() else { return false }
                    if byTime { return record.arrivalMilliseconds >= time }
                    return record.ordinal == first + UInt64(index) && record.data.byteCount == set.data(index % set.count).byteCount
                }
                latency.record(nanoseconds() &- before)
                if found != true { isRight = false }
            }
            var row = Row(engine: "millrace log", scenario: name, ack: "-", codec: "lz4")
            row.detail = "\(set.name), by \(byTime ? "time" : "number"), \(place.rawValue)"
            row.measured(records: calls, payloadBytes: calls * (set.byteCount / set.count), seconds: Double(nanoseconds() &- start) / 1e9)
            latency.fill(&row)
            if place == .cold {
                row.floorName = FloorName.randomReads
                row.note =
                    "two random reads of 4 KiB in the same files: p50 \(decimal(reads.percentile(50) / 1000, 1)) us,"
                    + " p99 \(decimal(reads.percentile(99) / 1000, 1)) us"
            }
            row.verified = isRight
            return row
        }

        private static func arrival(of cursor: inout Cursor, at ordinal: UInt64) throws -> UInt64 {
            cursor.seek(to: ordinal)
            return try cursor.withBatch { batch throws(LogError) in batch.next()?.arrivalMilliseconds ?? 0 } ?? 0
        }

        /// What a seek cannot do without when nothing is in memory: two reads, each of a page somewhere in the files.
        private func randomReads(_ paths: [String], count: Int) throws -> Latency {
            let io = PosixIO(), random = SeededEntropy(seed: 23)
            var files: [(handle: FileHandle, pageCount: Int)] = []
            defer { for file in files { io.close(file.handle) } }
            for path in paths {
                let place = path.lastIndex(of: "/") ?? path.startIndex
                let directory = try io.openDirectory(at: String(path[..<place]), create: false)
                defer { io.close(directory) }
                let file = try io.openFile(String(path[path.index(after: place)...]), in: directory, writable: false)
                files.append((file, try max(1, io.byteCount(of: file) / 4096)))
            }
            let page = AlignedMemory(byteCount: 4096)
            var latency = Latency()
            for _ in 0..<count {
                let start = nanoseconds()
                for _ in 0..<2 {
                    let file = files[random.next(below: files.count)]
                    _ = try io.read(file.handle, at: random.next(below: file.pageCount) * 4096, into: page.memory)
                }
                latency.record(nanoseconds() &- start)
            }
            withExtendedLifetime(page) {}
            return latency
        }
    }
#endif
