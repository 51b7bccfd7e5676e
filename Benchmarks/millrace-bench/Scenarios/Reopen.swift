#if Tools
    import MillraceIO
    import MillraceLog

    /// How long a store takes to open after its process ended without a word, and how soon it takes the first record.
    struct Reopen: Scenario {
        let name = "reopen"
        let about =
            "a store let go without a close, opened again: until the log is there, until the first durable record; the same of 1,000 dirty shards"

        func run(in context: BenchContext) async throws -> [Row] { try ofOneShard(context) + [ofManyShards(context)] }

        private func ofOneShard(_ context: BenchContext) throws -> [Row] {
            let set = RecordSet(context.flights)
            let amount = context.size ?? (context.quick ? 100_000_000 : 1_000_000_000)
            let count = set.count(ofBytes: amount)
            let path = "\(context.directory)/reopen"
            defer { removeTree(path) }
            let written = try MeasuredLog(path, isCompressing: false)
            try written.fill(set, count: count)
            try written.log.wait(.written, below: written.log.tip(.published))
            written.store.abandon()

            let start = nanoseconds()
            let again = try MeasuredLog(path, create: false, isCompressing: false)
            let opened = nanoseconds()
            let ordinal = try again.append(set, at: 0)
            try again.log.wait(.durable, below: ordinal + 1)
            let appended = nanoseconds()

            let payload = set.byteCount(count: count)
            func row(_ what: String, _ spent: UInt64) -> Row {
                var row = Row(engine: "millrace log", scenario: name, ack: "written", codec: "raw")
                row.detail = "\(figure(Double(amount) / 1e6)) MB, \(what)"
                row.measured(records: count, payloadBytes: payload, seconds: Double(spent) / 1e9)
                row.p50 = Double(spent)
                return row
            }
            var rows = [row("open", opened - start), row("open and first durable record", appended - start)]
            let report = again.log.recovery
            rows[0].note =
                "\(decimal(Double(opened - start) / 1e6, 1)) ms; \(report.segmentsWalked) segments walked of"
                + " \(again.log.segmentCount), \(report.damage.count) damaged, \(report.discarded.count) discarded"
            rows[1].note = "\(decimal(Double(appended - start) / 1e6, 1)) ms"
            let expected = set.digest(count: count)
            var sum = RecordDigest.Sum(expected)
            sum.add(set.digest(count: 1))
            let isRight = try RecordDigest.Sum(again.log.digest(level: .durable)) == sum
            try again.store.close()
            for index in rows.indices { rows[index].verified = isRight && report.damage.isEmpty }
            return rows
        }

        /// Shards that all have taken records that no sync has reached.
        private func ofManyShards(_ context: BenchContext) throws -> Row {
            let set = RecordSet.made(recordByteCount: 100, keyByteCount: 10), path = "\(context.directory)/reopen-many"
            let shards = context.quick ? 100 : 1_000, batch = 500
            defer { removeTree(path) }
            func open(create: Bool) throws -> LogStore {
                var configuration = LogConfiguration()
                configuration.syncIntervalMilliseconds = 60_000
                return try LogStore(
                    at: path, create: create, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(), configuration: configuration)
            }
            let written = try open(create: true), clock = SystemClock()
            for number in 1...shards {
                let log = try written.createLog(UInt64(number))
                let range = try log.append(arrival: UInt64(clock.wallNanoseconds() / 1_000_000)) { sink throws(LogError) in
                    for index in 0..<batch { try sink.add(key: set.key(index), data: set.data(index)) }
                }
                try log.wait(.written, below: range.upperBound)
            }
            let dirty = (1...shards).filter { (try? written.log(UInt64($0)).tip(.durable) < written.log(UInt64($0)).tip(.written)) ?? false }.count
            written.abandon()
            let start = nanoseconds()
            let again = try open(create: false)
            let logs = try (1...shards).map { try again.log(UInt64($0)) }
            let spent = nanoseconds() - start
            var found = RecordDigest.Sum(RecordDigest()), expected = found
            for log in logs {
                found.add(try log.digest(level: .durable))
                expected.add(set.digest(count: batch))
            }
            var row = Row(engine: "millrace log", scenario: name, ack: "written", codec: "lz4")
            row.detail = "\(shards) shards, open"
            row.measured(records: shards * batch, payloadBytes: shards * set.byteCount(count: batch), seconds: Double(spent) / 1e9)
            row.p50 = Double(spent)
            row.note = "\(decimal(Double(spent) / 1e6, 1)) ms; \(dirty) were dirty"
            row.verified = dirty == shards && found == expected && logs.allSatisfy { $0.recovery.damage.isEmpty }
            try again.close()
            return row
        }
    }
#endif
