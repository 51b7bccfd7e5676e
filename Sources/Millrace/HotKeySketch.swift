package import MillraceModel

/// Which keys a shard's traffic is made of, from a sample: enough to tell one hot key from many, and where to divide.
///
/// A value of about 2 KiB. Two parts: the 16 heaviest keys by the space-saving method (Metwally, Agrawal, El Abbadi:
/// Efficient computation of frequent and top-k elements in data streams, 2005), whose counts are too high by at
/// most a sixteenth of the whole; and the last 64 keys sampled, which show where the traffic lies on the ring.
///
/// Weights are bytes; a record counts as a thousandth of a shard's second at least. `TrafficMeter` draws the sample.
package struct HotKeySketch: Hashable, Sendable {
    private struct Entry: Hashable, Sendable {
        var key: UInt128
        var weight: Int
        /// How much of the weight may belong to keys that were here before.
        var excess: Int
    }
    private struct Recent: Hashable, Sendable {
        var key: UInt128
        var weight: Int
    }

    package static let entryCount = 16
    package static let recentCount = 64
    /// Samples below which it says nothing.
    package static let leastSampleCount = 64

    private var entries: [Entry] = []
    private var recent: [Recent] = []
    private var nextRecent = 0
    /// Invariant: what the entries weigh together.
    private var totalWeight = 0
    private var sampleCount = 0

    package init() {}

    /// What a record weighs: its bytes, or what a thousandth of a shard's bytes is if that is more.
    package static func weight(byteCount: Int) -> Int {
        max(byteCount, Limits.shardWriteBytesPerSecond / Limits.shardWriteRecordsPerSecond)
    }

    /// Adds one sampled record.
    package mutating func add(_ hashKey: HashKey, weight: Int) {
        sampleCount += 1
        totalWeight += weight
        let sample = Recent(key: hashKey.value, weight: weight)
        if recent.count < Self.recentCount { recent.append(sample) } else { recent[nextRecent] = sample }
        nextRecent = (nextRecent + 1) % Self.recentCount
        var lightest = 0
        for index in entries.indices {
            if entries[index].key == hashKey.value {
                entries[index].weight += weight
                return
            }
            if entries[index].weight < entries[lightest].weight { lightest = index }
        }
        if entries.count < Self.entryCount {
            entries.append(Entry(key: hashKey.value, weight: weight, excess: 0))
        } else {
            let before = entries[lightest].weight
            entries[lightest] = Entry(key: hashKey.value, weight: before + weight, excess: before)
        }
    }

    /// Lets the past count half, once a minute, so that a key that has cooled down is forgotten.
    package mutating func decay() {
        sampleCount /= 2
        for index in entries.indices {
            entries[index].weight /= 2
            entries[index].excess /= 2
        }
        entries.removeAll { $0.weight == 0 }
        totalWeight = entries.reduce(0) { $0 + $1.weight }
    }

    /// Whether there are samples enough to judge by.
    package var isTelling: Bool { sampleCount >= Self.leastSampleCount }

    /// The heaviest key and the share it has at least, in thousandths; nil without samples.
    package var top: (hashKey: HashKey, share: Int)? {
        guard totalWeight > 0, let top = entries.max(by: { $0.weight - $0.excess < $1.weight - $1.excess })
        else { return nil }
        return (HashKey(top.key), (top.weight - top.excess) * 1000 / totalWeight)
    }

    // MARK: Dividing

    /// Where to divide a shard of that range: at its middle, unless the sample lies so that another place leaves a
    /// clearly smaller part of the traffic on the heavier side.
    ///
    /// - Returns: the first place of the upper part; nil when the range is too narrow. Rule: SplitShard takes a place
    ///   more than one behind the first and before the last.
    package func splitPoint(of range: HashKeyRange) -> HashKey? {
        let (first, last) = (range.starting.value, range.ending.value)
        guard last - first >= 3 else { return nil }
        let middle = first + (last - first) / 2 + 1
        let allowed = (first + 2)...(last - 1)
        let inside = recent.filter { range.contains(HashKey($0.key)) }
        let whole = inside.reduce(0) { $0 + $1.weight }
        func heavier(_ place: UInt128) -> Int {
            let lower = inside.reduce(0) { $0 + ($1.key < place ? $1.weight : 0) }
            return max(lower, whole - lower)
        }
        let start = min(max(middle, allowed.lowerBound), allowed.upperBound)
        var best = (place: start, weight: heavier(start))
        // Three fifths on one side is what 64 samples of even traffic may show by chance.
        guard isTelling || inside.count >= 16, best.weight * 5 > whole * 3 else { return HashKey(start) }
        for place in inside.flatMap({ [$0.key, $0.key &+ 1] }) where allowed.contains(place) {
            let weight = heavier(place)
            if weight < best.weight || (weight == best.weight && place < best.place) { best = (place, weight) }
        }
        return HashKey(best.place)
    }
}
