import Foundation

/// One workload on one engine: appends for a while, closes, opens again, reads everything and compares.
struct PeerRun {
    let workload: Workload
    let set: RecordSet
    /// A place of its own, which is not there yet and is gone afterwards.
    let directory: String
    /// Ends the appends, as does an amount of key and data.
    let nanosecondLimit: UInt64
    let byteLimit: Int

    init(_ workload: Workload, _ set: RecordSet, _ options: Options) {
        self.workload = workload
        self.set = set
        directory = "\(options.directory)/.millrace-peers-\(getpid())"
        nanosecondLimit = options.isQuick ? 300_000_000 : 2_000_000_000
        byteLimit = options.isQuick ? 64 << 20 : 1 << 30
    }

    func measure<Log: PeerLog & ~Copyable>(_: Log.Type) throws -> [Row] {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { removeTree(directory) }
        // What others left to be written back is not this run's.
        sync()
        let (append, count) = try append(Log.self)
        return try read(Log.self, append, count)
    }

    /// The row of the appends, not yet verified, and how many records there are.
    private func append<Log: PeerLog & ~Copyable>(_: Log.Type) throws -> (Row, Int) {
        var row = Row(
            engine: Log.engine, scenario: "append", ack: workload.durability.ack, codec: Log.codec,
            batch: workload.batch)
        row.detail = set.name
        var log = try Log(in: directory, durability: workload.durability)
        row.engine += " \(log.version)"
        let appended = try append(to: &log)
        // An engine may put work off until it is closed, which is a part of what the appends cost. What a server that
        // has ended wrote counts as this process's, so that there the end is left out.
        let withServer = log.serverUsage.map { Usage.ofThisProcess(and: $0) }
        try log.close()
        let usage = (withServer ?? Usage.ofThisProcess()) - appended.usageBefore

        let count = appended.count - workload.batch
        let byteCount = set.byteCount(from: workload.batch, count: count)
        row.measured(
            records: count, payloadBytes: byteCount, seconds: Double(appended.nanoseconds) / 1e9,
            processorSeconds: Double(usage.processorNanoseconds) / 1e9)
        appended.fillPercentiles(of: &row)
        row.writtenBytesPerByte = Double(usage.writtenByteCount) / Double(byteCount)
        row.storedBytesPerByte =
            Double(allocatedByteCount(under: directory)) / Double(set.byteCount(count: appended.count))
        row.note = Log.setting(for: workload.durability)
        if workload.durability == .synced { row.note! += ", \(appended.syncCount) syncs" }
        return (row, appended.count)
    }

    private func append<Log: PeerLog & ~Copyable>(to log: inout Log) throws -> Appended {
        let countLimit = set.count(ofBytes: byteLimit)
        var appended = Appended()
        // The first call makes files; it belongs to no steady state.
        try log.append(set, 0..<workload.batch, isSynced: false)
        appended.count = workload.batch
        appended.usageBefore = Usage.ofThisProcess(and: log.serverUsage)
        let isSynced = workload.durability == .synced
        if isSynced, let synchronise = log.synchronise {
            appended.syncCount = try Synchroniser.run(synchronise) {
                try appendAll(to: &log, &appended, countLimit, isSyncing: false)
            }
        } else {
            try appendAll(to: &log, &appended, countLimit, isSyncing: isSynced)
        }
        return appended
    }

    /// `isSyncing` says that appends carry a sync whenever one is due.
    private func appendAll<Log: PeerLog & ~Copyable>(
        to log: inout Log, _ appended: inout Appended, _ countLimit: Int, isSyncing: Bool
    ) throws {
        let start = nanoseconds()
        var called = start
        var synced = start
        repeat {
            let isDue = isSyncing && called - synced >= Durability.syncInterval
            if isDue {
                synced = called
                appended.syncCount += 1
            }
            let end = appended.count + workload.batch
            try log.append(set, appended.count..<end, isSynced: isDue)
            appended.count = end
            let now = nanoseconds()
            appended.calls.append(now - called)
            called = now
        } while called - start < nanosecondLimit && appended.count < countLimit
        appended.nanoseconds = called - start
    }

    /// Reads twice: as a reader would, for its time, and for the digest. The row of the reading is left out where the
    /// workload has none.
    private func read<Log: PeerLog & ~Copyable>(_: Log.Type, _ append: Row, _ count: Int) throws -> [Row] {
        var append = append
        let log = try Log(in: directory, durability: .written)
        var scan = Row(engine: append.engine, scenario: "scan", ack: "-", codec: append.codec)
        scan.detail = set.name
        scan.note = "opened again, from the page cache"
        if workload.isScanned {
            let before = Usage.ofThisProcess(and: log.serverUsage)
            var found = 0
            var sum = 0
            let spent = try seconds {
                try log.scan { key, data in
                    found += 1
                    sum &+= key.byteCount &+ data.byteCount
                    // Safe because a record of these sets has data.
                    sum &+= Int(unsafe data.unsafeLoad(fromByteOffset: 0, as: UInt8.self))
                }
            }
            let usage = Usage.ofThisProcess(and: log.serverUsage) - before
            scan.measured(
                records: found, payloadBytes: set.byteCount(count: count), seconds: spent,
                processorSeconds: Double(usage.processorNanoseconds) / 1e9)
            // The sum is used, or the reading would not be done.
            scan.verified = found == count && sum != 0
        }
        var digest = RecordDigest()
        try log.scan { digest.add(key: $0, data: $1) }
        try log.close()
        append.verified = digest == set.digest(count: count)
        scan.verified = scan.verified && append.verified
        return workload.isScanned ? [append, scan] : [append]
    }
}

/// What a run's appends came to.
private struct Appended {
    /// Records, those of the first call among them.
    var count = 0
    /// Of this process and a server's, when the second call began.
    var usageBefore = Usage()
    /// From the second call to the return of the last.
    var nanoseconds: UInt64 = 0
    /// The duration of each call, in nanoseconds.
    var calls: [UInt64] = []
    /// Syncs that were asked for besides the appends.
    var syncCount = 0

    init() { calls.reserveCapacity(1 << 20) }

    func fillPercentiles(of row: inout Row) {
        let sorted = calls.sorted()
        func at(_ share: Double) -> Double { Double(sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]) }
        row.calls = calls.count
        row.p50 = at(0.5)
        row.p99 = at(0.99)
        row.p999 = at(0.999)
        row.maximum = at(1)
        row.percentiles = Self.shares.map { [$0, at($0)] }
    }

    /// At which shares of the calls a row keeps the distribution, as Millrace's own rows do.
    private static let shares = [
        0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 0.99995, 0.99999,
        0.999995, 0.999999, 1,
    ]
}
