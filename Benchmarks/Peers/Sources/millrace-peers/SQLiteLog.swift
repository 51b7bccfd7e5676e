import Foundation

/// SQLite as people use it for a log: one table, its rows in order of an integer key, write-ahead logging.
struct SQLiteLog {
    /// What a commit has reached when it returns: FULL syncs the write-ahead log, NORMAL leaves it to the system.
    enum Synchronous: String {
        case full = "FULL"
        case normal = "NORMAL"
    }

    let synchronous: Synchronous
    /// Records in one transaction.
    let batch: Int
    let recordCount: Int

    var ack: String { synchronous == .full ? "durable (each)" : "written" }

    /// Ingests, closes, reopens, reads everything back and compares. One row for the appends, one for the scan.
    func measure(_ flights: Flights, in directory: String) throws -> [Row] {
        let path = "\(directory)/peer.sqlite"
        defer { removeTree(directory) }
        let engine = "sqlite \(Database.version)"
        var append = Row(engine: engine, scenario: "append", ack: ack, batch: batch)
        append.detail = "synchronous=\(synchronous.rawValue)"
        let payload = (0..<recordCount).reduce(0) { $0 + flights.dataRange($1).count + flights.keyRange($1).count }

        var commits: [UInt64] = []
        let processor = processorNanoseconds()
        let written = writtenByteCount()
        let spent = try ingest(flights, path: path, commits: &commits)
        append.measured(
            records: recordCount, payloadBytes: payload, seconds: spent,
            processorSeconds: Double(processorNanoseconds() - processor) / 1e9)
        fillPercentiles(&append, commits)
        append.storedBytesPerByte = Double(allocatedByteCount(under: directory)) / Double(payload)
        append.writtenBytesPerByte = Double(writtenByteCount() - written) / Double(payload)

        let expected = flights.digest(ofFirst: recordCount)
        let (found, scanSeconds) = try scan(path: path)
        append.verified = found == expected

        var scan = Row(engine: engine, scenario: "scan", ack: "-", batch: nil)
        scan.detail = append.detail! + " batch=\(batch)"
        scan.measured(records: recordCount, payloadBytes: payload, seconds: scanSeconds)
        scan.verified = append.verified
        return batch >= 100 && synchronous == .normal ? [append, scan] : [append]
    }

    /// The seconds from the first insert to the return of the last commit.
    private func ingest(_ flights: Flights, path: String, commits: inout [UInt64]) throws -> Double {
        let database = try Database(path: path)
        try database.execute("PRAGMA journal_mode=WAL")
        try database.execute("PRAGMA synchronous=\(synchronous.rawValue)")
        try database.execute(
            "CREATE TABLE records(shard INTEGER, ordinal INTEGER PRIMARY KEY, key TEXT, arrival INTEGER, data BLOB)")
        let insert = try Statement("INSERT INTO records VALUES(?,?,?,?,?)", of: database)
        let begin = try Statement("BEGIN", of: database)
        let commit = try Statement("COMMIT", of: database)
        commits.reserveCapacity(recordCount / batch + 1)
        let start = nanoseconds()
        var index = 0
        while index < recordCount {
            let called = nanoseconds()
            try begin.run(database)
            for record in index..<min(index + batch, recordCount) {
                try insert.insert(
                    shard: 0, ordinal: record, key: flights.key(record), arrival: record / 40,
                    data: flights.data(record), database)
            }
            try commit.run(database)
            commits.append(nanoseconds() - called)
            index += batch
        }
        return Double(nanoseconds() - start) / 1e9
    }

    private func scan(path: String) throws -> (RecordDigest, Double) {
        let database = try Database(path: path)
        let query = try Statement("SELECT key, data FROM records ORDER BY ordinal", of: database)
        var digest = RecordDigest()
        let spent = try seconds { try query.forEachRecord(database) { digest.add(key: $0, data: $1) } }
        return (digest, spent)
    }
}

/// Exact percentiles of one batch, from its first insert to the return of its commit.
private func fillPercentiles(_ row: inout Row, _ times: [UInt64]) {
    let sorted = times.sorted()
    guard let last = sorted.last else { return }
    func at(_ share: Double) -> Double { Double(sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]) }
    row.p50 = at(0.5)
    row.p99 = at(0.99)
    row.p999 = at(0.999)
    row.maximum = Double(last)
}

/// The bytes that this process has caused to be sent to a device (proc(5), `io`); 0 where that is not known.
private func writtenByteCount() -> Int {
    guard let text = try? String(contentsOfFile: "/proc/self/io", encoding: .utf8) else { return 0 }
    let line = text.split(separator: "\n").first { $0.hasPrefix("write_bytes:") }
    return line.flatMap { Int($0.dropFirst(13)) } ?? 0
}
