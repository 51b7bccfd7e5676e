import MillraceIO
import Synchronization

/// When and how the records of a log are thinned out to the newest of each key.
package struct KeyCompactionLimits: Sendable, Equatable {
    /// Raw bytes of one new segment at most, and read in one step.
    package var rawByteLimit = 32 << 20
    /// Memory for the keys of what has come since the last time; where it does not do, less is gone over at once.
    package var tableByteLimit = 64 << 20
    /// A pass begins when at least this share of the sealed segments' bytes was never gone over.
    package var leastNewShare = 0.5
    /// Records without data that arrived before go, with everything older of their keys; milliseconds since 1970 UTC. 0: none goes.
    package var tombstonesBefore: UInt64 = 0

    package init() {}
}

/// One going over a log from its beginning: first keys are read, then segments are written anew without the records that have a
/// newer one. Lost when the log is closed: then it begins once more.
struct KeyPass {
    /// Segments that begin below are gone over.
    var endOrdinal: UInt64
    /// The keys of segments that begin below have been read.
    var unreadOrdinal: UInt64 = 0
    /// Those that begin below have been thinned out.
    var nextOrdinal: UInt64 = 0
    /// Where the first segment begins that no pass has gone over.
    let firstNewOrdinal: UInt64
    let table: KeyTable
    let tombstonesBefore: UInt64
    /// Something older cannot be written anew: what a tombstone stands for may be in it.
    var keepsTombstones = false

    var filter: KeyFilter { KeyFilter(table: table, tombstonesBefore: keepsTombstones ? 0 : tombstonesBefore) }
}

/// Key compaction: of the records of one key the newest stays, in its place and with its number; a read at a number that is gone finds
/// the next one there is.
///
/// A record is removed only when one with the same key that is newer is durable in a sealed segment, or when it is a tombstone
/// whose time is up and nothing older of its key is left: segments are written anew from the oldest on, each durable before the next one.
/// So whatever a crash leaves of a pass, the newest record of every key is there, and no tombstone that is the newest is gone before
/// what it stands for. Blocks go on standing for all their ordinals (FORMAT section 5), so that damage is still told from what was removed.
/// Files are exchanged as compaction does it, and by the same rules.
extension ShardLog {
    /// Does the next piece of a pass: reads the keys of some segments, or writes some anew. As `compactStep`.
    /// - Throws: as `compactStep`.
    package func keyCompactStep(
        _ limits: KeyCompactionLimits, pace: StepPace? = nil
    ) throws(LogError) -> CompactionOutcome {
        try compacting { segments, facts throws(LogError) in
            var pass: KeyPass
            if let begun = retention.keyPass.withLock({ $0.take() }) {
                pass = begun
            } else {
                guard let new = newPass(segments, facts, limits) else { return .nothing }
                if new.endOrdinal > retention.keptDurable.load(ordering: .relaxed) {
                    guard try keepHorizon() else { return .busy }
                }
                pass = new
            }
            retention.relyOn(from: min(pass.unreadOrdinal, pass.nextOrdinal))
            var outcome = CompactionOutcome.notWorth(rawByteCount: 0)
            do throws(LogError) {
                if pass.unreadOrdinal < pass.endOrdinal { outcome = try readKeys(segments, facts, &pass, limits, pace) }
                // Where there was nothing to read, it goes on at once.
                if outcome == .notWorth(rawByteCount: 0) { outcome = try thinOut(segments, facts, &pass, limits, pace) }
            } catch {
                retention.keyPass.withLock { $0 = pass }
                throw error
            }
            if pass.nextOrdinal < pass.endOrdinal { retention.keyPass.withLock { $0 = pass } }
            return outcome
        }
    }

    /// Bytes of records that a pass has to go over, of one that has begun or would begin now; 0 when there is none.
    package func pendingKeyCompaction(_ limits: KeyCompactionLimits) throws(LogError) -> Int {
        let segments = reader.snapshot.segments
        let facts = try compactionFacts(segments)
        let begun = retention.keyPass.withLock { pass in pass.map { ($0.nextOrdinal, $0.endOrdinal) } }
        guard let (next, end) = begun ?? newPass(segments, facts, limits).map({ ($0.nextOrdinal, $0.endOrdinal) }) else { return 0 }
        return facts.reduce(0) { $1.baseOrdinal >= next && $1.baseOrdinal < end ? $0 + $1.rawByteCount : $0 }
    }

    private func newPass(
        _ segments: [Segment], _ facts: [SegmentFacts], _ limits: KeyCompactionLimits
    ) -> KeyPass? {
        let durable = watermarks.value(.durable), horizon = watermarks.trimmed
        var newByteCount = 0, byteCount = 0
        var end: UInt64 = 0, firstNew: UInt64?
        for (facts, next) in zip(facts, segments.dropFirst()) where next.baseOrdinal > horizon {
            if next.baseOrdinal > durable { break }
            end = next.baseOrdinal
            byteCount += facts.rawByteCount
            if facts.isKeyed || !facts.isWhole { continue }
            newByteCount += facts.rawByteCount
            firstNew = firstNew ?? facts.baseOrdinal
        }
        guard let firstNew, Double(newByteCount) >= limits.leastNewShare * Double(byteCount) else { return nil }
        return KeyPass(
            endOrdinal: end, firstNewOrdinal: firstNew, table: KeyTable(byteLimit: limits.tableByteLimit),
            tombstonesBefore: limits.tombstonesBefore)
    }

