import MillraceIO
package import MillraceLog

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Which promise was broken.
package enum CrashInvariant: String, Sendable, CaseIterable {
    case lost = "an acknowledged record is gone"
    case wrongBytes = "a record is not what was put"
    case neverPut = "a record was never put"
    case wrongGap = "a gap was declared over records that are not damaged"
    case silentDamage = "damage was not declared"
    case batchCut = "a batch is not whole"
    case numberReused = "a number was handed out again"
    case notClean = "a clean close was not seen"
    case seekDisagrees = "a seek and a scan disagree"
    case verifyDisagrees = "verification reports damage that there is not, or misses some"
    case viewChanged = "a lent view changed"
    case streamGone = "a stream that was created is gone, or is another"
    case unexpectedError = "a call failed that had no reason to"
}

/// One broken promise, where it was found, and how to see it again.
package struct CrashFailure: Error, Sendable, CustomStringConvertible {
    package let invariant: CrashInvariant
    package let detail: String
    package var seed: UInt64 = 0
    /// Which state of the life, from 1.
    package var state = 0
    /// Which step was the last.
    package var step = 0
    package var steps: [String] = []

    init(_ invariant: CrashInvariant, _ detail: String) {
        self.invariant = invariant
        self.detail = detail
    }

    package var description: String {
        var lines = ["seed \(seed), state \(state), after step \(step): \(invariant.rawValue): \(detail)", "steps:"]
        for (number, step) in steps.enumerated() { lines.append("  \(number). \(step)") }
        return lines.joined(separator: "\n")
    }
}

