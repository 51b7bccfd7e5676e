import Millrace
import MillraceIO
import MillraceModel
import Testing

/// Aim: the rules of on-demand scaling, one by one, at their bounds.
/// Method: shards made by hand, one decision each. OnDemandLoopTests closes the loop.
struct OnDemandScalingTests {
    typealias ShardState = OnDemandScaling.ShardState

    /// Shards that tile the ring evenly, each with that usage in every minute of `minutes`.
    static func shards(_ usages: [Int], minutes: Int = 1, readUsage: Int = 0) throws -> [ShardState] {
        let ranges = try HashKeyRange.tiling(count: usages.count)
        return zip(usages, ranges).enumerated().map { index, shard in
            var state = ShardState(id: ShardID(index: UInt32(index)), hashKeyRange: shard.1)
            for _ in 0..<minutes {
                state.traffic.record(
                    ShardTraffic.Sample(
                        writeRecordCount: shard.0 * 60, readByteCount: readUsage * 60 * (2 << 20) / 1000))
            }
            return state
        }
    }

    static func decide(
        _ shards: [ShardState], peak: Int? = nil, _ settings: OnDemandScaling.Settings = OnDemandScaling.Settings()
    ) -> OnDemandScaling.Decision {
        OnDemandScaling.decide(shards, settings: settings, peak: peak ?? OnDemandScaling.usage(of: shards))
    }

    static func indices(_ decision: OnDemandScaling.Decision) -> [[UInt32]] {
        decision.actions.map {
            switch $0 {
            case .split(let id, _, _): [id.index]
            case .merge(let left, let right): [left.index, right.index]
            }
        }
    }

    // MARK: Measuring

    @Test func `usage is of bytes or of records, whichever is more, and rounded up`() {
        let half = 60 * Limits.shardWriteBytesPerSecond / 2
        #expect(ShardTraffic.Sample(writeByteCount: half, writeRecordCount: 60).writeUsage == 500)
        #expect(ShardTraffic.Sample(writeByteCount: half + 1, writeRecordCount: 60).writeUsage == 501)
        #expect(ShardTraffic.Sample(writeByteCount: 60, writeRecordCount: 60_000).writeUsage == 1_000)
        #expect(ShardTraffic.Sample(readByteCount: 60 << 20).readUsage == 500)
        #expect(ShardTraffic.Sample().writeUsage == 0)
    }

    @Test func `traffic remembers the peak of a day and no longer than 25 hours`() {
        var traffic = ShardTraffic()
        traffic.record(ShardTraffic.Sample(writeRecordCount: 60 * 700))
        #expect(traffic.writeUsage == 700 && traffic.dayWritePeak == 700 && !traffic.hasWholeDay)
        for minute in 1..<25 * 60 {
            traffic.record(ShardTraffic.Sample(writeRecordCount: 60 * 100))
            #expect(traffic.hasWholeDay == (minute >= 24 * 60 - 1))
        }
        #expect(traffic.dayWritePeak == 700 && traffic.meanWriteUsage == 100)
        traffic.record(ShardTraffic.Sample())
        #expect(traffic.dayWritePeak == 100 && traffic.writeUsage == 0)
    }

    @Test func `peaks are remembered for 30 days, also by a clock that jumps`() {
        let day = 24 * 60
        var peaks = PeakHistory()
        peaks.record(9_000, minute: 100 * day + day - 1)
        for later in 1...30 { peaks.record(10, minute: (100 + later) * day) }
        #expect(peaks.peak == 9_000)
        peaks.record(10, minute: 131 * day)
        #expect(peaks.peak == 10)
        peaks.record(70, minute: 90 * day)
        #expect(peaks.peak == 70 && peaks.newestDay == 131)
        let kept = PeakHistory(newestDay: peaks.newestDay, peaks: peaks.peaks)
        #expect(kept == peaks)
        peaks.record(5, minute: 1_000_000 * day)
        #expect(peaks.peak == 5 && peaks.peaks.count == PeakHistory.dayCount)
    }

    // MARK: How many

