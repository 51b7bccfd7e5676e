#if Tools
    import MillraceLog
    import Synchronization

    /// Many writers that each wait for their own record to be durable share the syncs.
    struct Group: Scenario {
        let name = "group"
        let about =
            "durable (group): 1, 8 and 64 threads put single records of 100 B on one log and wait for the device"

        func run(in context: BenchContext) async throws -> [Row] {
            try [1, 8, 64].map { try measure(threads: $0, context) }
        }

        private func measure(threads: Int, _ context: BenchContext) throws -> Row {
            let set = RecordSet.made(recordByteCount: 100, keyByteCount: 10)
            let measured = try MeasuredLog("\(context.directory)/group")
            let first = try measured.append(set, at: 0, isLed: true)
            try measured.log.wait(.durable, below: first + 1)
            let syncs = measured.log.syncCount
            let counts = Counts(threads)
            let limit: UInt64 = context.quick ? 1_000_000_000 : 3_000_000_000
            let outcome = try Crew(threads) { number, latency throws(LogError) in
                let start = nanoseconds()
                var before = start
                var done = 0
                while before &- start < limit {
                    let ordinal = try measured.append(set, at: (number * 313 + done) % set.count, isLed: true)
                    try measured.log.wait(.durable, below: ordinal + 1)
                    done += 1
                    let now = nanoseconds()
                    latency.record(now &- before)
                    before = now
                }
                counts.done.withLock { $0[number] = done }
            }.run()
            let done = counts.done.withLock { $0 }
            let count = done.reduce(0, +)
            var row = Row(engine: "millrace log", scenario: name, ack: "durable (group)", codec: "lz4", batch: 1)
            row.detail = "\(set.name), \(threads) threads"
            row.measured(
                records: count, payloadBytes: set.byteCount(count: count), seconds: outcome.seconds,
                processorSeconds: outcome.processorSeconds)
            outcome.latency.fill(&row)
            row.floorName = FloorName.sync
            row.note =
                "\(measured.log.syncCount - syncs) syncs, \(count) records; least and most of a thread \(done.min()!), \(done.max()!)"
            var expected = RecordDigest.Sum(set.digest(count: 1))
            for (number, done) in done.enumerated() { expected.add(set.digest(from: number * 313, count: done)) }
            row.verified = RecordDigest.Sum(try measured.readBack()) == expected
            return row
        }

        private final class Counts: Sendable {
            let done: Mutex<[Int]>
            init(_ count: Int) { done = Mutex([Int](repeating: 0, count: count)) }
        }
    }
#endif
