import MillraceIO
import MillraceLog
import MillraceTestKit

/// One thing to count the instructions of.
struct Scenario: Sendable {
    struct Work {
        let unit: String
        let count: Int
        let body: () throws -> Void
    }
    let name: String
    /// Everything that is not counted.
    let prepare: @Sendable (Bench) throws -> Work
}

let scenarios: [Scenario] = [
    Scenario(name: "append-100") { try appendWork($0, dataByteCount: 90, count: 20_000) },
    Scenario(name: "append-1k") { try appendWork($0, dataByteCount: 1014, count: 5_000) },
    Scenario(name: "batch-append-100") { try batchWork($0, dataByteCount: 90, count: 20_000) },
    Scenario(name: "flush-raw-100") { try flushWork($0, isCompressing: false) },
    Scenario(name: "flush-lz4-100") { try flushWork($0, isCompressing: true) },
    Scenario(name: "scan-100") { try scanWork($0, isCompressing: false, isCold: false) },
    Scenario(name: "scan-raw-blocks-100") { try scanWork($0, isCompressing: false, isCold: true) },
    Scenario(name: "scan-lz4-blocks-100") { try scanWork($0, isCompressing: true, isCold: true) },
    Scenario(name: "seek") { try seekWork($0) },
    Scenario(name: "seek-time") { try seekTimeWork($0) },
    Scenario(name: "recovery") { try recoveryWork($0) },
]

private func appendWork(_ bench: Bench, dataByteCount: Int, count: Int) throws -> Scenario.Work {
    let store = try bench.open()
    let log = try store.createLog(1)
    let records = MadeRecords(dataByteCount: dataByteCount)
    // The first append makes the first buffer, which is smaller than the others.
    try fill(log, records, count: 1000)
    return .init(unit: "record", count: count) {
        for index in 0..<count {
            _ = try records.with(index) { key, data throws(LogError) in
                try log.append(key: key, data: data, arrival: 1000)
            }
        }
        withExtendedLifetime(store) {}
    }
}

private func batchWork(_ bench: Bench, dataByteCount: Int, count: Int) throws -> Scenario.Work {
    let store = try bench.open()
    let log = try store.createLog(1)
    let records = MadeRecords(dataByteCount: dataByteCount)
    try fill(log, records, count: 1000)
    return .init(unit: "record", count: count) {
        try fill(log, records, count: count)
        withExtendedLifetime(store) {}
    }
}

/// Cuts, encodes and writes what was appended.
private func flushWork(_ bench: Bench, isCompressing: Bool) throws -> Scenario.Work {
    let store = try bench.open(isCompressing: isCompressing)
    let log = try store.createLog(1)
    let records = MadeRecords(dataByteCount: 90)
    // The first block starts the segment.
    try fill(log, records, count: 500)
    flush(log)
    let count = 20_000
    try fill(log, records, count: count)
    return .init(unit: "record", count: count) {
        flush(log)
        withExtendedLifetime(store) {}
    }
}

private func scanWork(_ bench: Bench, isCompressing: Bool, isCold: Bool) throws -> Scenario.Work {
    let count = 20_000
    let store = try filled(bench, isCompressing: isCompressing, count: count)
    let log = try store.log(1)
    if isCold { store.dropCache() }
    return .init(unit: "record", count: count) {
        var found = 0
        var sum = 0
        var cursor = log.cursor(at: 0, level: .published)
        while true {
            let some: Bool? = try cursor.withBatch { batch throws(LogError) in
                while let record = batch.next() {
                    found += 1
                    sum &+= record.data.byteCount &+ record.key.byteCount
                    // Safe because every record of this set has data.
                    sum &+= Int(unsafe record.data.unsafeLoad(fromByteOffset: 0, as: UInt8.self))
                }
                return true
            }
            if some == nil { break }
        }
        precondition(found == count && sum > 0, "\(found) records, \(count) were appended")
        withExtendedLifetime(store) {}
    }
}

/// A new cursor at a record somewhere, and that record.
private func seekWork(_ bench: Bench) throws -> Scenario.Work {
    let store = try filled(bench, isCompressing: false, count: 20_000)
    let log = try store.log(1)
    let first = log.segments.segments[0].baseOrdinal
    let count = 2_000
    return .init(unit: "seek", count: count) {
        for index in 0..<count {
            let ordinal = first + UInt64(index &* 7919 % 20_000)
            var cursor = log.cursor(at: ordinal, level: .published)
            guard case .records = try cursor.fetch() else { preconditionFailure("no record \(ordinal)") }
        }
        withExtendedLifetime(store) {}
    }
}

private func seekTimeWork(_ bench: Bench) throws -> Scenario.Work {
    let store = try filled(bench, isCompressing: false, count: 20_000)
    let log = try store.log(1)
    let count = 2_000
    return .init(unit: "seek", count: count) {
        for index in 0..<count {
            var cursor = log.cursor(at: 0, level: .published)
            try cursor.seek(toArrival: UInt64(1000 + index &* 7919 % 40))
        }
        withExtendedLifetime(store) {}
    }
}

/// Opening a log of a process that died.
private func recoveryWork(_ bench: Bench) throws -> Scenario.Work {
    let count = 20_000
    try filled(bench, isCompressing: true, count: count).abandon()
    let store = try bench.open(isDropping: false)
    return .init(unit: "record", count: count) {
        let log = try store.log(1)
        precondition(!log.recovery.wasClean && log.recovery.damage.isEmpty, "\(log.recovery)")
        withExtendedLifetime(store) {}
    }
}

// MARK: Parts

/// A store whose log 1 has so many records of 100 bytes, all written, forty arrival times among them.
private func filled(_ bench: Bench, isCompressing: Bool, count: Int) throws -> LogStore {
    let store = try bench.open(isCompressing: isCompressing, isDropping: false)
    let log = try store.createLog(1)
    try fill(log, MadeRecords(dataByteCount: 90), count: count)
    flush(log)
    return store
}

@inline(never)
private func fill(_ log: ShardLog, _ records: MadeRecords, count: Int) throws(LogError) {
    var at = 0
    while at < count {
        _ = try log.append(arrival: 1000 + UInt64(at / 500)) { sink throws(LogError) in
            for index in at..<min(at + 500, count) {
                try records.with(index) { key, data throws(LogError) in try sink.add(key: key, data: data) }
            }
        }
        at += 500
    }
}

@inline(never)
private func flush(_ log: ShardLog) {
    while log.flushStep() == .progress {}
}
