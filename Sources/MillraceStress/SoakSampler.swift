#if Tools
    import Foundation
    import MillraceIO
    import MillraceLog
    import MillraceTestKit
    import Synchronization

    /// Takes a sample a second of what the process holds and does, and one whenever the store is let go. A class because the
    /// sampling thread and the run share it.
    final class SoakSampler: Sendable {
        private struct State {
            var engine: LogStore?
            var directory = ""
            var rest: [SoakBounds.Sample] = []
            var running: [SoakBounds.Sample] = []
            var greatestArena = 0
            var greatestDisk = 0
            var disk = 0
            var before = (records: 0, bytes: 0, reads: 0, seconds: 0.0)
            var latencies = LatencyCounts()
        }
        private let control: SoakControl
        private let started = DispatchTime.now().uptimeNanoseconds
        private let state = Guarded(State())
        private let csv: Foundation.FileHandle?

        /// - Parameter csv: where the series goes, a line a second; nil for nowhere.
        init(_ control: SoakControl, csv path: String?) throws {
            self.control = control
            guard let path else {
                csv = nil
                return
            }
            guard FileManager.default.createFile(atPath: path, contents: nil),
                let file = Foundation.FileHandle(forWritingAtPath: path)
            else { throw StressError("\(path) cannot be written") }
            csv = file
            let names = "seconds,state,records,mb_per_second,read_records,durable_p99_us,own_mb,arena_mb,page_cache_mb"
            file.write(Data("\(names),descriptors,maps,disk_mb\n".utf8))
        }

        var seconds: Double { Double(DispatchTime.now().uptimeNanoseconds - started) / 1e9 }

        /// The store to look at from now on; nil while there is none.
        func watch(_ engine: LogStore?, in directory: String) {
            state.withLock {
                $0.engine = engine
                $0.directory = directory
            }
        }

        /// Bytes on the device of the store that is watched, as of a moment ago.
        var storeByteCount: Int { state.withLock { $0.disk } }

        func measureStore() {
            let directory = state.withLock { $0.directory }
            let disk = StoreFiles(under: directory).byteCount
            state.withLock { $0.disk = disk }
        }

        /// Samples of the times without a store: what the process keeps.
        var atRest: [SoakBounds.Sample] { state.withLock { $0.rest } }
        /// Samples of the times with one, without the memory for records.
        var running: [SoakBounds.Sample] { state.withLock { $0.running } }
        var greatestArenaByteCount: Int { state.withLock { $0.greatestArena } }
        var greatestDiskByteCount: Int { state.withLock { $0.greatestDisk } }
        var latency: LatencyCounts { state.withLock { $0.latencies } }

        /// Takes a sample; its line for people. `isAtRest` when the store is let go for certain.
        @discardableResult
        func sample(isAtRest: Bool = false) -> String {
            let process = ProcessSample.now()
            let taken = control.takeLatency()
            let now = seconds
            return state.withLock { state in
                let arena = state.engine?.residentByteCount ?? 0
                let disk = state.disk
                let sample = SoakBounds.Sample(
                    seconds: now, memoryByteCount: process.anonymousByteCount - arena,
                    descriptorCount: process.descriptorCount, mapCount: process.mapCount)
                if isAtRest {
                    state.rest.append(sample)
                } else if state.engine != nil {
                    state.running.append(sample)
                }
                state.greatestArena = max(state.greatestArena, arena)
                state.greatestDisk = max(state.greatestDisk, disk)
                state.latencies.add(taken)
                let records = control.recordCount.load(ordering: .relaxed)
                let bytes = control.byteCount.load(ordering: .relaxed)
                let reads = control.readCount.load(ordering: .relaxed)
                let time = max(now - state.before.seconds, 0.001)
                let rate = Double(bytes - state.before.bytes) / 1e6 / time
                csv?.write(
                    Data(
                        """
                        \(fixed(now)),\(isAtRest ? "rest" : state.engine == nil ? "none" : "open"),\(records - state.before.records),\(fixed(rate)),\
                        \(reads - state.before.reads),\(taken.percentile(99) / 1000),\(megabytes(sample.memoryByteCount)),\
                        \(megabytes(arena)),\(megabytes(process.fileByteCount)),\(process.descriptorCount),\(process.mapCount),\
                        \(megabytes(disk))\n
                        """.utf8))
                state.before = (records, bytes, reads, now)
                return
                    "\(fixed(rate)) MB/s, p99 of durable \(taken.percentile(99) / 1000) us, own \(megabytes(sample.memoryByteCount)) MB, "
                    + "arena \(megabytes(arena)) MB, \(process.descriptorCount) descriptors, \(process.mapCount) maps, disk \(megabytes(disk)) MB"
            }
        }

        private func megabytes(_ count: Int) -> String { fixed(Double(count) / 1e6) }
        private func fixed(_ value: Double) -> String { String(format: "%.2f", value) }
    }
#endif
