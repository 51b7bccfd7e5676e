#if Tools
    import ArgumentParser
    import Foundation

    /// Writes what a run measured for people and for other programs. Everything comes from the results file.
    struct ReportCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "report", abstract: "A results file as HTML, Markdown or CSV, its latencies as .hgrm.",
            discussion: "`-` in place of a file is standard output, for one of them. By itself it prints the Markdown.")

        @Argument(help: "The results file.")
        var file: String
        @Option(help: "File for the HTML: one document with charts, which needs no other file.")
        var html: String?
        @Option(help: "File for the Markdown: the tables.")
        var markdown: String?
        @Option(help: "File for the comma-separated values: every figure, one line for each row.")
        var csv: String?
        @Option(
            name: .customLong("hgrm"),
            help: "Directory for the percentiles in HdrHistogram's text format, a file for each row that has them.")
        var percentiles: String?

        func validate() throws {
            guard [html, markdown, csv].filter({ $0 == "-" }).count < 2 else {
                throw ValidationError("only one report can go to standard output")
            }
        }

        func run() throws {
            let run = try RunFile(path: file)
            if let html { try write(HTMLReport(run).text, to: html) }
            if let csv { try write(CSVReport(run).text, to: csv) }
            if let markdown { try write(MarkdownReport(run).text, to: markdown) }
            if let percentiles { try writePercentiles(of: run, in: percentiles) }
            if [html, csv, markdown, percentiles].allSatisfy({ $0 == nil }) {
                try write(MarkdownReport(run).text, to: "-")
            }
        }

        private func write(_ text: String, to path: String) throws {
            guard path != "-" else { return FileHandle.standardOutput.write(Data(text.utf8)) }
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            FileHandle.standardError.write(Data("written to \(path)\n".utf8))
        }

        /// Names are numbered by row, because what is left of a label in a file's name need not be unique.
        private func writePercentiles(of run: RunFile, in directory: String) throws {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            for (index, row) in run.rows.enumerated() where CurvePanel.hasPercentiles(row) {
                let words = row.label.split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }.joined(separator: "-")
                try write(hgrm(of: row), to: "\(directory)/\(index + 1)-\(words.prefix(100)).hgrm")
            }
        }
    }
#endif
