#if Tools
    import ArgumentParser
    import MillraceIO
    import MillraceLog

    /// `millrace backup`: a copy of a store that nobody has open.
    struct BackupCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "backup", abstract: "Copies a store that nobody has open, as a store that opens by itself.",
            discussion: """
                Takes the store's lock meanwhile. The copy has its name when it is whole and durable; what a crash leaves is called
                DESTINATION.partial- and digits. A program backs up its own store while it uses it: StreamStore.backup(to:).
                Status: 0 copied and nothing found but notes, 1 copied with warnings or damage, 2 no backup was made.
                """)

        @Argument(help: "The store's directory.")
        var store: String
        @Argument(help: "The backup's directory, which must not exist or be empty.")
        var destination: String
        @Flag(help: "Copies every byte, in place of sharing files with the store where both are on one file system.")
        var copy = false
        @Flag(name: .customLong("no-verify"), help: "Does not read the backup and check it.")
        var isUnverified = false

        func run() throws {
            try Refusal.reporting(store) {
                var choices = BackupChoices()
                choices.isLinking = !copy
                choices.isVerifying = !isUnverified
                let contents = try StoreBackup.run(
                    at: store, to: destination, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(), choices)
                for finding in contents.findings { print(VerifyCommand.line(finding)) }
                print(
                    "\(Text.count(contents.logCount, "log")); \(Text.count(contents.linkedSegmentCount, "segment")) shared, "
                        + "\(contents.linkedByteCount) bytes; \(contents.copiedSegmentCount) copied, \(contents.copiedByteCount) bytes")
                let isSound = contents.findings.isEmpty
                print("\(destination): " + (contents.isVerified ? isSound ? "verified, clean" : "verified, not clean" : "not verified"))
                if !isSound { throw ExitCode(1) }
            }
        }
    }
#endif
