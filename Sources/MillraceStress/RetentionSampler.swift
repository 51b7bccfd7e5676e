#if Tools
    import Dispatch
    import Foundation
    import MillraceIO
    import MillraceTestKit
    import Synchronization

    /// Shows once a second how a retention run goes, and keeps the series. One thread samples; the result may be asked for from any.
    final class RetentionSampler: Sendable {
        /// One store: where it is, and what was put into it.
        struct Place: Sendable {
            let path: String
            let board: RetentionBoard
        }
        private struct State {
            var before = (records: 0, reads: 0, bytes: 0, seconds: 0.0)
            var latencies = LatencyCounts()
            var greatestAmplification = 0.0
            var greatestByteCount = 0
        }
        /// Whole lines of one length, so that the end's time takes the place of this one.
        private static let running = "(running)           "
        private static let endLabel = "# ended "

        private let control: SoakControl
        private let tally: RetentionTally
        private let places: [Place]
        private let started = DispatchTime.now().uptimeNanoseconds
        private let state = Guarded(State())
        private let csv: Foundation.FileHandle?
        private let endPlace: UInt64

        init(_ control: SoakControl, _ tally: RetentionTally, _ places: [Place], seed: UInt64, csv path: String?) throws {
            self.control = control
            self.tally = tally
            self.places = places
            guard let path else {
                csv = nil
                endPlace = 0
                return
            }
            guard FileManager.default.createFile(atPath: path, contents: nil),
                let file = Foundation.FileHandle(forWritingAtPath: path)
            else { throw StressError("\(path) cannot be written") }
            csv = file
            let head = "# started \(Self.time())\n"
            endPlace = UInt64(head.utf8.count + Self.endLabel.utf8.count)
            let names =
                "seconds,records_put,records_read,put_mb_per_second,durable_p99_us,segments,pooled,retired,disk_mb,inside_mb,"
                + "amplification,compactions,reshards,kills,full"
            file.write(Data("\(head)\(Self.endLabel)\(Self.running)\n# seed \(seed)\n\(names)\n".utf8))
        }

        /// ISO 8601, twenty characters.
        private static func time() -> String { ISO8601DateFormatter().string(from: Date()) }

        var seconds: Double { Double(DispatchTime.now().uptimeNanoseconds - started) / 1e9 }
        var latencies: LatencyCounts { state.withLock { $0.latencies } }
        var greatest: (amplification: Double, byteCount: Int) { state.withLock { ($0.greatestAmplification, $0.greatestByteCount) } }

        /// Takes a sample and shows it. The files of each store.
        func sample(isFull: Bool) -> [StoreFiles] {
            let files = places.map { StoreFiles(under: $0.path) }
            let inside = places.reduce(0) { $0 + $1.board.byteCount(since: $1.board.horizonMilliseconds) }
            let disk = files.reduce(0) { $0 + $1.byteCount }
            let amplification = inside > 0 ? Double(disk) / Double(inside) : 0
            let taken = control.takeLatency()
            let now = seconds
            let records = control.recordCount.load(ordering: .relaxed), reads = control.readCount.load(ordering: .relaxed)
            let bytes = control.byteCount.load(ordering: .relaxed)
            let rate = state.withLock { state in
                state.latencies.add(taken)
                // Before the first period is over there is little inside, and files have a least size.
                if now > 10 { state.greatestAmplification = max(state.greatestAmplification, amplification) }
                state.greatestByteCount = max(state.greatestByteCount, disk)
                defer { state.before = (records, reads, bytes, now) }
                return (
                    records: records - state.before.records, reads: reads - state.before.reads,
                    megabytes: Double(bytes - state.before.bytes) / 1e6 / max(now - state.before.seconds, 0.001)
                )
            }
            let segments = files.reduce(0) { $0 + $1.segmentCount }, spares = files.reduce(0) { $0 + $1.spareCount }
            let p99 = taken.percentile(99) / 1000
            csv?.write(
                Data(
                    """
                    \(fixed(now)),\(rate.records),\(rate.reads),\(fixed(rate.megabytes)),\(p99),\(segments),\(spares),\(tally[.retired]),\
                    \(fixed(Double(disk) / 1e6)),\(fixed(Double(inside) / 1e6)),\(fixed(amplification)),\(tally[.compaction]),\
                    \(tally[.reshard]),\(tally[.kill]),\(isFull ? 1 : 0)\n
                    """.utf8))
            let line =
                "\(Int(now)) s: \(rate.records) put, \(rate.reads) read, \(fixed(rate.megabytes)) MB/s, p99 of durable \(p99) us, "
                + "segments \(segments) live, \(spares) pooled, \(tally[.retired]) retired, disk \(disk / 1_000_000) MB = "
                + "\(fixed(amplification)) x inside, \(tally[.reshard]) reshards, \(tally[.kill]) kills\(isFull ? ", disk full" : "")\n"
            Foundation.FileHandle.standardError.write(Data(line.utf8))
            return files
        }

        /// Puts down when the run ended.
        func end() {
            guard let csv else { return }
            try? csv.seek(toOffset: endPlace)
            csv.write(Data(Self.time().utf8))
            try? csv.close()
        }

        private func fixed(_ value: Double) -> String { String(format: "%.2f", value) }
    }
#endif
