#if Tools
    import Millrace
    import MillraceIO
    import MillraceModel

    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// Puts whose keys are all different, into a stream of 64 shards: what routing costs.
    struct Routed: Scenario {
        let name = "routed"
        let about = "published: records of 100 B with keys that are all different into 64 shards, by one thread"

        func run(in context: BenchContext) async throws -> [Row] {
            let set = RecordSet.made(recordByteCount: 100, keyByteCount: 16, count: 400_009, hasDistinctKeys: true)
            return [
                try await measure(set, batch: 1, context), try await measure(set, batch: 500, context),
            ]
        }

        private func measure(_ set: RecordSet, batch: Int, _ context: BenchContext) async throws -> Row {
            let path = "\(context.directory)/routed"
            defer { removeTree(path) }
            let store = try await StreamStore.open(at: path)
            let stream = try await store.createStream("routed", shards: 64, ack: .published)
            let count = context.quick ? 100_000 : 400_000
            try put(set, from: 0, count: count, batch, into: stream)
            usleep(300_000)
            var sum: UInt128 = 0
            let hashing = seconds { for index in 0..<count { sum ^= MD5.hashKey(of: set.key(index)) } }
            precondition(sum != 0)
            let processor = processorNanoseconds()
            let spent = try seconds { try put(set, from: 0, count: count, batch, into: stream) }
            var row = Row(engine: "millrace", scenario: name, ack: "published", codec: "lz4", batch: batch)
            row.detail = "\(set.name), 64 shards"
            row.measured(
                records: count, payloadBytes: set.byteCount(count: count), seconds: spent,
                processorSeconds: Double(processorNanoseconds() - processor) / 1e9)
            row.bounded(by: "MD5 of these keys", bytesPerSecond: Double(set.byteCount(count: count)) / hashing)
            row.note = "\(decimal(hashing * 1e9 / Double(count), 0)) ns for a key's MD5, \(decimal(spent * 1e9 / Double(count), 0)) for a put"
            try await store.close()
            let again = try await StreamStore.open(at: path)
            var found = RecordDigest.Sum(RecordDigest())
            for digest in try Put.scan(again.stream("routed")) { found.add(digest) }
            var expected = RecordDigest.Sum(set.digest(count: count))
            expected.add(set.digest(count: count))
            row.verified = found == expected
            try await again.close()
            return row
        }

        private func put(_ set: RecordSet, from start: Int, count: Int, _ batch: Int, into stream: StoredStream) throws {
            if batch == 1 {
                for index in start..<start + count { try stream.putBlocking(set.data(index), partitionKey: set.key(index)) }
                return
            }
            var gathered = PutBatch()
            for index in stride(from: start, to: start + count, by: batch) {
                gathered.removeAll()
                for record in index..<min(index + batch, start + count) {
                    try gathered.add(set.data(record), partitionKey: set.key(record))
                }
                for result in stream.putBatchBlocking(gathered) { _ = try result.get() }
            }
        }
    }
#endif
