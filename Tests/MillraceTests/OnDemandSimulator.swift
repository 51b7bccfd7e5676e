import Millrace
import MillraceIO
import MillraceModel

/// An on-demand stream in virtual time: traffic meets the real throttles, what they granted is measured by the real
/// meters, the real decision follows each minute, and is applied. Everything comes from the seed.
struct OnDemandSimulator {
    /// What producers send in one second.
    struct Demand {
        var recordsPerSecond: Int
        var recordByteCount = 512
        var keys = Keys.even
    }

    /// Which keys they send to. Records of one key come together, as an aggregating producer sends them.
    enum Keys {
        /// Anywhere on the ring.
        case even
        /// These keys have so many thousandths of the records each; the rest goes anywhere.
        case hot([UInt128], share: Int)
        /// All in one part of the ring.
        case within(ClosedRange<UInt128>)
    }

    /// One minute of the run.
    struct Row: Equatable {
        var minute: Int
        var offeredRecords: Int
        var refusedRecords: Int
        /// What was asked for, in thousandths of a shard.
        var demand: Int
        var shardCount: Int
        var splitCount: Int
        var mergeCount: Int
        var hotKeys: [OnDemandScaling.HotKey]
        /// Of all records, in thousandths, rounded up.
        var refusedShare: Int { (refusedRecords * 1000 + max(1, offeredRecords) - 1) / max(1, offeredRecords) }
    }

    private struct OpenShard {
        var state: OnDemandScaling.ShardState
        let throttle: Throttle
        let meter = TrafficMeter()
    }

    var settings = OnDemandScaling.Settings()
    /// Records that come together for one key.
    var recordsTogether = 25
    private(set) var rows: [Row] = []
    private(set) var peaks = PeakHistory()
    private var shards: [OpenShard] = []
    private var nextIndex: UInt32 = 0
    private var nanoseconds: Int64 = 0
    private let dice: SeededEntropy
    /// The first broken promise.
    private(set) var complaint: String?

    init(seed: UInt64, shardCount: Int = Limits.onDemandShardCount) throws(KinesisError) {
        dice = SeededEntropy(seed: seed)
        for range in try HashKeyRange.tiling(count: shardCount) { shards.append(open(range)) }
    }

    var states: [OnDemandScaling.ShardState] { shards.map(\.state) }
    var shardCount: Int { shards.count }
    var minute: Int { rows.count }

    private mutating func open(_ range: HashKeyRange, parent: ShardID? = nil, lopsided: Int = 0) -> OpenShard {
        defer { nextIndex += 1 }
        return OpenShard(
            state: OnDemandScaling.ShardState(
                id: ShardID(index: nextIndex), hashKeyRange: range, parent: parent, lopsidedSplitCount: lopsided),
            throttle: Throttle(.enforce, nanoseconds: nanoseconds))
    }

    // MARK: Running

    /// Lets minutes pass, record by record.
    mutating func run(minutes: Int, _ demand: (_ second: Int) -> Demand) {
        for _ in 0..<minutes {
            let first = minute * 60
            var row = Row(
                minute: minute, offeredRecords: 0, refusedRecords: 0, demand: 0, shardCount: 0, splitCount: 0,
                mergeCount: 0, hotKeys: [])
            var asked = ShardTraffic.Sample()
            for second in first..<first + 60 {
                let demand = demand(second)
                send(demand, &row)
                asked.writeRecordCount += demand.recordsPerSecond
                asked.writeByteCount += demand.recordsPerSecond * demand.recordByteCount
            }
            row.demand = asked.writeUsage
            for index in shards.indices {
                let (sample, sketch) = shards[index].meter.takeMinute()
                shards[index].state.traffic.record(sample)
                shards[index].state.sketch = sketch
            }
            finish(&row)
        }
    }

    /// Lets minutes pass for which only the sums are drawn, where a month is too long to send: each shard is asked
    /// for its part of the ring, within five hundredths, and grants what it can.
    mutating func runCoarsely(minutes: Int, _ demand: (_ minute: Int) -> Int) {
        for _ in 0..<minutes {
            nanoseconds += 60_000_000_000
            let records = demand(minute) * 60
            var row = Row(
                minute: minute, offeredRecords: records, refusedRecords: 0, demand: 0, shardCount: 0, splitCount: 0,
                mergeCount: 0, hotKeys: [])
            row.demand = ShardTraffic.Sample(writeRecordCount: records).writeUsage
            for index in shards.indices {
                let range = shards[index].state.hashKeyRange
                let width = Double(range.ending.value - range.starting.value) / Double(UInt128.max)
                let asked = Int(Double(records) * width * (0.95 + 0.1 * Double(dice.next(below: 1_000)) / 1_000))
                let granted = min(asked, 60 * Limits.shardWriteRecordsPerSecond)
                row.refusedRecords += asked - granted
                shards[index].state.traffic.record(ShardTraffic.Sample(writeRecordCount: granted))
            }
            finish(&row)
        }
    }

