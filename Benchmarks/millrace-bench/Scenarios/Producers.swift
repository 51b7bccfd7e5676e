#if Tools
    import MillraceIO
    import MillraceLog
    import Synchronization

    /// Threads that put single records into one log, as they come and behind a plain lock.
    struct Producers: Scenario {
        let name = "producers"
        let about = "published: 1 to 16 threads put single records of 100 B on one log, beside a plain mutex"

        func run(in context: BenchContext) async throws -> [Row] {
            let set = RecordSet.made(recordByteCount: 100, keyByteCount: 10)
            var rows: [Row] = []
            for threads in [1, 2, 4, 8, 16] {
                for isLocking in [false, true] {
                    rows.append(try measure(set, threads: threads, isLocking: isLocking, context))
                }
            }
            return rows
        }

        private func measure(_ set: RecordSet, threads: Int, isLocking: Bool, _ context: BenchContext) throws -> Row {
            let measured = try MeasuredLog("\(context.directory)/producers")
            // Memory is touched before the clock starts.
            let each = (context.quick ? 160_000 : 960_000) / threads
            let warmUp = each * threads
            try measured.fill(set, count: warmUp)
            try measured.log.wait(.durable, below: measured.log.tip(.published))

            let lock = Mutex<Void>(())
            let crew = Crew(threads) { number, latency throws(LogError) in
                var at = number * 997 % set.count
                for index in 0..<each {
                    // Reading the clock costs as much as a put: one in eight is timed.
                    let isTimed = index & 7 == 0
                    let before = isTimed ? nanoseconds() : 0
                    if isLocking {
                        let result: Result<UInt64, LogError> = lock.withLock { _ in
                            Result { () throws(LogError) in try measured.append(set, at: at) }
                        }
                        _ = try result.get()
                    } else {
                        _ = try measured.append(set, at: at)
                    }
                    if isTimed { latency.record(nanoseconds() &- before) }
                    at += 1
                    if at == set.count { at = 0 }
                }
            }
            let outcome = try crew.run()
            var row = Row(
                engine: isLocking ? "mutex around it" : "millrace log", scenario: name, ack: "published", codec: "lz4",
                batch: 1)
            row.detail = "\(set.name), \(threads) threads"
            let count = each * threads
            row.measured(
                records: count, payloadBytes: set.byteCount(count: count), seconds: outcome.seconds,
                processorSeconds: outcome.processorSeconds)
            outcome.latency.fill(&row)
            var expected = RecordDigest.Sum(set.digest(count: warmUp))
            for number in 0..<threads { expected.add(set.digest(from: number * 997 % set.count, count: each)) }
            row.verified = RecordDigest.Sum(try measured.readBack()) == expected
            return row
        }
    }

    /// Threads that start together and are waited for.
    struct Crew {
        let count: Int
        let work: @Sendable (Int, inout Latency) throws(LogError) -> Void

        struct Outcome {
            let seconds: Double
            let processorSeconds: Double
            let latency: Latency
        }

        init(_ count: Int, _ work: @escaping @Sendable (Int, inout Latency) throws(LogError) -> Void) {
            self.count = count
            self.work = work
        }

        private final class Common: Sendable {
            let ready = Atomic<Int>(0)
            let isOpen = Atomic<Bool>(false)
            let latency = Mutex(Latency())
            let failure = Mutex<LogError?>(nil)
        }

        /// From when all may start to when the last one is done.
        func run() throws -> Outcome {
            let common = Common()
            let threads = (0..<count).map { [work] number in
                WorkerThread(name: "bench-\(number)") {
                    var latency = Latency()
                    common.ready.add(1, ordering: .releasing)
                    while !common.isOpen.load(ordering: .acquiring) { yieldProcessor() }
                    do throws(LogError) {
                        try work(number, &latency)
                    } catch {
                        common.failure.withLock { $0 = $0 ?? error }
                    }
                    common.latency.withLock { $0.add(latency) }
                }
            }
            while common.ready.load(ordering: .acquiring) < count { yieldProcessor() }
            let processor = processorNanoseconds()
            let spent = seconds {
                common.isOpen.store(true, ordering: .releasing)
                for thread in threads { thread.join() }
            }
            if let failure = common.failure.withLock({ $0 }) { throw failure }
            return Outcome(
                seconds: spent, processorSeconds: Double(processorNanoseconds() - processor) / 1e9,
                latency: common.latency.withLock { $0 })
        }
    }
#endif
