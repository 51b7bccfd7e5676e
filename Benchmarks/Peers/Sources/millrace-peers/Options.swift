/// What the command line says.
struct Options {
    static let usage = """
        millrace-peers --flights FILE [--dir DIR] [--output FILE] [--engine NAME ...] [--workload PREFIX ...]
                       [--repetitions N] [--quick]
        millrace-peers list
        """

    var flights = ""
    var directory = "."
    /// A file that rows are added to, each as soon as it is there; standard output where there is none.
    var output: String?
    var engines: [PeerEngine] = []
    var workloads: [String] = []
    var repetitions = 1
    var isQuick = false

    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        while let name = rest.popFirst() {
            if name == "--quick" {
                isQuick = true
                continue
            }
            guard let value = rest.popFirst() else { throw BenchError("\(name)\n\(Self.usage)") }
            switch name {
            case "--flights": flights = value
            case "--dir": directory = value
            case "--output": output = value
            case "--engine":
                guard let engine = PeerEngine(rawValue: value) else { throw BenchError("no engine is called \(value)") }
                engines.append(engine)
            case "--workload": workloads.append(value)
            case "--repetitions":
                guard let number = Int(value), (1...1000).contains(number) else {
                    throw BenchError("\(name) takes 1...1000")
                }
                repetitions = number
            default: throw BenchError("unknown argument \(name)\n\(Self.usage)")
            }
        }
        if flights.isEmpty { throw BenchError(Self.usage) }
        if engines.isEmpty { engines = PeerEngine.allCases }
    }

    func includes(_ workload: Workload) -> Bool {
        workloads.isEmpty || workloads.contains { workload.name.hasPrefix($0) }
    }
}
