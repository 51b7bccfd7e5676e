#if Tools
    import ArgumentParser

    /// The command line tool: one verb, one file.
    @main
    nonisolated struct MillraceCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "millrace", abstract: "Looks after stores of streams.",
            subcommands: [VerifyCommand.self, InspectCommand.self, BackupCommand.self])
    }
#else
    /// What is built without the trait: it says what is missing.
    @main
    nonisolated struct MillraceCommand {
        static func main() {
            print("millrace was built without its commands: build it with `swift build --traits Tools --product millrace`")
        }
    }
#endif
