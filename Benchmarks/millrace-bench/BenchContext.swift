#if Tools
    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// What a scenario measures. One file each; a scenario leaves nothing behind in its directory.
    protocol Scenario: Sendable {
        /// Words joined by hyphens, the most general first: `append-durable`.
        var name: String { get }
        /// One line.
        var about: String { get }
        /// One repetition. Each row it returns is verified: the store reopened, everything read back and compared.
        func run(in context: BenchContext) async throws -> [Row]
        /// Takes so long that it only runs when it is asked for by name.
        var isLong: Bool { get }
    }

    extension Scenario {
        var isLong: Bool { false }
    }

    /// The order in which they run. The first is the one that runs unless others are asked for.
    let allScenarios: [any Scenario] = [
        MainJob(), Append(), Burst(), Routed(), Sustained(), GroupSync(), DurableEach(), Group(), ManyShards(), Producers(), Tail(),
        OpenLoop(), Writers(), Scan(), ColdScan(), Seek(), FanOut(), StoredBytesScenario(), RealRecords(),
        Reopen(), Reshard(), ManyStreams(), ActiveShards(), Scaling(), Upkeep(), Load(), FirstMinute(), PastDirtyLimit(), Churn(),
    ]

    /// What scenarios and floors work with.
    final class BenchContext: Sendable {
        let flights: Flights
        let blocks: PayloadBlocks
        /// An empty directory of this run's own, on the file system to be measured.
        let directory: String
        let repetitions: Int
        let quick: Bool
        /// Bytes for the scenarios that are asked for more or less than they do by themselves.
        let size: Int?
        /// Bytes of key and data a second for the scenarios that send at a fixed rate.
        let bytesPerSecond: Double?
        /// For the scenarios that run for a time, when they are asked for another one than their own.
        let seconds: Int?
        /// Where the scenarios that take samples put them; nil for nowhere.
        let csv: String?
        /// As given, for a process of this one's own.
        let options: CommonOptions
        let commit: String
        let environment: Environment
        /// Where the results file goes; nil for none.
        let results: String?

        init(_ options: CommonOptions) throws {
            environment = Environment(
                commit: options.commit, swift: options.swiftVersion, directory: options.dir,
                repetitions: options.repetitions, quick: options.quick)
            flights = try Flights(path: options.flights)
            blocks = try PayloadBlocks(RecordSet(flights))
            directory = "\(options.dir)/.millrace-bench-\(getpid())"
            repetitions = options.repetitions
            quick = options.quick
            size = options.size.map { $0 * 1_000_000 }
            bytesPerSecond = options.rate.map { $0 * 1e6 }
            self.options = options
            seconds = options.seconds
            csv = options.csv
            commit = options.commit
            results = options.noReport ? nil : options.results
            // Safe because the path is a string.
            guard unsafe mkdir(directory, 0o700) == 0 else { throw BenchError.system("mkdir \(directory)") }
        }

        /// How long appends that other engines do as well go on (Benchmarks/Peers), and how many bytes of key and data they are at most.
        var appendNanoseconds: UInt64 { quick ? 300_000_000 : 2_000_000_000 }
        var appendByteCount: Int { quick ? 64 << 20 : 1 << 30 }

        /// Removes the run's directory and everything in it.
        func cleanUp() { removeTree(directory) }
    }
#endif
