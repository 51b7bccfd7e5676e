#if Tools
    import Foundation
    import MillraceIO
    import MillraceLog
    import Synchronization

    /// A thousand logs that all take records while readers hold views of them for long: what that takes of memory, descriptors and maps.
    struct ActiveShards: Scenario {
        let name = "active-shards"
        let about = "published: 1,000 shards that take batches of 10 in turn while 64 threads each hold a view for 50 ms; memory, descriptors, maps"

        func run(in context: BenchContext) async throws -> [Row] {
            let set = RecordSet.made(recordByteCount: 100, keyByteCount: 10)
            let path = "\(context.directory)/active"
            defer { removeTree(path) }
            let configuration = LogConfiguration()
            let store = try LogStore(
                at: path, create: true, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(), configuration: configuration)
            let shards = context.quick ? 100 : 1_000
            let logs = try (1...shards).map { try store.createLog(UInt64($0)) }
            let isOver = Atomic<Bool>(false)
            let held = Atomic<Int>(0)
            let refused = Atomic<Int>(0)
            let failure = Mutex<LogError?>(nil)
            let holders = (0..<64).map { number in
                WorkerThread(name: "holder-\(number)") {
                    var at = number
                    while !isOver.load(ordering: .relaxed) {
                        at = (at + 61) % shards
                        let log = logs[at]
                        var cursor = log.cursor(at: log.trimHorizon, level: .published)
                        do throws(LogError) {
                            let count = try cursor.withBatch { batch throws(LogError) in
                                // Held, not copied: the view is the engine's own memory.
                                usleep(50_000)
                                return batch.count
                            }
                            if count != nil { held.add(1, ordering: .relaxed) } else { usleep(1_000) }
                        } catch {
                            guard case .tooManyHeldViews = error else { return failure.withLock { $0 = error } }
                            refused.add(1, ordering: .relaxed)
                            usleep(1_000)
                        }
                    }
                }
            }
            var latency = Latency()
            var at = 0
            var ends = [UInt64](repeating: 0, count: shards)
            var greatest = Usage()
            let processor = processorNanoseconds(), start = nanoseconds()
            let limit: UInt64 = context.quick ? 1_000_000_000 : 8_000_000_000
            var before = start, looked = start
            while before &- start < limit {
                let number = at / 10 % shards
                do throws(LogError) {
                    ends[number] = try logs[number].append(arrival: UInt64(SystemClock().wallNanoseconds() / 1_000_000)) { sink throws(LogError) in
                        for index in at..<at + 10 { try sink.add(key: set.key(index % set.count), data: set.data(index % set.count)) }
                    }.upperBound
                    at += 10
                } catch {
                    guard case .wouldBlock = error else { throw error }
                    // The wait is a part of the call, which is tried again.
                    logs[number].waitForRoom(nanoseconds: 10_000_000)
                    continue
                }
                let now = nanoseconds()
                latency.record(now &- before)
                before = now
                if now &- looked > 500_000_000 {
                    looked = now
                    greatest.take(Usage.now)
                    // Looking is not the engine's work.
                    before = nanoseconds()
                }
            }
            for (log, end) in zip(logs, ends) { try log.wait(.written, below: end) }
            let spent = Double(nanoseconds() &- start) / 1e9
            isOver.store(true, ordering: .relaxed)
            for holder in holders { holder.join() }
            if let failure = failure.withLock({ $0 }) { throw failure }
            var row = Row(engine: "millrace log", scenario: name, ack: "published", codec: "lz4", batch: 10)
            row.detail = "\(set.name), \(shards) shards, 64 view holders"
            row.measured(
                records: at, payloadBytes: set.byteCount(count: at), seconds: spent,
                processorSeconds: Double(processorNanoseconds() - processor) / 1e9)
            latency.fill(&row)
            row.note =
                "at most \(greatest.ownMegabytes) MB of its own resident and \(greatest.mappedMegabytes) MB of files (memory for records \(configuration.memoryByteCount >> 20) MiB, the bench's own"
                + " records \(set.byteCount >> 20) MiB), \(greatest.descriptors) descriptors, \(greatest.maps) maps;"
                + " \(held.load(ordering: .relaxed)) views held, \(refused.load(ordering: .relaxed)) refused"
            try store.close()
            let again = try LogStore(
                at: path, create: false, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(), configuration: configuration)
            var found = RecordDigest.Sum(RecordDigest())
            for number in 1...shards { found.add(try again.log(UInt64(number)).digest(level: .durable)) }
            row.verified = found == RecordDigest.Sum(set.digest(count: at))
            try again.close()
            return [row]
        }

        /// What the process has of the system (proc(5)).
        private struct Usage {
            var ownMegabytes = 0, mappedMegabytes = 0, descriptors = 0, maps = 0

            static var now: Usage {
                let lines = text(of: "/proc/self/status").split(separator: "\n")
                func megabytes(_ name: String) -> Int {
                    (lines.first { $0.hasPrefix(name) }.flatMap { Int($0.filter(\.isNumber)) } ?? 0) * 1024 / 1_000_000
                }
                return Usage(
                    ownMegabytes: megabytes("RssAnon:"), mappedMegabytes: megabytes("RssFile:"),
                    descriptors: (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.count ?? 0,
                    maps: text(of: "/proc/self/maps").utf8.count { $0 == 10 })
            }
            mutating func take(_ other: Usage) {
                ownMegabytes = max(ownMegabytes, other.ownMegabytes)
                mappedMegabytes = max(mappedMegabytes, other.mappedMegabytes)
                descriptors = max(descriptors, other.descriptors)
                maps = max(maps, other.maps)
            }
        }
    }
#endif
