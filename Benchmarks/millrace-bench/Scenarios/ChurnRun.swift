#if Tools
    import Foundation
    import MillraceIO
    import MillraceLog
    import Synchronization

    /// What has been put into one log, for comparing. Of the producing thread until that has ended.
    private struct PutRecords {
        /// The record of the set with which the log begins.
        let start: Int
        var firstOrdinal: UInt64?
        var count = 0
        /// Of each batch.
        var arrivals: [UInt64] = []
    }

    private struct Sample {
        let seconds: Double
        let logs: (allocatedByteCount: Int, lengthByteCount: Int)
        let poolByteCount: Int
        let segmentCount: Int
        let liveByteCount: Double
        let minimum: Double
        let highMinimum: Double
        var ratio: Double { Double(logs.allocatedByteCount) / minimum }
    }

    /// One run: a producer (the caller's thread), and three threads that sweep, compact and look.
    final class ChurnRun: Sendable {
        let failure = Guarded<LogError?>(nil)
        private let set: RecordSet
        private let logs: [ShardLog]
        private let terms: ChurnTerms
        private let path: String
        private let minimum: Double
        private let high: Double
        private let clock = SystemClock()
        private let isOver = Atomic<Bool>(false)
        private let put: Guarded<[PutRecords]>
        private let samples = Guarded<[Sample]>([])
        private let counts = Guarded(Counts())
        /// Bytes of key and data by when they arrived, in quarters of a second.
        private let arrived = Guarded<[UInt64: Int]>([:])
        private static let quarter: UInt64 = 250

        private struct Counts {
            var payloadByteCount = 0
            var removedSegments = 0
            var recycledSegments = 0
            var mergedSegments = 0
            var jobs = 0
            var jobRawByteCount = 0
            var notWorth = 0
            var busy = 0
            var longestStep = 0.0
            var longestSweep = 0.0
            /// By which the last sweep of each log went.
            var expiredBefore: [UInt64]
            init() { expiredBefore = [UInt64](repeating: 0, count: ChurnTerms.logCount) }
        }

        struct Outcome {
            let seconds: Double
            let processorSeconds: Double
            let latency: Latency
            let deviceByteCount: Int
        }

        init(_ set: RecordSet, _ logs: [ShardLog], _ terms: ChurnTerms, path: String, minimum: Double, high: Double) {
            self.set = set
            self.logs = logs
            self.terms = terms
            self.path = path
            self.minimum = minimum
            self.high = high
            put = Guarded(logs.indices.map { PutRecords(start: $0 * 997 % set.count) })
        }

        var recordCount: Int { put.withLock { $0.reduce(0) { $0 + $1.count } } }
        var payloadByteCount: Int { counts.withLock { $0.payloadByteCount } }

        private var now: UInt64 { UInt64(clock.wallNanoseconds() / 1_000_000) }

        /// Ends when the time is up, or with the first failure.
        func run() -> Outcome {
            for log in logs { log.setSegmentAge(milliseconds: terms.periodMilliseconds / 8) }
            let device = deviceByteCount()
            let processor = processorNanoseconds()
            let start = nanoseconds()
            let threads = [
                WorkerThread(name: "churn-sweep") { [self] in guarded { () throws(LogError) in try sweep() } },
                WorkerThread(name: "churn-compact", isBackground: true) { [self] in guarded { () throws(LogError) in try compact() } },
                WorkerThread(name: "churn-sample") { [self] in sample(since: start) },
            ]
            var latency = Latency()
            guarded { () throws(LogError) in try produce(since: start, &latency) }
            let spent = Double(nanoseconds() &- start) / 1e9
            let used = Double(processorNanoseconds() &- processor) / 1e9
            isOver.store(true, ordering: .releasing)
            for thread in threads { thread.join() }
            return Outcome(
                seconds: spent, processorSeconds: used, latency: latency, deviceByteCount: deviceByteCount() - device)
        }

        private func guarded(_ body: () throws(LogError) -> Void) {
            do throws(LogError) { try body() } catch {
                failure.withLock { $0 = $0 ?? error }
                isOver.store(true, ordering: .releasing)
            }
        }

        /// Waits so long, or until the run is over.
        private func rest(nanoseconds count: UInt64) {
            let end = nanoseconds() &+ count
            while !isOver.load(ordering: .acquiring) {
                let now = nanoseconds()
                if now >= end { return }
                usleep(UInt32(min(end - now, 50_000_000) / 1000 + 1))
            }
        }

        // MARK: What the threads do

        private func produce(since start: UInt64, _ latency: inout Latency) throws(LogError) {
            let callBytes = Double(set.byteCount) / Double(set.count) * Double(ChurnTerms.batch)
            var pacer = Pacer(callsPerSecond: terms.bytesPerSecond / callBytes)
            var number = 0
            while !isOver.load(ordering: .acquiring) {
                let due = pacer.next()
                if due &- start >= UInt64(terms.seconds) * 1_000_000_000 { return }
                let log = logs[number]
                let (first, count) = put.withLock { ($0[number].start, $0[number].count) }
                let at = (first + count) % set.count
                var arrival: UInt64 = 0
                let range = try append(set, at, to: log, &arrival)
                let byteCount = set.byteCount(from: at, count: ChurnTerms.batch)
                put.withLock { put in
                    put[number].firstOrdinal = put[number].firstOrdinal ?? range.lowerBound
                    put[number].count += ChurnTerms.batch
                    // As the log does it: its times never go back.
                    put[number].arrivals.append(max(arrival, put[number].arrivals.last ?? 0))
                }
                arrived.withLock { $0[arrival / Self.quarter, default: 0] += byteCount }
                counts.withLock { $0.payloadByteCount += byteCount }
                try log.wait(.written, below: range.upperBound)
                latency.record(nanoseconds() &- due)
                number = (number + 1) % logs.count
            }
        }

        private func append(
            _ set: RecordSet, _ start: Int, to log: ShardLog, _ arrival: inout UInt64
        ) throws(LogError) -> Range<UInt64> {
            while true {
                arrival = now
                do throws(LogError) {
                    return try log.append(arrival: arrival) { sink throws(LogError) in
                        var at = start
                        for _ in 0..<ChurnTerms.batch {
                            try sink.add(key: set.key(at), data: set.data(at))
                            at += 1
                            if at == set.count { at = 0 }
                        }
                    }
                } catch {
                    guard case .wouldBlock = error else { throw error }
                    log.waitForRoom(nanoseconds: 10_000_000)
                }
            }
        }

        private func sweep() throws(LogError) {
            while !isOver.load(ordering: .acquiring) {
                let start = nanoseconds()
                for (number, log) in logs.enumerated() {
                    let limits = terms.retention(at: now)
                    let outcome = try log.sweep(limits)
                    counts.withLock { counts in
                        counts.removedSegments += outcome.removedSegmentCount
                        counts.recycledSegments += outcome.recycledSegmentCount
                        counts.expiredBefore[number] = max(counts.expiredBefore[number], limits.expiredBefore)
                    }
                }
                let spent = nanoseconds() &- start
                counts.withLock { $0.longestSweep = max($0.longestSweep, Double(spent) / 1e9) }
                let whole = UInt64(ChurnTerms.sweepMilliseconds) * 1_000_000
                if spent < whole { rest(nanoseconds: whole - spent) }
            }
        }

        /// As the store's service: one job of the first log that has any, with rests as the pace says. Where there was
        /// nothing to do it looks again as often as sweeps do.
        private func compact() throws(LogError) {
            while !isOver.load(ordering: .acquiring) {
                let pace = StepPace(clock: SystemClock(), processors: .system) { [self] nanoseconds in
                    rest(nanoseconds: UInt64(nanoseconds))
                    return !isOver.load(ordering: .acquiring)
                }
                let start = nanoseconds()
                var hasWorked = false
                step: for log in logs {
                    switch try log.compactStep(terms.compaction(at: now), pace: pace) {
                    case .compacted(let segments, _, _, let raw):
                        counts.withLock { counts in
                            counts.jobs += 1
                            counts.mergedSegments += segments
                            counts.jobRawByteCount += raw
                        }
                        hasWorked = true
                        break step
                    case .notWorth:
                        counts.withLock { $0.notWorth += 1 }
                        hasWorked = true
                    case .busy: counts.withLock { $0.busy += 1 }
                    case .nothing: break
                    }
                }
                let worked = Double(nanoseconds() &- start) / 1e9 - Double(pace.restedNanoseconds) / 1e9
                if hasWorked { counts.withLock { $0.longestStep = max($0.longestStep, worked) } }
                rest(
                    nanoseconds: hasWorked
                        ? UInt64(max(pace.owedNanoseconds(), 1_000_000))
                        : UInt64(ChurnTerms.sweepMilliseconds) * 1_000_000)
            }
        }

        private func sample(since start: UInt64) {
            var count: UInt64 = 0
            while !isOver.load(ordering: .acquiring) {
                count += 1
                let due = start &+ count * 1_000_000_000
                let now = nanoseconds()
                if due > now { rest(nanoseconds: due - now) }
                if isOver.load(ordering: .acquiring) { return }
                let live = liveByteCount()
                let sample = Sample(
                    seconds: Double(nanoseconds() &- start) / 1e9, logs: space(under: "\(path)/\(FileNames.logs)"),
                    poolByteCount: space(under: "\(path)/\(FileNames.pool)").allocatedByteCount,
                    segmentCount: logs.reduce(0) { $0 + $1.segmentCount }, liveByteCount: live,
                    minimum: live * minimum, highMinimum: live * high)
                samples.withLock { $0.append(sample) }
                if count % 60 == 0 {
                    let text =
                        "\(count) s: \(figure(Double(sample.logs.allocatedByteCount) / 1e6)) MB in the logs, "
                        + "\(decimal(sample.ratio, 2)) of the minimum\n"
                    FileHandle.standardError.write(Data(text.utf8))
                }
            }
        }

        /// Key and data of what arrived within the period. Of the quarter in which the period begins the part that is in it.
        private func liveByteCount() -> Double {
            let horizon = now - terms.periodMilliseconds
            let first = horizon / Self.quarter
            return arrived.withLock { arrived in
                for quarter in arrived.keys where quarter < first { arrived[quarter] = nil }
                var sum = 0.0
                for (quarter, byteCount) in arrived {
                    let isPart = quarter == first
                    sum += Double(byteCount) * (isPart ? 1 - Double(horizon % Self.quarter) / Double(Self.quarter) : 1)
                }
                return sum
            }
        }

        // MARK: What came of it

        /// What is wrong with what the log shows: it is to begin at its horizon, with every record from there on, in order, and
        /// nothing in front of it may be younger than the period. Empty when all is well.
        func check(_ number: Int, _ log: ShardLog) throws(LogError) -> [String] {
            let put = put.withLock { $0[number] }
            let expiredBefore = counts.withLock { $0.expiredBefore[number] }
            guard let firstPut = put.firstOrdinal else { return [] }
            let horizon = max(log.trimHorizon, firstPut)
            let (first, digest) = try log.remaining(level: .durable)
            guard let first else {
                return put.arrivals.last! < expiredBefore ? [] : ["nothing is left of \(put.count) records"]
            }
            if first != horizon { return ["it begins at \(first), its horizon is \(horizon)"] }
            let index = Int(first - firstPut)
            var problems: [String] = []
            if digest.count != put.count - index {
                problems.append("\(digest.count) records from the \(index)th on, \(put.count) were put")
            } else if digest != set.digest(from: put.start + index, count: digest.count) {
                problems.append("other records than were put, from the \(index)th on")
            }
            if index > 0, put.arrivals[(index - 1) / ChurnTerms.batch] >= expiredBefore {
                problems.append("the \(index - 1)th record is gone before its time")
            }
            if index == 0, put.arrivals[0] + terms.periodMilliseconds < expiredBefore {
                problems.append("nothing has gone, though the period was over long before the end")
            }
            return problems
        }

        /// The samples, comma-separated, with a comment in the first line.
        func table(_ comment: String) -> String {
            var text = "# \(comment); rate=\(terms.bytesPerSecond) B/s seconds=\(terms.seconds)"
            text += " period=\(terms.periodMilliseconds) ms logs=\(ChurnTerms.logCount) batch=\(ChurnTerms.batch)"
            text += " lz4=\(decimal(minimum, 4)) lz4hc=\(decimal(high, 4)) stored bytes for each of the records\n"
            text += "seconds,logs_allocated,logs_length,pool_allocated,segments,live_raw,minimum,minimum_hc,ratio\n"
            for sample in samples.withLock({ $0 }) {
                text +=
                    "\(decimal(sample.seconds, 3)),\(sample.logs.allocatedByteCount),\(sample.logs.lengthByteCount),"
                text += "\(sample.poolByteCount),\(sample.segmentCount),\(decimal(sample.liveByteCount, 0)),"
                text += "\(decimal(sample.minimum, 0)),\(decimal(sample.highMinimum, 0)),\(decimal(sample.ratio, 4))\n"
            }
            return text
        }

        /// In words; the median of space over minimum, after two periods, goes into the row.
        func summary(into row: inout Row) -> String {
            let settled = samples.withLock { $0 }
                .filter { $0.seconds * 1000 >= Double(2 * terms.periodMilliseconds) && $0.minimum > 0 }
            let counts = counts.withLock { $0 }
            var text = "no samples after two periods"
            if !settled.isEmpty {
                let middle = median(settled.map(\.ratio))
                row.storedBytesPerByte = middle
                row.bounded(by: "bare LZ4 of live", storedBytesPerByte: 1, ratio: 1 / middle)
                let lengths = median(settled.map { Double($0.logs.lengthByteCount) / $0.minimum })
                let highs = median(settled.map { Double($0.logs.allocatedByteCount) / $0.highMinimum })
                let pools = settled.map { Double($0.poolByteCount) / 1e6 }
                text =
                    "space in the logs over bare LZ4 of live records: median \(decimal(middle, 3)),"
                    + " greatest \(decimal(settled.map(\.ratio).max()!, 3)); by lengths of files \(decimal(lengths, 3)),"
                    + " over bare LZ4 HC \(decimal(highs, 3));"
                    + " \(figure(median(settled.map { Double($0.logs.allocatedByteCount) }) / 1e6)) MB in logs,"
                    + " \(figure(median(pools))) MB in the pool (at most \(figure(pools.max()!))),"
                    + " \(figure(median(settled.map { Double($0.segmentCount) }))) segments"
            }
            return text + "; \(counts.removedSegments) segments removed, \(counts.recycledSegments) of them recycled,"
                + " \(counts.mergedSegments) compacted into \(counts.jobs) (\(figure(Double(counts.jobRawByteCount) / 1e6)) MB of"
                + " records), \(counts.notWorth) not worth it, \(counts.busy) times busy; longest sweep"
                + " \(decimal(counts.longestSweep * 1000, 0)) ms, longest step \(decimal(counts.longestStep * 1000, 0)) ms"
        }
    }
#endif
