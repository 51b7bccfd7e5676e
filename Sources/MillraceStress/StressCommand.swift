#if Tools
    import ArgumentParser

    /// Tries to break Millrace: on a disk in memory that loses power, and on the user's own.
    @main
    nonisolated struct StressCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "millrace-stress",
            abstract: "Tries to make Millrace lose an acknowledged record, and says whether it did.",
            discussion: "The last line is the verdict. Status: 0 no promise was broken, 1 one was, 2 it cannot run.",
            subcommands: [CrashCommand.self, FaultCommand.self, SoakCommand.self, RetentionCommand.self, RetentionWriterCommand.self])

        static func main() async {
            // While there is one thread only: whichever thread has a heap of its own keeps it.
            if CommandLine.arguments.dropFirst().first == SoakCommand.configuration.commandName { ProcessSample.useOneHeap() }
            await main(nil)
        }
    }
#else
    /// What is built without the trait: it says what is missing.
    @main
    nonisolated struct StressCommand {
        static func main() {
            print(
                "millrace-stress was built without its commands: build it with "
                    + "`swift build --traits Tools --product millrace-stress`")
        }
    }
#endif
