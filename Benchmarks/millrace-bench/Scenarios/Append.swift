#if Tools
    import MillraceLog

    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// What the other engines are asked for as well (Benchmarks/Peers), record for record: the same sets, batches and durability, for as
    /// long, verified the same way. Rows of the same detail stand side by side.
    struct Append: Scenario {
        let name = "append"
        let about = "what the other engines do beside it: records of 100 B, 1 KiB and flights, by batch and durability, and scans"

        private enum Ack: String {
            /// Handed to the operating system when a call returns.
            case written = "written"
            case synced = "written, synced every 10 ms"
            case durable = "durable (each)"
        }

        func run(in context: BenchContext) async throws -> [Row] {
            let small = RecordSet.made(recordByteCount: 100, keyByteCount: 10)
            let large = RecordSet.made(recordByteCount: 1024, keyByteCount: 10)
            let flights = RecordSet(context.flights)
            let floors = try [small, large, flights].reduce(into: [:]) { $0[$1.name] = try LZ4Floor($1) }
            let work: [(Ack, RecordSet, Int)] = [
                (.written, small, 1), (.written, small, 100), (.written, small, 500), (.written, large, 500), (.written, flights, 500),
                (.synced, small, 500), (.synced, large, 500),
                (.durable, small, 1), (.durable, small, 500), (.durable, large, 500), (.durable, flights, 500),
            ]
            var rows: [Row] = []
            for (ack, set, batch) in work { rows += try measure(ack, set, batch, floors[set.name]!, context) }
            return rows
        }

        private func measure(_ ack: Ack, _ set: RecordSet, _ batch: Int, _ floor: LZ4Floor, _ context: BenchContext) throws -> [Row] {
            // What others left to be written back is not this run's.
            sync()
            let measured = try MeasuredLog("\(context.directory)/append") { if ack == .synced { $0.syncIntervalMilliseconds = 10 } }
            let log = measured.log
            var row = Row(engine: "millrace log", scenario: name, ack: ack.rawValue, codec: "lz4", batch: batch)
            row.detail = set.name
            var latency = Latency()
            var count = 0
            let level: Level = ack == .durable ? .durable : .written
            func call() throws {
                let end =
                    batch == 1 ? try measured.append(set, at: count % set.count, isLed: true) + 1
                    : try measured.append(set, from: count, count: batch, isLed: true).upperBound
                try log.wait(level, below: end)
                count += batch
            }
            // The first call makes files; it belongs to no steady state.
            try call()
            let syncs = log.syncCount, deviceBytes = deviceByteCount()
            let limit = context.appendNanoseconds, countLimit = set.count(ofBytes: context.appendByteCount)
            let processor = processorNanoseconds(), start = nanoseconds()
            var before = start
            while before &- start < limit, count < countLimit {
                try call()
                let now = nanoseconds()
                latency.record(now &- before)
                before = now
            }
            let spent = before &- start, done = log.syncCount - syncs
            let blocks = try log.blocks()
            try measured.store.close()
            let payload = set.byteCount(from: batch, count: count - batch)
            // What a close still has to do is a part of what the appends cost.
            row.measured(
                records: count - batch, payloadBytes: payload, seconds: Double(spent) / 1e9,
                processorSeconds: Double(processorNanoseconds() - processor) / 1e9)
            latency.fill(&row)
            row.writtenBytesPerByte = Double(deviceByteCount() - deviceBytes) / Double(payload)
            row.storedBytesPerByte = Double(blocks.byteCount) / Double(set.byteCount(count: count))
            row.note = "\(done) syncs"
            if ack == .durable {
                row.floorName = FloorName.sync
            } else {
                row.bounded(by: "lz4-compress of these", bytesPerSecond: floor.compressBytesPerSecond)
            }
            return try read(measured, set, row, count, isScanned: ack == .written && batch == 500, floor)
        }

        /// Opened again: read once as a reader would, and once for the digest.
        private func read(
            _ measured: MeasuredLog, _ set: RecordSet, _ append: Row, _ count: Int, isScanned: Bool, _ floor: LZ4Floor
        ) throws -> [Row] {
            defer { removeTree(measured.path) }
            let again = try MeasuredLog(measured.path, create: false)
            defer { try? again.store.close() }
            var append = append
            var scan = Row(engine: append.engine, scenario: "scan", ack: "-", codec: append.codec)
            scan.detail = set.name
            scan.note = "opened again, from the page cache"
            if isScanned {
                var sum = 0, found = 0
                let processor = processorNanoseconds()
                let spent = try seconds { found = try again.log.touchAll(level: .durable, sum: &sum) }
                scan.measured(
                    records: found, payloadBytes: set.byteCount(count: count), seconds: spent,
                    processorSeconds: Double(processorNanoseconds() - processor) / 1e9)
                scan.bounded(by: "lz4-decompress of these", bytesPerSecond: floor.decompressBytesPerSecond)
                scan.verified = found == count && sum != 0
            }
            append.verified = try again.log.digest(level: .durable) == set.digest(count: count)
            scan.verified = scan.verified && append.verified
            return isScanned ? [append, scan] : [append]
        }
    }
#endif
