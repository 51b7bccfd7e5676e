import MillraceIO
import Synchronization

/// What a log keeps of its sweeps. All from any thread.
final class LogRetention: Sendable {
    /// See `DurableNote.trimmedOrdinal`. Raised by the one that sweeps.
    let trimmedOrdinal: Atomic<UInt64>
    /// Segments that begin here or below may come first: a note that is on the disk says so, in one that begins here or behind.
    let keptOrdinal = Atomic<UInt64>(0)
    /// As far as the disk knows for good that everything was durable.
    let keptDurable = Atomic<UInt64>(0)
    /// What compaction has found out about segments, by their bases.
    let facts = Guarded<[UInt64: SegmentFacts]>([:])
    /// What key compaction is in the middle of. Of whoever has claimed `isCompacting`.
    let keyPass = Guarded<KeyPass?>(nil)
    /// One sweep at a time, and one step of compaction: a sweep may run while a step does.
    let isSweeping = Atomic<Bool>(false)
    let isCompacting = Atomic<Bool>(false)
    /// No sweep removes a segment that begins here or behind: a step of compaction relies on it. Locked while segments leave the catalogue.
    let reliedOn = Guarded<UInt64>(.max)
    /// See `RetentionLimits.segmentMilliseconds`. Relaxed: the next segment is as good as this one.
    let segmentMilliseconds = Atomic<UInt64>(.max)
    /// Files that could not be removed, for the next sweep.
    let leftovers = Guarded<[String]>([])

    init(trimmedOrdinal: UInt64) { self.trimmedOrdinal = Atomic(trimmedOrdinal) }

    func relyOn(from ordinal: UInt64) { reliedOn.withLock { $0 = ordinal } }
}

/// Forgetting: the horizon, and the files in front of it.
///
/// Invariants. The horizon only rises, and is at most `durable`. A segment goes only when every record in it is below the horizon,
/// and only when a durable note of the newest segment says so and that everything below was durable once: then recovery misses
/// nothing in front of it, whichever of the names have gone. The newest segment always stays; when all its records have
/// expired, an empty one is begun behind it, so that the log goes on knowing where it ended.
extension ShardLog {
    /// Raises the horizon as far as the limits say, and removes the segments in front of it, oldest first. Readers are not waited for:
    /// those behind the horizon find a `trimmed` gap, and views that were lent stay valid.
    ///
    /// One at a time: a second one does nothing and answers `isMore`; so does one that finds a step of compaction at work on segments that
    /// are to go. Costs a sync when something goes, and O(segments removed).
    /// With `trimmedBelow` the horizon is on the disk when this returns; what age and bytes have moved of it is so when files go.
    /// - Throws: `storageFull` when an empty segment had no room; `frozen`, `removed`, `io`. What was removed stays so.
    package func sweep(_ limits: RetentionLimits) throws(LogError) -> SweepOutcome {
        try failure.check()
        var outcome = SweepOutcome()
        guard retention.isSweeping.claim() else {
            outcome.isMore = true
            return outcome
        }
        defer { retention.isSweeping.store(false, ordering: .sequentiallyConsistent) }
        retention.segmentMilliseconds.store(limits.segmentMilliseconds, ordering: .relaxed)
        try raiseHorizon(limits)
        outcome.horizon = watermarks.trimmed
        try removeLeftovers()
        if limits.trimmedBelow > retention.trimmedOrdinal.load(ordering: .relaxed), try !keepHorizon() { outcome.isMore = true }
        try removeTrimmed(limits.removalByteLimit, &outcome)
        (outcome.keptSegmentCount, outcome.keptByteCount) = try reader.space()
        outcome.oldestArrival = try reader.oldestArrival()
        return outcome
    }

    /// From now on a segment takes no record that arrived so much later than its first one. Sweeps say it, too.
    package func setSegmentAge(milliseconds: UInt64) { retention.segmentMilliseconds.store(milliseconds, ordering: .relaxed) }

    private func raiseHorizon(_ limits: RetentionLimits) throws(LogError) {
        var horizon = max(watermarks.trimmed, limits.trimmedBelow)
        if limits.expiredBefore > 0 {
            horizon = max(horizon, try reader.firstOrdinal(arrivingAtOrAfter: limits.expiredBefore))
        }
        if let byteCount = limits.keptByteCount { horizon = max(horizon, try reader.firstOrdinal(keeping: byteCount)) }
        let segments = reader.snapshot.segments
        if limits.oldestSegmentCount > 0, segments.count > 1 {
            horizon = max(horizon, segments[min(limits.oldestSegmentCount, segments.count - 1)].baseOrdinal)
        }
        horizon = min(horizon, watermarks.value(.durable))
        if horizon > watermarks.trimmed { watermarks.raiseTrimmed(to: horizon) }
    }

