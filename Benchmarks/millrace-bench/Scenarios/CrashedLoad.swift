#if Tools
    import ArgumentParser
    import Foundation
    import Millrace
    import MillraceIO
    import MillraceModel
    import Synchronization

    /// The same load by a process of its own, which is killed. Before each line that it prints the records in it were acknowledged, so every
    /// one of them must be there afterwards, and whatever else is there must be what it was to put next.
    struct CrashedLoad {
        private let context: BenchContext
        private let path: String
        private let seconds: Double

        init(_ context: BenchContext, _ path: String, seconds: Double) {
            self.context = context
            self.path = path
            self.seconds = seconds
        }

        func run() async throws -> Row {
            let load = context.options.load
            guard load.ack != "published" else { throw BenchError("--crash-at needs --ack written or durable: what is published dies with its process") }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            process.arguments =
                [
                    "load-writer", "--flights", context.options.flights, "--dir", path, "--batch", "\(load.batch)", "--producers",
                    "\(load.producers)", "--shards", "\(load.shards)", "--ack", load.ack, "--codec", load.codec, "--seed", "\(load.seed)",
                    "--seconds", "\(Int(seconds) + 60)",
                ] + (load.recordBytes.map { ["--record-bytes", "\($0)"] } ?? []) + (context.options.rate.map { ["--rate", "\($0)"] } ?? [])
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            // The kill comes while the pipe is read, however full it is.
            let pid = process.processIdentifier, nanoseconds = UInt64(seconds * 1e9)
            let killer = WorkerThread(name: "bench-kill") {
                usleep(UInt32(clamping: nanoseconds / 1000))
                kill(pid, SIGKILL)
            }
            var acknowledged: [Int: Int] = [:]
            let output = pipe.fileHandleForReading.readDataToEndOfFile()
            killer.join()
            process.waitUntilExit()
            // A line without its end was not printed.
            let lines = String(decoding: output, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            for line in lines {
                let numbers = line.split(separator: " ").compactMap { Int($0) }
                guard numbers.count == 2 else { throw BenchError("the writer said: \(line)") }
                acknowledged[numbers[0]] = max(acknowledged[numbers[0]] ?? 0, numbers[1])
            }
            return try await judge(acknowledged)
        }

        private func judge(_ acknowledged: [Int: Int]) async throws -> Row {
            let load = context.options.load
            let work = try LoadWork(context.options, context.flights, seconds: seconds)
            let start = nanoseconds()
            let store = try await StreamStore.open(at: path, configuration: work.configuration)
            let opened = nanoseconds()
            var found: [RecordDigest: Int] = [:]
            var count = 0
            for shard in try store.stream("load").shards {
                var cursor = try shard.cursorBlocking(at: .trimHorizon, level: .durable)
                while true {
                    let more: Bool? = try cursor.withBatch { batch throws(KinesisError) in
                        while let record = batch.next() {
                            var one = RecordDigest()
                            one.add(key: record.partitionKey, data: record.data)
                            found[one, default: 0] += 1
                            count += 1
                        }
                        return true
                    }
                    if more == nil { break }
                }
            }
            try await store.close()
            var missing = 0, told = 0
            let set = work.set
            for (producer, end) in acknowledged {
                told += end
                let first = work.start(of: producer)
                for index in 0..<end {
                    let at = (first + index) % set.count
                    var one = RecordDigest()
                    one.add(key: set.key(at), data: set.data(at))
                    if let left = found[one], left > 0 { found[one] = left - 1 } else { missing += 1 }
                }
            }
            // Behind what a producer was told of, one call may have come through.
            let rest = count - (told - missing)
            var row = Row(
                engine: "millrace", scenario: "load", ack: load.ack == "durable" ? "durable (group)" : load.ack, codec: load.codec,
                batch: load.batch)
            row.detail = "\(work.set.name), \(load.producers) producers, \(load.shards) shards, killed after \(decimal(seconds, 1)) s"
            row.measured(records: told, payloadBytes: work.set.byteCount(count: told), seconds: seconds)
            row.note =
                "\(told) records were acknowledged, \(missing) of them are missing, \(rest) more are there; reopened in"
                + " \(decimal(Double(opened &- start) / 1e6, 1)) ms"
            row.verified = missing == 0 && told > 0 && rest <= load.producers * load.batch * 2
            return row
        }
    }

    extension RecordDigest: Hashable {
        func hash(into hasher: inout Hasher) { hasher.combine(unordered) }
    }

    /// The process that is killed: prints, for each call that returned, a producer and how many of its records are acknowledged.
    struct LoadWriterCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "load-writer", abstract: "Part of `load --crash-at`.", shouldDisplay: false)
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let work = try LoadWork(common, try Flights(path: common.flights), seconds: Double(common.seconds ?? 60))
            let store = try await StreamStore.open(at: common.dir, configuration: work.configuration)
            let stream = try await store.createStream("load", shards: common.load.shards, ack: work.ack)
            _ = try work.run(stream) { producer, count in
                FileHandle.standardOutput.write(Data("\(producer) \(count)\n".utf8))
            }
            try await store.close()
        }
    }
#endif
