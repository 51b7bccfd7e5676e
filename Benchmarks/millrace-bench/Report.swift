#if Tools
    import Foundation

    /// Collects a run's lines, prints the table, and appends the same as JSON lines to a file of the run's own.
    final class Report {
        private let context: BenchContext
        private var floors: [Floor] = []
        private var rows: [Row] = []

        init(_ context: BenchContext) { self.context = context }

        /// Prints the head.
        func begin() {
            for line in context.environment.lines { print(line) }
            let flights = context.flights
            print("records      \(flights.path): \(flights.count) records, \(flights.byteCount) bytes of key and data")
            for warning in context.environment.warnings { print("WARNING      \(warning)") }
        }

        func take(_ floors: [Floor]) {
            self.floors += floors
            print("\nfloors (median, min...max of \(context.repetitions))")
            printTable(
                [.left, .right, .right, .right, .left, .left],
                floors.map { floor in
                    [
                        floor.name, figure(floor.value), figure(floor.min), figure(floor.max), floor.unit.rawValue,
                        floor.about,
                    ]
                })
        }

        func take(_ rows: [Row]) {
            for var row in rows {
                row.commit = row.commit ?? context.commit
                if row.notMeasured == nil, row.floor == nil,
                    let floor = floors.first(where: { $0.name == row.floorName })
                {
                    row.floor = floor.value
                    row.floorUnit = floor.unit.rawValue
                    row.ratioToFloor = floor.ratio(of: row)
                }
                self.rows.append(row)
            }
        }

        var hasFailedVerification: Bool { rows.contains { $0.notMeasured == nil && !$0.verified } }

        /// Prints the table, writes the file, and says what was wrong. The lines of the file, written or not.
        @discardableResult
        func finish() throws -> [String] {
            let environment = context.environment.finished()
            if !rows.isEmpty { printResults() }
            print(
                "\nload after   \(environment.loadAfter); others busy \(percent(environment.busyDuring)) of the run,"
                    + " stolen \(percent(environment.stolenDuring))")
            for warning in environment.warnings { print("WARNING      \(warning)") }
            for row in rows where row.notMeasured == nil && !row.verified {
                print("FAILED       verification of \(row.scenario) (\(row.engine), \(row.ack), \(row.codec))")
            }
            var lines = [try jsonLine(environment)]
            lines += try floors.map { try jsonLine($0) }
            lines += try rows.map { try jsonLine($0) }
            guard let results = context.results else { return lines }
            let path = "\(results)/\(environment.utc)-\(context.commit).jsonl"
            try FileManager.default.createDirectory(atPath: results, withIntermediateDirectories: true)
            try lines.map { $0 + "\n" }.joined().write(toFile: path, atomically: true, encoding: .utf8)
            print("written to   \(path)")
            return lines
        }

        private func printResults() {
            print("\nresults (medians; latency of one call in us)")
            let head = [
                "scenario", "engine", "ack", "codec", "batch", "records/s", "min", "max", "MB/s", "CPU s/GB", "p50",
                "p99", "p99.9", "stored", "of floor", "floor", "verified",
            ]
            let body = rows.map { row -> [String] in
                let name = [row.scenario, row.detail].compactMap { $0 }.joined(separator: " ")
                guard row.notMeasured == nil else {
                    // Why not stands below: it is longer than any figure, and would make its column as wide.
                    let known = [name, row.engine, row.ack, row.codec, row.batch.map(String.init) ?? "-", "-"]
                    return known + [String](repeating: "", count: head.count - known.count)
                }
                return [
                    name, row.engine, row.ack, row.codec, row.batch.map(String.init) ?? "-",
                    grouped(row.recordsPerSecond), row.recordsPerSecondMin.map(grouped) ?? "-",
                    row.recordsPerSecondMax.map(grouped) ?? "-", figure(row.megabytesPerSecond),
                    row.processorSecondsPerGigabyte.map(figure) ?? "-",
                    microseconds(row.p50), microseconds(row.p99), microseconds(row.p999),
                    row.storedBytesPerByte.map { decimal($0, 3) } ?? "-",
                    row.ratioToFloor.map { decimal($0, 2) } ?? "-", row.floorName ?? "-", row.verified ? "yes" : "NO",
                ]
            }
            let sides: [Side] = head.indices.map { $0 < 4 || $0 >= 15 ? .left : .right }
            printTable(sides, [head] + body)
            for row in rows {
                guard let note = row.notMeasured.map({ "not measured: \($0)" }) ?? row.note else { continue }
                let name = [row.scenario, row.detail].compactMap { $0 }.joined(separator: " ")
                print("  \(name), \(row.engine), \(row.codec): \(note)")
            }
        }

        private func microseconds(_ nanoseconds: Double?) -> String { nanoseconds.map { figure($0 / 1000) } ?? "-" }
    }

    enum Side { case left, right }

    /// Prints lines of cells in columns as wide as they need to be.
    func printTable(_ sides: [Side], _ lines: [[String]]) {
        let widths = sides.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        for line in lines {
            let cells = sides.indices.map { column -> String in
                switch sides[column] {
                case .left: padded(line[column], widths[column])
                case .right: String(repeating: " ", count: widths[column] - line[column].count) + line[column]
                }
            }
            print(
                "  " + cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed().map(String.init).joined())
        }
    }

    func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// `value` with that many digits behind the point.
    func decimal(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

    /// `value` with three digits that count.
    func figure(_ value: Double) -> String {
        switch abs(value) {
        case ..<10: decimal(value, 2)
        case ..<100: decimal(value, 1)
        case ..<10000: decimal(value, 0)
        default: grouped(value)
        }
    }

    /// A whole number with commas.
    func grouped(_ value: Double) -> String {
        var digits = Array(decimal(value, 0))
        var at = digits.count - 3
        while at > 0 {
            digits.insert(",", at: at)
            at -= 3
        }
        return String(digits)
    }
#endif
