#if Tools
    import ArgumentParser
    import Foundation

    /// Sets two results files side by side.
    ///
    /// A difference is claimed only where the repetitions of the two runs do not overlap. With `--check` the ratio to
    /// the floor decides, because it survives another machine; without a floor the records a second do.
    struct CompareCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "compare", abstract: "Two results files side by side; with --check a gate for CI.")
        @Argument(help: "The earlier results file.")
        var before: String
        @Argument(help: "The later results file.")
        var after: String
        @Flag(help: "End with status 1 when a scenario became slower by more than the tolerance.")
        var check = false
        @Option(help: "What --check lets pass, as a share.")
        var tolerance = 0.2

        func run() throws {
            let earlier = try RunFile(path: before)
            let later = try RunFile(path: after)
            print("before  \(before)\nafter   \(after)")
            var worse: [String] = []
            var lines = [["floor", "before", "after", "after / before", ""]]
            for floor in later.floors {
                guard let old = earlier.floors.first(where: { $0.name == floor.name }) else { continue }
                let overlap = floor.min <= old.max && old.min <= floor.max
                lines.append([
                    "\(floor.name), \(floor.unit.rawValue)", figure(old.value), figure(floor.value),
                    decimal(floor.value / old.value, 2), overlap ? "no difference shown" : "",
                ])
            }
            printTable([.left, .right, .right, .right, .left], lines)
            lines = [["scenario", "before", "after", "after / before", "of floor", "", ""]]
            for row in later.rows where row.notMeasured == nil {
                guard let old = earlier.rows.first(where: { $0.identity == row.identity && $0.notMeasured == nil })
                else { continue }
                let change = row.recordsPerSecond / old.recordsPerSecond
                let compared = zip(old.ratioToFloor, row.ratioToFloor).map { $1 / $0 } ?? change
                if compared < 1 - tolerance { worse.append(name(of: row)) }
                lines.append([
                    name(of: row), grouped(old.recordsPerSecond), grouped(row.recordsPerSecond), decimal(change, 2),
                    old.ratioToFloor.map { decimal($0, 2) } ?? "-", row.ratioToFloor.map { decimal($0, 2) } ?? "-",
                    differs(old, row) ? "" : "no difference shown",
                ])
            }
            print("\nrecords/s")
            printTable([.left, .right, .right, .right, .right, .right, .left], lines)
            for name in worse { print("SLOWER  \(name), by more than \(percent(tolerance))") }
            if check && !worse.isEmpty { throw ExitCode(1) }
        }

        private func name(of row: Row) -> String {
            [row.scenario, row.engine, row.ack, row.codec, row.batch.map { "batch \($0)" }, row.detail]
                .compactMap { $0 }.joined(separator: " ")
        }

        /// One repetition has no spread, so it shows no difference either.
        private func differs(_ old: Row, _ new: Row) -> Bool {
            guard let oldMin = old.recordsPerSecondMin, let oldMax = old.recordsPerSecondMax,
                let newMin = new.recordsPerSecondMin, let newMax = new.recordsPerSecondMax,
                old.repetitions > 1, new.repetitions > 1
            else { return false }
            return newMin > oldMax || newMax < oldMin
        }
    }

    private func zip(_ left: Double?, _ right: Double?) -> (Double, Double)? {
        guard let left, let right else { return nil }
        return (left, right)
    }
#endif
