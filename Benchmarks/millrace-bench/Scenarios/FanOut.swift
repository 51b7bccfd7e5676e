#if Tools
    import MillraceLog
    import Synchronization

    /// Several readers of one log: each block is decoded once for all of them.
    struct FanOut: Scenario {
        let name = "fan-out"
        let about = "five readers of one log from LZ4 blocks in the page cache, beside one; blocks decoded are counted"

        func run(in context: BenchContext) async throws -> [Row] {
            let set = RecordSet(context.flights)
            let count = set.count(ofBytes: context.quick ? 24 << 20 : 96 << 20)
            let floor = try LZ4Floor(set)
            let path = "\(context.directory)/fan-out"
            defer { removeTree(path) }
            let written = try MeasuredLog(path)
            try written.fill(set, count: count)
            try written.store.close()
            let expected = set.digest(count: count)

            let reopened = try MeasuredLog(path, create: false)
            defer { try? reopened.store.close() }
            let blockCount = try reopened.log.blocks().recordCounts.count
            var rows: [Row] = []
            for readers in [1, 5] {
                reopened.store.dropCache()
                let decodes = reopened.store.decodeCount
                let found = Found()
                let outcome = try Crew(readers) { [log = reopened.log] _, _ throws(LogError) in
                    let digest = try log.digest(level: .durable)
                    found.digests.withLock { $0.append(digest) }
                }.run()
                let decoded = reopened.store.decodeCount - decodes
                var row = Row(engine: "millrace log", scenario: name, ack: "-", codec: "lz4")
                row.detail = "\(set.name), \(readers) readers"
                row.measured(
                    records: count * readers, payloadBytes: set.byteCount(count: count) * readers,
                    seconds: outcome.seconds, processorSeconds: outcome.processorSeconds)
                row.bounded(by: "lz4-decompress of these", bytesPerSecond: floor.decompressBytesPerSecond)
                row.note = "\(decoded) blocks decoded of \(blockCount)"
                row.verified = found.digests.withLock { $0.allSatisfy { $0 == expected } } && decoded <= blockCount
                rows.append(row)
            }
            return rows
        }

        private final class Found: Sendable {
            let digests = Mutex<[RecordDigest]>([])
        }
    }
#endif
