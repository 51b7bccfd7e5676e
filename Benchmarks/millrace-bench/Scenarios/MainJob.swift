#if Tools
    import Millrace
    import MillraceIO
    import MillraceLog
    import MillraceModel
    import Synchronization

    /// What an application does: flights into a stream of four shards through its API, at each ack level, LZ4 and raw; reopened,
    /// scanned back and compared. Beside it a consumer that follows the tips of all shards while records come in.
    struct MainJob: Scenario {
        let name = "main"
        let about = "flights into a stream of four shards at each ack level, LZ4 and raw; scan back; tail live"

        private static let shardCount = 4

        func run(in context: BenchContext) async throws -> [Row] {
            let expected = Expected(context.flights)
            let set = RecordSet(context.flights)
            let lz4 = try LZ4Floor(set)
            let md5 = hashFloor(context.flights)
            var rows: [Row] = []
            for isCompressing in [true, false] {
                for (ack, batch, most) in [
                    (AckLevel.published, 500, Int.max), (.written, 500, Int.max), (.durable, 500, Int.max),
                    (.published, 1, Int.max), (.written, 1, 50_000), (.durable, 1, 4000),
                ] {
                    let count = min(context.flights.count, context.quick ? max(400, most / 20) : most)
                    rows += try await ingest(
                        count, ack, batch: batch, isCompressing: isCompressing, expected, lz4, md5, context)
                }
            }
            rows.append(try await tail(context))
            return rows
        }

        // MARK: Ingest and scan

        private func ingest(
            _ count: Int, _ ack: AckLevel, batch: Int, isCompressing: Bool, _ expected: Expected, _ lz4: LZ4Floor,
            _ md5: Double, _ context: BenchContext
        ) async throws -> [Row] {
            let path = "\(context.directory)/main"
            defer { removeTree(path) }
            var configuration = StoreConfiguration()
            configuration.isCompressing = isCompressing
            let store = try await StreamStore.open(at: path, configuration: configuration)
            let stream = try await store.createStream("flights", shards: MainJob.shardCount, ack: ack)
            let codec = isCompressing ? "lz4" : "raw"
            let flights = context.flights
            var row = Row(engine: "millrace", scenario: name, ack: MainJob.name(ack), codec: codec, batch: batch)
            row.detail = "append, 4 shards"
            let payload = RecordSet(flights).byteCount(count: count)
            var latency = Latency()
            let processor = processorNanoseconds()
            let spent = try Put.all(count, of: flights, into: stream, batch: batch, &latency)
            row.measured(
                records: count, payloadBytes: payload, seconds: spent,
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
            var digests: [RecordDigest] = []
            let scanned = try seconds { digests = try Put.scan(reopened) }
            row.verified = digests == expected.digests(reopened, ofFirst: count)
            var stored = 0
            for log in again.engine.openLogs { stored += try log.blocks().byteCount }
            row.storedBytesPerByte = Double(stored) / Double(payload)
            try await again.close()
            // The scan of the smaller jobs says nothing.
            guard batch > 1, ack == .written else { return [row] }
            var scan = Row(engine: "millrace", scenario: name, ack: "-", codec: codec)
            scan.detail = "scan after reopening"
            scan.measured(records: count, payloadBytes: payload, seconds: scanned)
            if isCompressing {
                scan.bounded(by: "lz4-decompress", bytesPerSecond: lz4.decompressBytesPerSecond)
            } else {
                scan.floorName = FloorName.checksum
            }
            scan.verified = row.verified
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
            private var known: [Int: [RecordDigest]] = [:]
            init(_ flights: Flights) { self.flights = flights }

            func digests(_ stream: StoredStream, ofFirst count: Int) -> [RecordDigest] {
                if let found = known[count] { return found }
                let flights = flights
                var digests = [RecordDigest](repeating: RecordDigest(), count: stream.shards.count)
                for index in 0..<count {
                    let place = HashKey(MD5.hashKey(of: flights.key(index)))
                    let shard = stream.shards.firstIndex { $0.hashKeyRange.contains(place) }!
                    digests[shard].add(key: flights.key(index), data: flights.data(index))
                }
                known[count] = digests
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
        /// The seconds it took to put the first `count` flights.
        static func all(
            _ count: Int, of flights: Flights, into stream: StoredStream, batch: Int, _ latency: inout Latency
        ) throws -> Double {
            var gathered = PutBatch()
            let start = nanoseconds()
            var before = start
            var index = 0
            while index < count {
                if batch == 1 {
                    try stream.putBlocking(flights.data(index), partitionKey: flights.key(index))
                } else {
                    gathered.removeAll()
                    for record in index..<min(index + batch, count) {
                        try gathered.add(flights.data(record), partitionKey: flights.key(record))
                    }
                    for result in stream.putBatchBlocking(gathered) { _ = try result.get() }
                }
                index += batch
                let now = nanoseconds()
                latency.record(now &- before)
                before = now
            }
            return Double(before &- start) / 1e9
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
