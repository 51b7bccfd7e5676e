import Foundation

/// Ingests the benchmark's records into other engines and prints a JSON line for each figure.
@main
struct MillracePeers {
    static let usage = """
        millrace-peers --flights FILE [--dir DIR] [--output FILE] [--repetitions N] [--quick]
                       [--synchronous FULL|NORMAL --batch N --records N]

        Without the last three: FULL and NORMAL, one record and 500 a transaction.
        """

    static func main() {
        do {
            try run()
        } catch {
            FileHandle.standardError.write(Data("millrace-peers: \(error)\n".utf8))
            exit(1)
        }
    }

    private static func run() throws {
        let options = try Options(Array(CommandLine.arguments.dropFirst()))
        let flights = try Flights(path: options.flights)
        var results = RowCollection()
        for _ in 0..<options.repetitions {
            for log in options.logs(flights.count) {
                let directory = "\(options.directory)/.millrace-peers-\(getpid())"
                try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
                for row in try log.measure(flights, in: directory) { results.add(row) }
            }
        }
        let rows = results.medians()
        let lines = try rows.map { try jsonLine($0) + "\n" }.joined()
        if let output = options.output {
            try lines.write(toFile: output, atomically: true, encoding: .utf8)
        } else {
            print(lines, terminator: "")
        }
        if !rows.allSatisfy({ $0.verified }) { throw BenchError("what was read back is not what was written") }
    }
}

private struct Options {
    var flights = ""
    var directory = "."
    var output: String?
    var repetitions = 3
    var quick = false
    var synchronous: SQLiteLog.Synchronous?
    var batch = 500
    var records: Int?

    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        while let name = rest.popFirst() {
            if name == "--quick" {
                quick = true
                repetitions = 1
                continue
            }
            guard let value = rest.popFirst() else { throw BenchError("\(name)\n\(MillracePeers.usage)") }
            switch name {
            case "--flights": flights = value
            case "--dir": directory = value
            case "--output": output = value
            case "--repetitions": repetitions = try positive(name, value)
            case "--batch": batch = try positive(name, value)
            case "--records": records = try positive(name, value)
            case "--synchronous":
                guard let level = SQLiteLog.Synchronous(rawValue: value) else {
                    throw BenchError("--synchronous FULL|NORMAL")
                }
                synchronous = level
            default: throw BenchError("unknown argument \(name)\n\(MillracePeers.usage)")
            }
        }
        if flights.isEmpty { throw BenchError(MillracePeers.usage) }
    }

    /// One log for each combination; those that sync or commit every record do fewer of them.
    func logs(_ count: Int) -> [SQLiteLog] {
        func log(_ synchronous: SQLiteLog.Synchronous, _ batch: Int, _ most: Int) -> SQLiteLog {
            SQLiteLog(
                synchronous: synchronous, batch: batch,
                recordCount: min(count, records ?? (quick ? max(1, most / 20) : most)))
        }
        if let synchronous { return [log(synchronous, batch, count)] }
        return [
            log(.normal, 1, 100_000), log(.normal, 500, 400_000), log(.full, 1, 4_000), log(.full, 500, 400_000),
        ]
    }
}

private func positive(_ name: String, _ value: String) throws -> Int {
    guard let number = Int(value), number > 0 else { throw BenchError("\(name) takes a number above 0") }
    return number
}