    private mutating func send(_ demand: Demand, _ row: inout Row) {
        let steps = 10
        for step in 0..<steps {
            nanoseconds += 1_000_000_000 / Int64(steps)
            var left = demand.recordsPerSecond * (step + 1) / steps - demand.recordsPerSecond * step / steps
            while left > 0 {
                let count = min(left, recordsTogether)
                left -= count
                put(count, demand.recordByteCount, drawKey(demand.keys), &row)
            }
        }
    }

    private mutating func put(_ count: Int, _ recordByteCount: Int, _ key: UInt128, _ row: inout Row) {
        let shard = shards[index(of: key)]
        row.offeredRecords += count
        let verdict = shard.throttle.take(
            recordCount: count, byteCount: count * recordByteCount, nanoseconds: nanoseconds)
        guard verdict == .granted else {
            row.refusedRecords += count
            return
        }
        let first = shard.meter.wrote(recordCount: count, byteCount: count * recordByteCount)
        for number in first..<first + UInt64(count)
        where TrafficMeter.isSampled(number: number, byteCount: recordByteCount) {
            shard.meter.note(HashKey(key), byteCount: recordByteCount)
        }
    }

    private func drawKey(_ keys: Keys) -> UInt128 {
        func anywhere() -> UInt128 { UInt128(dice.next()) << 64 | UInt128(dice.next()) }
        switch keys {
        case .even: return anywhere()
        case .hot(let keys, let share):
            let drawn = dice.next(below: 1_000)
            return drawn < share * keys.count ? keys[drawn / share] : anywhere()
        case .within(let range): return range.lowerBound + anywhere() % (range.upperBound - range.lowerBound)
        }
    }

    private func index(of key: UInt128) -> Int {
        var (low, high) = (0, shards.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if shards[middle].state.hashKeyRange.starting.value <= key { low = middle } else { high = middle }
        }
        return low
    }

    // MARK: Deciding and applying

    private mutating func finish(_ row: inout Row) {
        peaks.record(OnDemandScaling.usage(of: states), minute: row.minute)
        let decision = OnDemandScaling.decide(states, settings: settings, peak: peaks.peak)
        for action in decision.actions {
            switch action {
            case .split: row.splitCount += 1
            case .merge: row.mergeCount += 1
            }
            apply(action)
            check(action)
        }
        row.shardCount = shards.count
        row.hotKeys = decision.hotKeys
        rows.append(row)
    }

    private mutating func apply(_ action: OnDemandScaling.Action) {
        switch action {
        case .split(let id, let key, let lopsided):
            guard let at = shards.firstIndex(where: { $0.state.id == id }) else { return complain("\(id) is not open") }
            let range = shards[at].state.hashKeyRange
            guard key.value > range.starting.value + 1, key < range.ending,
                let lower = try? HashKeyRange(starting: range.starting, ending: HashKey(key.value - 1)),
                let upper = try? HashKeyRange(starting: key, ending: range.ending)
            else { return complain("SplitShard refuses \(key) in \(range)") }
            let children = [lower, upper].map { open($0, parent: id, lopsided: lopsided) }
            shards.replaceSubrange(at...at, with: children)
        case .merge(let left, let right):
            guard let at = shards.firstIndex(where: { $0.state.id == left }), at + 1 < shards.count,
                shards[at + 1].state.id == right
            else { return complain("\(left) and \(right) are no neighbours") }
            guard
                let range = try? HashKeyRange(
                    starting: shards[at].state.hashKeyRange.starting,
                    ending: shards[at + 1].state.hashKeyRange.ending)
            else { return complain("no range") }
            shards.replaceSubrange(at...at + 1, with: [open(range)])
        }
    }

    /// After each action: the shards tile the ring exactly, and there are not too few nor too many.
    private mutating func check(_ action: OnDemandScaling.Action) {
        var next: UInt128 = 0
        for shard in shards {
            let range = shard.state.hashKeyRange
            if range.starting.value != next { complain("a hole or an overlap at \(next) after \(action)") }
            next = range.ending.value &+ 1
        }
        if next != 0 { complain("the ring ends at \(next) after \(action)") }
        if !(Limits.onDemandShardCount...settings.greatestShardCount).contains(shards.count) {
            complain("\(shards.count) shards after \(action)")
        }
    }

    private mutating func complain(_ text: String) {
        if complaint == nil { complaint = "minute \(minute): \(text)" }
    }
}
