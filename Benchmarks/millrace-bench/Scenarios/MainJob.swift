#if Tools
    import Millrace
    import MillraceIO
    import MillraceLog
    import MillraceModel
    import Synchronization

    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// What an application does: flights into a stream of four shards through its API, at each ack level, LZ4 and raw; reopened,
    /// scanned back and compared. Beside it a consumer that follows the tips of all shards while records come in.
    struct MainJob: Scenario {
        let name = "main"
        let about = "flights into a stream of four shards at each ack level, LZ4 and raw; scan back; tail live"

        private static let shardCount = 4

        /// How much a row's puts are.
        private enum Amount {
            /// The first so many flights, each once.
            case first(Int)
            /// The flights round and round for as long as other engines append (Benchmarks/Peers), the first call not counted, as theirs is not.
            case sustained
        }

        func run(in context: BenchContext) async throws -> [Row] {
            let expected = Expected(context.flights)
            let lz4 = try LZ4Floor(RecordSet(context.flights))
            let md5 = hashFloor(context.flights)
            let all = context.flights.count
            var rows: [Row] = []
            for isCompressing in [true, false] {
                for (ack, batch, amount) in [
                    (AckLevel.published, 500, Amount.first(all)), (.written, 500, .sustained), (.durable, 500, .sustained),
                    (.published, 1, .first(all)), (.written, 1, .first(50_000)), (.durable, 1, .first(4000)),
                ] {
                    rows += try await ingest(amount, ack, batch: batch, isCompressing: isCompressing, expected, lz4, md5, context)
                }
            }
            rows.append(try await tail(context))
            return rows
        }

        // MARK: Ingest and scan

        private func ingest(
            _ amount: Amount, _ ack: AckLevel, batch: Int, isCompressing: Bool, _ expected: Expected, _ lz4: LZ4Floor,
            _ md5: Double, _ context: BenchContext
        ) async throws -> [Row] {
            // What others left to be written back is not this run's.
            sync()
            let path = "\(context.directory)/main"
            defer { removeTree(path) }
            var configuration = StoreConfiguration()
            configuration.isCompressing = isCompressing
            let store = try await StreamStore.open(at: path, configuration: configuration)
            let stream = try await store.createStream("flights", shards: MainJob.shardCount, ack: ack)
            let codec = isCompressing ? "lz4" : "raw"
            let flights = context.flights, set = RecordSet(flights)
            var row = Row(engine: "millrace", scenario: name, ack: MainJob.name(ack), codec: codec, batch: batch)
            row.detail = "append, 4 shards"
            var latency = Latency()
            var first = 0, limit = 0, time = UInt64.max
            switch amount {
            case .first(let count):
                limit = min(flights.count, context.quick ? max(400, count / 20) : count)
            case .sustained:
                var uncounted = Latency()
                first = try Put.all(0..<batch, of: flights, into: stream, batch: batch, &uncounted).end
                limit = set.count(ofBytes: context.appendByteCount)
                time = context.appendNanoseconds
            }
            let processor = processorNanoseconds()
            let (count, spent) = try Put.all(first..<limit, within: time, of: flights, into: stream, batch: batch, &latency)
            row.measured(
                records: count - first, payloadBytes: set.byteCount(from: first, count: count - first), seconds: spent,
                processorSeconds: Double(processorNanoseconds() - processor) / 1e9)
            latency.fill(&row)
            if ack == .durable {
                row.floorName = FloorName.sync
            } else if ack == .written, isCompressing, lz4.compressBytesPerSecond < md5 {
                row.bounded(by: "lz4-compress", bytesPerSecond: lz4.compressBytesPerSecond)
            } else {
                row.bounded(by: "md5-keys", bytesPerSecond: md5)
            }
            try await store.close()

            let again = try await StreamStore.open(at: path, configuration: configuration)
            let reopened = try again.stream("flights")
            // A log is opened when its shard is first read.
            for shard in reopened.shards { _ = try shard.cursorBlocking(at: .trimHorizon, level: .durable) }
            // Read as the other engines read: once as a reader would, for its time, and once for the digest.
            let isScanned = batch > 1 && ack == .written
            var found = 0, sum = 0
            let scanned = try seconds { if isScanned { found = try Put.touchAll(reopened, sum: &sum) } }
            row.verified = try Put.scan(reopened) == expected.digests(reopened, ofFirst: count)
            let payload = set.byteCount(count: count)
            var stored = 0
            for log in again.engine.openLogs { stored += try log.blocks().byteCount }
            row.storedBytesPerByte = Double(stored) / Double(payload)
            try await again.close()
            guard isScanned else { return [row] }
            var scan = Row(engine: "millrace", scenario: name, ack: "-", codec: codec)
            scan.detail = "scan after reopening"
            scan.measured(records: found, payloadBytes: payload, seconds: scanned)
            if isCompressing {
                scan.bounded(by: "lz4-decompress", bytesPerSecond: lz4.decompressBytesPerSecond)
            } else {
                scan.floorName = FloorName.checksum
            }
            scan.verified = row.verified && found == count && sum != 0
            return [row, scan]
        }

        private static func name(_ ack: AckLevel) -> String {
            switch ack {
            case .published: "published"
            case .written: "written"
            case .durable: "durable (each)"
            }
        }

        /// Bytes of key and data a second when nothing but the keys' MD5 takes time.
        private func hashFloor(_ flights: Flights) -> Double {
            var sum: UInt128 = 0
            let spent = seconds { for index in 0..<flights.count { sum ^= MD5.hashKey(of: flights.key(index)) } }
            precondition(sum != 0)
            return Double(flights.byteCount) / spent
        }

        /// What each shard must hold.
        private final class Expected {
            private let flights: Flights
            /// The shard of each flight; all of these streams are cut at the same places.
            private var shards: [Int] = []
            init(_ flights: Flights) { self.flights = flights }

            func digests(_ stream: StoredStream, ofFirst count: Int) -> [RecordDigest] {
                let flights = flights
                if shards.isEmpty {
                    shards = (0..<flights.count).map { index in
                        let place = HashKey(MD5.hashKey(of: flights.key(index)))
                        return stream.shards.firstIndex { $0.hashKeyRange.contains(place) }!
                    }
                }
                var digests = [RecordDigest](repeating: RecordDigest(), count: stream.shards.count)
                var index = 0
                for _ in 0..<count {
                    digests[shards[index]].add(key: flights.key(index), data: flights.data(index))
                    index += 1
                    if index == flights.count { index = 0 }
                }
                return digests
            }
        }

        // MARK: Tail

        /// Records come one by one at a steady rate; each carries the time at which it was due to be sent.
        private func tail(_ context: BenchContext) async throws -> Row {
            let path = "\(context.directory)/main-tail"
            defer { removeTree(path) }
            let store = try await StreamStore.open(at: path)
            let stream = try await store.createStream("live", shards: MainJob.shardCount, ack: .published)
            let count = context.quick ? 5000 : 40_000
            let outcome = try Follow.run(stream, context.flights, count: count, callsPerSecond: 10_000)
            try await store.close()
            let again = try await StreamStore.open(at: path)
            var sum = RecordDigest.Sum(RecordDigest())
            for digest in try Put.scan(again.stream("live")) { sum.add(digest) }
            try await again.close()
            var row = Row(engine: "millrace", scenario: name, ack: "published", codec: "lz4", batch: 1)
            row.detail = "tail live, 10000 a second"
            row.measured(records: count, payloadBytes: outcome.payloadBytes, seconds: outcome.seconds)
            outcome.latency.fill(&row)
            row.note = "from when a put was due to the record in the hands of one of four parked readers"
            row.verified = sum == RecordDigest.Sum(outcome.sent) && outcome.found == sum
            return row
        }
    }

    /// Putting and reading on the caller's thread.
    enum Put {
        /// Puts the flights, taken round and round, from one place to another or for as long as that; where it ended, and the seconds it took.
        static func all(
            _ range: Range<Int>, within limit: UInt64 = .max, of flights: Flights, into stream: StoredStream, batch: Int, _ latency: inout Latency
        ) throws -> (end: Int, seconds: Double) {
            var gathered = PutBatch()
            let start = nanoseconds()
            var before = start
            var index = range.lowerBound
            while index < range.upperBound, before &- start < limit {
                let end = min(index + batch, range.upperBound)
                if batch == 1 {
                    let flight = index % flights.count
                    try stream.putBlocking(flights.data(flight), partitionKey: flights.key(flight))
                } else {
                    gathered.removeAll()
                    for place in index..<end {
                        let flight = place % flights.count
                        try gathered.add(flights.data(flight), partitionKey: flights.key(flight))
                    }
                    for result in stream.putBatchBlocking(gathered) { _ = try result.get() }
                }
                index = end
                let now = nanoseconds()
                latency.record(now &- before)
                before = now
            }
            return (index, Double(before &- start) / 1e9)
        }

        /// Reads everything as a reader would, one shard after the other: how many records there are, and in `sum` what comes of touching each.
        static func touchAll(_ stream: StoredStream, sum: inout Int) throws -> Int {
            var count = 0
            for shard in stream.shards {
                var cursor = try shard.cursorBlocking(at: .trimHorizon, level: .durable)
                var isMore = true
                while isMore {
                    isMore =
                        try cursor.withBatch { batch throws(KinesisError) in
                            while let record = batch.next() {
                                count += 1
                                // Safe because a flight has data.
                                sum &+= record.data.byteCount &+ record.partitionKey.byteCount
                                    &+ Int(unsafe record.data.unsafeLoad(fromByteOffset: 0, as: UInt8.self))
                            }
                            return true
                        } ?? false
                }
            }
            return count
        }

        /// Everything in each of the shards.
        static func scan(_ stream: StoredStream) throws -> [RecordDigest] {
            try stream.shards.map { shard in
                var digest = RecordDigest()
                var cursor = try shard.cursorBlocking(at: .trimHorizon, level: .durable)
                while true {
                    let some: Bool? = try cursor.withBatch { batch throws(KinesisError) in
                        while let record = batch.next() { digest.add(key: record.partitionKey, data: record.data) }
                        return true
                    }
                    if some == nil { return digest }
                }
            }
        }
    }

    /// One thread for each shard that follows its tip, and one that puts.
    enum Follow {
        struct Outcome {
            let seconds: Double
            let payloadBytes: Int
            let latency: Latency
            let sent: RecordDigest
            let found: RecordDigest.Sum
        }

        private final class Seen: Sendable {
            let count = Atomic<Int>(0)
            let all = Mutex((Latency(), RecordDigest.Sum(RecordDigest())))
            let failure = Mutex<KinesisError?>(nil)
        }

        static func run(
            _ stream: StoredStream, _ flights: Flights, count: Int, callsPerSecond: Double
        ) throws -> Outcome {
            let seen = Seen()
            let warmUp = count / 10
            let readers = stream.shards.map { shard in
                WorkerThread(name: "bench-tail") {
                    var latency = Latency()
                    var digest = RecordDigest()
                    do throws(KinesisError) {
                        var cursor = try shard.cursorBlocking(at: .trimHorizon, level: .published)
                        while seen.count.load(ordering: .relaxed) < count {
                            let some: Bool? = try cursor.withBatch { batch throws(KinesisError) in
                                while let record = batch.next() {
                                    let now = nanoseconds()
                                    // Safe because each of these records begins with eight bytes.
                                    let due = unsafe record.data.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self)
                                    if seen.count.add(1, ordering: .relaxed).oldValue >= warmUp {
                                        latency.record(now &- due)
                                    }
                                    digest.add(key: record.partitionKey, data: record.data)
                                }
                                return true
                            }
                            if some == nil { _ = cursor.waitBlocking(milliseconds: 20) }
                        }
                    } catch {
                        seen.failure.withLock { $0 = error }
                        // Nobody may wait for what does not come.
                        seen.count.add(count, ordering: .relaxed)
                    }
                    seen.all.withLock { all in
                        all.0.add(latency)
                        all.1.add(digest)
                    }
                }
            }
            var sent = RecordDigest()
            var payloadBytes = 0
            var data: [UInt8] = []
            var pacer = Pacer(callsPerSecond: callsPerSecond)
            let start = nanoseconds()
            for index in 0..<count {
                let flight = flights.data(index % flights.count)
                let key = flights.key(index % flights.count)
                data.removeAll(keepingCapacity: true)
                data.append(contentsOf: repeatElement(0, count: 8))
                // Safe because the span is valid for its count while it is copied.
                unsafe flight.withUnsafeBytes { unsafe data.append(contentsOf: $0) }
                let due = pacer.next()
                for place in 0..<8 { data[place] = UInt8(truncatingIfNeeded: due >> (8 * place)) }
                payloadBytes += data.count + key.byteCount
                // Safe because bytes have no padding.
                let bytes = unsafe data.span.bytes
                sent.add(key: key, data: bytes)
                try stream.putBlocking(bytes, partitionKey: key)
            }
            for reader in readers { reader.join() }
            let spent = Double(nanoseconds() &- start) / 1e9
            if let failure = seen.failure.withLock({ $0 }) { throw failure }
            let all = seen.all.withLock { $0 }
            return Outcome(
                seconds: spent, payloadBytes: payloadBytes, latency: all.0, sent: sent, found: all.1)
        }
    }
#endif
