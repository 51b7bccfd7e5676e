#if Tools
    import MillraceLog

    /// Records that are acknowledged when they are written, while a sync every ten milliseconds makes them durable.
    struct GroupSync: Scenario {
        let name = "group-sync"
        let about = "written, synced every 10 ms: batches of 500 records of 100 B and 1 KiB, each awaited, and 64 in flight"

        func run(in context: BenchContext) async throws -> [Row] {
            var rows: [Row] = []
            for byteCount in [100, 1024] {
                let set = RecordSet.made(recordByteCount: byteCount, keyByteCount: 10)
                let floor = try LZ4Floor(set)
                for window in [1, 64] { rows.append(try measure(set, window: window, floor, context)) }
            }
            return rows
        }

        private func measure(_ set: RecordSet, window: Int, _ floor: LZ4Floor, _ context: BenchContext) throws -> Row {
            let measured = try MeasuredLog("\(context.directory)/group-sync") { $0.syncIntervalMilliseconds = 10 }
            var row = Row(engine: "millrace log", scenario: name, ack: "written, synced every 10 ms", codec: "lz4", batch: 500)
            row.detail = "\(set.name), \(window) in flight"
            var latency = Latency()
            var ends: [UInt64] = []
            var count = 0
            func put() throws {
                ends.append(try measured.append(set, from: count, count: 500, isLed: window == 1).upperBound)
                if ends.count >= window { try measured.log.wait(.written, below: ends[ends.count - window]) }
                count += 500
            }
            // The first segments are small.
            while set.byteCount(count: count) < 64 << 20 { try put() }
            try measured.log.wait(.durable, below: ends.last!)
            let first = count, syncs = measured.log.syncCount, deviceBytes = deviceByteCount()
            let limit: UInt64 = context.quick ? 500_000_000 : 3_000_000_000
            let processor = processorNanoseconds(), start = nanoseconds()
            var before = start
            while before &- start < limit {
                try put()
                let now = nanoseconds()
                latency.record(now &- before)
                before = now
            }
            try measured.log.wait(.written, below: ends.last!)
            let payload = set.byteCount(from: first % set.count, count: count - first)
            let seconds = Double(nanoseconds() &- start) / 1e9
            row.measured(
                records: count - first, payloadBytes: payload, seconds: seconds,
                processorSeconds: Double(processorNanoseconds() - processor) / 1e9)
            latency.fill(&row)
            row.bounded(by: "lz4-compress of these", bytesPerSecond: floor.compressBytesPerSecond)
            let done = measured.log.syncCount - syncs
            try measured.log.wait(.durable, below: ends.last!)
            row.writtenBytesPerByte = Double(deviceByteCount() - deviceBytes) / Double(payload)
            row.note = "a sync every \(decimal(seconds * 1000 / Double(max(1, done)), 1)) ms"
            row.verified = try measured.readBack() == set.digest(count: count)
            return row
        }
    }
#endif
