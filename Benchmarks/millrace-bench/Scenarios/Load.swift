#if Tools
    import Foundation
    import Millrace
    import MillraceIO
    import MillraceModel
    import Synchronization

    /// What the command line says: so many producers put such records into a stream of so many shards, as fast as it goes or at a rate.
    struct Load: Scenario {
        let name = "load"
        let about = "what the options say: --record-bytes --batch --producers --shards --ack --codec --rate --seconds --seed --crash-at"
        var isLong: Bool { true }

        func run(in context: BenchContext) async throws -> [Row] {
            let options = context.options.load
            let path = "\(context.directory)/load"
            defer { removeTree(path) }
            if let seconds = options.crashAt { return [try await CrashedLoad(context, path, seconds: seconds).run()] }
            let work = try LoadWork(context.options, context.flights, seconds: Double(context.seconds ?? (context.quick ? 2 : 10)))
            let store = try await StreamStore.open(at: path, configuration: work.configuration)
            let stream = try await store.createStream("load", shards: options.shards, ack: work.ack)
            let outcome = try work.run(stream) { _, _ in }
            try await store.close()

            var row = Row(
                engine: "millrace", scenario: name, ack: options.ack == "durable" ? "durable (group)" : options.ack, codec: options.codec,
                batch: options.batch)
            row.detail =
                "\(work.set.name), \(options.producers) producers, \(options.shards) shards, "
                + (context.bytesPerSecond.map { "open loop at \(figure($0 / 1e6)) MB/s" } ?? "closed loop")
            row.measured(
                records: outcome.count, payloadBytes: outcome.byteCount, seconds: outcome.seconds,
                processorSeconds: outcome.processorSeconds)
            outcome.latency.fill(&row)
            (row.samples, row.sampleSeconds) = (outcome.samples, 0.1)
            row.note =
                "latency from " + (context.bytesPerSecond == nil ? "the call" : "when a call was due")
                + "; the first \(decimal(LoadWork.warmUpSeconds, 1)) s are not counted"
            let again = try await StreamStore.open(at: path, configuration: work.configuration)
            var found = RecordDigest.Sum(RecordDigest())
            for digest in try Put.scan(again.stream("load")) { found.add(digest) }
            row.verified = found == outcome.expected
            try await again.close()
            return [row]
        }
    }

    /// Producers that put records of one set, each from a place of its own on.
    struct LoadWork: Sendable {
        static let warmUpSeconds = 0.5
        let set: RecordSet
        let ack: AckLevel
        let configuration: StoreConfiguration
        private let options: LoadOptions
        private let seconds: Double
        private let bytesPerSecond: Double?

        struct Outcome {
            /// Behind the warm-up.
            var count = 0
            var byteCount = 0
            var seconds = 0.0
            var processorSeconds = 0.0
            var latency = Latency()
            /// Records a second, for each tenth of a second from the beginning.
            var samples: [Double] = []
            var expected = RecordDigest.Sum(RecordDigest())
        }

        init(_ options: CommonOptions, _ flights: Flights, seconds: Double) throws {
            self.options = options.load
            self.seconds = seconds
            bytesPerSecond = options.rate.map { $0 * 1e6 }
            let byteCount = options.load.recordBytes
            // As many as come again only far outside a block.
            set = byteCount.map {
                .made(recordByteCount: $0, keyByteCount: min(10, $0 / 2), count: max(11, min(20_011, (64 << 20) / $0)))
            } ?? RecordSet(flights)
            ack = options.load.ack == "durable" ? .durable : options.load.ack == "written" ? .written : .published
            var configuration = StoreConfiguration()
            configuration.isCompressing = options.load.codec == "lz4"
            self.configuration = configuration
        }

        func start(of producer: Int) -> Int {
            SeededEntropy(seed: options.seed &+ UInt64(producer)).next(below: set.count)
        }

        private final class Common: Sendable {
            let ends = Mutex<[Int: Int]>([:])
            let outcome = Mutex(Outcome())
            let failure = Mutex<KinesisError?>(nil)
            /// For each tenth of a second how many records.
            let tenths: [Atomic64]
            init(_ count: Int) { tenths = (0..<count).map { _ in Atomic64() } }
        }
        private final class Atomic64: Sendable { let value = Atomic<Int>(0) }

        /// Puts until the time is up. `acknowledged` is told by each producer how many of its records are.
        func run(_ stream: StoredStream, acknowledged: @escaping @Sendable (_ producer: Int, _ count: Int) -> Void) throws -> Outcome {
            let common = Common(Int(seconds * 10) + 100)
            let start = nanoseconds(), warm = start &+ UInt64(Self.warmUpSeconds * 1e9), end = start &+ UInt64(seconds * 1e9)
            let processor = processorNanoseconds()
            let callsPerSecond = bytesPerSecond.map { rate in
                rate * Double(set.count) / Double(set.byteCount) / Double(options.batch) / Double(options.producers)
            }
            let threads = (0..<options.producers).map { producer in
                WorkerThread(name: "load-\(producer)") {
                    do throws(KinesisError) {
                        try produce(producer, stream, common, callsPerSecond, (start, warm, end), acknowledged)
                    } catch {
                        common.failure.withLock { $0 = $0 ?? error }
                    }
                }
            }
            for thread in threads { thread.join() }
            let last = nanoseconds()
            if let failure = common.failure.withLock({ $0 }) { throw failure }
            var outcome = common.outcome.withLock { $0 }
            outcome.seconds = Double(last &- warm) / 1e9
            outcome.processorSeconds = Double(processorNanoseconds() - processor) / 1e9
            outcome.samples = common.tenths.prefix(Int(Double(last &- start) / 1e8)).map { Double($0.value.load(ordering: .relaxed)) * 10 }
            for (producer, count) in common.ends.withLock({ $0 }) {
                outcome.expected.add(set.digest(from: self.start(of: producer), count: count))
            }
            return outcome
        }

        private func produce(
            _ producer: Int, _ stream: StoredStream, _ common: Common, _ callsPerSecond: Double?,
            _ times: (start: UInt64, warm: UInt64, end: UInt64), _ acknowledged: (Int, Int) -> Void
        ) throws(KinesisError) {
            // Once: an option is looked up at each reading, which takes a twentieth of a put.
            let (set, batchCount) = (set, options.batch)
            var latency = Latency()
            var pacer = callsPerSecond.map { Pacer(callsPerSecond: $0) }
            var batch = PutBatch()
            let first = start(of: producer)
            var count = 0, counted = 0, countedBytes = 0
            while true {
                let due = pacer?.next() ?? nanoseconds()
                if due >= times.end { break }
                if batchCount == 1 {
                    let at = (first + count) % set.count
                    try stream.putBlocking(set.data(at), partitionKey: set.key(at))
                } else {
                    batch.removeAll()
                    for index in 0..<batchCount {
                        let at = (first + count + index) % set.count
                        try batch.add(set.data(at), partitionKey: set.key(at))
                    }
                    for result in stream.putBatchBlocking(batch) { _ = try result.get() }
                }
                count += batchCount
                let now = nanoseconds()
                let tenth = Int((now &- times.start) / 100_000_000)
                if tenth < common.tenths.count { common.tenths[tenth].value.add(batchCount, ordering: .relaxed) }
                acknowledged(producer, count)
                if now >= times.warm {
                    latency.record(now &- due)
                    counted += batchCount
                    countedBytes += set.byteCount(from: (first + count - batchCount) % set.count, count: batchCount)
                }
            }
            common.ends.withLock { $0[producer] = count }
            common.outcome.withLock { outcome in
                outcome.count += counted
                outcome.byteCount += countedBytes
                outcome.latency.add(latency)
            }
        }
    }
#endif
