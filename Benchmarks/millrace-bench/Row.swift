#if Tools
    import Foundation

    /// One line of the table and of the results file: what one engine did in one scenario.
    ///
    /// Times are nanoseconds, bytes are bytes of key and data, `MB` and `GB` are powers of ten.
    struct Row: Codable, Sendable {
        var kind = "result"
        var engine: String
        var scenario: String
        /// What had been reached when a put returned: `published`, `written`, `durable` (group) or `durable` (each);
        /// `-` for reads.
        var ack: String
        var codec: String
        /// Records in one call.
        var batch: Int?
        /// Says more precisely what was done, for instance another engine's own name of the durability.
        var detail: String?

        var records = 0
        var payloadBytes = 0
        var seconds = 0.0
        var recordsPerSecond = 0.0
        var recordsPerSecondMin: Double?
        var recordsPerSecondMax: Double?
        var megabytesPerSecond = 0.0
        var processorSecondsPerGigabyte: Double?
        /// How many calls were timed.
        var calls: Int?
        /// Latency of one call.
        var p50: Double?
        var p99: Double?
        var p999: Double?
        var maximum: Double?
        /// The whole distribution, for curves: pairs of a share of the calls, 0...1, and nanoseconds, ascending.
        var percentiles: [[Double]]?
        /// Records a second in intervals of `sampleSeconds`, one after the other from the start.
        var samples: [Double]?
        var sampleSeconds: Double?
        var storedBytesPerByte: Double?
        var writtenBytesPerByte: Double?

        /// The name of the floor that bounds this row. Value and ratio are filled in by the report, unless the scenario
        /// measured a floor of its own beside it.
        var floorName: String?
        var floor: Double?
        /// `GB/s` of key and data, `ns` of one call, or `bytes per byte` stored.
        var floorUnit: String?
        var ratioToFloor: Double?

        /// True when everything was read back, counted, and its digest compared.
        var verified = false
        var repetitions = 1
        var commit: String?
        /// What else there is to say, with figures of the last repetition.
        var note: String?
        /// Why there are no figures, when there are none.
        var notMeasured: String?

        init(engine: String, scenario: String, ack: String, codec: String = "none", batch: Int? = nil) {
            self.engine = engine
            self.scenario = scenario
            self.ack = ack
            self.codec = codec
            self.batch = batch
        }

        /// Fills in the amounts and everything that follows from them.
        mutating func measured(records: Int, payloadBytes: Int, seconds: Double, processorSeconds: Double? = nil) {
            self.records = records
            self.payloadBytes = payloadBytes
            self.seconds = seconds
            recordsPerSecond = Double(records) / seconds
            megabytesPerSecond = Double(payloadBytes) / seconds / 1e6
            processorSecondsPerGigabyte = processorSeconds.map { $0 / (Double(payloadBytes) / 1e9) }
        }

        /// Sets a floor that the scenario measured itself, beside the row, in bytes of key and data a second.
        mutating func bounded(by name: String, bytesPerSecond: Double) {
            floorName = name
            floor = bytesPerSecond / 1e9
            floorUnit = "GB/s"
            ratioToFloor = megabytesPerSecond * 1e6 / bytesPerSecond
        }

        /// The same of one call's nanoseconds, against the row's own median, which is known.
        mutating func bounded(by name: String, nanoseconds: Double) {
            floorName = name
            floor = nanoseconds
            floorUnit = "ns"
            ratioToFloor = p50.map { nanoseconds / $0 }
        }

        /// The same of stored bytes for each byte of key and data.
        mutating func bounded(by name: String, storedBytesPerByte: Double, ratio: Double) {
            floorName = name
            floor = storedBytesPerByte
            floorUnit = "bytes per byte"
            ratioToFloor = ratio
        }

        /// Rows of the same identity are repetitions of each other.
        var identity: String {
            [engine, scenario, ack, codec, batch.map(String.init) ?? "", detail ?? ""].joined(separator: "|")
        }
    }

    /// Rows in the order in which their identities first came.
    struct RowCollection {
        private var order: [String] = []
        private var rows: [String: [Row]] = [:]

        mutating func add(_ row: Row) {
            if rows[row.identity] == nil { order.append(row.identity) }
            rows[row.identity, default: []].append(row)
        }

        /// One row for each identity: every figure the median of its repetitions; verified when all were.
        func medians() -> [Row] {
            order.map { identity in
                let all = rows[identity]!
                var row = all[0]
                func middle(_ figure: (Row) -> Double?) -> Double? {
                    let values = all.compactMap(figure)
                    return values.isEmpty ? nil : median(values)
                }
                row.seconds = middle { $0.seconds }!
                row.recordsPerSecond = middle { $0.recordsPerSecond }!
                row.recordsPerSecondMin = all.map { $0.recordsPerSecond }.min()
                row.recordsPerSecondMax = all.map { $0.recordsPerSecond }.max()
                row.megabytesPerSecond = middle { $0.megabytesPerSecond }!
                row.processorSecondsPerGigabyte = middle { $0.processorSecondsPerGigabyte }
                row.p50 = middle { $0.p50 }
                row.p99 = middle { $0.p99 }
                row.p999 = middle { $0.p999 }
                row.maximum = all.compactMap { $0.maximum }.max()
                row.storedBytesPerByte = middle { $0.storedBytesPerByte }
                row.writtenBytesPerByte = middle { $0.writtenBytesPerByte }
                row.floor = middle { $0.floor }
                row.ratioToFloor = middle { $0.ratioToFloor }
                row.note = all.last?.note
                row.percentiles = all.last?.percentiles
                row.samples = all.last?.samples
                row.verified = all.allSatisfy { $0.verified }
                row.repetitions = all.count
                return row
            }
        }
    }

    /// One JSON object on one line, members in alphabetical order.
    func jsonLine(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// The result rows of a file of JSON lines.
    func readRows(from path: String) throws -> [Row] {
        let lines = try readWhole(path).split(separator: 10)
        return try lines.map { try JSONDecoder().decode(Row.self, from: Data($0)) }
    }
#endif
