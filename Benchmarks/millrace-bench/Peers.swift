#if Tools
    import Foundation

    /// The program that measures other engines on the same records (Benchmarks/Peers): a package of its own, so that nothing here
    /// depends on them.
    struct Peers {
        let program: String
        /// Empty for all of them.
        let engines: [String]
        let workloads: [String]

        /// One repetition. What the program says goes to standard error.
        /// - Throws: when it cannot be run, or ends with rows that do not verify and none that do.
        func run(_ options: CommonOptions) throws -> [Row] {
            let output = "\(NSTemporaryDirectory())/millrace-peers-\(getpid()).jsonl"
            defer { try? FileManager.default.removeItem(atPath: output) }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments =
                ["--flights", options.flights, "--dir", options.dir, "--output", output]
                + (options.quick ? ["--quick"] : []) + engines.flatMap { ["--engine", $0] } + workloads.flatMap { ["--workload", $0] }
            process.standardOutput = FileHandle.standardError
            try process.run()
            process.waitUntilExit()
            guard FileManager.default.fileExists(atPath: output) else {
                throw BenchError("\(program) ended with status \(process.terminationStatus) and no result")
            }
            return try readRows(from: output)
        }
    }
#endif
