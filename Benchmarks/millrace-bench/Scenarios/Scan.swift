#if Tools
    import MillraceLog

    /// One reader over everything: from cached images, from LZ4 blocks and raw blocks in the page cache.
    struct Scan: Scenario {
        let name = "scan"
        let about = "one reader: cached images, LZ4 blocks from the page cache, raw blocks touched the first time"

        func run(in context: BenchContext) async throws -> [Row] {
            var rows: [Row] = []
            for set in [RecordSet(context.flights)] + [100, 1_024].map({ RecordSet.made(recordByteCount: $0, keyByteCount: 10) }) {
                let count = set.count(ofBytes: 96 << 20)
                let floor = try LZ4Floor(set)
                for isCompressing in [true, false] {
                    rows += try measure(set, count, isCompressing: isCompressing, floor, context)
                }
            }
            return rows
        }

        private func measure(
            _ set: RecordSet, _ count: Int, isCompressing: Bool, _ floor: LZ4Floor, _ context: BenchContext
        ) throws -> [Row] {
            let path = "\(context.directory)/scan"
            defer { removeTree(path) }
            let written = try MeasuredLog(path, isCompressing: isCompressing)
            try written.fill(set, count: count)
            try written.store.close()
            let expected = set.digest(count: count)

            let reopened = try MeasuredLog(path, create: false, isCompressing: isCompressing)
            defer { try? reopened.store.close() }
            var rows: [Row] = []
            func scan(_ how: String, limit: Int? = nil) throws {
                var row = Row(
                    engine: "millrace log", scenario: name, ack: "-", codec: isCompressing ? "lz4" : "raw")
                row.detail = "\(set.name), \(how)"
                let decodes = reopened.store.decodeCount
                var sum = 0
                var found = 0
                let processor = processorNanoseconds()
                let spent = try seconds {
                    found = try reopened.log.touchAll(level: .durable, limit: limit ?? .max, sum: &sum)
                }
                row.measured(
                    records: found, payloadBytes: set.byteCount(count: found), seconds: spent,
                    processorSeconds: Double(processorNanoseconds() - processor) / 1e9)
                row.note = "\(reopened.store.decodeCount - decodes) blocks decoded"
                row.verified = limit.map { found >= $0 } ?? (found == count)
                rows.append(row)
            }
            if isCompressing {
                // More than the cache keeps: the second time every block is decoded again, into memory that is there.
                try scan("page cache, fresh memory")
                try scan("page cache, used memory")
                for index in rows.indices {
                    rows[index].bounded(by: "lz4-decompress of these", bytesPerSecond: floor.decompressBytesPerSecond)
                }
                // As many as the cache keeps for sure, read once before.
                let few = min(count, set.count(ofBytes: 24 << 20))
                var sum = 0
                reopened.store.dropCache()
                _ = try reopened.log.touchAll(level: .durable, limit: few, sum: &sum)
                try scan("cached images", limit: few)
                rows[2].floorName = FloorName.mappedRead
            } else {
                try scan("first touch")
                rows[0].floorName = FloorName.checksum
            }
            let isRight = try reopened.log.digest(level: .durable) == expected
            for index in rows.indices { rows[index].verified = rows[index].verified && isRight }
            return rows
        }
    }
#endif
