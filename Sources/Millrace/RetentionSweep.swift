import MillraceLog
public import MillraceModel

/// Takes from the disk what no reader will ever see again.
///
/// Each thing that goes is decided, put into the catalogue with the time it was decided by, durable, and only then removed: a crash
/// at any step leaves it as it was, or removes it whole when the store is opened.
struct RetentionSweep {
    let core: StoreCore
    let catalogue: Catalogue

    /// - Throws: the first error; what else can go goes all the same, and what failed is tried again by the next sweep.
    func run() throws(KinesisError) -> SweepReport {
        try core.checkOpen()
        let now = core.believedMilliseconds()
        var report = SweepReport()
        var first: KinesisError?
        var expired: [UInt64: [ShardID]] = [:]
        for stream in catalogue.known.streams.values {
            do throws(KinesisError) {
                let found = try gone(stream, now)
                if !found.isEmpty { expired[stream.streamID] = found }
            } catch { first = first ?? error }
        }
        do throws(KinesisError) { report.expiredShards = try expire(expired, now) } catch { first = first ?? error }
        do throws(KinesisError) { try trim(now, &report) } catch { first = first ?? error }
        do throws(KinesisError) { try trimStore(&report) } catch { first = first ?? error }
        if let first { throw first }
        return report
    }

    /// How long nothing is due, in nanoseconds: at least a minute, at most an hour, since periods and clocks change; a second
    /// while the disk is nearly full. nil while there is no stream.
    func pauseNanoseconds() -> Int64? {
        let streams = catalogue.known.streams.values
        if streams.isEmpty { return nil }
        if let space = try? core.log.spaceState(), space != .ok { return 1_000_000_000 }
        if core.options.retainedBytesPerShard != nil || core.options.retainedBytesPerStore != nil { return 1_000_000_000 }
        let now = core.believedMilliseconds()
        let least = UInt64(streams.map(\.settings.retention.milliseconds).min() ?? 0)
        let next = [streams.compactMap(ShardExpiry.nextMilliseconds).min(), core.retention.oldestArrival.map { $0 + least + 1 }]
            .compactMap { $0 }.min() ?? .max
        let milliseconds = next > now ? next - now : 0
        return Int64(min(max(milliseconds, 60_000), 3_600_000)) * 1_000_000
    }

    // MARK: Records

    /// Removes so much of one shard in one sweep at most; the service goes on soon.
    private static let removalByteLimit = 256 << 20
    /// No segment spans more time than an hour or an eighth of the period, so that its space is free soon after its records have gone.
    static func segmentMilliseconds(_ period: UInt64) -> UInt64 { min(period / 8, 3_600_000) }

    /// What the logs of the shards that stay let go of, for its age or for want of bytes.
    private func trim(_ now: UInt64, _ report: inout SweepReport) throws(KinesisError) {
        var first: KinesisError?
        var isTimeKept = false
        for description in catalogue.known.streams.values where !description.settings.isDeleting {
            var limits = RetentionLimits()
            limits.expiredBefore = description.settings.horizon(at: now)
            limits.segmentMilliseconds = Self.segmentMilliseconds(UInt64(description.settings.retention.milliseconds))
            limits.removalByteLimit = Self.removalByteLimit
            limits.keptByteCount = core.options.retainedBytesPerShard
            for shard in description.shards {
                let isInUse = core.log.openedLog(shard.logID) != nil
                guard core.retention.mayHold(shard.logID, before: limits.expiredBefore, isInUse: isInUse)
                    || isInUse && limits.keptByteCount != nil
                else { continue }
                do throws(KinesisError) {
                    // Before anything goes: a clock that is set back brings nothing of it back into sight.
                    if !isTimeKept { try catalogue.noteTime(now) }
                    isTimeKept = true
                    try sweep(shard.logID, limits, &report)
                } catch { first = first ?? error }
            }
        }
        if let first { throw first }
    }

