#if Tools
    import MillraceLog

    /// How fast records go into memory while the flusher works behind: one log, one thread.
    struct Burst: Scenario {
        let name = "burst"
        let about = "published: made records of 100 B and 12 B into memory, one at a time and in batches of 500"

        func run(in context: BenchContext) async throws -> [Row] {
            let hundred = RecordSet.made(recordByteCount: 100, keyByteCount: 10)
            let twelve = RecordSet.made(recordByteCount: 12, keyByteCount: 4)
            let amount = context.quick ? 32 << 20 : 128 << 20
            // Records of 12 B take more room for their entries than for themselves: half as many bytes fill the memory.
            return try measure(hundred, amount, batch: 1, context) + measure(hundred, amount, batch: 500, context)
                + measure(twelve, amount / 2, batch: 500, context)
        }

        /// The first burst finds memory that no one has touched yet, the second one what the first has left.
        private func measure(_ set: RecordSet, _ amount: Int, batch: Int, _ context: BenchContext) throws -> [Row] {
            let measured = try MeasuredLog("\(context.directory)/burst")
            let count = amount / (set.byteCount / set.count)
            var rows: [Row] = []
            for detail in ["fresh memory", "used memory"] {
                var row = Row(engine: "millrace log", scenario: name, ack: "published", codec: "lz4", batch: batch)
                row.detail = "\(set.name), \(detail)"
                let processor = processorNanoseconds()
                let spent = try seconds { try append(set, count: count, batch: batch, to: measured) }
                row.measured(
                    records: count, payloadBytes: set.byteCount(count: count), seconds: spent,
                    processorSeconds: Double(processorNanoseconds() - processor) / 1e9)
                row.floorName = FloorName.memcpy
                try measured.log.wait(.durable, below: measured.log.tip(.published))
                rows.append(row)
            }
            let expected = set.digest(count: count)
            var both = RecordDigest.Sum(expected)
            both.add(expected)
            let isRight = RecordDigest.Sum(try measured.readBack()) == both
            for index in rows.indices { rows[index].verified = isRight }
            return rows
        }

        private func append(_ set: RecordSet, count: Int, batch: Int, to measured: MeasuredLog) throws {
            guard batch == 1 else { return try measured.fill(set, count: count, batch: batch) }
            var at = 0
            for _ in 0..<count {
                _ = try measured.append(set, at: at)
                at += 1
                if at == set.count { at = 0 }
            }
        }
    }
#endif
