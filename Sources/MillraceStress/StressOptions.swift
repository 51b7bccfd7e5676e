#if Tools
    import ArgumentParser
    import MillraceIO
    import MillraceTestKit

    /// What every subcommand takes.
    struct StressOptions: ParsableArguments {
        @Option(help: "Directory on the disk to be tried; the run makes a directory of its own in it, and removes it.")
        var dir: String?
        @Option(help: "Decides what is drawn; a new one is drawn and printed unless given.")
        var seed: UInt64?
        @Option(help: "How long to go on.")
        var seconds = 60

        mutating func validate() throws {
            guard (1...1_000_000).contains(seconds) else { throw ValidationError("--seconds takes 1...1000000") }
        }

        /// The seed, drawn now if none was given.
        func drawnSeed() -> UInt64 { seed ?? SystemEntropy().next() >> 32 }
    }

    /// Runs a subcommand's body and ends with its verdict: the last line of standard output, and the exit status.
    /// An error that the body does not catch means that the run could not be made.
    func endingWithVerdict(_ body: () async throws -> Verdict) async throws {
        let verdict: Verdict
        do { verdict = try await body() } catch { verdict = .cannotRun("\(error)") }
        print(verdict.line)
        if verdict.exitStatus != 0 { throw ExitCode(verdict.exitStatus) }
    }
#endif