    /// The oldest segments of all, until what is left fits.
    private func trimStore(_ report: inout SweepReport) throws(KinesisError) {
        guard let limit = core.options.retainedBytesPerStore else { return }
        while true {
            let (byteCount, oldest) = core.retention.total
            guard byteCount > limit, let oldest else { return }
            var limits = RetentionLimits()
            limits.oldestSegmentCount = 1
            limits.segmentMilliseconds = Self.segmentMilliseconds(.max)
            let before = report.removedSegmentCount
            try sweep(oldest, limits, &report)
            // The newest segment of each log stays.
            if report.removedSegmentCount == before { return }
        }
    }

    private func sweep(_ logID: UInt64, _ limits: RetentionLimits, _ report: inout SweepReport) throws(KinesisError) {
        do throws(LogError) {
            let log = try core.log.log(logID)
            let outcome = try log.sweep(limits)
            core.retention.note(logID, outcome)
            report.removedSegmentCount += outcome.removedSegmentCount
            report.removedByteCount += outcome.removedByteCount
            report.isMore = report.isMore || outcome.isMore
        } catch {
            switch error {
            // Its stream was deleted meanwhile, or the shard has expired.
            case .removed, .unknownLog: core.retention.forget([logID])
            default: throw core.error(error)
            }
        }
    }

    // MARK: Shards

    /// Opens the logs of those it answers, and of no others.
    private func gone(_ stream: StreamDescription, _ now: UInt64) throws(KinesisError) -> [ShardID] {
        if stream.settings.isDeleting { return [] }
        // What readers see may be less: a time that is not believed takes nothing away.
        let horizon = stream.settings.horizon(at: now)
        var gone: [ShardID] = []
        var leaving: Set<ShardID> = []
        for shard in ShardExpiry.candidates(stream, horizon: horizon).prefix(CatalogueRecord.greatestExpiredCount) {
            // Not before its parents, whose readers are told of it.
            let isOldest = shard.parents.allSatisfy { leaving.contains($0) || stream.shard($0) == nil }
            if isOldest, ShardExpiry.isGone(shard, lastArrival: try lastArrival(of: shard), horizon: horizon) {
                gone.append(shard.shardID)
                leaving.insert(shard.shardID)
            }
        }
        return gone
    }

    private func lastArrival(of shard: ShardDescription) throws(KinesisError) -> UInt64 {
        do throws(LogError) { return try core.log.log(shard.logID).lastArrival } catch {
            switch error {
            // Another sweep has it in hand, or its stream was deleted meanwhile.
            case .removed, .unknownLog: return .max
            default: throw core.error(error)
            }
        }
    }

    /// All of it in one moment. The shards that are gone, by stream.
    private func expire(
        _ expired: [UInt64: [ShardID]], _ now: UInt64
    ) throws(KinesisError) -> [StreamName: [ShardID]] {
        if expired.isEmpty { return [:] }
        var shards: [StreamName: [ShardID]] = [:]
        try catalogue.change(byAgeAt: now) { known in
            var records: [CatalogueRecord] = []
            for (id, candidates) in expired {
                guard let stream = known.streams[id] else { continue }
                let found = candidates.compactMap(stream.shard)
                if found.isEmpty { continue }
                records.append(.shardsExpired(streamID: id, found.map(\.shardID)))
                shards[stream.name] = found.map(\.shardID)
            }
            return records
        }
        return shards
    }
}

/// What a sweep took away. A value.
public struct SweepReport: Hashable, Sendable {
    /// Closed shards whose last record had become too old to be seen, by stream, in order of their indices: they are not listed
    /// any more, and their files are removed.
    public internal(set) var expiredShards: [StreamName: [ShardID]] = [:]
    /// How many shards that are.
    public var expiredShardCount: Int { expiredShards.values.reduce(0) { $0 + $1.count } }
    /// Segment files of shards that stay, which held nothing any more that is to be seen; and their bytes on the disk.
    public package(set) var removedSegmentCount = 0
    public package(set) var removedByteCount = 0
    /// More can go at once: a sweep takes no more than 256 MiB from a shard.
    public package(set) var isMore = false
}
