#if Tools
    import Foundation
    import Millrace
    import MillraceModel

    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// What many streams cost that nobody uses: how long the store takes to open, and how much memory it has then.
    struct ManyStreams: Scenario {
        let name = "many-streams"
        let about = "a store of 1,000 streams of 10 shards that nobody uses: making, opening, memory, wake-ups, disk"
        private static let idleSeconds = 3

        func run(in context: BenchContext) async throws -> [Row] {
            let (streams, shards) = (context.quick ? 100 : 1_000, 10)
            let path = "\(context.directory)/many-streams"
            defer { removeTree(path) }
            let start = nanoseconds()
            let store = try await StreamStore.open(at: path)
            for number in 0..<streams { _ = try await store.createStream("stream-\(number)", shards: shards) }
            let made = nanoseconds()
            try await store.close()

            let before = Self.residentKilobytes()
            let closed = nanoseconds()
            let again = try await StreamStore.open(at: path)
            let opened = nanoseconds()
            let resident = Self.residentKilobytes()
            let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.count ?? 0
            let names = again.listStreams().count
            let switches = Self.voluntarySwitches()
            // What is due once after an opening counts, too.
            try await Task.sleep(nanoseconds: UInt64(Self.idleSeconds) * 1_000_000_000)
            let wakeUps = Self.voluntarySwitches() - switches
            let woken = nanoseconds()
            let first = try await again.stream("stream-0").put("x", partitionKey: "k")
            let put = nanoseconds() - (woken - opened)
            let diskKilobytes = Self.diskKilobytes(path)
            func row(_ what: String, _ spent: UInt64, _ note: String) -> Row {
                var row = Row(engine: "millrace streams", scenario: name, ack: "durable")
                row.detail = "\(streams) streams of \(shards) shards, \(what)"
                row.measured(records: streams, payloadBytes: 0, seconds: Double(spent) / 1e9)
                row.p50 = Double(spent)
                row.note = note
                row.verified = names == streams && first.shardID.index < UInt32(shards)
                return row
            }
            let milliseconds = { (spent: UInt64) in decimal(Double(spent) / 1e6, 1) + " ms" }
            let rows = [
                row("made one after the other", made - start, milliseconds(made - start)),
                row(
                    "opened", opened - closed,
                    "\(milliseconds(opened - closed)); resident \(resident) KiB, \(before) KiB before; \(descriptors) descriptors;"
                        + " \(wakeUps) wake-ups in \(Self.idleSeconds) s; \(diskKilobytes) KiB on disk in all"),
                row("opened and one durable record", put - closed, milliseconds(put - closed)),
            ]
            try await again.close()
            return rows
        }

        /// Of all threads of the process: how often one went to sleep.
        private static func voluntarySwitches() -> Int {
            var usage = rusage()
            #if canImport(Glibc)
                let process = Int32(RUSAGE_SELF.rawValue)
            #else
                let process = RUSAGE_SELF
            #endif
            // Safe because the structure outlives the call.
            unsafe getrusage(process, &usage)
            return usage.ru_nvcsw
        }

        private static func diskKilobytes(_ path: String) -> Int {
            var sum = 0
            for name in FileManager.default.enumerator(atPath: path)?.compactMap({ $0 as? String }) ?? [] {
                var status = stat()
                if unsafe stat("\(path)/\(name)", &status) == 0 { sum += Int(status.st_blocks) / 2 }
            }
            return sum
        }

        private static func residentKilobytes() -> Int {
            let line = text(of: "/proc/self/status").split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
        }
    }
#endif
