import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport

/// What writers said over all their lives, and the comparison with what a store holds.
struct KillLedger {
    /// One batch whose ordinals were handed out.
    private struct Batch {
        let ordinals: Range<UInt64>
        let number: UInt64
        let cycle: UInt32
        var isAcknowledged = false
    }
    private struct Log {
        /// In the order in which they were said, which is that of their ordinals.
        var batches: [Batch] = []
        /// Where checking may begin: everything before was checked twice.
        var checked = Place()
        var checkedBefore = Place()
    }
    private struct Place {
        var ordinal: UInt64 = 0
        var number: UInt64 = 0
        var batch = 0
    }

    private var logs: [UInt64: Log] = [:]
    private(set) var acknowledged = 0
    private var durable = 0
    private var published = 0
    private var compared = 0
    private var stored = 0

    var summary: String {
        """
        \(published) records published, \(acknowledged) acknowledged (\(durable) of them durable), 0 lost; \(stored) \
        records in the store, \(compared) compared byte for byte
        """
    }

    /// Takes the lines of one life.
    mutating func take(_ output: String, cycle: UInt32) throws {
        for line in output.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words[0] == "R" || words[0] == "X" { continue }
            if words[0] == "C" {
                closed(cycle: cycle)
                continue
            }
            let numbers = words.dropFirst().compactMap { UInt64($0) }
            guard words[0] == "P" || words[0] == "A", numbers.count == (words[0] == "P" ? 4 : 5) else {
                throw KillFailure("the writer said: \(line)")
            }
            let ordinals = numbers[1]..<numbers[1] + numbers[2]
            var log = logs[numbers[0], default: Log()]
            if words[0] == "P" {
                if let last = log.batches.last, ordinals.lowerBound < last.ordinals.upperBound {
                    throw KillFailure("ordinals \(ordinals) were handed out before, up to \(last.ordinals.upperBound)")
                }
                log.batches.append(Batch(ordinals: ordinals, number: numbers[3], cycle: cycle))
                published += ordinals.count
            } else {
                guard log.batches.last?.ordinals == ordinals else {
                    throw KillFailure("acknowledged out of turn: \(line)")
                }
                log.batches[log.batches.count - 1].isAcknowledged = true
                acknowledged += ordinals.count
                if numbers[4] == Level.durable.rawValue { durable += ordinals.count }
            }
            logs[numbers[0]] = log
        }
    }

    /// Closing makes everything durable.
    private mutating func closed(cycle: UInt32) {
        for id in logs.keys {
            guard var log = logs[id] else { continue }
            for at in log.batches.indices.reversed() where log.batches[at].cycle == cycle {
                log.batches[at].isAcknowledged = true
            }
            logs[id] = log
        }
    }

    /// Opens the store and compares. With `isWhole` from the first record on, otherwise from what was new two lives
    /// ago.
    mutating func verify(_ path: String, cycle: UInt32, isWhole: Bool) throws {
        let store = try KillTest.open(path, cycle: cycle &+ 1)
        var isClosed = false
        defer { if !isClosed { store.abandon() } }
        stored = 0
        for id in KillTest.logIDs {
            let log = try store.createLog(id)
            guard log.recovery.damage.isEmpty else { throw KillFailure("damage was found: \(log.recovery)") }
            var known = logs[id, default: Log()]
            let from = isWhole ? Place() : known.checkedBefore
            let to = try compare(log, known.batches, from: from)
            stored += Int(to.number)
            (known.checkedBefore, known.checked) = (known.checked, to)
            logs[id] = known
        }
        if cycle % 2 == 1 {
            isClosed = true
            try store.close()
        }
    }

    private mutating func compare(_ log: ShardLog, _ batches: [Batch], from: Place) throws -> Place {
        var place = from
        var found = 0
        var last: KillRecord?
        var failure: KillFailure?
        /// The batch at `place.batch` is over: all of it must be there, or, unacknowledged, none.
        func endBatch() {
            let batch = batches[place.batch]
            if found != batch.ordinals.count, batch.isAcknowledged || found > 0 {
                failure =
                    failure
                    ?? KillFailure(
                        "log \(log.id): \(found) of \(batch.ordinals.count) records from ordinal \(batch.ordinals.lowerBound) on,"
                            + " cycle \(batch.cycle), acknowledged: \(batch.isAcknowledged)")
            }
            place.batch += 1
            found = 0
        }
        func check(_ ordinal: UInt64, key: RawSpan, data: RawSpan) -> String? {
            guard ordinal >= place.ordinal else { return "ordinal \(ordinal) comes after \(place.ordinal)" }
            guard let record = KillRecord(data: data) else { return "\(data.byteCount) bytes that nobody wrote" }
            guard record.number == place.number else { return "number \(record.number) in place of \(place.number)" }
            guard record.matches(key: key, data: data, log: log.id) else { return "other bytes in \(record)" }
            let isFirst = last.map { $0.place + 1 == $0.batchCount } ?? (record.place == 0)
            guard isFirst ? record.place == 0 : record.place == last!.place + 1 else {
                return "\(record) after \(String(describing: last)): a batch in parts"
            }
            while place.batch < batches.count, batches[place.batch].ordinals.upperBound <= ordinal { endBatch() }
            if place.batch < batches.count, batches[place.batch].ordinals.contains(ordinal) {
                let batch = batches[place.batch]
                let number = batch.number + (ordinal - batch.ordinals.lowerBound)
                guard record.number == number, record.cycle == batch.cycle else {
                    return
                        "ordinal \(ordinal) was handed out for number \(number), cycle \(batch.cycle); now it names \(record)"
                }
                found += 1
            }
            last = record
            place.ordinal = ordinal + 1
            place.number += 1
            return nil
        }
        var cursor = log.cursor(at: from.ordinal, level: .durable)
        while failure == nil {
            let some: Bool? = try cursor.withBatch { batch throws(LogError) in
                while failure == nil, let record = batch.next() {
                    if let text = check(record.ordinal, key: record.key, data: record.data) {
                        failure = failure ?? KillFailure("log \(log.id), ordinal \(record.ordinal): \(text)")
                    }
                    compared += 1
                }
                return true
            }
            if some == nil { break }
        }
        while place.batch < batches.count { endBatch() }
        if let last, last.place + 1 != last.batchCount {
            failure = failure ?? KillFailure("log \(log.id) ends within a batch: \(last)")
        }
        if let failure { throw failure }
        return place
    }
}
