#if Tools
    import MillraceIO
    import MillraceLog

    /// What one record costs as there are more shards, larger records, and more of them.
    struct Scaling: Scenario {
        let name = "scaling"
        let about =
            "written, LZ4: a record's cost over 1, 8, 64 and 1,000 shards, from 12 B to 10 MiB, and from 1 M to 100 M of 12 B (--size MB for as many more)"
        var isLong: Bool { true }

        func run(in context: BenchContext) async throws -> [Row] {
            var rows: [Row] = []
            for shards in [1, 8, 64, 1_000] { rows.append(try overShards(shards, context)) }
            for byteCount in [12, 100, 1 << 10, 10 << 10, 100 << 10, 1 << 20, 10 << 20] { rows.append(try ofSize(byteCount, context)) }
            let counts = [1_000_000, 10_000_000, 100_000_000].filter { $0 <= 1_000_000 || !context.quick }
            for count in counts { rows.append(try soMany(count, context)) }
            if let size = context.size {
                // More than the page cache has had so far: what the system itself takes for as many bytes, before and after.
                let before = try bareWrites(size, context)
                var row = try soMany(size / 12, context)
                row.bounded(
                    by: "64 KiB writes of as many bytes into new files",
                    bytesPerSecond: 2 / (1 / before + 1 / (try bareWrites(size, context))) / (row.storedBytesPerByte ?? 1))
                rows.append(row)
            }
            return rows
        }

        /// Batches of 500 for one shard after the other, by one thread; each shard's first batch, which makes its files, is not counted.
        private func overShards(_ shards: Int, _ context: BenchContext) throws -> Row {
            let set = RecordSet.made(recordByteCount: 100, keyByteCount: 10)
            let path = "\(context.directory)/scaling"
            defer { removeTree(path) }
            func open(create: Bool) throws -> LogStore {
                try LogStore(
                    at: path, create: create, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(), configuration: LogConfiguration())
            }
            let store = try open(create: true), clock = SystemClock()
            let logs = try (1...shards).map { try store.createLog(UInt64($0)) }
            var at = 0
            var ends = [UInt64](repeating: 0, count: shards)
            func put(to number: Int) throws(LogError) {
                while true {
                    do throws(LogError) {
                        ends[number] = try logs[number].append(arrival: UInt64(clock.wallNanoseconds() / 1_000_000)) { sink throws(LogError) in
                            for index in at..<at + 500 { try sink.add(key: set.key(index % set.count), data: set.data(index % set.count)) }
                        }.upperBound
                        at += 500
                        return
                    } catch {
                        guard case .wouldBlock = error else { throw error }
                        logs[number].waitForRoom(nanoseconds: 10_000_000)
                    }
                }
            }
            func wait() throws(LogError) { for (log, end) in zip(logs, ends) { try log.wait(.written, below: end) } }
            for number in 0..<shards { try put(to: number) }
            try wait()
            let rounds = (context.quick ? 1_000_000 : 8_000_000) / 500 / shards, first = at
            let processor = processorNanoseconds(), start = nanoseconds()
            for _ in 0..<rounds { for number in 0..<shards { try put(to: number) } }
            try wait()
            let spent = Double(nanoseconds() &- start)
            var row = Row(engine: "millrace log", scenario: name, ack: "written", codec: "lz4", batch: 500)
            row.detail = "\(set.name), \(shards) shards"
            row.measured(
                records: at - first, payloadBytes: set.byteCount(from: first, count: at - first), seconds: spent / 1e9,
                processorSeconds: Double(processorNanoseconds() - processor) / 1e9)
            row.note = "\(decimal(spent / Double(at - first), 1)) ns a record"
            try store.close()
            let again = try open(create: false)
            var found = RecordDigest.Sum(RecordDigest())
            for number in 1...shards { found.add(try again.log(UInt64(number)).digest(level: .durable)) }
            row.verified = found == RecordDigest.Sum(set.digest(count: at))
            try again.close()
            return row
        }

        private func ofSize(_ byteCount: Int, _ context: BenchContext) throws -> Row {
            let set = RecordSet.made(
                recordByteCount: byteCount, keyByteCount: min(10, byteCount / 2), count: max(11, min(20_011, (32 << 20) / byteCount)))
            let count = set.count(ofBytes: min((context.quick ? 64 : 400) << 20, 4_000_000 * byteCount))
            return try appended(set, count, batch: min(500, max(1, (256 << 10) / byteCount)), set.name, context)
        }

        private func soMany(_ count: Int, _ context: BenchContext) throws -> Row {
            try appended(
                .made(recordByteCount: 12, keyByteCount: 6), count, batch: 500, "\(figure(Double(count) / 1e6)) M of 12 B (made)", context)
        }

        /// Bytes a second.
        private func bareWrites(_ byteCount: Int, _ context: BenchContext) throws -> Double {
            let io = PosixIO(), path = "\(context.directory)/scaling-bare", fileByteCount = 64 << 20
            let directory = try io.openDirectory(at: path, create: true)
            defer {
                io.close(directory)
                removeTree(path)
            }
            let source = AlignedMemory(byteCount: 64 << 10)
            for at in stride(from: 0, to: source.memory.byteCount, by: 8) { source.memory.store(UInt64(at) &* 0x9E37_79B9_7F4A_7C15, at: at) }
            let spent = try seconds {
                for number in 0..<(byteCount + fileByteCount - 1) / fileByteCount {
                    let file = try io.createFile("\(number)", in: directory)
                    defer { io.close(file) }
                    for at in stride(from: 0, to: min(fileByteCount, byteCount - number * fileByteCount), by: source.memory.byteCount) {
                        try io.write(file, at: at, [source.memory])
                    }
                }
            }
            return Double(byteCount) / spent
        }

        /// So many records in one shard, and all of them read.
        private func appended(_ set: RecordSet, _ count: Int, batch: Int, _ detail: String, _ context: BenchContext) throws -> Row {
            let measured = try MeasuredLog("\(context.directory)/scaling")
            let processor = processorNanoseconds(), start = nanoseconds()
            try measured.fill(set, count: count, batch: batch)
            try measured.log.wait(.written, below: measured.log.tip(.published))
            let spent = Double(nanoseconds() &- start)
            var row = Row(engine: "millrace log", scenario: name, ack: "written", codec: "lz4", batch: batch)
            row.detail = detail
            let payload = set.byteCount(count: count)
            row.measured(
                records: count, payloadBytes: payload, seconds: spent / 1e9,
                processorSeconds: Double(processorNanoseconds() - processor) / 1e9)
            row.storedBytesPerByte = Double(try measured.log.blocks().byteCount) / Double(payload)
            var sum = 0
            var found = 0
            let scan = try seconds { found = try measured.log.touchAll(level: .written, sum: &sum) }
            row.note = "\(decimal(spent / Double(count), 1)) ns a record; read at \(decimal(scan * 1e9 / Double(count), 1)) ns"
            row.verified = try measured.readBack() == set.digest(count: count) && found == count && sum > 0
            return row
        }
    }
#endif
