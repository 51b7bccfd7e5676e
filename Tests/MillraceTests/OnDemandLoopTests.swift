import Millrace
import MillraceModel
import MillraceTestSupport
import Testing

/// Aim: the loop of traffic, throttle, measurement, decision and reshard comes to rest where it should, soon, and
/// stays there.
/// Method: `OnDemandSimulator` in virtual time from a printed seed. Each run checks after every action that the
/// shards tile the ring and are 4 or more. `MILLRACE_PLOTS` writes the runs of docs/plots anew.
@Suite(.timeLimit(.minutes(5))) struct OnDemandLoopTests {
    typealias Demand = OnDemandSimulator.Demand

    /// What a step of the traffic cost: refused records, and minutes until none was any more.
    struct Step: CustomStringConvertible {
        let records: Int
        let refusedShare: Int
        let firstMinuteShare: Int
        let minutes: Int
        let shardCount: Int
        var description: String {
            "\(records) records/s: \(firstMinuteShare) ‰ refused in the first minute, \(refusedShare) ‰ in all 15, "
                + "none after \(minutes) min, \(shardCount) shards"
        }
    }

    static func step(_ rows: ArraySlice<OnDemandSimulator.Row>) -> Step {
        let offered = rows.reduce(0) { $0 + $1.offeredRecords }
        let refused = rows.reduce(0) { $0 + $1.refusedRecords }
        let last = rows.lastIndex { $0.refusedRecords > 0 }
        return Step(
            records: rows.first!.offeredRecords / 60, refusedShare: (refused * 1000 + offered - 1) / offered,
            firstMinuteShare: rows.first!.refusedShare, minutes: last.map { $0 - rows.startIndex + 1 } ?? 0,
            shardCount: rows.last!.shardCount)
    }

    static let base = 1_600

    /// A quarter of an hour each at 1, 2, 4 and 8 times the base.
    static func ramp(seed: UInt64, base: Int = base) throws -> OnDemandSimulator {
        var simulator = try OnDemandSimulator(seed: seed)
        simulator.run(minutes: 60) { second in Demand(recordsPerSecond: base << (second / 900)) }
        return simulator
    }

    /// A quarter of an hour at the base, then at 8 times as much.
    static func jump(seed: UInt64) throws -> OnDemandSimulator {
        var simulator = try OnDemandSimulator(seed: seed)
        simulator.run(minutes: 30) { second in Demand(recordsPerSecond: second < 900 ? base : 8 * base) }
        return simulator
    }

    // MARK: Growing

    @Test(arguments: [base, 1_950])
    func `traffic that doubles every quarter of an hour is hardly ever refused`(base: Int) throws {
        let simulator = try Self.ramp(seed: TestSeed.draw("OnDemandLoopTests"), base: base)
        #expect(simulator.complaint == nil)
        let steps = (0..<4).map { Self.step(simulator.rows[$0 * 15..<$0 * 15 + 15]) }
        for step in steps { print("ramp: \(step)") }
        for step in steps {
            // The second base stands just below the bound: doubled, it fills the shards, and chance overfills some.
            #expect(step.firstMinuteShare <= 20 && step.refusedShare <= 2 && step.minutes <= 2, "\(step)")
            let peak = step.records
            #expect(step.shardCount * 500 >= peak && step.shardCount * 250 <= peak + 500, "\(step)")
        }
        #expect(steps[0].refusedShare == 0)
    }

    @Test func `traffic that jumps to eight times as much has its capacity after four minutes`() throws {
        let simulator = try Self.jump(seed: TestSeed.draw("OnDemandLoopTests"))
        #expect(simulator.complaint == nil)
        let step = Self.step(simulator.rows[15...])
        print("jump: \(step)")
        for row in simulator.rows[15..<20] {
            print("jump: minute \(row.minute - 14): \(row.refusedShare) ‰ refused, then \(row.shardCount) shards")
        }
        #expect(step.minutes <= 4 && step.refusedShare <= 120 && (26...48).contains(step.shardCount))
        // What a minute grants is what there was, so each minute doubles it.
        for (index, count) in [8, 16, 32].enumerated() { #expect(simulator.rows[15 + index].shardCount <= count + 2) }
    }

    @Test func `large records make a stream grow by their bytes`() throws {
        let seed = TestSeed.draw("OnDemandLoopTests")
        let counts = try (0..<5 as Range<UInt64>).map { index in
            var simulator = try OnDemandSimulator(seed: seed &+ index)
            simulator.recordsTogether = 1
            simulator.run(minutes: 20) { _ in Demand(recordsPerSecond: 100, recordByteCount: 100_000) }
            #expect(simulator.complaint == nil)
            #expect(simulator.rows.last!.refusedShare <= 1)
            return simulator.shardCount
        }
        // 20 are twice what the bytes need; where few records are many bytes, chance makes some shards hot, one time in 300 more than 12.
        #expect((20...32).contains(counts.sorted()[2]) && counts.allSatisfy { (20...40).contains($0) }, "\(counts)")
    }

    @Test func `nothing passes the bound of shards`() throws {
        var simulator = try OnDemandSimulator(seed: TestSeed.draw("OnDemandLoopTests"))
        simulator.settings.greatestShardCount = 11
        simulator.run(minutes: 15) { _ in Demand(recordsPerSecond: 20_000) }
        #expect(simulator.complaint == nil)
        #expect(simulator.shardCount == 11)
    }

    // MARK: Staying

    @Test func `a day of noisy traffic makes a stream grow once and then stay`() throws {
        let seed = TestSeed.draw("OnDemandLoopTests")
        var simulator = try OnDemandSimulator(seed: seed)
        simulator.recordsTogether = 50
        // Each minute between 0.6 and 1.4 of the mean, by a fixed scramble of the minute.
        simulator.run(minutes: 24 * 60) { second in
            let noise = (UInt64(second / 60) &+ seed) &* 0x9E37_79B9_7F4A_7C15 >> 32 % 800
            return Demand(recordsPerSecond: 2_000 * (600 + Int(noise)) / 1000)
        }
        #expect(simulator.complaint == nil)
        Self.checkStaysPut(simulator, "noise")
        #expect(simulator.shardCount <= 12)
    }

    @Test func `a day that swings up and down each hour makes a stream grow once and then stay`() throws {
        var simulator = try OnDemandSimulator(seed: TestSeed.draw("OnDemandLoopTests"))
        simulator.recordsTogether = 50
        // Between 200 and 4,000 a second in a parabola that resembles a sine.
        simulator.run(minutes: 24 * 60) { second in
            let place = second % 3_600
            return Demand(recordsPerSecond: 200 + 3_800 * place * (3_600 - place) / (1_800 * 1_800))
        }
        #expect(simulator.complaint == nil)
        Self.checkStaysPut(simulator, "swing")
        #expect((8...16).contains(simulator.shardCount))
    }

    /// No merge within a day, and no split that the final count does not need; most of them in the first two hours.
    static func checkStaysPut(_ simulator: OnDemandSimulator, _ name: String) {
        let splits = simulator.rows.reduce(0) { $0 + $1.splitCount }
        let merges = simulator.rows.reduce(0) { $0 + $1.mergeCount }
        let late = simulator.rows[120...].reduce(0) { $0 + $1.splitCount }
        let offered = simulator.rows.reduce(0) { $0 + $1.offeredRecords }
        let refused = simulator.rows.reduce(0) { $0 + $1.refusedRecords }
        print(
            "\(name): \(splits) splits, \(late) after two hours, \(merges) merges, \(simulator.shardCount) shards, "
                + "\(refused) of \(offered) records refused")
        #expect(merges == 0)
        #expect(splits == simulator.shardCount - 4)
        #expect(late <= 4)
        #expect(refused * 1000 <= offered)
    }

    @Test func `capacity goes back a month after its peak, by half a day, and then stays`() throws {
        let simulator = try Self.month(seed: TestSeed.draw("OnDemandLoopTests"))
        #expect(simulator.complaint == nil)
        let day = 24 * 60
        let rows = simulator.rows
        #expect((32...64).contains(rows[day].shardCount))
        // Not one shard less in the 30 days for which the peak may come back.
        #expect(rows[..<(30 * day)].allSatisfy { $0.mergeCount == 0 })
        #expect((6...12).contains(rows.last!.shardCount))
        let falling = rows.filter { $0.mergeCount > 0 }
        let counts = falling.map { "\($0.shardCount) (\($0.minute / 60) h)" }.joined(separator: ", ")
        print("month: \(rows[day].shardCount) shards, then \(counts)")
        for row in falling { #expect(rows[row.minute - day].shardCount <= 2 * row.shardCount + 1) }
        // After it went back, a day's swing moves nothing any more.
        #expect(rows[(36 * day)...].allSatisfy { $0.splitCount + $0.mergeCount == 0 })
    }

    @Test func `a peak that comes back every third day moves nothing after the first time`() throws {
        var simulator = try OnDemandSimulator(seed: TestSeed.draw("OnDemandLoopTests"))
        let day = 24 * 60
        // 7 shards' worth is no power of two, so that some shards stay near the bound.
        simulator.runCoarsely(minutes: 20 * day) { minute in minute % (3 * day) < 120 ? 7_000 : 200 }
        #expect(simulator.complaint == nil)
        let late = simulator.rows[(5 * day)...]
        print(
            "every third day: \(simulator.shardCount) shards, \(late.reduce(0) { $0 + $1.splitCount + $1.mergeCount }) "
                + "reshards after the fifth day")
        #expect(late.allSatisfy { $0.mergeCount == 0 })
        #expect(late.reduce(0) { $0 + $1.splitCount } <= 4)
    }

    /// Two hours of 16,000 records a second, then 38 days that swing between 300 and 1,500.
    static func month(seed: UInt64) throws -> OnDemandSimulator {
        var simulator = try OnDemandSimulator(seed: seed)
        simulator.runCoarsely(minutes: 38 * 24 * 60) { minute in
            if minute < 120 { return 16_000 }
            let place = minute % 1_440
            return 300 + 1_200 * place * (1_440 - place) / (720 * 720)
        }
        return simulator
    }

    // MARK: Hot keys

    @Test func `one hot key is reported and not split for ever`() throws {
        let key = UInt128(3) << 120 + 12345
        for (share, records) in [(300, 4_000), (900, 4_000), (1_000, 3_000)] {
            var simulator = try OnDemandSimulator(seed: TestSeed.draw("OnDemandLoopTests"))
            simulator.run(minutes: 120) { _ in Demand(recordsPerSecond: records, keys: .hot([key], share: share)) }
            #expect(simulator.complaint == nil)
            let late = simulator.rows[20...].reduce(0) { $0 + $1.splitCount }
            print(
                "hot key of \(share) ‰: \(simulator.shardCount) shards, \(late) splits after 20 min, reported in minute "
                    + "\(simulator.rows.firstIndex { !$0.hotKeys.isEmpty } ?? -1)")
            #expect(late <= 2)
            #expect(simulator.shardCount <= 20)
            let reported = simulator.rows.last!.hotKeys
            #expect(reported.count == 1 && reported.first?.hashKey == HashKey(key))
            #expect(simulator.rows[60...].allSatisfy { $0.hotKeys.map(\.hashKey) == [HashKey(key)] })
        }
    }

    @Test func `a hot key of few large records is found too`() throws {
        let key = UInt128(3) << 120 + 12345
        var simulator = try OnDemandSimulator(seed: TestSeed.draw("OnDemandLoopTests"))
        simulator.recordsTogether = 1
        simulator.run(minutes: 60) { _ in
            Demand(recordsPerSecond: 10, recordByteCount: 200_000, keys: .hot([key], share: 900))
        }
        #expect(simulator.complaint == nil)
        #expect(simulator.rows.last!.hotKeys.map(\.hashKey) == [HashKey(key)])
        #expect(simulator.rows[20...].allSatisfy { $0.splitCount == 0 })
        #expect(simulator.shardCount <= 10)
    }

    @Test func `two hot keys side by side get a shard each, and traffic in a corner of the ring is spread`() throws {
        let start = UInt128(3) << 120
        for keys in [.hot([start + 5, start + 6], share: 450), .within(start...start + 1 << 64)]
            as [OnDemandSimulator.Keys]
        {
            var simulator = try OnDemandSimulator(seed: TestSeed.draw("OnDemandLoopTests"))
            simulator.run(minutes: 40) { _ in Demand(recordsPerSecond: 1_800, keys: keys) }
            #expect(simulator.complaint == nil)
            let last = simulator.rows.last!
            print("\(keys): \(simulator.shardCount) shards, \(last.refusedShare) ‰ refused at the end")
            #expect(last.refusedShare <= 5)
            #expect(simulator.shardCount <= 14)
        }
    }

    @Test func `a key that was hot and cooled down leaves nothing behind`() throws {
        var simulator = try OnDemandSimulator(seed: TestSeed.draw("OnDemandLoopTests"))
        simulator.run(minutes: 90) { second in
            Demand(recordsPerSecond: 3_000, keys: second < 1_800 ? .hot([1 << 100], share: 700) : .even)
        }
        #expect(simulator.complaint == nil)
        #expect(simulator.rows[29].hotKeys.count == 1)
        #expect(simulator.rows[40...].allSatisfy { $0.hotKeys.isEmpty && $0.refusedShare <= 1 })
    }

    // MARK: Repeating

    @Test func `the same seed gives the same run`() throws {
        let (one, two) = (try Self.jump(seed: 7), try Self.jump(seed: 7))
        #expect(one.rows == two.rows)
        #expect(one.states.map(\.hashKeyRange) == two.states.map(\.hashKeyRange))
    }

    @Test(.enabled(if: Fixtures.isSet("MILLRACE_PLOTS")))
    func `the plots of the documentation are written anew`() throws {
        let ramp = try Self.ramp(seed: 1).rows
        let jump = try Self.jump(seed: 1).rows
        let month = try Self.month(seed: 1).rows
        // Hours, where minutes would be no smaller a line.
        let hours = stride(from: 0, to: month.count, by: 60).map { month[$0] }
        let panels = [
            OnDemandPlot.Panel(
                name: "ramp", title: "Traffic doubles every 15 minutes", unit: "minutes", scale: 1, rows: ramp),
            OnDemandPlot.Panel(
                name: "jump", title: "Traffic jumps to eight times as much", unit: "minutes", scale: 1, rows: jump),
            OnDemandPlot.Panel(
                name: "month", title: "Two hours of 16 shards' worth, then 38 quiet days", unit: "days", scale: 1_440,
                rows: hours),
        ]
        try Fixtures.write(Array(OnDemandPlot.table(panels).utf8), to: "docs/plots/on-demand.csv")
        try Fixtures.write(Array(OnDemandPlot.drawing(panels).utf8), to: "docs/plots/on-demand.svg")
    }
}
