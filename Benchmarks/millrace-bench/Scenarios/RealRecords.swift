#if Tools
    import MillraceLog

    /// Real records of other shapes than flights: short lines that compress, and documents of up to megabytes.
    struct RealRecords: Scenario {
        let name = "datasets"
        let about = "weather, logs and documents (--data NAME=FILE): written and durable batches of about 256 KiB, stored bytes, a scan"

        func run(in context: BenchContext) async throws -> [Row] {
            if context.options.data.isEmpty {
                var row = Row(engine: "millrace log", scenario: name, ack: "-")
                row.notMeasured = "--data names no set of records"
                return [row]
            }
            return try context.options.data.flatMap { argument in
                let set = try Dataset.read(argument)
                let floor = try LZ4Floor(set)
                return try [Level.written, .durable].map { try measure(set, $0, floor, context) }
            }
        }

        private func measure(_ set: RecordSet, _ level: Level, _ floor: LZ4Floor, _ context: BenchContext) throws -> Row {
            let measured = try MeasuredLog("\(context.directory)/datasets")
            let batch = min(500, max(1, (256 << 10) * set.count / set.byteCount))
            var row = Row(
                engine: "millrace log", scenario: name, ack: level == .durable ? "durable (each)" : "written", codec: "lz4", batch: batch)
            row.detail = "\(set.name), \(set.byteCount / set.count) B on average"
            var latency = Latency()
            // As long as it takes or the whole set eight times, whatever is first.
            let limit: UInt64 = context.quick ? 300_000_000 : 2_000_000_000
            let countLimit = set.count(ofBytes: min(8 * set.byteCount, 1 << 30))
            let processor = processorNanoseconds(), start = nanoseconds()
            var before = start, count = 0
            while before &- start < limit, count < countLimit {
                let range = try measured.append(set, from: count, count: batch, isLed: true)
                try measured.log.wait(level, below: range.upperBound)
                count += batch
                let now = nanoseconds()
                latency.record(now &- before)
                before = now
            }
            let payload = set.byteCount(count: count)
            row.measured(
                records: count, payloadBytes: payload, seconds: Double(before &- start) / 1e9,
                processorSeconds: Double(processorNanoseconds() - processor) / 1e9)
            latency.fill(&row)
            row.bounded(by: "lz4-compress of these", bytesPerSecond: floor.compressBytesPerSecond)
            row.storedBytesPerByte = Double(try measured.log.blocks().byteCount) / Double(payload)
            let scan = try seconds { row.verified = try measured.log.digest(level: .published) == set.digest(count: count) }
            row.note = "read and compared at \(figure(Double(payload) / scan / 1e6)) MB/s"
            row.verified = try measured.readBack() == set.digest(count: count) && row.verified == true
            return row
        }
    }
#endif
