#if Tools
    import MillraceLog

    /// One reader over everything when none of it is in memory: what a consumer that starts far back meets.
    struct ColdScan: Scenario {
        let name = "scan-cold"
        let about = "one reader over flights of which nothing is in memory, LZ4 and raw, beside reading the same files by 1 MiB"

        func run(in context: BenchContext) async throws -> [Row] {
            try [true, false].map { try measure(isCompressing: $0, context) }
        }

        private func measure(isCompressing: Bool, _ context: BenchContext) throws -> Row {
            let set = RecordSet(context.flights), path = "\(context.directory)/scan-cold"
            defer { removeTree(path) }
            let count = set.count(ofBytes: context.size ?? (context.quick ? 100_000_000 : 1_000_000_000))
            let written = try MeasuredLog(path, isCompressing: isCompressing)
            try written.fill(set, count: count)
            try written.store.close()
            let files = try segmentPaths(under: path), payload = set.byteCount(count: count)
            try dropPages(of: files)
            let floor = try readingSeconds(files)
            try dropPages(of: files)
            let reopened = try MeasuredLog(path, create: false, isCompressing: isCompressing)
            var row = Row(engine: "millrace log", scenario: name, ack: "-", codec: isCompressing ? "lz4" : "raw")
            row.detail = "\(set.name), nothing in memory"
            var sum = 0, found = 0
            let processor = processorNanoseconds()
            let spent = try seconds { found = try reopened.log.touchAll(level: .durable, sum: &sum) }
            row.measured(
                records: found, payloadBytes: payload, seconds: spent,
                processorSeconds: Double(processorNanoseconds() - processor) / 1e9)
            row.bounded(by: "reading the files by 1 MiB", bytesPerSecond: Double(payload) / floor)
            row.verified = try found == count && reopened.log.digest(level: .durable) == set.digest(count: count)
            try reopened.store.close()
            return row
        }
    }
#endif
