#if Tools
    import ArgumentParser
    import Foundation
    import MillraceIO
    import MillraceTestKit

    /// Explores what power loss may leave of a store that lives on a disk in memory.
    struct CrashCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "crash",
            abstract: "Takes states that power loss may leave of a store, and checks what is read from each.",
            discussion: """
                The store lives on a disk in memory, which is where a power loss can be had thousands of times a second. With \
                --dir each state is put there as files, and recovered by way of that disk's file system; without, in memory. A \
                failure names its seed and the fewest steps that still fail; `--lives 1` with that seed does the same again.
                """)
        @OptionGroup var options: StressOptions
        @Option(help: "End after so many states, whatever the time.")
        var states: Int?
        @Option(help: "End after so many lives, whatever the time.")
        var lives: Int?
        @Option(help: "Threads; as many as there are cores unless given.")
        var threads: Int?
        @Option(help: "Switch this bug on; `list` prints them. Only in a build with the trait SeededBugs.")
        var bug: String?

        func run() async throws {
            if bug == "list" {
                for bug in SeededBug.allCases { print("\(bug.rawValue) \(bug)") }
                return
            }
            try await endingWithVerdict { try verdict() }
        }

        private func verdict() throws -> Verdict {
            if let bug { try switchOn(bug) }
            var explorer = CrashExplorer()
            let directory = try options.dir.map { try StressDirectory(in: $0, name: "millrace-crash") }
            explorer.directory = directory?.path
            explorer.firstSeed = options.drawnSeed()
            explorer.isSingle = lives == 1
            explorer.threadCount = threads ?? (lives == 1 ? 1 : ProcessInfo.processInfo.activeProcessorCount)
            explorer.stateLimit = states ?? .max
            explorer.nanosecondLimit = Int64(options.seconds) * 1_000_000_000
            print(
                "seed \(explorer.firstSeed), states recovered \(directory.map { "in \($0.path)" } ?? "in memory"), "
                    + "\(explorer.threadCount) threads")
            let progress = Guarded(Progress())
            let report = explorer.run { report in
                progress.withLock { $0.show("\(report.lifeCount) lives, \(report.stateCount) states") }
            }
            print("crash states checked: \(report.stateCount), lives: \(report.lifeCount)")
            if let failure = report.failure {
                directory?.keep()
                print(failure)
                return .broken(
                    "\(failure.invariant.rawValue) | \(report.stateCount) states | again: millrace-stress crash --seed "
                        + "\(failure.seed) --lives 1\(bug.map { " --bug \($0)" } ?? "")")
            }
            let seconds = Double(report.nanoseconds) / 1e9
            return .passed(
                "\(report.lifeCount) lives, \(report.stateCount) states in \(Int(seconds)) s "
                    + "(\(Int(Double(report.stateCount) / max(seconds, 0.001))) a second), no promise broken")
        }

        private func switchOn(_ name: String) throws {
            guard let bug = SeededBug.allCases.first(where: { "\($0.rawValue)" == name || "\($0)" == name }) else {
                throw StressError("no bug is called \(name); `--bug list` prints them")
            }
            #if SeededBugs
                SeededBug.current = bug
            #else
                throw StressError("this build has no bug \(bug): build it with `--traits Tools,SeededBugs`")
            #endif
        }
    }
#endif
