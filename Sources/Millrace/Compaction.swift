import MillraceLog
import MillraceModel

/// Writes small blocks and segments, and cold ones, anew: one job of one shard at a time.
struct Compaction {
    let core: StoreCore
    let catalogue: Catalogue

    /// The first job that one of the shards in use has; none when none has any.
    /// - Throws: `storage`: what failed of the first shard that has trouble; others are tried before.
    func step() throws(KinesisError) -> CompactionReport {
        try core.checkOpen()
        let now = core.agingMilliseconds()
        var first: KinesisError?
        var report = CompactionReport()
        for description in catalogue.known.streams.values where !description.settings.isDeleting {
            guard let terms = catalogue.stream(description.streamID)?.terms else { continue }
            let period = UInt64(description.settings.retention.milliseconds)
            var limits = CompactionLimits()
            limits.coldBefore = now - min(now, core.options.coldMilliseconds)
            limits.expiringBefore = terms.horizon(at: now) + period / 8
            for shard in description.shards {
                guard let log = core.log.openedLog(shard.logID) else { continue }
                do throws(LogError) {
                    switch try log.compactStep(limits) {
                    case .compacted(let count, let before, let after, let raw):
                        report.segmentCount = count
                        report.byteCountBefore = before
                        report.byteCountAfter = after
                        report.recordByteCount = raw
                        return report
                    case .notWorth(let raw): report.recordByteCount += raw
                    case .busy: report.isBusy = true
                    case .nothing: break
                    }
                } catch {
                    switch error {
                    case .removed, .unknownLog: break
                    default: first = first ?? core.error(error)
                    }
                }
            }
        }
        if let first { throw first }
        return report
    }

    /// How long the service rests behind a step, in nanoseconds; nil while there is no stream.
    func pauseNanoseconds(_ report: CompactionReport, took nanoseconds: Int64) -> Int64? {
        catalogue.known.streams.isEmpty
            ? nil : report.pauseNanoseconds(took: nanoseconds, bytesPerSecond: core.options.compactionBytesPerSecond)
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

    /// How long to rest behind the step, in nanoseconds: so that no more than that many bytes are written anew in a second, and a quarter
    /// of the time is worked at most; a minute when there was nothing to do, a second when something was in the way.
    package func pauseNanoseconds(took nanoseconds: Int64, bytesPerSecond: Int) -> Int64 {
        if segmentCount == 0, recordByteCount == 0 { return isBusy ? 1_000_000_000 : 60_000_000_000 }
        return max(3 * nanoseconds, Int64(Double(recordByteCount) * 1e9 / Double(bytesPerSecond)), 1_000_000)
    }
}
