import Foundation

/// Ingests the benchmark's records into other engines and prints a JSON line for each figure, as soon as it is there.
/// Rows of the same identity are repetitions of each other: one call can do one, so that a caller takes turns.
@main
struct MillracePeers {
    static func main() {
        do {
            let arguments = Array(CommandLine.arguments.dropFirst())
            if arguments == ["list"] { return list() }
            try run(try Options(arguments))
        } catch {
            report("\(error)")
            exit(1)
        }
    }

    private static func list() {
        print("engines:   \(PeerEngine.allCases.map(\.rawValue).joined(separator: " "))")
        print("workloads: \(Workload.all.map(\.name).joined(separator: " "))")
    }

    private static func run(_ options: Options) throws {
        let workloads = Workload.all.filter(options.includes)
        guard !workloads.isEmpty else { throw BenchError("no workload is called that; see `list`") }
        let flights = try Flights(path: options.flights)
        let output = try RowOutput(options.output)
        var isVerified = true
        for _ in 0..<options.repetitions {
            for workload in workloads {
                let set = workload.records.set(flights)
                for engine in options.engines {
                    for row in rows(of: engine, PeerRun(workload, set, options)) {
                        try output.add(row)
                        isVerified = isVerified && (row.verified || row.notMeasured != nil)
                    }
                }
            }
        }
        if !isVerified { throw BenchError("what was read back is not what was written") }
    }

    /// One that says why, where there are no figures.
    private static func rows(of engine: PeerEngine, _ run: PeerRun) -> [Row] {
        do {
            return try engine.measure(run)
        } catch {
            report("\(engine.rawValue), \(run.workload.name): \(error)")
            var row = Row(
                engine: engine.rawValue, scenario: "append", ack: run.workload.durability.ack,
                batch: run.workload.batch)
            row.detail = run.set.name
            row.notMeasured = "\(error)"
            return [row]
        }
    }

    private static func report(_ text: String) {
        FileHandle.standardError.write(Data("millrace-peers: \(text)\n".utf8))
    }
}
