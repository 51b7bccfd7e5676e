#if Tools
    import MillraceLog

    /// A new store from its first record on: segments are small, the files for the next ones are only being prepared.
    struct FirstMinute: Scenario {
        let name = "first-minute"
        let about = "durable, each: the first minute of a new store, when no segment file is ready yet (--seconds N)"
        let isLong = true

        func run(in context: BenchContext) async throws -> [Row] {
            try [1, 500].map { try measure(batch: $0, context) }
        }

        private func measure(batch: Int, _ context: BenchContext) throws -> Row {
            let set = RecordSet.made(recordByteCount: 100, keyByteCount: 10)
            let probe = try SyncProbe("\(context.directory)/floor-first-minute")
            var latency = Latency(), floor = Latency()
            var samples: [Double] = []
            var count = 0, spent: UInt64 = 0, sampled = 0
            let limit = UInt64(context.seconds ?? (context.quick ? 3 : 60)) * 1_000_000_000
            let processor = processorNanoseconds()
            // Making the store is not counted; the first record of its log is.
            let measured = try MeasuredLog("\(context.directory)/first-minute")
            // As many bytes as a batch's block has, once the first is stored.
            var probeByteCount = 4096, calls = 0
            while spent < limit {
                let start = nanoseconds()
                let end =
                    batch == 1
                    ? try measured.append(set, at: count % set.count, isLed: true) + 1
                    : try measured.append(set, from: count, count: batch, isLed: true).upperBound
                try measured.log.wait(.durable, below: end)
                let time = nanoseconds() &- start
                latency.record(time)
                spent += time
                count += batch
                calls += 1
                if spent / 1_000_000_000 > samples.count {
                    samples.append(Double(count - sampled))
                    sampled = count
                }
                // Every tenth call is followed by the device's own time for as much.
                if calls % 10 == 0 {
                    if calls == 10, batch > 1 { probeByteCount = try measured.log.blocks().byteCount / calls }
                    let before = nanoseconds()
                    try probe.run(byteCount: probeByteCount)
                    floor.record(nanoseconds() &- before)
                }
            }
            var row = Row(engine: "millrace log", scenario: name, ack: "durable (each)", codec: "lz4", batch: batch)
            row.detail = "\(set.name), from the first record on"
            row.measured(
                records: count, payloadBytes: set.byteCount(count: count), seconds: Double(spent) / 1e9,
                processorSeconds: Double(processorNanoseconds() - processor) / 1e9)
            latency.fill(&row)
            row.samples = samples
            row.sampleSeconds = 1
            row.bounded(by: "pwrite of as many bytes + fdatasync between the calls, p50", nanoseconds: floor.percentile(50))
            row.note = "\(measured.log.segmentCount) segments; the slowest second \(decimal(samples.min() ?? 0, 0)) records, the first \(decimal(samples.first ?? 0, 0))"
            row.verified = try measured.readBack() == set.digest(count: count)
            return row
        }
    }
#endif
