import MillraceIO
import MillraceModel

/// Scales the on-demand streams of a store: measures, lets `OnDemandScaling` decide, and carries out what it says.
///
/// A class because the store and its service thread share it. A step is to be called once a minute; nothing calls it by
/// itself but the store's service.
final class OnDemandScaler: Sendable {
    private struct Measured {
        var traffic = ShardTraffic()
        var sketch = HotKeySketch()
        var lopsidedSplitCount = 0
    }
    private struct Stream {
        var shards: [ShardID: Measured] = [:]
        var peaks = PeakHistory()
        var hotKeys: [OnDemandScaling.HotKey] = []
    }

    private let core: StoreCore
    private let catalogue: Catalogue
    private let state = Guarded<[UInt64: Stream]>([:])
    /// When the peaks were kept last, by the steady clock.
    private let keptNanoseconds: Guarded<Int64>
    private static let keepingNanoseconds: Int64 = 3_600_000_000_000

    init(core: StoreCore, catalogue: Catalogue) {
        self.core = core
        self.catalogue = catalogue
        keptNanoseconds = Guarded(core.steadyNanoseconds())
    }

    /// Whether there is a stream to be scaled.
    var hasStreams: Bool { catalogue.known.streams.values.contains { $0.settings.mode == .onDemand } }

    /// Busy shards of the stream that do not divide, as of the last step.
    func hotKeys(of streamID: UInt64) -> [OnDemandScaling.HotKey] { state.withLock { $0[streamID]?.hotKeys ?? [] } }

    /// Takes the minute that is over of every on-demand stream, and scales those that need it. How many shards were split
    /// or merged.
    ///
    /// - Throws: the first error of a reshard; the other streams are looked at all the same.
    func step() throws(KinesisError) -> Int {
        let streams = catalogue.known.streams.values.filter { $0.settings.mode == .onDemand }.sorted { $0.name < $1.name }
        state.withLock { state in
            let ids = Set(streams.map(\.streamID))
            state = state.filter { ids.contains($0.key) }
        }
        var count = 0
        var first: KinesisError?
        for stream in streams {
            do throws(KinesisError) { count += try scale(stream) } catch { first = first ?? error }
        }
        do throws(KinesisError) { try keepPeaks() } catch { first = first ?? error }
        if let first { throw first }
        return count
    }

    // MARK: Peaks

    /// What the stream was used in its last 30 days, as far as it is known.
    func peaks(of stream: StreamDescription) -> PeakHistory {
        state.withLock { $0[stream.streamID]?.peaks } ?? stream.peaks
    }

    /// Changes that keep what has been measured since the peaks were kept.
    func unkeptPeaks(_ known: CatalogueState) -> [CatalogueRecord] {
        state.withLock { state in
            known.streams.values.compactMap { stream in
                guard let peaks = state[stream.streamID]?.peaks, peaks != stream.peaks else { return nil }
                return .peaksKept(streamID: stream.streamID, peaks)
            }
        }
    }

    /// Once an hour: an end of the process other than a close forgets no more than that.
    private func keepPeaks() throws(KinesisError) {
        let now = core.steadyNanoseconds()
        if keptNanoseconds.withLock({ now - $0 < Self.keepingNanoseconds }) { return }
        try catalogue.change { unkeptPeaks($0) }
        keptNanoseconds.withLock { $0 = now }
    }

    // MARK: One stream

    private func scale(_ description: StreamDescription) throws(KinesisError) -> Int {
        guard let stream = catalogue.stream(description.streamID) else { return 0 }
        let decision = measure(description, stream)
        if decision.actions.isEmpty { return 0 }
        let now = core.nowMilliseconds() / 1000
        var count = 0
        try Resharding(core: core, catalogue: catalogue).run(stream) { known throws(KinesisError) in
            var plan = ReshardPlan(known, nowSecond: now)
            let open = Set(known.openShards.map(\.shardID))
            // Someone may have changed the mode or, before that, the shards since they were measured.
            guard known.settings.mode == .onDemand else { return plan }
            for action in decision.actions {
                switch action {
                case .split(let id, let key, _) where open.contains(id): plan.split(id, at: key)
                case .merge(let id, let next) where open.contains(id) && open.contains(next): plan.merge(id, next)
                default: continue
                }
                count += 1
            }
            return plan
        }
        remember(decision, stream)
        return count
    }

    private func measure(_ description: StreamDescription, _ stream: StoredStream) -> OnDemandScaling.Decision {
        let version = stream.version
        return state.withLock { state in
            var kept = state[description.streamID] ?? Stream(peaks: description.peaks)
            var shards: [ShardID: Measured] = [:]
            var states: [OnDemandScaling.ShardState] = []
            for shard in version.openShards {
                var measured = kept.shards[shard.id] ?? Measured()
                let minute = shard.meter.takeMinute()
                measured.traffic.record(minute.sample)
                measured.sketch = minute.sketch
                shards[shard.id] = measured
                states.append(
                    OnDemandScaling.ShardState(
                        id: shard.id, hashKeyRange: shard.hashKeyRange, traffic: measured.traffic,
                        sketch: measured.sketch, parent: shard.parents.count == 1 ? shard.parents[0] : nil,
                        lopsidedSplitCount: measured.lopsidedSplitCount))
            }
            kept.shards = shards
            kept.peaks.record(OnDemandScaling.usage(of: states), minute: Int(core.nowMilliseconds() / 60_000))
            var settings = OnDemandScaling.Settings()
            settings.warmMebibytesPerSecond = description.settings.warmThroughputMiBps
            let decision = OnDemandScaling.decide(states, settings: settings, peak: kept.peaks.peak)
            kept.hotKeys = decision.hotKeys
            state[description.streamID] = kept
            return decision
        }
    }

    /// The children of a split are to be called with how lopsided the splits before were.
    private func remember(_ decision: OnDemandScaling.Decision, _ stream: StoredStream) {
        let version = stream.version
        state.withLock { state in
            for case .split(let id, _, let lopsided) in decision.actions {
                for child in version.children(of: id) {
                    state[stream.streamID]?.shards[child.id] = Measured(lopsidedSplitCount: lopsided)
                }
            }
        }
    }
}
