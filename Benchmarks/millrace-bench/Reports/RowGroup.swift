#if Tools
    /// Rows that may be compared: the same work at the same ack level, by several engines or codecs.
    struct RowGroup: Sendable {
        let ack: String
        let batch: Int?
        let detail: String?
        var rows: [Row]

        init(of row: Row) { (ack, batch, detail, rows) = (row.ack, row.batch, row.detail, [row]) }

        /// `written, batch 500`; empty for reads.
        var terms: String {
            [ack == "-" ? nil : ack, batch.map { "batch \($0)" }].compactMap { $0 }.joined(separator: ", ")
        }

        func holds(_ row: Row) -> Bool { isNear(row) && row.detail == detail }

        /// The same call, of other work.
        func isNear(_ row: Row) -> Bool { row.ack == ack && row.batch == batch }
    }

    /// Everything that was measured in one scenario.
    struct ScenarioRows: Sendable {
        let name: String
        private(set) var groups: [RowGroup] = []

        var rows: [Row] { groups.flatMap(\.rows) }

        init(name: String) { self.name = name }

        /// Peers join the row that did the same; other details of the same call stand next to each other.
        mutating func add(_ row: Row) {
            if let index = groups.firstIndex(where: { $0.holds(row) }) {
                groups[index].rows.append(row)
            } else if let index = groups.lastIndex(where: { $0.isNear(row) }) {
                groups.insert(RowGroup(of: row), at: index + 1)
            } else {
                groups.append(RowGroup(of: row))
            }
        }
    }

    extension RunFile {
        /// The rows by scenario, in the order in which the scenarios first come.
        var scenarios: [ScenarioRows] {
            var found: [ScenarioRows] = []
            for row in rows {
                let index = found.firstIndex { $0.name == row.scenario } ?? found.count
                if index == found.count { found.append(ScenarioRows(name: row.scenario)) }
                found[index].add(row)
            }
            return found
        }
    }

    extension Row {
        var isMeasured: Bool { notMeasured == nil }
        var hasFailed: Bool { isMeasured && !verified }
        var isOfMillrace: Bool { engine.hasPrefix("millrace") }

        /// What sets a row apart from its peers: `millrace log, lz4`.
        var series: String { codec == "none" ? engine : "\(engine), \(codec)" }

        /// Everything that sets a row apart, in words.
        var label: String {
            [scenario, detail, ack == "-" ? nil : ack, batch.map { "batch \($0)" }, series].compactMap { $0 }
                .joined(separator: ", ")
        }

        /// The floor in records a second, so that it can stand beside the row; nil when it is no rate (stored bytes).
        func floorRecordsPerSecond(among floors: [Floor]) -> Double? {
            guard isMeasured, let floor, let ratioToFloor, floor > 0, ratioToFloor > 0, records > 0, payloadBytes > 0
            else { return nil }
            let recordsPerGigabyte = Double(records) / Double(payloadBytes) * 1e9
            if let known = floors.first(where: { $0.name == floorName && $0.value == floor }) {
                switch known.unit {
                case .gigabytesPerSecond: return floor * recordsPerGigabyte
                // What the same calls would give if each took as long as the floor.
                case .nanoseconds: return recordsPerSecond / ratioToFloor
                }
            }
            // A floor of the scenario's own names no unit. It is GB/s if the ratio leads from it to the row's own rate;
            // the medians of the three need not fit exactly.
            let fit = floor * ratioToFloor * 1000 / megabytesPerSecond
            return (0.67...1.5).contains(fit) ? floor * recordsPerGigabyte : nil
        }
    }
#endif
