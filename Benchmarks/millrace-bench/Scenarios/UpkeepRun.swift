#if Tools
    import Foundation
    import MillraceIO
    import MillraceLog
    import Synchronization

    /// One log with a producer, in phases with and without upkeep beside it: sweeps of that log, and compaction of another one, which is cold.
    final class UpkeepRun {
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
        private let cold: CompactedLog
        private let keeper: Keeper
        private var count = 0
        private var firstOrdinal: UInt64?
        private var isRight = true
        /// Without and with upkeep.
        private(set) var tallies = [Tally(), Tally()]

        /// Segments are smaller than by default, so that in a few seconds many of them go.
        init(_ set: RecordSet, _ path: String, keptByteCount: Int, coldByteCount: Int) throws {
            self.set = set
            self.keptByteCount = keptByteCount
            measured = try MeasuredLog(path) { configuration in
                configuration.greatestSegmentByteCount = 4 << 20
                configuration.leastRecycledByteCount = 2 << 20
            }
            var cold = try CompactedLog(path + "-cold", set)
            try cold.fillBatches(set, count: set.count(ofBytes: coldByteCount))
            self.cold = cold
            keeper = Keeper(measured.log, cold: cold.measured.log, keptByteCount: keptByteCount)
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
            return try isRight && check(again.log) && cold.measured.readBack() == cold.expected
        }

        var upkeepSummary: String { keeper.summary }
    }

    /// Sweeps a log every 250 ms and compacts another one a quarter of the time, each on a thread of its own, as a store does.
    final class Keeper: Sendable {
        private let log: ShardLog
        private let cold: ShardLog
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
            var idleSteps = 0
        }

        init(_ log: ShardLog, cold: ShardLog, keptByteCount: Int) {
            self.log = log
            self.cold = cold
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
                while !isOver.load(ordering: .acquiring) { try rest(body()) }
            } catch {
                state.withLock { $0.failure = $0.failure ?? error }
            }
        }

        private func rest(_ length: UInt64) {
            let start = nanoseconds()
            while !isOver.load(ordering: .acquiring), case let rested = nanoseconds() &- start, rested < length {
                usleep(UInt32(min(2000, (length - rested) / 1000 + 1)))
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
            limits.coldBefore = .max
            let pace = StepPace(clock: SystemClock(), processors: .system) { [self] nanoseconds in
                rest(UInt64(nanoseconds))
                return !isOver.load(ordering: .acquiring)
            }
            let start = nanoseconds()
            let outcome = try cold.compactStep(limits, pace: pace)
            let worked = Double(nanoseconds() &- start) / 1e9 - Double(pace.restedNanoseconds) / 1e9
            switch outcome {
            case .compacted(_, _, _, let raw), .notWorth(let raw):
                state.withLock { state in
                    state.steps += 1
                    state.rawByteCount += raw
                    state.stepSeconds += worked
                }
                return UInt64(pace.owedNanoseconds())
            case .busy, .nothing:
                state.withLock { $0.idleSteps += 1 }
                return 10_000_000
            }
        }

        var summary: String {
            let state = state.withLock { $0 }
            return "in all phases \(state.sweeps) sweeps (\(state.busySweeps) not whole) removed"
                + " \(state.removed) segments, \(state.recycled) recycled; \(state.steps) steps of HC over"
                + " \(figure(Double(state.rawByteCount) / 1e6)) MB in \(decimal(state.stepSeconds, 1)) s, \(state.idleSteps) found nothing to do"
        }
    }
#endif
