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
            defer { removeTree(path) }
            let run = try UpkeepRun(set, path, keptByteCount: context.quick ? 8 << 20 : 64 << 20)
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

    extension ShardLog {
        fileprivate func newestFileByteCount() throws -> Int {
            guard let newest = segments.segments.last else { return 0 }
            return try newest.use().0.memory.byteCount
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

    /// One log with a producer, in phases with and without upkeep beside it.
    private final class UpkeepRun {
        static let batch = 100
        private static let window = 64

        struct Tally {
            var payloadByteCount = 0
            var seconds = 0.0
            var processorSeconds = 0.0
            var latency = Latency()
            var rate: Double { Double(payloadByteCount) / seconds }
        }

        private let measured: MeasuredLog
        private let set: RecordSet
        private let keptByteCount: Int
        private let keeper: Keeper
        private var count = 0
        private var firstOrdinal: UInt64?
        private var isRight = true
        /// Without and with upkeep.
        private(set) var tallies = [Tally(), Tally()]

        /// Segments are smaller than by default, so that in a few seconds many of them go.
        init(_ set: RecordSet, _ path: String, keptByteCount: Int) throws {
            self.set = set
            self.keptByteCount = keptByteCount
            measured = try MeasuredLog(path) { configuration in
                configuration.greatestSegmentByteCount = 4 << 20
                configuration.leastRecycledByteCount = 2 << 20
            }
            keeper = Keeper(measured.log, keptByteCount: keptByteCount)
        }

        func forgetTallies() { tallies = [Tally(), Tally()] }

        /// - Parameter callsPerSecond: nil for as fast as it goes.
        func phase(_ callsPerSecond: Double?, length: UInt64, hasUpkeep: Bool) throws {
            if hasUpkeep { keeper.start() }
            var tally = tallies[hasUpkeep ? 1 : 0]
            let first = count
            var ends: [UInt64] = []
            let processor = processorNanoseconds()
            let start = nanoseconds()
            var before = start
            var pacer = callsPerSecond.map(Pacer.init(callsPerSecond:))
            while before &- start < length {
                let due = pacer?.next() ?? before
                let range = try measured.append(set, from: count, count: Self.batch)
                firstOrdinal = firstOrdinal ?? range.lowerBound
                count += Self.batch
                ends.append(range.upperBound)
                if ends.count >= Self.window { try measured.log.wait(.written, below: ends[ends.count - Self.window]) }
                before = nanoseconds()
                tally.latency.record(before &- due)
            }
            if let last = ends.last { try measured.log.wait(.written, below: last) }
            tally.seconds += Double(nanoseconds() &- start) / 1e9
            tally.processorSeconds += Double(processorNanoseconds() &- processor) / 1e9
            tally.payloadByteCount += set.byteCount(from: first, count: count - first)
            tallies[hasUpkeep ? 1 : 0] = tally
            if hasUpkeep { try keeper.stop() }
            try settle()
        }

        /// Compares what is left, and lets the log begin the next phase with as much as any other.
        private func settle() throws {
            try measured.log.wait(.durable, below: measured.log.tip(.published))
            isRight = try isRight && check(measured.log)
            while try measured.log.sweep(keeper.retention).isMore {}
        }

        private func check(_ log: ShardLog) throws -> Bool {
            let (first, digest) = try log.remaining(level: .durable)
            guard let first, let firstOrdinal else { return count == 0 }
            let index = Int(first - firstOrdinal)
            return index + digest.count == count && digest == set.digest(from: index, count: digest.count)
        }

        /// Whether all that was left after each phase, and is left after opening the store once more, was as it was put.
        func finish() throws -> Bool {
            try measured.store.close()
            let again = try MeasuredLog(measured.path, create: false) { [measured] in $0 = measured.configuration }
            defer { try? again.store.close() }
            return try isRight && check(again.log)
        }

        var upkeepSummary: String { keeper.summary }
    }

    /// Sweeps a log every 250 ms and compacts it a quarter of the time, each on a thread of its own, as a store does.
    private final class Keeper: Sendable {
        private let log: ShardLog
        let retention: RetentionLimits
        private let isOver = Atomic<Bool>(false)
        private let threads = Guarded<[WorkerThread]>([])
        private let state = Guarded(State())

        private struct State {
            var failure: LogError?
            var sweeps = 0
            var removed = 0
            var recycled = 0
            var steps = 0
            var rawByteCount = 0
            var stepSeconds = 0.0
            var busySweeps = 0
        }

        init(_ log: ShardLog, keptByteCount: Int) {
            self.log = log
            var limits = RetentionLimits()
            limits.keptByteCount = keptByteCount
            retention = limits
        }

        func start() {
            isOver.store(false, ordering: .releasing)
            threads.withLock { threads in
                threads = [
                    WorkerThread(name: "upkeep-sweep") { [self] in repeated { () throws(LogError) in try sweep() } },
                    WorkerThread(name: "upkeep-compact", isBackground: true) { [self] in repeated { () throws(LogError) in try compact() }
                    },
                ]
            }
        }

        /// Waits for a step that is under way.
        func stop() throws {
            isOver.store(true, ordering: .releasing)
            let threads = threads.withLock { threads in
                defer { threads = [] }
                return threads
            }
            for thread in threads { thread.join() }
            if let failure = state.withLock({ $0.failure }) { throw failure }
        }

        /// `body` says how many nanoseconds to rest.
        private func repeated(_ body: () throws(LogError) -> UInt64) {
            do throws(LogError) {
                while !isOver.load(ordering: .acquiring) {
                    let end = try nanoseconds() &+ body()
                    while !isOver.load(ordering: .acquiring), nanoseconds() < end { usleep(2000) }
                }
            } catch {
                state.withLock { $0.failure = $0.failure ?? error }
            }
        }

        private func sweep() throws(LogError) -> UInt64 {
            let outcome = try log.sweep(retention)
            state.withLock { state in
                state.sweeps += 1
                state.removed += outcome.removedSegmentCount
                state.recycled += outcome.recycledSegmentCount
                if outcome.isMore { state.busySweeps += 1 }
            }
            return 250_000_000
        }

        private func compact() throws(LogError) -> UInt64 {
            var limits = CompactionLimits()
            // There is always something to do: more than a store does, where only old records are cold.
            limits.coldBefore = .max
            let start = nanoseconds()
            let outcome = try log.compactStep(limits)
            let spent = nanoseconds() &- start
            switch outcome {
            case .compacted(_, _, _, let raw), .notWorth(let raw):
                state.withLock { state in
                    state.steps += 1
                    state.rawByteCount += raw
                    state.stepSeconds += Double(spent) / 1e9
                }
                return 3 * spent
            case .busy, .nothing: return 10_000_000
            }
        }

        var summary: String {
            let state = state.withLock { $0 }
            return "in all phases \(state.sweeps) sweeps (\(state.busySweeps) found another step at work) removed"
                + " \(state.removed) segments, \(state.recycled) recycled; \(state.steps) steps of HC over"
                + " \(figure(Double(state.rawByteCount) / 1e6)) MB in \(decimal(state.stepSeconds, 1)) s"
        }
    }

    /// A log that is filled, and goes on in a new segment with one record more, so that all the others are sealed.
    private struct CompactedLog {
        let measured: MeasuredLog
        private let set: RecordSet
        /// Of the sealed records.
        private(set) var count = 0
        private(set) var payloadByteCount = 0
        private(set) var expected = RecordDigest()

        struct Steps {
            var count = 0
            var segmentCount = 0
            var rawByteCount = 0
            var seconds = 0.0
            var processorSeconds = 0.0
            var text: String {
                "\(count) steps over \(segmentCount) segments, \(figure(Double(rawByteCount) / 1e6)) MB in"
                    + " \(decimal(seconds, 2)) s"
            }
        }

        /// Bytes of blocks, and of sealed segments' files, for each byte of key and data.
        struct Stored: CustomStringConvertible {
            let byteCount: Int
            let perByte: Double
            let filesPerByte: Double
            let blockCount: Int
            let segmentCount: Int
            var description: String {
                "\(decimal(perByte, 4)) stored bytes a byte (files \(decimal(filesPerByte, 4))), \(blockCount) blocks,"
                    + " \(segmentCount) segments"
            }
        }

        init(_ path: String, _ set: RecordSet) throws {
            self.set = set
            measured = try MeasuredLog(path)
        }

        /// `append` appends some records from the index on and says how many.
        mutating func fill(count: Int, _ append: (MeasuredLog, Int) throws(LogError) -> Int) throws {
            var at = 0
            while at < count { at += try append(measured, at) }
            try measured.log.wait(.durable, below: measured.log.tip(.published))
            measured.log.setSegmentAge(milliseconds: 1)
            usleep(20_000)
            let last = try measured.append(set, at: count % set.count)
            try measured.log.wait(.durable, below: last + 1)
            self.count = count
            payloadByteCount = set.byteCount(count: count)
            expected = set.digest(count: count + 1)
        }

        /// In batches of 500, no more than 64 of them unwritten: so that none is stored raw for want of time.
        mutating func fillBatches(_ set: RecordSet, count: Int) throws {
            var ends: [UInt64] = []
            try fill(count: count) { measured, index throws(LogError) in
                let range = try measured.append(set, from: index, count: min(500, count - index))
                ends.append(range.upperBound)
                if ends.count >= 64 { try measured.log.wait(.written, below: ends[ends.count - 64]) }
                return range.count
            }
        }

        func compact(isHigh: Bool) throws -> Steps {
            var limits = CompactionLimits()
            limits.coldBefore = isHigh ? .max : 0
            return try steps { log throws(LogError) in try log.compactStep(limits) }
        }

        /// Until there is nothing left to do.
        func steps(_ step: (ShardLog) throws(LogError) -> CompactionOutcome) throws -> Steps {
            var steps = Steps()
            let processor = processorNanoseconds()
            let start = nanoseconds()
            for _ in 0..<100_000 {
                switch try step(measured.log) {
                case .compacted(let segments, _, _, let raw):
                    steps.count += 1
                    steps.segmentCount += segments
                    steps.rawByteCount += raw
                case .notWorth(let raw):
                    steps.count += 1
                    steps.rawByteCount += raw
                case .busy: usleep(1000)
                case .nothing:
                    steps.seconds = Double(nanoseconds() &- start) / 1e9
                    steps.processorSeconds = Double(processorNanoseconds() &- processor) / 1e9
                    return steps
                }
            }
            throw BenchError("compaction finds no end")
        }

        func stored() throws -> Stored {
            let blocks = try measured.log.blocks()
            // The newest one's file has room for what is to come.
            var limits = RetentionLimits()
            limits.segmentMilliseconds = 1
            let space = try measured.log.sweep(limits)
            let newest = try measured.log.newestFileByteCount()
            let files = space.keptByteCount - newest
            return Stored(
                byteCount: blocks.byteCount, perByte: Double(blocks.byteCount) / Double(payloadByteCount),
                filesPerByte: Double(files) / Double(payloadByteCount), blockCount: blocks.recordCounts.count,
                segmentCount: measured.log.segmentCount)
        }
    }
#endif
