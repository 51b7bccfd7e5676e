#if Tools
    import MillraceLog

    /// What one log takes for a longer time when everything must have reached the operating system.
    struct Sustained: Scenario {
        let name = "sustained"
        let about = "written: one log, batches of 500, LZ4 and raw, each batch awaited at once or 64 batches later"

        func run(in context: BenchContext) async throws -> [Row] {
            let sets = [RecordSet(context.flights)] + [100, 1_024].map { RecordSet.made(recordByteCount: $0, keyByteCount: 10) }
            let amount = context.quick ? 64 << 20 : 400 << 20
            var rows: [Row] = []
            for set in sets {
                let floor = try LZ4Floor(set)
                for isCompressing in [true, false] {
                    for window in [1, 64] {
                        rows.append(
                            try measure(set, amount, isCompressing: isCompressing, window: window, floor, context))
                    }
                }
            }
            return rows
        }

        private func measure(
            _ set: RecordSet, _ amount: Int, isCompressing: Bool, window: Int, _ floor: LZ4Floor,
            _ context: BenchContext
        ) throws -> Row {
            let measured = try MeasuredLog("\(context.directory)/sustained", isCompressing: isCompressing)
            let count = set.count(ofBytes: amount)
            let payload = set.byteCount(count: count)
            var row = Row(
                engine: "millrace log", scenario: name, ack: "written", codec: isCompressing ? "lz4" : "raw", batch: 500
            )
            row.detail = "\(set.name), \(window) in flight"
            var latency = Latency()
            var ends: [UInt64] = []
            ends.reserveCapacity(count / 500 + 1)
            let deviceBytes = deviceByteCount()
            let processor = processorNanoseconds()
            let start = nanoseconds()
            var before = start
            var at = 0
            while at < count {
                ends.append(try measured.append(set, from: at, count: min(500, count - at), isLed: window == 1).upperBound)
                if ends.count >= window { try measured.log.wait(.written, below: ends[ends.count - window]) }
                let now = nanoseconds()
                latency.record(now &- before)
                before = now
                at += 500
            }
            try measured.log.wait(.written, below: ends.last!)
            row.measured(
                records: count, payloadBytes: payload, seconds: Double(nanoseconds() &- start) / 1e9,
                processorSeconds: Double(processorNanoseconds() - processor) / 1e9)
            latency.fill(&row)
            if isCompressing {
                row.bounded(by: "lz4-compress of these", bytesPerSecond: floor.compressBytesPerSecond)
            } else {
                // Batches are timed, but what bounds them is bytes.
                row.floorName = FloorName.write
            }
            let blocks = try measured.log.blocks()
            row.storedBytesPerByte = Double(blocks.byteCount) / Double(payload)
            row.writtenBytesPerByte = Double(deviceByteCount() - deviceBytes) / Double(payload)
            row.note =
                "\(blocks.recordCounts.count) blocks, \(blocks.rawCount) of them raw;"
                + " \(decimal(row.writtenBytesPerByte!, 2)) bytes to the device for each byte of key and data"
            row.verified = try measured.readBack() == set.digest(count: count)
            return row
        }
    }
#endif
