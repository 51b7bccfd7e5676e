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
        // The place for what the logs of the shards that stay let go of: `catalogue.noteTime(now)` first, then for each shard of
        // `catalogue.stream(id)?.version.shards` its log's own sweep up to `settings.horizon(at: now)`.
        if let first { throw first }
        return report
    }

    /// How long nothing is due, in nanoseconds: at least a minute, at most an hour, since periods and clocks change. nil when
    /// nothing will be, whatever they do.
    func pauseNanoseconds() -> Int64? {
        guard let next = catalogue.known.streams.values.compactMap(ShardExpiry.nextMilliseconds).min() else { return nil }
        let now = core.believedMilliseconds()
        let milliseconds = next > now ? next - now : 0
        return Int64(min(max(milliseconds, 60_000), 3_600_000)) * 1_000_000
    }

    // MARK: Shards

    /// Opens the logs of those it answers, and of no others.
    private func gone(_ stream: StreamDescription, _ now: UInt64) throws(KinesisError) -> [ShardID] {
        if stream.settings.isDeleting { return [] }
        // What readers see may be less: a time that is not believed takes nothing away.
        let horizon = stream.settings.horizon(at: now)
        var gone: [ShardID] = []
        for shard in ShardExpiry.candidates(stream, horizon: horizon).prefix(CatalogueRecord.greatestExpiredCount) {
            if ShardExpiry.isGone(shard, lastArrival: try lastArrival(of: shard), horizon: horizon) {
                gone.append(shard.shardID)
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
}