    private func removeTrimmed(_ byteLimit: Int, _ outcome: inout SweepOutcome) throws(LogError) {
        let horizon = watermarks.trimmed
        // Whoever has ended a log removes it whole.
        if !isEnded, let last = reader.snapshot.segments.last, last.baseOrdinal < horizon {
            defer { didSync() }
            // Somebody is writing: the log is in use, and the next sweep finds it so or idle.
            if try !flusher.startEmptySegment(below: horizon) { outcome.isMore = true }
        }
        let segments = reader.snapshot.segments
        var count = 0
        while count + 1 < segments.count, segments[count + 1].baseOrdinal <= horizon {
            if outcome.removedByteCount >= byteLimit {
                outcome.isMore = true
                break
            }
            outcome.removedByteCount += try segments[count].byteCount()
            count += 1
        }
        guard count > 0 else { return }
        let end = segments[count].baseOrdinal
        outcome.removedByteCount = 0
        guard try end <= retention.keptOrdinal.load(ordering: .relaxed) ? true : keepHorizon() else {
            outcome.isMore = true
            return
        }
        let removed = takeOut(below: end)
        outcome.isMore = outcome.isMore || removed.isMore
        for segment in removed.segments { outcome.removedByteCount += try segment.byteCount() }
        outcome.removedSegmentCount = removed.segments.count
        outcome.recycledSegmentCount = try dispose(removed.segments)
    }

    /// Takes the segments that end at `end` or before out of the catalogue, but none that a step of compaction relies on: then there is more.
    private func takeOut(below end: UInt64) -> (segments: [Segment], isMore: Bool) {
        retention.reliedOn.withLock { reliedOn in
            // Looked at here: compaction may have put one in the place of several since.
            let segments = reader.snapshot.segments
            let expired = zip(segments, segments.dropFirst()).prefix { $1.baseOrdinal <= end }
            let count = expired.prefix { $0.0.baseOrdinal < reliedOn }.count
            retention.facts.withLock { facts in for segment in segments[..<count] { facts[segment.baseOrdinal] = nil } }
            return (count == 0 ? [] : reader.removeFirst(count), count < expired.count)
        }
    }

    /// Brings the horizon to the disk, with the word that everything below it was durable. Waits for the run that is being written just
    /// now: a log that is always written to would be swept by chance alone. False when the log is being removed.
    func keepHorizon() throws(LogError) -> Bool {
        // Who found the turn taken meanwhile left the writing to this, and who waits for that record has to be told.
        defer { didSync() }
        let horizon = watermarks.trimmed, durable = watermarks.value(.durable)
        // The note goes into the newest one, which is this one or a later one.
        let newest = reader.snapshot.segments.last?.baseOrdinal ?? 0
        // A sweep and a step of compaction may both be here: none takes back what the other said.
        retention.trimmedOrdinal.max(horizon, ordering: .relaxed)
        switch try flusher.writeNote(isCleanClose: false, waits: true) {
        case .written: break
        case .busy: return false
        case .noSegment:
            // Nothing was appended since recovery sealed the log. An empty segment's notes say it as well.
            guard try flusher.startEmptySegment(below: horizon, waits: true) else { return false }
        }
        // By whomever: one who waits for the gate to be free would stand behind the sync threads for seconds where they are always at it.
        let covering = gate.nextSync
        while try gate.sync() == .busy {
            try waitForSync()
            if gate.hasEnded(covering) { break }
        }
        retention.keptOrdinal.max(min(horizon, newest), ordering: .relaxed)
        retention.keptDurable.max(durable, ordering: .relaxed)
        return true
    }

    /// Takes the files of segments that nobody can find any more from the log's directory. How many are kept for new segments.
    func dispose(_ segments: [Segment]) throws(LogError) -> Int {
        guard !segments.isEmpty else { return 0 }
        var first: LogError?
        let directory = try systemCall { () throws(IOError) in try segments[0].directory.open() }
        var recycledCount = 0
        // A few at a time: to remove a large file takes as long as to write it, and meanwhile the pool has room again.
        for start in stride(from: 0, to: segments.count, by: Self.disposedAtOnce) {
            var spares: [RetiredFile] = []
            for segment in segments[start..<min(start + Self.disposedAtOnce, segments.count)] {
                do throws(LogError) {
                    if let spare = try shared.pool.takeOver(segment, from: directory) {
                        spares.append(spare)
                    } else {
                        try unlink(segment.name, in: directory)
                    }
                } catch {
                    retention.leftovers.withLock { $0.append(segment.name) }
                    first = first ?? error
                }
            }
            do throws(LogError) { recycledCount += try shared.pool.give(spares, from: directory, shared.holds) } catch { first = first ?? error }
        }
        if let first { throw first }
        return recycledCount
    }
    private static var disposedAtOnce: Int { 4 }

    private func removeLeftovers() throws(LogError) {
        let names = retention.leftovers.withLock { names in
            defer { names = [] }
            return names
        }
        guard !names.isEmpty, let directory = reader.snapshot.segments.first?.directory else { return }
        let open = try systemCall { () throws(IOError) in try directory.open() }
        for (number, name) in names.enumerated() {
            do throws(LogError) { try unlink(name, in: open) } catch {
                retention.leftovers.withLock { $0 += names[number...] }
                throw error
            }
        }
    }

    private func unlink(_ name: String, in directory: OpenDirectory) throws(LogError) {
        do throws(IOError) { try shared.io.unlink(name, in: directory.handle) } catch {
            if error.isMissing { return }
            guard error.isOutOfSpace, shared.giveUpReserve() else { throw .io(error) }
            defer { shared.spaceReturned() }
            try systemCall { () throws(IOError) in try shared.io.unlink(name, in: directory.handle) }
        }
    }
}
