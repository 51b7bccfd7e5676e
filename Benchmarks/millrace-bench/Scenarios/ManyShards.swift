#if Tools
    import MillraceIO
    import MillraceLog
    import Synchronization

    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// Durable records on many shards at once: one thread that puts one on each and waits for all, threads that each have a shard of
    /// their own, tasks.
    struct ManyShards: Scenario {
        let name = "shards-durable"
        let about = "durable: one record of 100 B on each of 64 shards, by one thread that waits for all, by 64 threads, by 64 tasks"

        func run(in context: BenchContext) async throws -> [Row] {
            let set = RecordSet.made(recordByteCount: 100, keyByteCount: 10)
            return [
                try rounds(set, shards: 4, context), try rounds(set, shards: 64, context),
                try rounds(set, shards: 64, isWritten: true, context),
                try threads(set, shards: 64, context), try await tasks(set, shards: 1, context),
                try await tasks(set, shards: 64, context),
            ]
        }

        private static func open(_ shards: Int, _ context: BenchContext) throws -> (LogStore, [ShardLog], String) {
            let path = "\(context.directory)/shards"
            let store = try LogStore(
                at: path, create: true, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(),
                configuration: LogConfiguration())
            return (store, try (1...shards).map { try store.createLog(UInt64($0)) }, path)
        }

        private static var now: UInt64 { UInt64(SystemClock().wallNanoseconds() / 1_000_000) }

        /// One thread: a record for each shard, then all of them are waited for. Beside it, in turns, what the device takes for as
        /// many bytes in one write and one sync.
        /// - Parameter isWritten: the records are in their segments before the clock starts: what is left is the commit.
        private func rounds(_ set: RecordSet, shards: Int, isWritten: Bool = false, _ context: BenchContext) throws -> Row {
            let (store, logs, path) = try Self.open(shards, context)
            defer { removeTree(path) }
            let probe = try SyncProbe("\(context.directory)/floor-shards")
            var row = Row(engine: "millrace log", scenario: name, ack: "durable (each)", codec: "lz4", batch: shards)
            row.detail = "\(set.name), \(shards) shards, one thread" + (isWritten ? ", written before" : "")
            var latency = Latency(), floor = Latency()
            var count = 0
            /// The nanoseconds that count.
            func round() throws -> UInt64 {
                var start = nanoseconds()
                var places: [(log: ShardLog, endOrdinal: UInt64)] = []
                for (index, log) in logs.enumerated() {
                    let at = (count + index) % set.count
                    places.append((log, try log.append(key: set.key(at), data: set.data(at), arrival: Self.now, isLed: true) + 1))
                }
                if isWritten {
                    for place in places { try place.log.wait(.written, below: place.endOrdinal) }
                    start = nanoseconds()
                    store.commitStep(logs)
                } else {
                    ShardLog.bringAlong(places, .durable, byteCount: shards * set.byteCount / set.count)
                }
                for place in places { try place.log.wait(.durable, below: place.endOrdinal) }
                count += shards
                return nanoseconds() &- start
            }
            // Segments begin, the journal is made.
            for _ in 0..<20 { _ = try round() }
            usleep(300_000)
            let commits = store.commitCount, first = count
            let bytes = try logs[0].blocks().byteCount / (count / shards) * shards
            let limit: UInt64 = context.quick ? 500_000_000 : 2_000_000_000
            var spent: UInt64 = 0
            while spent < limit {
                let time = try round()
                let middle = nanoseconds()
                try probe.run(byteCount: bytes)
                latency.record(time)
                floor.record(nanoseconds() &- middle)
                spent += time
            }
            row.measured(
                records: count - first, payloadBytes: set.byteCount(from: first % set.count, count: count - first),
                seconds: Double(spent) / 1e9)
            latency.fill(&row)
            row.bounded(by: "pwrite of as many bytes + fdatasync, p50", nanoseconds: floor.percentile(50))
            row.note =
                "\(store.commitCount - commits) commits for \((count - first) / shards) rounds; a round takes"
                + " \(decimal(latency.percentile(50) / floor.percentile(50), 2)) times one write and sync of \(bytes) bytes"
            row.verified = try Self.verify(store, path, shards, RecordDigest.Sum(set.digest(count: count)))
            return row
        }

        /// A thread for each shard.
        private func threads(_ set: RecordSet, shards: Int, _ context: BenchContext) throws -> Row {
            let (store, logs, path) = try Self.open(shards, context)
            defer { removeTree(path) }
            let counts = Counts(shards)
            let limit: UInt64 = context.quick ? 1_000_000_000 : 3_000_000_000
            let outcome = try Crew(shards) { number, latency throws(LogError) in
                let log = logs[number], start = nanoseconds()
                var before = start, done = 0
                while before &- start < limit {
                    let at = (number * 313 + done) % set.count
                    let ordinal = try log.append(key: set.key(at), data: set.data(at), arrival: Self.now, isLed: true)
                    try log.wait(.durable, below: ordinal + 1)
                    done += 1
                    let now = nanoseconds()
                    latency.record(now &- before)
                    before = now
                }
                counts.done.withLock { $0[number] = done }
            }.run()
            let done = counts.done.withLock { $0 }, count = done.reduce(0, +)
            var row = row(set, "\(shards) shards, \(shards) threads", count, outcome.seconds, outcome.processorSeconds, outcome.latency)
            row.note = "\(store.commitCount) commits for \(count) records"
            row.verified = try Self.verify(store, path, shards, Self.expected(set, done))
            return row
        }

        /// 64 tasks over the shards: what a service has for its callers.
        private func tasks(_ set: RecordSet, shards: Int, _ context: BenchContext) async throws -> Row {
            let (store, logs, path) = try Self.open(shards, context)
            defer { removeTree(path) }
            let limit: UInt64 = context.quick ? 1_000_000_000 : 3_000_000_000
            let processor = processorNanoseconds(), start = nanoseconds()
            let parts = try await withThrowingTaskGroup(of: (number: Int, done: Int, latency: Latency).self) { group in
                for number in 0..<64 {
                    group.addTask {
                        let log = logs[number % shards]
                        var latency = Latency(), before = start, done = 0
                        while before &- start < limit {
                            let at = (number * 313 + done) % set.count
                            let ordinal = try log.append(key: set.key(at), data: set.data(at), arrival: Self.now)
                            try await log.waitAsync(.durable, below: ordinal + 1)
                            done += 1
                            let now = nanoseconds()
                            latency.record(now &- before)
                            before = now
                        }
                        return (number, done, latency)
                    }
                }
                return try await group.reduce(into: [(number: Int, done: Int, latency: Latency)]()) { $0.append($1) }
            }
            let seconds = Double(nanoseconds() &- start) / 1e9
            let processorSeconds = Double(processorNanoseconds() - processor) / 1e9
            var latency = Latency()
            for part in parts { latency.add(part.latency) }
            let count = parts.reduce(0) { $0 + $1.done }
            var row = row(set, "\(shards) shards, 64 tasks", count, seconds, processorSeconds, latency)
            row.note = "\(store.commitCount) commits and \(logs.reduce(0) { $0 + $1.syncCount }) syncs for \(count) records"
            let done = parts.sorted { $0.number < $1.number }.map(\.done)
            row.verified = try Self.verify(store, path, shards, Self.expected(set, done))
            return row
        }

        private func row(
            _ set: RecordSet, _ detail: String, _ count: Int, _ seconds: Double, _ processorSeconds: Double, _ latency: Latency
        ) -> Row {
            var row = Row(engine: "millrace log", scenario: name, ack: "durable (group)", codec: "lz4", batch: 1)
            row.detail = "\(set.name), \(detail)"
            row.measured(
                records: count, payloadBytes: set.byteCount(count: count), seconds: seconds, processorSeconds: processorSeconds)
            latency.fill(&row)
            row.floorName = FloorName.sync
            return row
        }

        /// What writers have put that began each at a place of its own.
        private static func expected(_ set: RecordSet, _ done: [Int]) -> RecordDigest.Sum {
            var sum = RecordDigest.Sum(RecordDigest())
            for (number, count) in done.enumerated() { sum.add(set.digest(from: number * 313, count: count)) }
            return sum
        }

        /// Reopened after being let go without a close: every record that was waited for is there.
        private static func verify(
            _ store: LogStore, _ path: String, _ shards: Int, _ expected: RecordDigest.Sum
        ) throws -> Bool {
            store.abandon()
            let again = try LogStore(
                at: path, create: false, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(), configuration: LogConfiguration())
            defer { try? again.close() }
            var found = RecordDigest.Sum(RecordDigest())
            for number in 1...shards { found.add(try again.log(UInt64(number)).digest(level: .durable)) }
            return found == expected
        }

        private final class Counts: Sendable {
            let done: Mutex<[Int]>
            init(_ count: Int) { done = Mutex([Int](repeating: 0, count: count)) }
        }
    }
#endif
