#if Tools
    /// The columns of a plain table of results.
    enum ResultCells {
        static let head = [
            "scenario", "engine", "ack", "codec", "batch", "records/s", "min", "max", "MB/s", "CPU s/GB", "p50", "p99",
            "p99.9", "stored", "of floor", "floor", "verified",
        ]

        static let sides: [Side] = head.indices.map { $0 < 4 || $0 >= 15 ? .left : .right }

        static func cells(of row: Row) -> [String] {
            let name = [
                [row.scenario, row.detail].compactMap { $0 }.joined(separator: " "), row.engine, row.ack, row.codec,
                row.batch.map(String.init) ?? "-",
            ]
            if let why = row.notMeasured {
                return name + ["not measured: \(why)"] + [String](repeating: "", count: head.count - name.count - 1)
            }
            return name + [
                grouped(row.recordsPerSecond), row.recordsPerSecondMin.map(grouped) ?? "-",
                row.recordsPerSecondMax.map(grouped) ?? "-", figure(row.megabytesPerSecond),
                row.processorSecondsPerGigabyte.map(figure) ?? "-", microseconds(row.p50), microseconds(row.p99),
                microseconds(row.p999), row.storedBytesPerByte.map { decimal($0, 3) } ?? "-",
                row.ratioToFloor.map(FigureText.ratio) ?? "-", row.floorName ?? "-", row.verified ? "yes" : "NO",
            ]
        }

        private static func microseconds(_ nanoseconds: Double?) -> String {
            nanoseconds.map { figure($0 / 1000) } ?? "-"
        }
    }
#endif
