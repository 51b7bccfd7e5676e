#if Tools
    import MillraceIO
    import MillraceLog
    import Synchronization

    /// Latency of puts that are due at fixed times, whatever the engine does meanwhile, counted from when each was due.
    struct OpenLoop: Scenario {
        let name = "tail-latency"
        let about =
            "open loop: 100 MB/s of 100 B records published with a sync every 10 ms; durable records alone, beside bulk, beside 10 MiB"

        func run(in context: BenchContext) async throws -> [Row] {
            var rows = [try published(context), try durable(beside: nil, context).row]
            for neighbour in [Neighbour.bulk, .large] {
                let (row, deviceBytesPerSecond) = try durable(beside: neighbour, context)
                rows.append(row)
                let bare = BareDurable(scenario: name, detail: "\(row.detail ?? ""), as much by bare writes")
                rows.append(
                    try bare.measure(
                        callsPerSecond: Self.durableRate, seconds: Self.durableSeconds(context), besideBytesPerSecond: deviceBytesPerSecond, context))
            }
            return rows
        }

        private static let durableRate = 500.0
        private static func durableSeconds(_ context: BenchContext) -> Int { context.quick ? 1 : 10 }

        /// One record at a time.
        private func published(_ context: BenchContext) throws -> Row {
            let set = RecordSet.made(recordByteCount: 100, keyByteCount: 10)
            let measured = try MeasuredLog("\(context.directory)/open-loop") { $0.syncIntervalMilliseconds = 10 }
            let rate = 1_000_000.0, seconds = context.quick ? 2 : 10
            let warmUp = Int(rate), count = warmUp + seconds * Int(rate)
            var latency = Latency()
            var late = 0
            var pacer = Pacer(callsPerSecond: rate)
            let start = nanoseconds()
            var at = 0
            for index in 0..<count {
                let due = pacer.next()
                _ = try measured.append(set, at: at)
                let now = nanoseconds()
                if index >= warmUp {
                    latency.record(now &- due)
                    if now &- due > 1_000 { late += 1 }
                }
                at += 1
                if at == set.count { at = 0 }
            }
            var row = Row(engine: "millrace log", scenario: name, ack: "published", codec: "lz4", batch: 1)
            row.detail = "\(set.name), 1000000 a second, a sync every 10 ms"
            row.measured(records: count, payloadBytes: set.byteCount(count: count), seconds: Double(nanoseconds() &- start) / 1e9)
            latency.fill(&row)
            row.note =
                "from when a put was due; \(measured.log.syncCount) syncs; p99.99 \(figure(latency.percentile(99.99) / 1000)) us;"
                + " \(late) of \(count - warmUp) later than 1 us"
            try measured.log.wait(.durable, below: measured.log.tip(.published))
            row.verified = try measured.readBack() == set.digest(count: count)
            return row
        }

        private enum Neighbour: String {
            /// Batches of 500 flights, as fast as the log takes them.
            case bulk = "bulk in another shard"
            /// Records of 10 MiB, one after the other.
            case large = "records of 10 MiB in another shard"
        }

        /// Single records, each awaited, 500 a second.
        private func durable(beside neighbour: Neighbour?, _ context: BenchContext) throws -> (row: Row, deviceBytesPerSecond: Double) {
            let set = RecordSet.made(recordByteCount: 100, keyByteCount: 10)
            let measured = try MeasuredLog("\(context.directory)/open-loop")
            let other = try measured.store.createLog(2)
            let flights = RecordSet(context.flights)
            let isOver = Atomic<Bool>(false)
            let bulkBytes = Atomic<Int>(0)
            let failure = Mutex<LogError?>(nil)
            let thread = neighbour.map { neighbour in
                WorkerThread(name: "bench-neighbour") {
                    let large = [UInt8](repeating: 0x61, count: 10 << 20)
                    do throws(LogError) {
                        while !isOver.load(ordering: .relaxed) {
                            do throws(LogError) {
                                switch neighbour {
                                case .bulk:
                                    _ = try other.append(arrival: measured.now) { sink throws(LogError) in
                                        for index in 0..<500 { try sink.add(key: flights.key(index), data: flights.data(index)) }
                                    }
                                    bulkBytes.add(150_000, ordering: .relaxed)
                                case .large:
                                    // Safe because bytes have no padding.
                                    let ordinal = try other.append(
                                        key: flights.key(0), data: unsafe large.span.bytes, arrival: measured.now)
                                    try other.wait(.durable, below: ordinal + 1)
                                    bulkBytes.add(large.count, ordering: .relaxed)
                                }
                            } catch {
                                guard case .wouldBlock = error else { throw error }
                                other.waitForRoom(nanoseconds: 10_000_000)
                            }
                        }
                    } catch {
                        failure.withLock { $0 = error }
                    }
                }
            }
            let rate = Self.durableRate, seconds = Self.durableSeconds(context)
            let warmUp = Int(rate), count = warmUp + seconds * Int(rate)
            var latency = Latency()
            var pacer = Pacer(callsPerSecond: rate)
            let start = nanoseconds(), deviceBytes = deviceByteCount()
            for index in 0..<count {
                let due = pacer.next()
                let ordinal = try measured.append(set, at: index % set.count, isLed: true)
                try measured.log.wait(.durable, below: ordinal + 1)
                if index >= warmUp { latency.record(nanoseconds() &- due) }
            }
            let spent = Double(nanoseconds() &- start) / 1e9
            let writtenToDevice = deviceByteCount() - deviceBytes
            isOver.store(true, ordering: .relaxed)
            thread?.join()
            if let failure = failure.withLock({ $0 }) { throw failure }
            var row = Row(engine: "millrace log", scenario: name, ack: "durable (each)", codec: "lz4", batch: 1)
            row.detail = "\(set.name), 500 a second, \(neighbour?.rawValue ?? "alone")"
            row.measured(records: count, payloadBytes: set.byteCount(count: count), seconds: spent)
            latency.fill(&row)
            row.floorName = FloorName.sync
            if neighbour != nil {
                row.note = "the neighbour put \(figure(Double(bulkBytes.load(ordering: .relaxed)) / spent / 1e6)) MB/s"
            }
            row.verified = try measured.readBack() == set.digest(count: count)
            return (row, Double(writtenToDevice) / spent)
        }
    }
#endif
