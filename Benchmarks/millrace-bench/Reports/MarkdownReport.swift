#if Tools
    /// One run as Markdown with GitHub's tables, which can be read as it is.
    struct MarkdownReport {
        private let run: RunFile

        init(_ run: RunFile) { self.run = run }

        var text: String {
            [heading, alarms, facts, floors, results, notes].filter { !$0.isEmpty }.joined(separator: "\n")
        }

        private var heading: String { "# Millrace benchmark\n" }

        /// Each a quote of its own, so that two do not run into one paragraph.
        private var alarms: String {
            let failed = run.failedRows.map { "**VERIFICATION FAILED:** \(Self.escaped($0.label))" }
            let warnings = run.warnings.map { "**WARNING:** \(Self.escaped($0))" }
            return (failed + warnings).map { "> \($0)\n" }.joined(separator: "\n")
        }

        private var facts: String {
            (run.environment?.facts ?? []).map { "- \($0.name): \(Self.escaped($0.value))\n" }.joined()
        }

        private var floors: String {
            guard !run.floors.isEmpty else { return "" }
            let lines = run.floors.map { floor in
                [
                    floor.name, figure(floor.value), figure(floor.min), figure(floor.max), floor.unit.rawValue,
                    floor.about,
                ]
            }
            return "## Floors\n\n"
                + Self.table(
                    [.left, .right, .right, .right, .left, .left],
                    ["floor", "median", "min", "max", "unit", "what it is"],
                    lines)
        }

        private var results: String {
            guard !run.rows.isEmpty else { return "" }
            return "## Results\n\nMedians; latency of one call in µs.\n\n"
                + Self.table(ResultCells.sides, ResultCells.head, run.rows.map(ResultCells.cells))
        }

        private var notes: String {
            run.rows.compactMap { row in row.note.map { "- \(Self.escaped(row.label)): \(Self.escaped($0))\n" } }
                .joined()
        }

        private static func table(_ sides: [Side], _ head: [String], _ body: [[String]]) -> String {
            let lines = ([head] + body).map { $0.map(escaped) }
            let widths = sides.indices.map { column in max(3, lines.map { $0[column].count }.max() ?? 0) }
            let rule = zip(sides, widths).map { side, width in
                side == .left ? String(repeating: "-", count: width) : String(repeating: "-", count: width - 1) + ":"
            }
            let filled = lines.map { line in
                sides.indices.map { column -> String in
                    let space = String(repeating: " ", count: widths[column] - line[column].count)
                    return sides[column] == .left ? line[column] + space : space + line[column]
                }
            }
            return ([filled[0], rule] + filled.dropFirst()).map { "| \($0.joined(separator: " | ")) |\n" }.joined()
        }

        /// `text` on one line, without what Markdown or HTML would read as more than text.
        private static func escaped(_ text: String) -> String {
            text.reduce(into: "") { result, character in
                switch character {
                case "\\", "|", "`", "*", "_", "[", "]", "~", "#": result += "\\\(character)"
                case "&": result += "&amp;"
                case "<": result += "&lt;"
                case ">": result += "&gt;"
                default: result.append(character.isNewline ? " " : character)
                }
            }
        }
    }
#endif
