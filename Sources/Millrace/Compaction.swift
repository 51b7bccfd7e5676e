import MillraceIO
import MillraceLog
import MillraceModel

/// Writes small blocks and segments, and cold ones, anew, and thins out those of streams that keep the newest record of each key: one job
/// of one shard at a time.
struct Compaction {
    let core: StoreCore
    let catalogue: Catalogue

    /// The first job that one of the shards in use has; none when none has any.
    /// - Throws: `storage`: what failed of the first shard that has trouble; others are tried before.
    func step(_ pace: StepPace? = nil) throws(KinesisError) -> CompactionReport {
        try core.checkOpen()
        let now = core.agingMilliseconds()
        let leavingBefore = core.retention.leavingBefore(keeping: core.options.retainedBytesPerStore, at: now)
        var first: KinesisError?
        var report = CompactionReport()
        for description in catalogue.known.streams.values where !description.settings.isDeleting {
            for shard in description.shards {
                guard let log = core.log.openedLog(shard.logID), let limits = limits(of: shard.logID, description, leavingBefore, now)
                else { continue }
                do throws(LogError) {
                    if let keyCompaction = description.settings.keyCompaction {
                        var limits = KeyCompactionLimits()
                        limits.tombstonesBefore = now - min(now, UInt64(keyCompaction.tombstoneMilliseconds))
                        if report.take(try log.keyCompactStep(limits, pace: pace)) { return note(report) }
                    }
                    if report.take(try log.compactStep(limits, pace: pace)) { return note(report) }
                } catch {
                    switch error {
                    case .removed, .unknownLog: break
                    default: first = first ?? core.error(error)
                    }
                }
            }
        }
        core.compaction.note(report)
        if let first { throw first }
        return report
    }

    /// The next job of each shard in use.
    func pending() throws(KinesisError) -> (shardCount: Int, recordByteCount: Int) {
        try core.checkOpen()
        let now = core.agingMilliseconds()
        let leavingBefore = core.retention.leavingBefore(keeping: core.options.retainedBytesPerStore, at: now)
        var sum = (shardCount: 0, recordByteCount: 0)
        for description in catalogue.known.streams.values where !description.settings.isDeleting {
            for shard in description.shards {
                guard let log = core.log.openedLog(shard.logID), let limits = limits(of: shard.logID, description, leavingBefore, now)
                else { continue }
                do throws(LogError) {
                    var byteCount = try log.pendingCompaction(limits)
                    if description.settings.keyCompaction != nil {
                        byteCount += try log.pendingKeyCompaction(KeyCompactionLimits())
                    }
                    if byteCount > 0 { sum = (sum.shardCount + 1, sum.recordByteCount + byteCount) }
                } catch {
                    switch error {
                    case .removed, .unknownLog: break
                    default: throw core.error(error)
                    }
                }
            }
        }
        return sum
    }

    /// What is cold, and what will soon go: for its age, or for want of bytes in the store (`leavingBefore`) or in the shard.
    /// nil of a stream that has gone meanwhile.
    private func limits(
        of logID: UInt64, _ description: StreamDescription, _ leavingBefore: UInt64, _ now: UInt64
    ) -> CompactionLimits? {
        guard let terms = catalogue.stream(description.streamID)?.terms else { return nil }
        var limits = CompactionLimits()
        limits.coldBefore = now - min(now, core.options.coldMilliseconds)
        limits.expiringBefore = max(
            terms.horizon(at: now) + UInt64(description.settings.retention.milliseconds) / 8, leavingBefore,
            core.retention.leavingBefore(logID, keeping: core.options.retainedBytesPerShard, at: now))
        return limits
    }

    private func note(_ report: CompactionReport) -> CompactionReport {
        core.compaction.note(report)
        return report
    }

    /// How long the service rests behind a step, in nanoseconds; nil while there is no stream.
    func pauseNanoseconds(_ report: CompactionReport, _ pace: StepPace) -> Int64? {
        catalogue.known.streams.isEmpty
            ? nil
            : report.pauseNanoseconds(
                owed: pace.owedNanoseconds(), rested: pace.restedNanoseconds, bytesPerSecond: core.options.compactionBytesPerSecond)
    }
}

/// What a step of compaction did. A value.
public struct CompactionReport: Hashable, Sendable {
    /// How many neighbouring segments became one; 0 when none was worth it.
    public internal(set) var segmentCount = 0
    /// Bytes of their files, and of the new one.
    public internal(set) var byteCountBefore = 0
    public internal(set) var byteCountAfter = 0
    /// Bytes of the records that were read, keys and data.
    public internal(set) var recordByteCount = 0
    /// A shard was left out for now: it is being swept or written, or a backup is being taken.
    public internal(set) var isBusy = false

    /// Whether the step is over: something was done.
    mutating func take(_ outcome: CompactionOutcome) -> Bool {
        switch outcome {
        case .compacted(let count, let before, let after, let raw):
            segmentCount = count
            byteCountBefore = before
            byteCountAfter = after
            recordByteCount += raw
            return true
        case .notWorth(let raw): recordByteCount += raw
        case .busy: isBusy = true
        case .nothing: break
        }
        return false
    }

    /// How long to rest behind the step, in nanoseconds: what its pace owes, and so that no more than that many bytes are written anew in
    /// a second; a minute when there was nothing to do, a second when something was in the way.
    package func pauseNanoseconds(owed: Int64, rested: Int64, bytesPerSecond: Int) -> Int64 {
        if segmentCount == 0, recordByteCount == 0 { return isBusy ? 1_000_000_000 : 60_000_000_000 }
        return max(owed, Int64(Double(recordByteCount) * 1e9 / Double(bytesPerSecond)) - rested, 1_000_000)
    }
}

/// What compaction has done since the store was opened. A value.
public struct CompactionTotals: Hashable, Sendable {
    /// Steps that put one segment in the place of others, and how many those were.
    public internal(set) var jobCount = 0
    public internal(set) var segmentCount = 0
    /// Bytes of the files that went, and of those that came.
    public internal(set) var byteCountBefore = 0
    public internal(set) var byteCountAfter = 0
    /// Bytes of the records that were read, keys and data.
    public internal(set) var recordByteCount = 0
    /// Steps in which a shard was left out because of a sweep, a write or a backup.
    public internal(set) var blockedCount = 0
}

/// Counts what the steps report. A class because the store and its service share it.
final class CompactionCounter: Sendable {
    private let state = Guarded(CompactionTotals())

    var totals: CompactionTotals { state.withLock { $0 } }

    func note(_ report: CompactionReport) {
        state.withLock { totals in
            if report.segmentCount > 0 { totals.jobCount += 1 }
            totals.segmentCount += report.segmentCount
            totals.byteCountBefore += report.byteCountBefore
            totals.byteCountAfter += report.byteCountAfter
            totals.recordByteCount += report.recordByteCount
            if report.isBusy { totals.blockedCount += 1 }
        }
    }
}