    /// Reads the keys of new segments, and of older ones those whose tombstones may go, up to the limit. Where the table is full the pass
    /// ends: in front of that segment, or behind it when it is the first.
    private func readKeys(
        _ segments: [Segment], _ facts: [SegmentFacts], _ pass: inout KeyPass, _ limits: KeyCompactionLimits,
        _ pace: StepPace?
    ) throws(LogError) -> CompactionOutcome {
        var merger = merger(isHigh: false, pace)
        var rawByteCount = 0
        for (index, facts) in facts.enumerated() where facts.baseOrdinal >= pass.unreadOrdinal && facts.baseOrdinal < pass.endOrdinal {
            if rawByteCount > 0, rawByteCount + facts.rawByteCount > limits.rawByteLimit {
                return .notWorth(rawByteCount: rawByteCount)
            }
            let next = segments[index + 1].baseOrdinal
            if facts.isWhole {
                let tombstonesBefore = facts.isKeyed ? pass.tombstonesBefore : nil
                let isRoom = try whole(facts) { () throws(LogError) in
                    let (open, content) = try segments[index].use()
                    return try merger.note(keysOf: open, content, tombstonesBefore: tombstonesBefore, in: pass.table)
                }
                rawByteCount += facts.rawByteCount
                if isRoom == false, !facts.isKeyed {
                    pass.endOrdinal = facts.baseOrdinal == pass.firstNewOrdinal ? next : facts.baseOrdinal
                    break
                }
            }
            pass.unreadOrdinal = next
        }
        pass.unreadOrdinal = .max
        return .notWorth(rawByteCount: rawByteCount)
    }

    /// Writes the next segments anew, up to the limit, unless nothing of them goes.
    private func thinOut(
        _ segments: [Segment], _ facts: [SegmentFacts], _ pass: inout KeyPass, _ limits: KeyCompactionLimits,
        _ pace: StepPace?
    ) throws(LogError) -> CompactionOutcome {
        let horizon = watermarks.trimmed
        var first = facts.firstIndex { $0.baseOrdinal >= pass.nextOrdinal } ?? facts.count
        while first < facts.count, facts[first].baseOrdinal < pass.endOrdinal, !facts[first].isWhole {
            if segments[first + 1].baseOrdinal > horizon { pass.keepsTombstones = true }
            first += 1
        }
        var end = first
        var rawByteCount = 0
        while end < facts.count, facts[end].baseOrdinal < pass.endOrdinal, facts[end].isWhole,
            end == first || rawByteCount + facts[end].rawByteCount <= limits.rawByteLimit
        {
            rawByteCount += facts[end].rawByteCount
            end += 1
        }
        guard first < end else {
            pass.nextOrdinal = .max
            return .notWorth(rawByteCount: 0)
        }
        let range = first..<end
        let inputs = Array(segments[range])
        var merger = merger(isHigh: facts[range].allSatisfy(\.isHigh), pace)
        var removedCount = 0
        for (input, facts) in zip(inputs, facts[range]) {
            let filter = pass.filter
            let count = try whole(facts) { () throws(LogError) in
                let (open, content) = try input.use()
                shared.openSegments.used(input)
                return try merger.count(removedBy: filter, in: open, content)
            }
            // The next step goes by it.
            guard let count else { return .notWorth(rawByteCount: rawByteCount) }
            removedCount += count
        }
        let isKeyed = segments[end].baseOrdinal <= pass.endOrdinal
        if removedCount > 0 {
            let before = facts[range].reduce(0) { $0 + $1.fileByteCount }
            try gather(inputs, pass.filter, &merger)
            try replace(inputs, by: &merger, isHigh: facts[range].allSatisfy(\.isHigh), isKeyed: isKeyed)
            reader.leaveMemory(below: segments[end].baseOrdinal)
            pass.nextOrdinal = segments[end].baseOrdinal
            return .compacted(
                segmentCount: inputs.count, bytesBefore: before, bytesAfter: merger.fileByteCount, rawByteCount: rawByteCount)
        }
        if isKeyed { for input in inputs { retention.facts.withLock { $0[input.baseOrdinal]?.isKeyed = true } } }
        pass.nextOrdinal = segments[end].baseOrdinal
        return .notWorth(rawByteCount: rawByteCount)
    }

    /// What the body answers; nil when the segment does not validate any more, which is kept in mind.
    private func whole<Result>(_ facts: SegmentFacts, _ body: () throws(LogError) -> Result) throws(LogError) -> Result? {
        do throws(LogError) { return try body() } catch {
            guard case .corrupt = error else { throw error }
            retention.facts.withLock { $0[facts.baseOrdinal]?.isWhole = false }
            return nil
        }
    }
}
