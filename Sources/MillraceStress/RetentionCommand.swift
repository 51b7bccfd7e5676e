#if Tools
    import ArgumentParser
    import MillraceIO
    import MillraceTestKit

    /// Works stores that forget after seconds, tries everything at once that may go wrong then, and checks every record read.
    struct RetentionCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retention",
            abstract: "Puts and reads for long while records expire, segments are merged, shards come and go, the disk fills, and writers die.",
            discussion: """
                Three stores at once: logs that keep records for seconds; a stream whose day passes in seconds, split and merged, swept, \
                compacted and backed up all the time; and a store whose writer is killed again and again. Every record's bytes follow from \
                the seed, and every record read is compared with them, in its order: nothing may be missing that is young enough, no gap may \
                be there that was not declared, no horizon may go back, and no log may take more room than docs/HACKING.md says. On a file system \
                of up to 1 GiB the full disk is a real one, elsewhere calls fail. The seed decides what is drawn, not what the scheduler does.
                """)
        @OptionGroup var options: StressOptions
        @Option(help: "How long to go on, in hours, in place of --seconds.")
        var hours: Int?
        @Option(help: "Megabytes of records a second that are put into logs and streams; a quarter of that besides into the store whose writer dies.")
        var rate = 8.0
        @Option(help: "File for the samples, a line each.")
        var csv: String?

        mutating func validate() throws {
            if let hours { guard (1...100).contains(hours) else { throw ValidationError("--hours takes 1...100") } }
            guard rate >= 0.1, rate <= 1000 else { throw ValidationError("--rate takes 0.1...1000") }
        }

        func run() async throws {
            try await endingWithVerdict {
                let directory = try StressDirectory(in: options.dir ?? ".", name: "millrace-retention")
                let seconds = hours.map { $0 * 3600 } ?? options.seconds
                let plan = RetentionPlan(seed: options.drawnSeed(), seconds: Double(seconds), bytesPerSecond: rate * 1e6)
                print("seed \(plan.seed), \(seconds) s in \(directory.path)")
                let csv = csv
                // On a thread of its own: it waits for tasks, which need theirs.
                return try await withCheckedThrowingContinuation { continuation in
                    _ = WorkerThread(name: "retention-run") {
                        do {
                            continuation.resume(returning: try RetentionRun(plan, in: directory, csv: csv).run())
                        } catch { continuation.resume(throwing: error) }
                    }
                }
            }
        }
    }
#endif
