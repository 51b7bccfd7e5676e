import Millrace
import MillraceIO
import MillraceModel
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Aim: the small decisions of the stream layer. Method: the simplest statement of each rule as the oracle.
@Suite(.timeLimit(.minutes(1))) struct StreamPartsTests {
    // MARK: Which shards a list shows

    /// A lineage of drawn splits and merges, one every few seconds, with the time after the last.
    private static func lineage(_ dice: SeededEntropy) throws -> (StreamDescription, UInt64) {
        var now: UInt64 = 1_735_689_600
        var stream = try ReshardPlanTests.stream(HashKeyRange.tiling(count: 1 + dice.next(below: 3)), second: now)
        for _ in 0..<dice.next(below: 8) {
            now += UInt64(dice.next(below: 4))
            var plan = ReshardPlan(stream, nowSecond: now)
            let open = stream.openShards
            let at = dice.next(below: open.count)
            if dice.next(below: 2) == 0 || open.count == 1 {
                let range = open[at].hashKeyRange
                plan.split(open[at].shardID, at: HashKey(range.starting.value + (range.ending.value - range.starting.value) / 2 + 1))
            } else {
                let at = min(at, open.count - 2)
                plan.merge(open[at].shardID, open[at + 1].shardID)
            }
            stream = try ReshardPlanTests.commit(plan, to: stream, now: now)
        }
        return (stream, now)
    }

    @Test func `each filter shows the shards that its words say, at any time and horizon`() throws {
        let seed = TestSeed.draw("parts")
        let dice = SeededEntropy(seed: seed)
        for round in 0..<400 {
            let (stream, now) = try Self.lineage(dice)
            let first = stream.creationSecond
            let span = Int(now - first)
            var horizon: UInt64 = 0
            if dice.next(below: 3) > 0 { horizon = (first + UInt64(dice.next(below: span + 3))) * 1000 }
            // What has expired with its data is not there for any filter.
            func end(_ shard: ShardDescription) -> UInt64 { shard.closing.map { $0.second * 1000 + 999 } ?? .max }
            let visible = stream.shards.filter { end($0) >= horizon }
            let time = (first + UInt64(dice.next(below: span + 4))) * 1000 - 1500 + UInt64(dice.next(below: 3000))
            func wasOpen(_ shard: ShardDescription, at time: UInt64) -> Bool {
                shard.creationSecond * 1000 <= time && time <= end(shard)
            }
            let after = ShardID(index: UInt32(dice.next(below: stream.shards.count + 1)))
            // Before there was any shard the oldest ones are what the horizon means.
            let oldest = max(horizon, (visible.map(\.creationSecond).min() ?? 0) * 1000)
            let expected: [(ShardFilter?, [ShardDescription])] = [
                (nil, visible), (ShardFilter(.fromTrimHorizon), visible),
                (ShardFilter(.afterShardID, shardID: "\(after)"), visible.filter { $0.shardID > after }),
                (ShardFilter(.atLatest), visible.filter { $0.closing == nil }),
                (ShardFilter(.atTrimHorizon), visible.filter { wasOpen($0, at: oldest) }),
                (
                    ShardFilter(.atTimestamp, timestampMilliseconds: Int64(time)),
                    visible.filter { wasOpen($0, at: max(time, horizon)) }
                ),
                (
                    ShardFilter(.fromTimestamp, timestampMilliseconds: Int64(time)),
                    visible.filter { end($0) >= max(time, horizon) }
                ),
            ]
            for (filter, shards) in expected {
                let selection = try ShardSelection(filter)
                #expect(selection.select(visible, horizon: horizon) == shards, "seed \(seed), round \(round): \(selection)")
                let page = ShardPage(after: dice.next(below: 2) == 0 ? nil : 3, filter: selection)
                #expect(ShardPage(page.bytes) == page)
            }
            // Reading from any moment on loses no key: the shards open then cover the ring.
            let ring = try ShardSelection(ShardFilter(.atTrimHorizon)).select(visible, horizon: horizon)
            let places: [UInt128] = [0, .max, UInt128(dice.next()) << 64, 1 << 127]
            for place in places {
                #expect(
                    ring.contains { $0.hashKeyRange.contains(HashKey(place)) },
                    "seed \(seed), round \(round): nobody had \(place) at the horizon")
            }
        }
    }

    @Test func `bytes that are no page of a list are none`() {
        for bytes in [[], [1], [UInt8](repeating: 0, count: 13), [UInt8](repeating: 7, count: 13), [UInt8](repeating: 1, count: 14)] {
            #expect(ShardPage(bytes) == nil)
        }
        let greatest = ShardPage(after: nil, filter: .fromTimestamp(.max))
        #expect(ShardPage(greatest.bytes) == greatest)
    }

    // MARK: How old a record may be

    @Test func `the horizon never goes back, whatever the clock and the period do`() throws {
        let seed = TestSeed.draw("parts")
        let dice = SeededEntropy(seed: seed)
        for round in 0..<200 {
            var settings = StreamSettings()
            let terms = StreamTerms(try StreamName("s"), settings)
            var last: UInt64 = 0
            for _ in 0..<50 {
                let day: UInt64 = 86_400_000
                let now = 400 * day + UInt64(dice.next(below: Int(20 * day)))
                if dice.next(below: 3) == 0 {
                    // As an operation does it: what the old period hid stays hidden.
                    settings.horizonFloorMilliseconds = terms.horizon(at: now)
                    settings.retention = try RetentionPeriod(hours: 24 + dice.next(below: 8_737))
                    settings.horizonFloorMilliseconds = settings.horizon(at: now)
                    terms.take(settings)
                }
                let horizon = terms.horizon(at: now)
                #expect(horizon >= last, "seed \(seed), round \(round)")
                #expect(horizon >= now - UInt64(settings.retention.milliseconds), "seed \(seed), round \(round)")
                last = horizon
            }
        }
        let terms = StreamTerms(try StreamName("s"), StreamSettings())
        #expect(terms.horizon(at: 0) == 0)
        #expect(terms.horizon(at: 86_400_000) == 0)
        #expect(terms.horizon(at: 86_400_001) == 1)
        #expect(terms.horizon(at: 0) == 1)
    }

    // MARK: What threads share

    @Test func `readers of versions see each one whole, and never an older one after a newer one`() async {
        final class Version: Sendable {
            let numbers: [Int]
            init(_ number: Int) { numbers = Array(repeating: number, count: 8) }
        }
        let versions = Versions(Version(0))
        let count = 2000
        let torn = Counter()
        let readers = (0..<3).map { index in
            WorkerThread(name: "read-\(index)") {
                var last = 0
                while last < count {
                    let numbers = versions.value.numbers
                    if Set(numbers).count != 1 || numbers[0] < last { torn.add() }
                    last = numbers[0]
                }
            }
        }
        for number in 1...count { versions.replace(with: Version(number)) }
        for reader in readers { reader.join() }
        #expect(torn.value == 0)
        #expect(versions.value.numbers[0] == count)
    }

    @Test func `a version lives as long as it is the newest or somebody holds it, however often it is read`() {
        final class Version: Sendable {
            let counter: Counter
            init(_ counter: Counter) { self.counter = counter }
            deinit { counter.add() }
        }
        let gone = Counter()
        var held: [Version] = []
        do {
            let versions = Versions(Version(gone))
            for number in 0..<20 {
                // Around the numbers of reads at which references are paid for.
                for _ in 0..<number * 8192 - min(number, 3) { _ = versions.value.counter }
                held.append(versions.value)
                versions.replace(with: Version(gone))
                withExtendedLifetime(held) { #expect(gone.value == 0) }
            }
            held.removeSubrange(5..<15)
            withExtendedLifetime(held) { #expect(gone.value == 10) }
            for _ in 0..<100 { versions.replace(with: Version(gone)) }
            withExtendedLifetime((versions, held)) { #expect(gone.value == 110) }
        }
        withExtendedLifetime(held) { #expect(gone.value == 111) }
        held = []
        #expect(gone.value == 121)
    }

    @Test func `versions that many threads read while they are replaced all go, and none too early`() {
        final class Version: Sendable {
            let number: Int
            let counter: Counter
            /// Zero once it is gone.
            let life = Atomic<Int>(1)
            init(_ number: Int, _ counter: Counter) { (self.number, self.counter) = (number, counter) }
            deinit {
                life.store(0, ordering: .relaxed)
                counter.add()
            }
        }
        let (gone, dead, count) = (Counter(), Counter(), 20_000)
        do {
            let versions = Versions(Version(0, gone))
            let readers = (0..<4).map { index in
                WorkerThread(name: "read-\(index)") {
                    while true {
                        let version = versions.value
                        if version.life.load(ordering: .relaxed) != 1 { dead.add() }
                        if version.number == count { return }
                    }
                }
            }
            for number in 1...count {
                versions.replace(with: Version(number, gone))
                // Long enough for a version to be read beyond what was paid at once, now and then.
                if number % 4000 == 0 { usleep(50_000) }
            }
            for reader in readers { reader.join() }
            withExtendedLifetime(versions) { #expect(gone.value == count) }
        }
        #expect(gone.value == count + 1)
        #expect(dead.value == 0)
    }

    // MARK: Policies

    @Test func `a text that is a JSON object passes, and nothing else does`() {
        let objects = [
            "{}", " \t\r\n{ } \n", #"{"a":1}"#, #"{"a":{"b":[{"c":[]}]}}"#, #"{"}":"{","]":"[\"}"}"#, #"{"\\":"\\"}"#,
            String(repeating: #"{"a":"#, count: 63) + "{}" + String(repeating: "}", count: 63),
        ]
        for text in objects { #expect(JSONShape.isObject(text), "\(text)") }
        let others = [
            "", " ", "[]", "1", "null", #""{}""#, "{", "}", "{}}", "{}{}", "{} x", "x{}", "{[}]", #"{"a":"}"#, #"{"a":"\"}"#,
            "{\"a\":[1}", "{(})", "{]", String(repeating: "{", count: 65) + String(repeating: "}", count: 65),
            String(repeating: "{", count: 1_000_000),
        ]
        for text in others { #expect(!JSONShape.isObject(text), "\(text.prefix(80))") }
    }
}
