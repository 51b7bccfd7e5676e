/// What an engine is asked to do: records of one set in batches of one size, with one durability.
struct Workload {
    /// The sets of records, by their names on the command line.
    enum Records: String {
        case small = "100B"
        case large = "1024B"
        case flights

        func set(_ flights: Flights) -> RecordSet {
            switch self {
            case .small: .made(recordByteCount: 100, keyByteCount: 10)
            case .large: .made(recordByteCount: 1024, keyByteCount: 10)
            case .flights: RecordSet(flights)
            }
        }
    }

    let durability: Durability
    let records: Records
    /// Records in one transaction.
    let batch: Int

    /// For the command line: `written-100B-500`.
    var name: String { "\(durability.rawValue)-\(records.rawValue)-\(batch)" }

    /// Whether the records are read again once they are written, as a row of its own.
    var isScanned: Bool { durability == .written && batch == 500 }

    static let all = [
        Workload(durability: .written, records: .small, batch: 1),
        Workload(durability: .written, records: .small, batch: 100),
        Workload(durability: .written, records: .small, batch: 500),
        Workload(durability: .written, records: .large, batch: 500),
        Workload(durability: .written, records: .flights, batch: 500),
        Workload(durability: .synced, records: .small, batch: 500),
        Workload(durability: .synced, records: .large, batch: 500),
        Workload(durability: .durable, records: .small, batch: 1),
        Workload(durability: .durable, records: .small, batch: 500),
        Workload(durability: .durable, records: .large, batch: 500),
        Workload(durability: .durable, records: .flights, batch: 500),
    ]
}
