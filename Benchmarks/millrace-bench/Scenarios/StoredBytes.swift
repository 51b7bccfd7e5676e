#if Tools
    import MillraceIO
    import MillraceLog

    /// What the flights take up in blocks, against LZ4 alone over key and data of the same blocks.
    struct StoredBytesScenario: Scenario {
        let name = "stored-bytes"
        let about = "bytes of the flights' blocks in one log, against bare LZ4 of key and data cut at the same places"

        func run(in context: BenchContext) async throws -> [Row] {
            let set = RecordSet(context.flights)
            let count = context.quick ? set.count / 4 : set.count
            let measured = try MeasuredLog("\(context.directory)/stored")
            let spent = try seconds {
                try measured.fill(set, count: count)
                try measured.log.wait(.durable, below: measured.log.tip(.published))
            }
            let blocks = try measured.log.blocks()
            let bare = try bareByteCount(set, blocks.recordCounts)
            let payload = set.byteCount(count: count)
            var row = Row(engine: "millrace log", scenario: name, ack: "durable (group)", codec: "lz4", batch: 500)
            row.detail = set.name
            row.measured(records: count, payloadBytes: payload, seconds: spent)
            row.storedBytesPerByte = Double(blocks.byteCount) / Double(payload)
            row.writtenBytesPerByte = row.storedBytesPerByte
            row.bounded(
                by: "bare LZ4, bytes", storedBytesPerByte: Double(bare) / Double(payload), ratio: Double(bare) / Double(blocks.byteCount))
            row.note =
                "\(blocks.recordCounts.count) blocks (\(blocks.rawCount) raw) of \(blocks.byteCount) bytes, of these"
                + " \(blocks.directoryByteCount) directory; bare LZ4 \(bare):"
                + " \(decimal((Double(blocks.byteCount) / Double(bare) - 1) * 100, 2)) % more"
            row.verified = try measured.readBack() == set.digest(count: count)
            return [row]
        }

        private func bareByteCount(_ set: RecordSet, _ recordCounts: [Int]) throws -> Int {
            let encoder = LZ4Probe(stream: false)
            let block = try Region(byteCount: 1 << 20)
            let target = try Region(byteCount: 1 << 21)
            var first = 0
            var sum = 0
            for count in recordCounts {
                var end = 0
                for index in first..<first + count {
                    let key = set.key(index % set.count)
                    let data = set.data(index % set.count)
                    block.memory.copy(key, at: end)
                    block.memory.copy(data, at: end + key.byteCount)
                    end += key.byteCount + data.byteCount
                }
                sum += try encoder.encode(block.memory.slice(0, end), into: target.memory)
                first += count
            }
            return sum
        }
    }
#endif