    @Test
    func `a stream has twice the shards of its peak, at least 4, at least its warm throughput, at most its bound`() {
        var settings = OnDemandScaling.Settings()
        #expect(OnDemandScaling.leastShardCount(settings, peak: 0) == 4)
        #expect(OnDemandScaling.leastShardCount(settings, peak: 2_000) == 4)
        #expect(OnDemandScaling.leastShardCount(settings, peak: 2_001) == 5)
        #expect(OnDemandScaling.leastShardCount(settings, peak: 9_000_000) == 10_000)
        settings.warmMebibytesPerSecond = 100
        #expect(OnDemandScaling.leastShardCount(settings, peak: 2_000) == 100)
        settings.greatestShardCount = 60
        #expect(OnDemandScaling.leastShardCount(settings, peak: 2_000) == 60)
    }

    @Test func `a warmed stream comes to its shards by doubling, whatever its traffic`() throws {
        var settings = OnDemandScaling.Settings()
        settings.warmMebibytesPerSecond = 100
        var count = 4
        for expected in [8, 16, 32, 64, 100, 100] {
            count += Self.decide(try Self.shards(Array(repeating: 0, count: count)), settings).actions.count
            #expect(count == expected)
        }
    }

    // MARK: Splitting

    @Test func `a shard above half of its budget is split in the middle, the busiest first`() throws {
        let shards = try Self.shards([500, 501, 900, 0])
        let decision = Self.decide(shards)
        #expect(Self.indices(decision) == [[2], [1]])
        let range = shards[2].hashKeyRange
        #expect(decision.actions[0] == .split(shards[2].id, at: HashKey(UInt128(5) << 125), lopsidedSplitCount: 0))
        #expect(range.contains(HashKey(UInt128(5) << 125)))
        #expect(decision.hotKeys.isEmpty)
    }

    @Test func `no more shards than the bound, the busiest are split`() throws {
        var settings = OnDemandScaling.Settings()
        settings.greatestShardCount = 6
        let decision = Self.decide(try Self.shards([600, 700, 800, 900]), settings)
        #expect(Self.indices(decision) == [[3], [2]])
        settings.greatestShardCount = 4
        #expect(Self.decide(try Self.shards([600, 700, 800, 900]), settings).actions.isEmpty)
    }

    @Test func `a range of three places is not split, of four it is`() throws {
        for (width, isSplit) in [(0, false), (1, false), (2, false), (3, true), (4, true)] as [(UInt128, Bool)] {
            var shards = try Self.shards([0, 900, 0, 0])
            let start = UInt128(1) << 126
            shards[1].hashKeyRange = try HashKeyRange(starting: HashKey(start), ending: HashKey(start + width))
            let decision = Self.decide(shards)
            #expect(Self.indices(decision) == (isSplit ? [[1]] : []))
            #expect(decision.hotKeys.map(\.shard) == (isSplit ? [] : [shards[1].id]))
            if case .split(_, let key, _) = decision.actions.first {
                #expect(key.value > start + 1 && key.value < start + width)
            }
        }
    }

    // MARK: Hot keys

