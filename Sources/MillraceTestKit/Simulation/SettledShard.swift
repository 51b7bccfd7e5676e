import MillraceLog
import MillraceModel

// What is left of a shard when the process ended: the model takes what the log has, if that may be.

extension ReferenceShard {
    /// Keeps the records that the log has: all that were promised, and without a hole as many of the rest as there are.
    mutating func settle(_ log: ShardLog, promised: UInt64, horizon: UInt64, name: String) throws {
        var rest = try log.everything()[...]
        let isKnown = records.allSatisfy { $0.number != nil }
        let numbered = isKnown ? [] : Set(records.compactMap { $0.number?.ordinal })
        var kept: [ReferenceRecord] = []
        var (isOver, isLost) = (false, false)
        for record in records {
            let isNext = rest.first.map { next in
                // One whose number nobody knows is known by its bytes.
                record.number.map { $0.ordinal == next.ordinal } ?? (!numbered.contains(next.ordinal) && next.has(record))
            }
            if isNext == true, let next = rest.popFirst() {
                if isOver { throw StreamMismatch("\(name): record \(next.ordinal) stands behind a hole") }
                var record = record
                if record.number == nil {
                    record.arrival = next.arrival
                    record.number = SequenceNumber(
                        shardCreationSecond: creationSecond, shardID: id, ordinal: next.ordinal,
                        recordSecond: next.arrival / 1000)
                }
                guard next.has(record), next.arrival == record.arrival else {
                    throw StreamMismatch(
                        "\(name): record \(next.ordinal), arrived at \(next.arrival), is not what was put, or did not arrive at \(record.arrival)")
                }
                kept.append(record)
                greatestNumber = max(greatestNumber ?? summary.startingSequenceNumber, record.number ?? summary.startingSequenceNumber)
                continue
            }
            isLost = true
            guard let number = record.number else { continue }
            if number.ordinal < promised, record.arrival >= horizon {
                throw StreamMismatch("\(name): record \(number), ordinal \(number.ordinal), was promised up to \(promised) and is gone")
            }
            // Retention takes the oldest; anything else is the end of what is left.
            if record.arrival >= horizon || !kept.isEmpty { isOver = true }
        }
        if let stranger = rest.first {
            throw StreamMismatch("\(name): record \(stranger.ordinal) was never put, or is there twice")
        }
        (records, isSettled) = (kept, true)
        visibleEnd = .max
        if isLost, closingSecond == nil { leastArrival = kept.last?.arrival ?? 0 }
    }
}

/// A record as the engine has it. A value.
private struct FoundRecord {
    let ordinal: UInt64
    let arrival: UInt64
    let record: PlainRecord

    func has(_ other: ReferenceRecord) -> Bool { record.data == other.data && record.key.elementsEqual(other.key.utf8) }
}

extension ShardLog {
    /// All that is there, whoever may see it.
    fileprivate func everything() throws -> [FoundRecord] {
        var cursor = cursor(at: 0, level: .durable)
        var found: [FoundRecord] = []
        while true {
            do throws(LogError) {
                let more: Bool? = try cursor.withBatch { batch throws(LogError) in
                    while let view = batch.next() {
                        found.append(
                            FoundRecord(
                                ordinal: view.ordinal, arrival: view.arrivalMilliseconds,
                                record: PlainRecord(key: view.key.bytes, data: view.data.bytes)))
                    }
                    return true
                }
                if more == nil { return found }
            } catch {
                guard case .gap(let gap) = error, case .trimmed = gap.cause else { throw StreamMismatch("log \(id): \(error)") }
            }
        }
    }
}