/// What was appended to one log and what may be left of it: the oracle of the crash tests.
package struct LogModel: Sendable {
    package struct Entry: Sendable {
        package let ordinal: UInt64
        package let arrival: UInt64
        package let record: PlainRecord
        /// Its block was damaged on the disk while it was durable: it must be declared missing.
        package var isDamaged = false
        /// Key compaction may have removed it.
        package var mayBeRemoved = false

        package init(ordinal: UInt64, arrival: UInt64 = 0, record: PlainRecord) {
            self.ordinal = ordinal
            self.arrival = arrival
            self.record = record
        }
    }
    /// In order of their ordinals.
    package var entries: [Entry] = []
    /// How many entries there are at the end of each batch, ascending.
    package var batchEnds: [Int] = [0]
    /// Records below were acknowledged as durable, as written: kept by whoever uses the model.
    package var durable: UInt64 = 0
    package var written: UInt64 = 0
    /// The greatest ordinal ever handed out, whether its record is still there or not.
    package private(set) var greatestOrdinal: UInt64?
    package var lastArrival: UInt64 = 0
    /// Records below may be missing at the front: retention was allowed to take them.
    package var forgettable: UInt64 = 0
    /// How far the last key compaction knew of newer records.
    private var thinnedBelow: UInt64 = 0

    package init() {}

    /// Retention may take what arrived before the time and is below `ordinal`.
    package mutating func expire(before milliseconds: UInt64, below ordinal: UInt64) {
        let first = entries.first { $0.arrival >= milliseconds }?.ordinal ?? .max
        forgettable = max(forgettable, min(first, ordinal))
    }

    /// Key compaction may take what is below `ordinal` and has a newer record of its key there, and tombstones from before the time.
    package mutating func thinOut(below ordinal: UInt64, tombstonesBefore: UInt64) {
        thinnedBelow = ordinal
        var seen: Set<[UInt8]> = []
        for index in entries.indices.reversed() where entries[index].ordinal < ordinal {
            let isNewest = seen.insert(entries[index].record.key).inserted
            if !isNewest || entries[index].record.data.isEmpty && entries[index].arrival < tombstonesBefore {
                entries[index].mayBeRemoved = true
            }
        }
    }

    /// Behind the entries from `index` on that may have been removed, as far as `ordinal`.
    private func passed(_ index: Int, to ordinal: UInt64) -> Int {
        var index = index
        while index < entries.count, entries[index].mayBeRemoved, entries[index].ordinal < ordinal { index += 1 }
        return index
    }

    /// A tombstone that was removed while it was the newest of its key takes everything older with it. One that a newer record had
    /// followed does not: where a segment cannot be written anew, what it holds stays, and the newest says what counts.
    /// - Parameter end: what was not promised may be gone for other reasons.
    private func judgeRemoved(_ found: Set<UInt64>, below end: UInt64) throws(CrashFailure) {
        var gone: Set<[UInt8]> = [], followed: Set<[UInt8]> = []
        for entry in entries.reversed() where entry.ordinal >= forgettable && entry.ordinal < end && !followed.contains(entry.record.key) {
            if found.contains(entry.ordinal) {
                if gone.contains(entry.record.key) {
                    throw CrashFailure(.neverPut, "record \(entry.ordinal), whose key is gone, came back")
                }
                followed.insert(entry.record.key)
            } else if entry.isDamaged {
                followed.insert(entry.record.key)
            } else if entry.mayBeRemoved, entry.record.data.isEmpty {
                gone.insert(entry.record.key)
            }
        }
    }

    /// The first entry at `ordinal` or behind it, when what is in front of it may be missing.
    private func firstLeft(at ordinal: UInt64) -> Int { count(below: min(ordinal, forgettable)) }

    /// A batch was appended; its numbers must be new.
    package mutating func append(_ range: Range<UInt64>, _ records: [PlainRecord], arrival: UInt64) throws(CrashFailure) {
        if let greatestOrdinal, range.lowerBound <= greatestOrdinal {
            throw CrashFailure(.numberReused, "\(range.lowerBound) after \(greatestOrdinal)")
        }
        note(range, records, arrival: arrival)
    }

    /// The same for who does not look at arrival times, and compares numbers by other means.
    package mutating func append(_ range: Range<UInt64>, _ records: [PlainRecord]) {
        note(range, records, arrival: 0)
    }

    private mutating func note(_ range: Range<UInt64>, _ records: [PlainRecord], arrival: UInt64) {
        lastArrival = max(lastArrival, arrival)
        for (index, record) in records.enumerated() {
            entries.append(Entry(ordinal: range.lowerBound + UInt64(index), arrival: lastArrival, record: record))
        }
        batchEnds.append(entries.count)
        greatestOrdinal = range.upperBound - 1
    }

    /// Forgets what a crash took. Numbers stay handed out.
    package mutating func keep(_ count: Int) {
        entries.removeLast(entries.count - count)
        while let last = batchEnds.last, last > count { batchEnds.removeLast() }
    }

    package mutating func damage(_ ordinals: Range<UInt64>) {
        for index in entries.indices where ordinals.contains(entries[index].ordinal) { entries[index].isDamaged = true }
    }

    package var hasDamage: Bool { entries.contains(where: \.isDamaged) }

    /// How many entries have ordinals below.
    package func count(below ordinal: UInt64) -> Int {
        var low = 0, high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].ordinal < ordinal { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Reads the log from its beginning and holds it against the model; how many entries are left.
    ///
    /// What is left must be a prefix of what was appended that ends with a batch, reach at least up to `promised`, and
    /// miss exactly the damaged records, declared as gaps; and at its front what retention may have taken.
    package func judge(_ log: ShardLog, level: Level, promised: UInt64) throws -> Int {
        var cursor = log.cursor(at: 0, level: level)
        var index = 0
        var isAtFront = true
        var gaps: [Gap] = []
        var found: Set<UInt64> = []
        let isThinned = entries.contains(where: \.mayBeRemoved)
        while true {
            // What the records say leaves through a variable: the closure may throw errors of the log alone.
            var failure: CrashFailure?
            let more: Bool?
            do throws(LogError) {
                more = try cursor.withBatch { batch throws(LogError) in
                    while failure == nil, let view = batch.next() {
                        if isAtFront { index = firstLeft(at: view.ordinal) }
                        isAtFront = false
                        if isThinned {
                            found.insert(view.ordinal)
                            index = passed(index, to: view.ordinal)
                        }
                        failure = difference(at: index, view)
                        index += 1
                    }
                    return true
                }
            } catch {
                guard case .gap(let gap) = error else { throw error }
                gaps.append(gap)
                if isAtFront { index = firstLeft(at: gap.from) }
                isAtFront = false
                index = passed(index, to: gap.from)
                let start = index
                while index < entries.count, entries[index].ordinal < gap.to {
                    guard entries[index].isDamaged, entries[index].ordinal >= gap.from else {
                        throw CrashFailure(.wrongGap, "\(gap) over record \(entries[index].ordinal)")
                    }
                    index += 1
                }
                if index == start { throw CrashFailure(.wrongGap, "\(gap) over no record") }
                continue
            }
            if let failure { throw CrashFailure(failure.invariant, "\(failure.detail); gaps \(gaps), \(log.recovery)") }
            if more == nil { break }
        }
        if isAtFront { index = firstLeft(at: .max) }
        // At the end, what was not promised is lost rather than removed.
        index = passed(index, to: promised)
        if isThinned { try judgeRemoved(found, below: min(promised, thinnedBelow)) }
        let least = count(below: promised)
        if index < least {
            throw CrashFailure(.lost, "\(least) records were promised in log \(log.id), \(index) are left; \(log.recovery)")
        }
        // Retention keeps no batch together.
        if !batchEnds.contains(index), !isAtFront {
            throw CrashFailure(.batchCut, "\(index) records are left in log \(log.id), batches end at \(batchEnds)")
        }
        return index
    }

    /// As `judge`, of a log that was read already, arrival times apart; nil when all is well.
    package func violation(
        found: [(ordinal: UInt64, record: PlainRecord)], gaps: [Gap], promised: UInt64
    ) -> String? {
        if !gaps.isEmpty { return "a gap was declared: \(gaps)" }
        if found.count > entries.count { return "\(found.count) records found, \(entries.count) appended" }
        for (entry, found) in zip(entries, found) where found.ordinal != entry.ordinal || found.record != entry.record {
            return "found \(found), appended \(entry)"
        }
        let least = count(below: promised)
        if found.count < least { return "\(least) records were acknowledged, \(found.count) are left" }
        if !batchEnds.contains(found.count) { return "a batch was cut: \(found.count) records, batches end at \(batchEnds)" }
        return nil
    }

    private func difference(at index: Int, _ view: borrowing RecordView) -> CrashFailure? {
        guard index < entries.count else {
            return CrashFailure(.neverPut, "record \(view.ordinal) behind the \(entries.count) that were put")
        }
        let entry = entries[index]
        if view.ordinal > entry.ordinal {
            return CrashFailure(
                entry.isDamaged ? .silentDamage : .lost, "record \(view.ordinal) follows where \(entry.ordinal) stood")
        }
        guard view.ordinal == entry.ordinal else {
            return CrashFailure(.neverPut, "record \(view.ordinal) where \(entry.ordinal) stood")
        }
        if entry.isDamaged { return CrashFailure(.silentDamage, "record \(entry.ordinal) is of a damaged block") }
        if view.arrivalMilliseconds != entry.arrival {
            return CrashFailure(
                .wrongBytes, "record \(view.ordinal) arrived at \(view.arrivalMilliseconds), not at \(entry.arrival)")
        }
        guard isEqual(view.key, entry.record.key), isEqual(view.data, entry.record.data) else {
            return CrashFailure(.wrongBytes, "record \(view.ordinal), \(entry.record)")
        }
        return nil
    }

    private func isEqual(_ span: RawSpan, _ bytes: [UInt8]) -> Bool {
        guard span.byteCount == bytes.count else { return false }
        if bytes.isEmpty { return true }
        // Safe because both are valid for their counts while they are compared.
        return unsafe span.withUnsafeBytes { a in unsafe bytes.withUnsafeBytes { b in unsafe memcmp(a.baseAddress!, b.baseAddress!, a.count) == 0 } }
    }

    /// Holds seeks to drawn places against the entries, of which the first `count` are there.
    func judgeSeeks(_ log: ShardLog, count: Int, level: Level, _ entropy: SeededEntropy) throws {
        guard count > 0 else { return }
        for _ in 0..<2 {
            let entry = entries[entropy.next(below: count)]
            guard !entry.isDamaged, !entry.mayBeRemoved, entry.ordinal >= log.trimHorizon else { continue }
            var cursor = log.cursor(at: entry.ordinal, level: level)
            let found = try cursor.withBatch { batch throws(LogError) in batch.next()?.ordinal }
            if found != entry.ordinal {
                throw CrashFailure(.seekDisagrees, "\(entry.ordinal) was looked for, \(found ?? nil, default: "nothing") found")
            }
        }
        guard !hasDamage else { return }
        let time = entries[entropy.next(below: count)].arrival
        var cursor = log.cursor(at: 0, level: level)
        try cursor.seek(toArrival: time)
        let found = try cursor.withBatch { batch throws(LogError) in batch.next()?.ordinal } ?? nil
        let candidates = entries[..<count].filter { $0.arrival >= time && $0.ordinal >= log.trimHorizon }
        // Of those that may have been removed, any may be there.
        let wanted = candidates.first { !$0.mayBeRemoved }?.ordinal
        let isEarlier = candidates.prefix { $0.mayBeRemoved }.contains { $0.ordinal == found }
        if found != wanted, !isEarlier {
            throw CrashFailure(
                .seekDisagrees, "time \(time): \(found, default: "nothing") found, not \(wanted, default: "nothing")")
        }
    }
}

/// What a whole store was promised to hold: the logs, and the streams that name them.
package struct StoreModel: Sendable {
    package var logs: [UInt64: LogModel] = [:]
    /// Log ids of each stream's shards.
    package var streams: [String: [UInt64]] = [:]
    /// A creation that did not return, or failed: it may have happened.
    package var maybeLogs: Set<UInt64> = []
    package var maybeStreams: [String: Int] = [:]
    /// Nothing durable was damaged.
    package var isIntact = true

    /// Ordinals below are promised, by log: what was durable, and what was written, when the process or the machine died.
    package struct Promises: Sendable {
        package var durable: [UInt64: UInt64] = [:]
        package var written: [UInt64: UInt64] = [:]

        package init() {}

        /// What the logs have acknowledged up to now.
        package init(_ logs: [ShardLog]) {
            for log in logs {
                durable[log.id] = log.tip(.durable)
                written[log.id] = log.tip(.written)
            }
        }
    }
}
