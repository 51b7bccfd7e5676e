#if Tools
    import Millrace
    import MillraceIO
    import MillraceModel
    import Synchronization

    /// What a producer notices of splits and merges: the rate and the latency of its puts before, while and after the shards
    /// of its stream are changed: four times a second, and then one change right after the other.
    struct Reshard: Scenario {
        let name = "reshard"
        let about = "puts per second and their latency before, during and after splits and merges, paced and without a pause"

        private static let phases = ["before", "during, 4 changes a second", "during, without a pause", "after"]
        private static let producerCount = 2
        /// Of each producer. Above what two can make durable one by one, so that those are not held back.
        private static let callsPerSecond = 40_000.0

        func run(in context: BenchContext) async throws -> [Row] {
            let set = RecordSet.made(recordByteCount: 100, keyByteCount: 10)
            return try await measure(set, .durable, context) + measure(set, .published, context)
        }

        private func measure(_ set: RecordSet, _ ack: AckLevel, _ context: BenchContext) async throws -> [Row] {
            let path = "\(context.directory)/reshard"
            defer { removeTree(path) }
            let store = try await StreamStore.open(at: path)
            let stream = try await store.createStream("s", shards: 2, ack: ack)
            // Files and memory are there before the clock starts.
            for index in 0..<200 { try stream.putBlocking(set.data(index), partitionKey: set.key(index)) }
            let common = Common()
            let producers = (0..<Self.producerCount).map { number in
                WorkerThread(name: "bench-\(number)") { common.finish(put(set, into: stream, number, ack, common)) }
            }
            var windows: [(seconds: Double, processorSeconds: Double)] = []
            var reshards = 0
            var changes: [(count: Int, longest: Double)] = []
            for phase in Self.phases.indices {
                let (start, processor) = (nanoseconds(), processorNanoseconds())
                common.phase.store(phase, ordering: .releasing)
                let length: UInt64 = context.quick ? 500_000_000 : 3_000_000_000
                var change = (count: 0, longest: 0.0)
                while nanoseconds() &- start < length {
                    let isDue = phase == 2 || phase == 1 && nanoseconds() &- start >= UInt64(change.count) * 250_000_000
                    if isDue {
                        change.longest = max(change.longest, try seconds { try Self.change(store, stream, reshards) })
                        change.count += 1
                        reshards += 1
                    } else {
                        try await Task.sleep(nanoseconds: 10_000_000)
                    }
                }
                changes.append(change)
                windows.append(
                    (Double(nanoseconds() &- start) / 1e9, Double(processorNanoseconds() &- processor) / 1e9))
            }
            common.phase.store(Self.phases.count, ordering: .releasing)
            for producer in producers { producer.join() }
            if let failure = common.failure.withLock({ $0 }) { throw failure }
            try await store.close()

            var expected = RecordDigest.Sum(set.digest(count: 200))
            for (number, count) in common.counts.withLock({ $0 }) {
                expected.add(set.digest(from: Self.start(number, set), count: count))
            }
            let again = try await StreamStore.open(at: path)
            var found = RecordDigest.Sum(RecordDigest())
            for digest in try Put.scan(again.stream("s")) { found.add(digest) }
            try await again.close()
            return common.latencies.withLock { latencies in
                Self.phases.indices.map { phase in
                    var row = Row(engine: "millrace", scenario: name, ack: Self.name(ack), codec: "lz4", batch: 1)
                    row.detail = "\(Self.producerCount) threads, \(Self.phases[phase])"
                    let count = Int(latencies[phase].count)
                    row.measured(
                        records: count, payloadBytes: count * 100, seconds: windows[phase].seconds,
                        processorSeconds: windows[phase].processorSeconds)
                    latencies[phase].fill(&row)
                    if changes[phase].count > 0 {
                        row.note = "\(changes[phase].count) splits, merges and changes of the count, the longest "
                            + "\(Int(changes[phase].longest * 1000)) ms"
                    }
                    row.verified = found == expected
                    return row
                }
            }
        }

        /// One of a round of four changes, after which the shards are two again.
        private static func change(_ store: StreamStore, _ stream: StoredStream, _ number: Int) throws(KinesisError) {
            let open = stream.openShards
            let reference = StreamReference(stream.name)
            switch number % 4 {
            case 0:
                let range = open[0].hashKeyRange
                let middle = range.starting.value + (range.ending.value - range.starting.value) / 2
                try store.answer(
                    SplitShardRequest(stream: reference, shardToSplit: "\(open[0].id)", newStartingHashKey: "\(middle)"))
            case 1:
                try store.answer(
                    MergeShardsRequest(
                        stream: reference, shardToMerge: "\(open[1].id)", adjacentShardToMerge: "\(open[2].id)"))
            case 2: _ = try store.answer(UpdateShardCountRequest(stream: reference, targetShardCount: 4))
            default: _ = try store.answer(UpdateShardCountRequest(stream: reference, targetShardCount: 2))
            }
        }

        private func put(
            _ set: RecordSet, into stream: StoredStream, _ number: Int, _ ack: AckLevel, _ common: Common
        ) -> Result<(Int, Int, [Latency]), KinesisError> {
            var latencies = Self.phases.map { _ in Latency() }
            var pacer = Pacer(callsPerSecond: Self.callsPerSecond)
            var count = 0
            var at = Self.start(number, set)
            while true {
                let phase = common.phase.load(ordering: .acquiring)
                if phase == Self.phases.count { return .success((number, count, latencies)) }
                // A durable put takes longer than the interval: there the call's own time is measured, not the queue before it.
                let due = ack == .published ? pacer.next() : nanoseconds()
                do throws(KinesisError) {
                    try stream.putBlocking(set.data(at), partitionKey: set.key(at))
                } catch { return .failure(error) }
                latencies[phase].record(nanoseconds() &- due)
                count += 1
                at = at + 1 == set.count ? 0 : at + 1
            }
        }

        /// Where each producer begins in the set.
        private static func start(_ number: Int, _ set: RecordSet) -> Int { (number + 1) * 997 % set.count }

        private static func name(_ ack: AckLevel) -> String { ack == .durable ? "durable (each)" : "published" }

        private final class Common: Sendable {
            /// Index of the phase; past the last one when it is over.
            let phase = Atomic<Int>(0)
            let latencies = Mutex([Latency](repeating: Latency(), count: Reshard.phases.count))
            /// Of each producer, how many records it put.
            let counts = Mutex<[Int: Int]>([:])
            let failure = Mutex<KinesisError?>(nil)

            func finish(_ result: Result<(Int, Int, [Latency]), KinesisError>) {
                switch result {
                case .failure(let error): failure.withLock { $0 = $0 ?? error }
                case .success(let (number, count, own)):
                    counts.withLock { $0[number] = count }
                    latencies.withLock { sum in for phase in own.indices { sum[phase].add(own[phase]) } }
                }
            }
        }
    }
#endif
