#if Tools
    import ArgumentParser
    import MillraceIO
    import MillraceTestKit

    /// Works a store for long, checks every record read, and watches that nothing grows.
    struct SoakCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "soak",
            abstract: "Puts and reads for long while the store is closed, killed and opened again; nothing may be lost or grow.",
            discussion: """
                Five producers put at a share of the measured peak, at every ack level, by every call there is; readers follow, \
                replay and seek. Every record's bytes follow from the seed, and every record read is compared with them, in its \
                order. Memory, descriptors and maps are sampled; slopes after the first fifth decide, see docs/HACKING.md.
                """)
        @OptionGroup var options: StressOptions
        @Option(help: "Share of the measured peak at which is put, above 0 up to 1.")
        var rate = 0.5
        @Option(help: "Largest size of one store in MB; then a new one is started.")
        var storeSize = 2000
        @Option(help: "Longest time between two openings, in seconds.")
        var life = 8.0
        @Option(help: "File for the samples, a line each.")
        var csv: String?

        mutating func validate() throws {
            guard rate > 0, rate <= 1 else { throw ValidationError("--rate takes a share above 0 up to 1") }
            guard (100...1_000_000).contains(storeSize) else { throw ValidationError("--store-size takes 100...1000000") }
            guard life >= 1, life <= 3600 else { throw ValidationError("--life takes 1...3600") }
        }

        func run() async throws {
            try await endingWithVerdict {
                let directory = try StressDirectory(in: options.dir ?? ".", name: "millrace-soak")
                let plan = SoakRun.Plan(
                    seed: options.drawnSeed(), seconds: Double(options.seconds), share: rate,
                    storeByteCount: storeSize * 1_000_000, lifeSeconds: life)
                print("seed \(plan.seed), \(options.seconds) s in \(directory.path)")
                let csv = csv
                // On a thread of its own: it waits for tasks, which need theirs.
                return try await withCheckedThrowingContinuation { continuation in
                    _ = WorkerThread(name: "soak-run") {
                        do {
                            var run = try SoakRun(plan, in: directory, csv: csv)
                            continuation.resume(returning: run.run())
                        } catch { continuation.resume(throwing: error) }
                    }
                }
            }
        }
    }
#endif
