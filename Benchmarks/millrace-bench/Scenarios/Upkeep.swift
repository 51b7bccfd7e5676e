#if Tools
    import Foundation
    import MillraceIO
    import MillraceLog
    import Synchronization

    /// What sweeps and compaction cost those who append, and how fast compaction is.
    struct Upkeep: Scenario {
        let name = "upkeep"
        let about =
            "appends with and without sweeps and compaction beside them; the speed of compaction against bare LZ4"

        func run(in context: BenchContext) async throws -> [Row] {
            let set = RecordSet(context.flights)
            let floors = Floors(lz4: try LZ4Floor(set), high: try LZ4HighFloor(set))
            return try appends(set, floors, context) + smallBlocks(set, floors, context)
                + fullBlocks(set, floors, context)
                + keys(set, context)
        }

        private struct Floors {
            let lz4: LZ4Floor
            let high: LZ4HighFloor
        }

        private func row(_ detail: String, ack: String, batch: Int? = nil) -> Row {
            var row = Row(engine: "millrace log", scenario: name, ack: ack, codec: "lz4", batch: batch)
            row.detail = detail
            return row
        }

        // MARK: Appends

        /// Phases without and with upkeep in turns, as fast as it goes, then the same at half that rate.
        private func appends(_ set: RecordSet, _ floors: Floors, _ context: BenchContext) throws -> [Row] {
            let path = "\(context.directory)/upkeep"
            defer { for path in [path, path + "-cold"] { removeTree(path) } }
            let run = try UpkeepRun(
                set, path, keptByteCount: context.quick ? 8 << 20 : 64 << 20, coldByteCount: context.quick ? 64 << 20 : 320 << 20)
            let length: UInt64 = context.quick ? 1_000_000_000 : 5_000_000_000
            try run.phase(nil, length: context.quick ? 200_000_000 : 1_000_000_000, hasUpkeep: false)
            run.forgetTallies()
            for _ in 0..<2 {
                for hasUpkeep in [false, true] { try run.phase(nil, length: length, hasUpkeep: hasUpkeep) }
            }
            let fast = run.tallies
            run.forgetTallies()
            let callsPerSecond = Double(fast[0].latency.count) / fast[0].seconds / 2
            for _ in 0..<2 {
                for hasUpkeep in [false, true] { try run.phase(callsPerSecond, length: length, hasUpkeep: hasUpkeep) }
            }
            let paced = run.tallies
            let isRight = try run.finish()
            return [(fast, ""), (paced, ", paced")].flatMap { tallies, suffix in
                [false, true].map { hasUpkeep in
                    let tally = tallies[hasUpkeep ? 1 : 0]
                    var row = row(
                        (hasUpkeep ? "with sweeps and compaction" : "alone") + suffix, ack: "written",
                        batch: UpkeepRun.batch)
                    row.measured(
                        records: Int(tally.latency.count) * UpkeepRun.batch, payloadBytes: tally.payloadByteCount,
                        seconds: tally.seconds, processorSeconds: tally.processorSeconds)
                    tally.latency.fill(&row)
                    if suffix.isEmpty {
                        row.bounded(by: "lz4-compress of these", bytesPerSecond: floors.lz4.compressBytesPerSecond)
                    }
                    if hasUpkeep { row.note = Self.comparison(tallies[0], tally) + "; \(run.upkeepSummary)" }
                    row.verified = isRight
                    return row
                }
            }
        }

        private static func comparison(_ alone: UpkeepRun.Tally, _ with: UpkeepRun.Tally) -> String {
            let change = (with.rate / alone.rate - 1) * 100
            func factor(_ percent: Double) -> String {
                decimal(with.latency.percentile(percent) / max(1, alone.latency.percentile(percent)), 2)
            }
            return
                "rate \(change < 0 ? "" : "+")\(decimal(change, 1)) %, p50 \(factor(50)) times, p99 \(factor(99)) times,"
                + " p99.9 \(factor(99.9)) times, longest call \(factor(100)) times what it is alone"
        }

        // MARK: Compaction

        /// A block for each record becomes full blocks, then those are compressed better.
        private func smallBlocks(_ set: RecordSet, _ floors: Floors, _ context: BenchContext) throws -> [Row] {
            let count = set.count(ofBytes: context.quick ? 8 << 20 : 64 << 20)
            var log = try CompactedLog("\(context.directory)/upkeep-small", set)
            defer { removeTree(log.measured.path) }
            try log.fill(count: count) { measured, index throws(LogError) in
                let ordinal = try measured.append(set, at: index % set.count)
                try measured.log.wait(.written, below: ordinal + 1)
                return 1
            }
            return try [
                compact(&log, "compact, small blocks", isHigh: false, floors),
                compact(&log, "compact, cold (HC)", isHigh: true, floors, isLast: true),
            ]
        }

        /// The same of what stands in full blocks.
        private func fullBlocks(_ set: RecordSet, _ floors: Floors, _ context: BenchContext) throws -> [Row] {
            let count = set.count(ofBytes: context.quick ? 16 << 20 : 200 << 20)
            var log = try CompactedLog("\(context.directory)/upkeep-full", set)
            defer { removeTree(log.measured.path) }
            try log.fillBatches(set, count: count)
            let before = try log.stored()
            let steps = try log.compact(isHigh: false)
            let merged = try log.stored()
            var row = try compact(&log, "compact, flights", isHigh: true, floors, isLast: true)
            row.note = "before: \(before); \(steps.text) made it: \(merged); then HC: \(row.note!)"
            return [row]
        }

        private func compact(
            _ log: inout CompactedLog, _ detail: String, isHigh: Bool, _ floors: Floors, isLast: Bool = false
        ) throws -> Row {
            let before = try log.stored()
            let steps = try log.compact(isHigh: isHigh)
            let after = try log.stored()
            var row = row(detail, ack: "-")
            // Records that were written anew twice count twice.
            row.measured(
                records: Int(Double(log.count) * Double(steps.rawByteCount) / Double(log.payloadByteCount)),
                payloadBytes: steps.rawByteCount, seconds: steps.seconds, processorSeconds: steps.processorSeconds)
            row.storedBytesPerByte = after.perByte
            if isHigh {
                row.bounded(by: "lz4hc-compress of these", bytesPerSecond: floors.high.compressBytesPerSecond)
            } else {
                row.bounded(by: "lz4-compress of these", bytesPerSecond: floors.lz4.compressBytesPerSecond)
            }
            let bare = isHigh ? floors.high.storedBytesPerByte : floors.lz4.storedBytesPerByte
            row.note =
                "\(steps.text); before: \(before); after: \(after); bare \(isHigh ? "HC" : "LZ4") \(decimal(bare, 4))"
            let isRight = try log.measured.log.digest(level: .durable) == log.expected
            row.verified = try isRight && (!isLast || log.measured.readBack() == log.expected)
            return row
        }

        // MARK: Key compaction

        /// Flights by tail number: the newest of each stays.
        private func keys(_ set: RecordSet, _ context: BenchContext) throws -> [Row] {
            let count = set.count(ofBytes: context.quick ? 16 << 20 : 200 << 20)
            var log = try CompactedLog("\(context.directory)/upkeep-keys", set)
            defer { removeTree(log.measured.path) }
            try log.fillBatches(set, count: count)
            let before = try log.stored()
            let steps = try log.steps { log throws(LogError) in try log.keyCompactStep(KeyCompactionLimits()) }
            let after = try log.stored()
            // The newest of each key, and the record in the newest segment, which is not looked at.
            var newest: [[UInt8]: Int] = [:]
            for index in 0..<count { newest[Array(key: set.key(index % set.count))] = index }
            var expected = RecordDigest()
            for index in newest.values.sorted() + [count] {
                expected.add(key: set.key(index % set.count), data: set.data(index % set.count))
            }
            var row = row("key compaction", ack: "-")
            row.measured(
                records: count, payloadBytes: log.payloadByteCount, seconds: steps.seconds,
                processorSeconds: steps.processorSeconds)
            row.storedBytesPerByte = after.perByte
            row.floorName = FloorName.decompress
            let found = try log.measured.log.digest(level: .durable)
            row.note =
                "\(steps.text); records \(count + 1) before, \(found.count) after (\(newest.count) keys);"
                + " bytes of blocks \(before.byteCount) before, \(after.byteCount) after; before: \(before); after: \(after)"
            row.verified = try found == expected && log.measured.readBack() == expected
            return [row]
        }
    }

    extension [UInt8] {
        fileprivate init(key: RawSpan) {
            self.init()
            reserveCapacity(key.byteCount)
            // Safe because every offset lies inside.
            for at in 0..<key.byteCount { append(unsafe key.unsafeLoad(fromByteOffset: at, as: UInt8.self)) }
        }
    }
#endif
