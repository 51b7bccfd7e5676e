import Millrace
import MillraceIO
import MillraceModel
import Testing

/// Aim: the sketch finds the one hot key, never invents one, and divides a range where its traffic divides.
/// Method: random traffic from a printed seed, exact counts beside it.
struct HotKeySketchTests {
    static let half = UInt128(1) << 127

    @Test func `no key's share is overstated, and a key of more than a sixteenth is found`() throws {
        let seed = TestSeed.draw("HotKeySketchTests")
        let dice = SeededEntropy(seed: seed)
        for _ in 0..<100 {
            var sketch = HotKeySketch()
            var counts: [UInt128: Int] = [:]
            var whole = 0
            let keyCount = 1 + dice.next(below: 200)
            let hotShare = dice.next(below: 100)
            for _ in 0..<64 + dice.next(below: 3_000) {
                let key = dice.next(below: 100) < hotShare ? 7 : UInt128(dice.next(below: keyCount)) << 64 + 1
                let weight = 1_048 + dice.next(below: 1_000)
                sketch.add(HashKey(key), weight: weight)
                counts[key, default: 0] += weight
                whole += weight
            }
            let top = try #require(sketch.top)
            let share = counts[top.hashKey.value, default: 0] * 1_000 / whole
            let greatest = counts.max { $0.value < $1.value }!
            #expect(top.share <= share, "seed \(seed)")
            // What is held back is a sixteenth of the whole at most.
            #expect(top.share >= greatest.value * 1_000 / whole - 1_000 / 16 - 1, "seed \(seed)")
            if greatest.value * 2 > whole { #expect(top.hashKey.value == greatest.key, "seed \(seed)") }
        }
    }

    @Test func `a key that cooled down is forgotten within minutes`() throws {
        var sketch = HotKeySketch()
        for _ in 0..<1_000 { sketch.add(HashKey(1), weight: 1_048) }
        #expect(sketch.isTelling)
        for minute in 1...5 {
            sketch.decay()
            for index in 0..<1_000 { sketch.add(HashKey(UInt128(index) << 100), weight: 1_048) }
            let share = try #require(sketch.top).share
            if minute >= 2 { #expect(share < OnDemandScaling.hotKeyShare) }
            if minute >= 4 { #expect(share < 100) }
        }
        for _ in 0..<20 { sketch.decay() }
        #expect(sketch.top == nil && !sketch.isTelling)
    }

    @Test func `even traffic is divided in the middle, however it falls`() {
        let seed = TestSeed.draw("HotKeySketchTests")
        let dice = SeededEntropy(seed: seed)
        var elsewhere = 0
        for _ in 0..<200 {
            var sketch = HotKeySketch()
            for _ in 0..<500 { sketch.add(HashKey(UInt128(dice.next()) << 64), weight: 1_048) }
            if sketch.splitPoint(of: .whole) != HashKey(Self.half) { elsewhere += 1 }
        }
        // Of 64 samples more than 38 lie on one side in one case of ten.
        #expect(elsewhere < 60, "seed \(seed): \(elsewhere) of 200")
    }

    @Test func `traffic in a corner of the range is divided within the corner`() throws {
        let seed = TestSeed.draw("HotKeySketchTests")
        let dice = SeededEntropy(seed: seed)
        var sketch = HotKeySketch()
        for _ in 0..<500 { sketch.add(HashKey(UInt128(dice.next(below: 1_000_000))), weight: 1_048) }
        let place = try #require(sketch.splitPoint(of: .whole)).value
        #expect(place > 300_000 && place < 700_000, "seed \(seed)")
    }

    @Test func `two hot keys side by side are parted`() throws {
        for keys in [[100, 101], [0, 1], [1, 2], [UInt128.max - 1, .max], [5, Self.half]] as [[UInt128]] {
            var sketch = HotKeySketch()
            for index in 0..<200 { sketch.add(HashKey(keys[index % 2]), weight: 1_048) }
            let place = try #require(sketch.splitPoint(of: .whole)).value
            // SplitShard takes no place next to the range's ends: some pairs there cannot be parted.
            let canPart = keys[1] > 1 && keys[1] < UInt128.max
            if canPart { #expect(keys[0] < place && place <= keys[1]) }
            #expect(place > 1 && place < UInt128.max)
        }
    }

    @Test func `the sample sees the share of a key among producers that go round 64 of them`() {
        let meter = TrafficMeter()
        for index in 0..<60_000 { meter.wrote(HashKey(UInt128(index % 64) << 120), byteCount: 100) }
        let (sample, sketch) = meter.takeMinute()
        #expect(sample == ShardTraffic.Sample(writeByteCount: 6_000_000, writeRecordCount: 60_000))
        #expect(sketch.isTelling)
        #expect(sketch.top!.share < 100)
        #expect(meter.takeMinute().sample == ShardTraffic.Sample())
    }

    @Test func `one record in 64 is sampled, and every large one`() {
        let sampled = (0..<640_000).count { TrafficMeter.isSampled(number: UInt64($0), byteCount: 100) }
        #expect(abs(sampled - 10_000) < 500)
        #expect((0..<100).allSatisfy { TrafficMeter.isSampled(number: UInt64($0), byteCount: 16 << 10) })
    }

    @Test func `a few large records weigh as much as the many small ones they equal`() throws {
        let meter = TrafficMeter()
        // 30 MiB of one key in large records, as much of many keys in small ones.
        for _ in 0..<120 { meter.wrote(HashKey(9), byteCount: 256 << 10) }
        for index in 0..<30_720 { meter.wrote(HashKey(UInt128(index) << 100), byteCount: 1 << 10) }
        let share = try #require(meter.takeMinute().sketch.top).share
        #expect(share > 350 && share < 600)
    }
}
