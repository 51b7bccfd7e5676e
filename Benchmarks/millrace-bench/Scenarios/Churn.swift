#if Tools
    import Foundation
    import MillraceIO
    import MillraceLog
    import Synchronization

    /// What a store takes on the disk while records come at a fixed rate and go when their time is up, beside the least that
    /// LZ4 would need for those that are alive.
    struct Churn: Scenario {
        let name = "churn"
        let about =
            "half an hour: 4 logs at a fixed rate, records expire after a minute; their space against LZ4 of the live ones"
        let isLong = true

        /// Of this process, of paths the last part alone: where they lie is nobody's business.
        private static var arguments: String {
            CommandLine.arguments.dropFirst().map { $0.split(separator: "/").last.map(String.init) ?? $0 }.joined(separator: " ")
        }

        func run(in context: BenchContext) async throws -> [Row] {
            let set = RecordSet(context.flights)
            let floor = try LZ4Floor(set)
            let high = try LZ4HighFloor(set)
            let path = "\(context.directory)/churn"
            defer { removeTree(path) }
            let terms = ChurnTerms(context)
            let store = try Self.open(path, create: true)
            let logs = try (1...ChurnTerms.logCount).map { number throws(LogError) in
                try store.createLog(UInt64(number))
            }
            let run = ChurnRun(
                set, logs, terms, path: path, minimum: floor.storedBytesPerByte, high: high.storedBytesPerByte)
            let startTime = Date()
            let outcome = run.run()
            if let csv = context.csv {
                let text = run.table(
                    "start=\(startTime.formatted(.iso8601)) end=\(Date().formatted(.iso8601)) commit=\(context.commit)"
                        + " flights=\(context.flights.count) records; \(Self.arguments)"
                )
                try text.write(toFile: csv, atomically: true, encoding: .utf8)
            }
            if let failure = run.failure.withLock({ $0 }) { throw failure }

            var problems: [String] = []
            for number in logs.indices {
                try logs[number].wait(.durable, below: logs[number].tip(.published))
                problems += try run.check(number, logs[number]).map { "log \(number + 1): \($0)" }
            }
            try store.close()
            let again = try Self.open(path, create: false)
            for number in logs.indices {
                problems += try run.check(number, again.log(UInt64(number + 1))).map {
                    "log \(number + 1), reopened: \($0)"
                }
            }
            try again.close()

            var row = Row(engine: "millrace log", scenario: name, ack: "written", codec: "lz4", batch: ChurnTerms.batch)
            row.detail = "\(ChurnTerms.logCount) logs, period \(terms.periodMilliseconds / 1000) s"
            row.measured(
                records: run.recordCount, payloadBytes: run.payloadByteCount, seconds: outcome.seconds,
                processorSeconds: outcome.processorSeconds)
            outcome.latency.fill(&row)
            row.writtenBytesPerByte = Double(outcome.deviceByteCount) / Double(max(1, run.payloadByteCount))
            row.note = run.summary(into: &row)
            for problem in problems { row.note! += "; WRONG: \(problem)" }
            row.verified = problems.isEmpty
            return [row]
        }

        private static func open(_ path: String, create: Bool) throws(LogError) -> LogStore {
            try LogStore(at: path, create: create, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy())
        }
    }

    /// The amounts and times of a run.
    struct ChurnTerms: Sendable {
        static let logCount = 4
        static let batch = 100
        static let sweepMilliseconds = 250

        let bytesPerSecond: Double
        let seconds: Int
        /// How long a record stays.
        let periodMilliseconds: UInt64

        init(_ context: BenchContext) {
            bytesPerSecond = context.bytesPerSecond ?? 8e6
            seconds = context.seconds ?? (context.quick ? 60 : 1800)
            periodMilliseconds = context.quick ? 10_000 : 60_000
        }

        func retention(at now: UInt64) -> RetentionLimits {
            var limits = RetentionLimits()
            limits.expiredBefore = now - min(now, periodMilliseconds)
            limits.segmentMilliseconds = periodMilliseconds / 8
            return limits
        }

        /// As the store's own service has it, but that records are cold after a quarter of the period.
        func compaction(at now: UInt64) -> CompactionLimits {
            var limits = CompactionLimits()
            limits.coldBefore = now - min(now, periodMilliseconds / 4)
            limits.expiringBefore = now - min(now, periodMilliseconds) + periodMilliseconds / 8
            return limits
        }
    }
#endif