    @Test func `a shard of one key is reported and not split`() throws {
        for (share, isHot) in [(79, false), (83, true), (100, true)] {
            var shards = try Self.shards([900, 100, 100, 100])
            for index in 0..<1_000 {
                let key = index % 100 < share ? 77 : UInt128(index) << 110
                shards[0].sketch.add(HashKey(key), weight: 1_000)
            }
            let decision = Self.decide(shards)
            #expect(Self.indices(decision) == (isHot ? [] : [[0]]))
            #expect(decision.hotKeys.map(\.hashKey) == (isHot ? [HashKey(77)] : []))
            if isHot { #expect(decision.hotKeys[0].share! <= share * 10 && decision.hotKeys[0].share! > 800) }
        }
    }

    @Test func `a hot key that is not busy is nobody's trouble`() throws {
        var shards = try Self.shards([400, 100, 100, 100])
        for _ in 0..<1_000 { shards[0].sketch.add(HashKey(77), weight: 1_000) }
        #expect(Self.decide(shards) == OnDemandScaling.Decision(leastShardCount: 4))
    }

    @Test func `without a sample, a shard is one key's after three splits that moved nothing`() throws {
        var shards = try Self.shards([1_000, 0, 0, 0])
        var splits = 0
        for round in 0..<20 {
            let decision = Self.decide(shards)
            guard case .split(let id, let key, let lopsided) = decision.actions.first else {
                #expect(decision.hotKeys == [OnDemandScaling.HotKey(shard: shards[0].id, hashKey: nil, share: nil)])
                break
            }
            splits += 1
            #expect(id == shards[0].id && lopsided == round)
            let range = shards[0].hashKeyRange
            var halves = try Self.shards([1_000, 0], minutes: 3)
            halves[0].hashKeyRange = try HashKeyRange(starting: range.starting, ending: HashKey(key.value - 1))
            halves[1].hashKeyRange = try HashKeyRange(starting: key, ending: range.ending)
            for index in halves.indices {
                halves[index].id = ShardID(index: UInt32(10 + 2 * round + index))
                halves[index].parent = id
                halves[index].lopsidedSplitCount = lopsided
            }
            shards.replaceSubrange(0...0, with: halves)
        }
        #expect(splits == 3)
    }

    @Test func `traffic that grew after an even split does not look like one key`() throws {
        var shards = try Self.shards([0, 0, 1_000, 1_000, 0])
        for index in 2...3 {
            shards[index].parent = ShardID(index: 99)
            shards[index].lopsidedSplitCount = 2
        }
        #expect(
            Self.decide(shards).actions.allSatisfy {
                if case .split(_, _, let lopsided) = $0 { lopsided == 0 } else { false }
            })
    }

    // MARK: Merging

    @Test func `neighbours that were quiet together for a whole day are merged, the quietest first, down to the bound`()
        throws
    {
        let day = 24 * 60
        #expect(
            Self.indices(Self.decide(try Self.shards([60, 60, 20, 20, 100, 100], minutes: day))) == [[2, 3], [0, 1]])
        #expect(Self.indices(Self.decide(try Self.shards([60, 60, 20, 20, 100], minutes: day))) == [[2, 3]])
        #expect(Self.decide(try Self.shards([60, 60, 20, 20], minutes: day)).actions.isEmpty)
        #expect(Self.decide(try Self.shards([60, 60, 20, 20, 100], minutes: day - 1)).actions.isEmpty)
    }

    @Test func `a quarter together is quiet, more is not`() throws {
        let day = 24 * 60
        #expect(Self.decide(try Self.shards([125, 126, 125, 126, 125], minutes: day)).actions.isEmpty)
        #expect(Self.decide(try Self.shards([125, 125, 126, 126, 126], minutes: day)).actions.count == 1)
    }

    @Test func `one busy minute within the day keeps neighbours apart`() throws {
        var shards = try Self.shards([10, 10, 10, 10, 10], minutes: 23 * 60)
        for index in shards.indices {
            shards[index].traffic.record(ShardTraffic.Sample(writeRecordCount: 60 * 300))
            for _ in 0..<60 { shards[index].traffic.record(ShardTraffic.Sample()) }
        }
        #expect(Self.decide(shards, peak: 0).actions.isEmpty)
    }

    @Test func `shards that are read much are not merged`() throws {
        let day = 24 * 60
        #expect(Self.decide(try Self.shards([1, 1, 1, 1, 1], minutes: day, readUsage: 120)).actions.count == 1)
        #expect(Self.decide(try Self.shards([1, 1, 1, 1, 1], minutes: day, readUsage: 130)).actions.isEmpty)
    }

    @Test func `four times the peak of the last 30 days stay`() throws {
        let shards = try Self.shards(Array(repeating: 5, count: 16), minutes: 24 * 60)
        #expect(Self.decide(shards, peak: 4_000).actions.isEmpty)
        #expect(Self.decide(shards, peak: 3_500).actions.count == 2)
        #expect(Self.decide(shards, peak: 10).actions.count == 8)
    }

    @Test func `while anything is split nothing is merged`() throws {
        #expect(Self.indices(Self.decide(try Self.shards([1, 1, 1, 1, 1, 600], minutes: 24 * 60))) == [[5]])
    }
}
