#if Tools
    /// Further sets of real records (Benchmarks/data), one a line, and where each has its partition key.
    enum Dataset: String, CaseIterable {
        case weather, logs, documents

        /// The member whose text is the key; nil when the key is the line up to its first space.
        private var member: String? {
            switch self {
            case .weather: "origin"
            case .logs: nil
            case .documents: "service"
            }
        }

        /// - Parameter argument: `NAME=FILE`.
        /// - Throws: when it is none of the sets, or a line of the file has no key.
        static func read(_ argument: String) throws -> RecordSet {
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let set = Dataset(rawValue: parts[0]) else {
                throw BenchError("--data takes NAME=FILE, NAME one of \(allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return try set.read(path: parts[1])
        }

        private func read(path: String) throws -> RecordSet {
            let bytes = try readWhole(path)
            let member = member.map { Array("\"\($0)\":".utf8) }
            var places: [FlightPlace] = []
            for line in lines(of: bytes) {
                let key =
                    member.map { Flights.text(of: $0, in: bytes, line) }
                    ?? bytes[line].firstIndex(of: UInt8(ascii: " ")).map { line.lowerBound..<$0 }
                guard let key, !key.isEmpty else { throw BenchError("\(path): the line at byte \(line.lowerBound) has no key") }
                places.append(
                    FlightPlace(
                        dataStart: line.lowerBound, dataByteCount: Int32(line.count),
                        keyStart: Int32(key.lowerBound - line.lowerBound), keyByteCount: Int32(key.count)))
            }
            guard !places.isEmpty else { throw BenchError("\(path) holds no record") }
            return RecordSet(name: rawValue, bytes: bytes, places: places)
        }
    }
#endif
