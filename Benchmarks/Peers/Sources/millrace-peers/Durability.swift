/// What an append has reached when it returns.
enum Durability: String, CaseIterable, Sendable {
    /// The operating system has the bytes: a killed process loses nothing, a power cut may.
    case written
    /// The same, and everything is synced whenever 10 ms have passed since the last sync.
    case synced
    /// The device has the bytes.
    case durable

    static let syncInterval: UInt64 = 10_000_000

    /// As it stands in a row.
    var ack: String {
        switch self {
        case .written: "written"
        case .synced: "written, synced every 10 ms"
        case .durable: "durable (each)"
        }
    }
}
