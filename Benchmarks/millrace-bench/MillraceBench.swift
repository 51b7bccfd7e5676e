#if Tools
    import ArgumentParser
    import Foundation

    /// Measures Millrace beside the floors of the machine it runs on, and verifies what it measured.
    @main
    struct MillraceBench: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "millrace-bench",
            abstract: "Measures Millrace beside the floors of this machine, and verifies what it wrote.",
            subcommands: [
                RunCommand.self, FloorsCommand.self, LayoutsCommand.self, CompareCommand.self, ReportCommand.self,
                ListCommand.self, LoadWriterCommand.self,
            ],
            defaultSubcommand: RunCommand.self)
    }

    /// What every subcommand that measures takes.
    struct CommonOptions: ParsableArguments {
        @Option(help: "File of JSON lines to use as records; each has a `tailnum` or a `carrier`.")
        var flights: String
        @Option(help: "Directory to write in; its file system is what is measured.")
        var dir = "."
        @Option(help: "Directory that the JSON lines go to.")
        var results = "Benchmarks/results"
        @Flag(help: "Write no results file.")
        var noReport = false
        @Option(help: "Interleaved repetitions; figures are medians.")
        var repetitions = 3
        @Flag(help: "One repetition of a smaller amount of work: shows that it works, not how fast.")
        var quick = false
        @Option(help: "Megabytes: to store for `reopen`, to keep for `past-dirty-limit`, of records of 12 B for `scaling`.")
        var size: Int?
        @Option(help: "Megabytes of key and data a second, for `churn` (8 by itself) and `load` (as fast as it goes by itself).")
        var rate: Double?
        @Option(help: "Seconds to run, for `churn` (1800 by itself, 60 with --quick) and `load` (10, and 2).")
        var seconds: Int?
        @Option(help: "For the scenario `datasets`: weather, logs or documents, and the file of their lines, as NAME=FILE; may be repeated.")
        var data: [String] = []
        @Option(help: "Only that writer of the scenario `writers`: memory or mapped.")
        var writer: String?
        @OptionGroup(title: "Of the scenario `load`")
        var load: LoadOptions
        @Option(help: "File for the samples of the scenario `churn`, comma-separated; of the last repetition.")
        var csv: String?
        @Option(help: "Commit to name in the report.")
        var commit = "unknown"
        @Option(help: "Compiler's version to name in the report.")
        var swiftVersion = "unknown"

        mutating func validate() throws {
            if quick { repetitions = 1 }
            guard (1...1000).contains(repetitions) else { throw ValidationError("--repetitions takes 1...1000") }
            guard (0.01...100_000).contains(rate ?? 1) else { throw ValidationError("--rate takes 0.01...100000") }
            guard writer.map({ Writers.Writer(rawValue: $0) != nil }) ?? true else { throw ValidationError("--writer takes memory or mapped") }
            guard (1...1_000_000).contains(seconds ?? 1) else { throw ValidationError("--seconds takes 1...1000000") }
        }
    }

    /// What the scenario `load` puts, and how.
    struct LoadOptions: ParsableArguments {
        @Option(help: "Bytes of key and data of a made record, 12...10485760; flights without it.")
        var recordBytes: Int?
        @Option(help: "Records in one call, 1...500.")
        var batch = 500
        @Option(help: "Threads that put.")
        var producers = 1
        @Option(help: "Shards of the stream.")
        var shards = 1
        @Option(help: "How far a put waits: published, written or durable.")
        var ack = "written"
        @Option(help: "lz4 or raw.")
        var codec = "lz4"
        @Option(help: "Draws where producers begin in the records.")
        var seed: UInt64 = 1
        @Option(help: "Kill the writer, a process of its own, after so many seconds, and look for every record that it was told of.")
        var crashAt: Double?

        mutating func validate() throws {
            guard (12...10 << 20).contains(recordBytes ?? 12) else { throw ValidationError("--record-bytes takes 12...10485760") }
            guard (1...500).contains(batch) else { throw ValidationError("--batch takes 1...500") }
            guard (1...1024).contains(producers) else { throw ValidationError("--producers takes 1...1024") }
            guard (1...10_000).contains(shards) else { throw ValidationError("--shards takes 1...10000") }
            guard ["published", "written", "durable"].contains(ack) else { throw ValidationError("--ack takes published, written or durable") }
            guard ["lz4", "raw"].contains(codec) else { throw ValidationError("--codec takes lz4 or raw") }
            guard (0.1...86_400).contains(crashAt ?? 1) else { throw ValidationError("--crash-at takes 0.1...86400") }
        }
    }

    /// The default: floors, then the main job (or each scenario asked for in turn), repeated; then the table.
    struct RunCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run", abstract: "Floors and scenarios, with verification and a report.")
        @OptionGroup var common: CommonOptions
        @Option(name: .customLong("scenario"), help: "Only the scenarios whose name begins with this; may be repeated.")
        var scenarios: [String] = []
        @Flag(help: "Every scenario, not the main job alone; those that take half an hour only by name.")
        var all = false
        @Option(help: "Program that measures other engines, run once in each repetition: millrace-peers.")
        var peers: String?
        @Option(help: "Only the other engines' workloads whose name begins with this; may be repeated.")
        var peerWorkload: [String] = []
        @Option(help: "Only this other engine; may be repeated.")
        var peerEngine: [String] = []
        @Option(help: "File for the whole report as one HTML page.")
        var html: String?
        @Option(help: "File for the report as JSON lines, beside the results directory's.")
        var json: String?
        @Option(help: "File for the report in Markdown.")
        var markdown: String?

        /// A whole name, or the beginning of one where nothing has it as its whole name.
        private func isMeant(_ name: String, by text: String) -> Bool {
            allScenarios.contains { $0.name == text } ? name == text : name.hasPrefix(text)
        }

        func run() async throws {
            let chosen =
                scenarios.isEmpty
                ? (all ? allScenarios.filter { !$0.isLong } : [allScenarios[0]])
                : allScenarios.filter { scenario in scenarios.contains { isMeant(scenario.name, by: $0) } }
            guard scenarios.isEmpty || !chosen.isEmpty else {
                throw ValidationError("no scenario is called that; see `list`")
            }
            let context = try BenchContext(common)
            defer { context.cleanUp() }
            let report = Report(context)
            report.begin()
            var bar = ProgressBar()
            bar.begin(total: 1 + context.repetitions * (chosen.count + (peers == nil ? 0 : 1)))
            bar.step("floors")
            let floors = try measureFloors(in: context)
            bar.end()
            report.take(floors)
            var results = RowCollection()
            for repetition in 1...context.repetitions {
                for scenario in chosen {
                    bar.step("repetition \(repetition) of \(context.repetitions): \(scenario.name)")
                    for row in try await scenario.run(in: context) { results.add(row) }
                }
                if let peers {
                    bar.step("repetition \(repetition) of \(context.repetitions): other engines")
                    for row in try Peers(program: peers, engines: peerEngine, workloads: peerWorkload).run(common) { results.add(row) }
                }
            }
            bar.end()
            report.take(results.medians())
            let lines = try report.finish()
            if let json { try lines.map { $0 + "\n" }.joined().write(toFile: json, atomically: true, encoding: .utf8) }
            let run = try RunFile(lines: lines)
            if let html { try HTMLReport(run).text.write(toFile: html, atomically: true, encoding: .utf8) }
            if let markdown { try MarkdownReport(run).text.write(toFile: markdown, atomically: true, encoding: .utf8) }
            if report.hasFailedVerification { throw ExitCode(1) }
        }
    }

    struct FloorsCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "floors", abstract: "Only what the machine itself can do with the same bytes.")
        @OptionGroup var common: CommonOptions

        func run() throws {
            let context = try BenchContext(common)
            defer { context.cleanUp() }
            let report = Report(context)
            report.begin()
            report.take(try measureFloors(in: context))
            try report.finish()
        }
    }

    struct LayoutsCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "layouts", abstract: "Stored bytes of several layouts of a block's directory.")
        @OptionGroup var common: CommonOptions

        func run() throws {
            let context = try BenchContext(common)
            defer { context.cleanUp() }
            printLayouts(of: context)
        }
    }

    struct ListCommand: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "The scenarios' names.")

        func run() {
            for scenario in allScenarios { print("\(padded(scenario.name, 24))  \(scenario.about)") }
            print("`run` does the first one; `run --all` or `run --scenario NAME` others.")
        }
    }
#else
    @main
    enum MillraceBench {
        static func main() {
            print("millrace-bench is built without its dependencies; build it with `--traits Tools`.")
        }
    }
#endif
