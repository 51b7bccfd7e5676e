package import MillraceModel

/// How many shards an on-demand stream has, and which: a pure function of what was measured, called once a minute.
///
/// Usage is counted in thousandths of a shard's write budget (`ShardTraffic`). The rules, and why (decision 0011):
///
/// 1. A stream can take twice the busiest minute of its last 30 days. (AWS: developer guide, "On-demand mode".) So it
///    has at least twice that many shards, never fewer than 4, and not fewer than its warm throughput asks for.
/// 2. A shard that had more than half of its budget in the last minute is split, at once, where its traffic divides.
///    That is the same rule for the one shard, and it follows the traffic: what every shard can take at most doubles
///    each minute.
/// 3. A shard whose traffic is one key does not divide. It is reported and left alone.
/// 4. Two neighbours are merged when the stream has more than four times the shards of its peak, and their busiest
///    minutes of the last 24 hours, both measured in full, make at most a quarter together. Rule 2 leaves two to four
///    times the peak, so a peak that comes back within 30 days finds its shards; and the merged shard would have to
///    double before it is split, and cannot be merged again for 24 hours.
///
/// Only writes count towards a split, as with AWS; shards that are read much are not merged.
package enum OnDemandScaling {
    /// Usage above which a shard is split.
    package static let splitUsage = 500
    /// Usage of two neighbours together up to which they are merged.
    package static let mergeUsage = 250
    /// Share of a key, in thousandths, above which a shard is that key's.
    package static let hotKeyShare = 800
    /// Splits in a row that left nine tenths on one side, after which a shard too little sampled to judge counts as one
    /// key's.
    package static let greatestLopsidedSplitCount = 3

    /// An open shard as measured.
    package struct ShardState: Hashable, Sendable {
        package var id: ShardID
        package var hashKeyRange: HashKeyRange
        package var traffic: ShardTraffic
        package var sketch: HotKeySketch
        /// The shard it was split from; nil for the others.
        package var parent: ShardID?
        /// As the `split` that made it said; 0 for the others.
        package var lopsidedSplitCount: Int

        package init(
            id: ShardID, hashKeyRange: HashKeyRange, traffic: ShardTraffic = ShardTraffic(),
            sketch: HotKeySketch = HotKeySketch(), parent: ShardID? = nil, lopsidedSplitCount: Int = 0
        ) {
            self.id = id
            self.hashKeyRange = hashKeyRange
            self.traffic = traffic
            self.sketch = sketch
            self.parent = parent
            self.lopsidedSplitCount = lopsidedSplitCount
        }
    }

    /// What bounds the stream.
    package struct Settings: Hashable, Sendable {
        /// Shards the stream may have: `Limits.shardCount`, or less where the account has less left.
        package var greatestShardCount = Limits.shardCount.upperBound
        /// MiB a second to be ready for, whatever was measured; 0 unless the stream was warmed.
        package var warmMebibytesPerSecond = 0

        package init() {}
    }

    package enum Action: Hashable, Sendable {
        /// `lopsidedSplitCount` is what both children are to be called with.
        case split(ShardID, at: HashKey, lopsidedSplitCount: Int)
        /// The lower neighbour first.
        case merge(ShardID, ShardID)
    }

    /// A busy shard that does not divide.
    package struct HotKey: Hashable, Sendable {
        package let shard: ShardID
        /// The key's place; nil when too little was sampled to say.
        package let hashKey: HashKey?
        /// The share of the shard's traffic it has at least, in thousandths; nil with the key.
        package let share: Int?

        package init(shard: ShardID, hashKey: HashKey?, share: Int?) {
            self.shard = shard
            self.hashKey = hashKey
            self.share = share
        }
    }

    package struct Decision: Hashable, Sendable {
        /// The most urgent first. They name each shard at most once, so any of them can be done without the others, in
        /// any order, and the stream stays within its bounds.
        package var actions: [Action] = []
        package var hotKeys: [HotKey] = []
        /// Shards the stream is to have at least.
        package var leastShardCount: Int

        package init(leastShardCount: Int) { self.leastShardCount = leastShardCount }
    }

    /// The write usage of the whole stream in the last minute, for `PeakHistory.record`.
    package static func usage(of shards: [ShardState]) -> Int { shards.reduce(0) { $0 + $1.traffic.writeUsage } }

    /// Rule 1. `peak` in thousandths of a shard.
    package static func leastShardCount(_ settings: Settings, peak: Int) -> Int {
        let warm =
            (settings.warmMebibytesPerSecond << 20 + Limits.shardWriteBytesPerSecond - 1)
            / Limits.shardWriteBytesPerSecond
        let least = max(Limits.onDemandShardCount, warm, (peak + splitUsage - 1) / splitUsage)
        return min(least, settings.greatestShardCount)
    }

    /// What to do now. O(shards log shards).
    ///
    /// - Parameters:
    ///   - shards: all open shards, which tile the ring, in its order.
    ///   - peak: `PeakHistory.peak`, the last minute included.
    package static func decide(_ shards: [ShardState], settings: Settings, peak: Int) -> Decision {
        var decision = Decision(leastShardCount: leastShardCount(settings, peak: peak))
        split(shards, settings.greatestShardCount - shards.count, &decision)
        if decision.actions.isEmpty {
            merge(shards, shards.count - leastShardCount(settings, peak: 2 * peak), &decision)
        }
        return decision
    }

    // MARK: Splitting

    private enum Division {
        case split(at: HashKey, lopsidedSplitCount: Int)
        case whole(HotKey)
    }

    private static func split(_ shards: [ShardState], _ room: Int, _ decision: inout Decision) {
        let families = Dictionary(grouping: shards.filter { $0.parent != nil }, by: { $0.parent })
        let busiest = shards.indices.sorted { left, right in
            let (a, b) = (shards[left].traffic.writeUsage, shards[right].traffic.writeUsage)
            if a != b { return a > b }
            let (c, d) = (width(shards[left]), width(shards[right]))
            return c != d ? c > d : left < right
        }
        for index in busiest {
            let shard = shards[index]
            let isBusy = shard.traffic.writeUsage > splitUsage
            let isWanted = isBusy || shards.count + decision.actions.count < decision.leastShardCount
            guard isWanted else { return }
            switch division(of: shard, isBusy ? families[shard.parent] ?? [] : []) {
            case .whole(let hotKey): if isBusy { decision.hotKeys.append(hotKey) }
            case .split(let place, let lopsidedSplitCount):
                guard decision.actions.count < room else { continue }
                decision.actions.append(.split(shard.id, at: place, lopsidedSplitCount: lopsidedSplitCount))
            }
        }
    }

    private static func width(_ shard: ShardState) -> UInt128 {
        shard.hashKeyRange.ending.value - shard.hashKeyRange.starting.value
    }

    /// Rule 3. `family`: the shards of the same parent, this one with them; empty when it is not busy, since then its
    /// split says nothing about its traffic.
    private static func division(of shard: ShardState, _ family: [ShardState]) -> Division {
        let top = shard.sketch.isTelling ? shard.sketch.top : nil
        let whole = Division.whole(HotKey(shard: shard.id, hashKey: top?.hashKey, share: top?.share))
        let lopsided = isLopsided(shard, family) ? shard.lopsidedSplitCount + 1 : 0
        if let top {
            if top.share > hotKeyShare { return whole }
        } else if lopsided >= greatestLopsidedSplitCount {
            return whole
        }
        guard let place = shard.sketch.splitPoint(of: shard.hashKeyRange) else { return whole }
        return .split(at: place, lopsidedSplitCount: lopsided)
    }

    /// Whether the split that made the shard gave it nine tenths of the traffic. One whose sibling is gone again
    /// cannot be told.
    private static func isLopsided(_ shard: ShardState, _ family: [ShardState]) -> Bool {
        guard let sibling = family.first(where: { $0.id != shard.id }) else { return false }
        return shard.traffic.meanWriteUsage >= 9 * sibling.traffic.meanWriteUsage
    }

    // MARK: Merging

    /// Rule 4.
    private static func merge(_ shards: [ShardState], _ spare: Int, _ decision: inout Decision) {
        guard spare > 0 else { return }
        var spare = spare
        let quietest = shards.indices.dropLast().filter { isQuiet(shards[$0], shards[$0 + 1]) }
            .map { (usage: shards[$0].traffic.dayWritePeak + shards[$0 + 1].traffic.dayWritePeak, index: $0) }
            .sorted { $0.usage != $1.usage ? $0.usage < $1.usage : $0.index < $1.index }
        var taken: Set<Int> = []
        for (_, index) in quietest where spare > 0 && !taken.contains(index) && !taken.contains(index + 1) {
            decision.actions.append(.merge(shards[index].id, shards[index + 1].id))
            taken.formUnion([index, index + 1])
            spare -= 1
        }
    }

    private static func isQuiet(_ left: ShardState, _ right: ShardState) -> Bool {
        left.traffic.hasWholeDay && right.traffic.hasWholeDay
            && left.traffic.dayWritePeak + right.traffic.dayWritePeak <= mergeUsage
            && left.traffic.dayReadPeak + right.traffic.dayReadPeak <= mergeUsage
    }
}
