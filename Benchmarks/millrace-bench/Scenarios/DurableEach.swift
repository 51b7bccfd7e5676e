#if Tools
    import MillraceLog

    /// One writer that waits for the device after every call.
    struct DurableEach: Scenario {
        let name = "durable-each"
        let about = "durable: one writer, one record at a time and in batches of 500, each call synced"

        func run(in context: BenchContext) async throws -> [Row] {
            let flights = RecordSet(context.flights)
            let hundred = RecordSet.made(recordByteCount: 100, keyByteCount: 10)
            return try [
                measure(hundred, batch: 1, calls: context.quick ? 300 : 5000, context),
                measure(hundred, batch: 500, calls: context.quick ? 300 : 4000, context),
                measure(flights, batch: 500, calls: context.quick ? 300 : 2000, context),
            ]
        }

        /// At most so many calls, and no more than four seconds of them.
        private func measure(_ set: RecordSet, batch: Int, calls: Int, _ context: BenchContext) throws -> Row {
            let measured = try MeasuredLog("\(context.directory)/durable-each")
            var row = Row(engine: "millrace log", scenario: name, ack: "durable (each)", codec: "lz4", batch: batch)
            row.detail = set.name
            var latency = Latency()
            // The first call opens the log's segment; it belongs to no steady state.
            var count = 0
            try call(set, &count, batch, measured)
            let first = count
            let syncs = measured.log.syncCount
            let processor = processorNanoseconds()
            let start = nanoseconds()
            var before = start
            for _ in 0..<calls {
                try call(set, &count, batch, measured)
                let now = nanoseconds()
                latency.record(now &- before)
                before = now
                if now &- start > 4_000_000_000 { break }
            }
            row.measured(
                records: count - first, payloadBytes: set.byteCount(from: first, count: count - first),
                seconds: Double(before &- start) / 1e9,
                processorSeconds: Double(processorNanoseconds() - processor) / 1e9)
            latency.fill(&row)
            row.floorName = FloorName.sync
            let blocks = try measured.log.blocks()
            row.storedBytesPerByte = Double(blocks.byteCount) / Double(set.byteCount(count: count))
            row.note = "\(measured.log.syncCount - syncs) syncs for \((count - first) / batch) calls"
            row.verified = try measured.readBack() == set.digest(count: count)
            return row
        }

        private func call(_ set: RecordSet, _ count: inout Int, _ batch: Int, _ measured: MeasuredLog) throws {
            let end =
                batch == 1
                ? try measured.append(set, at: count % set.count, isLed: true) + 1
                : try measured.append(set, from: count, count: batch, isLed: true).upperBound
            try measured.log.wait(.durable, below: end)
            count += batch
        }
    }
#endif
