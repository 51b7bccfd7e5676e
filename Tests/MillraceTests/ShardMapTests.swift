import Millrace
import MillraceModel
import MillraceIO
import Testing

/// Aim: every place of the hash ring goes to the shard that it lies in. Method: rings cut evenly, at random and all within a thousandth
/// of the ring, and at their borders; against a search of all shards.
@Suite struct ShardMapTests {
    static func ranges(_ starts: [UInt128]) -> [HashKeyRange] {
        starts.indices.map { index in
            let end = index + 1 < starts.count ? starts[index + 1] - 1 : UInt128.max
            guard let range = try? HashKeyRange(starting: HashKey(starts[index]), ending: HashKey(end)) else { preconditionFailure("it starts before it ends") }
            return range
        }
    }

    @Test(arguments: [1, 2, 3, 5, 64, 100, 1000, 40_000]) func `every place goes to the shard that it lies in`(count: Int) {
        let dice = SeededEntropy(seed: UInt64(count))
        func place(in range: Range<UInt128> = 0..<UInt128.max) -> UInt128 {
            let drawn = UInt128(dice.next()) << 64 | UInt128(dice.next())
            return range.lowerBound + drawn % (range.upperBound - range.lowerBound)
        }
        func starts(in range: Range<UInt128>) -> [UInt128] {
            var starts: Set<UInt128> = [0]
            while starts.count < count { starts.insert(place(in: range)) }
            return starts.sorted()
        }
        let narrow = UInt128.max / 3..<UInt128.max / 3 + UInt128.max / 1000
        let even = (0..<count).map { UInt128.max / UInt128(count) * UInt128($0) }
        for starts in [even, starts(in: 0..<UInt128.max), starts(in: narrow)] {
            let map = ShardMap(Self.ranges(starts))
            #expect(map.count == starts.count && map.isSingle == (starts.count == 1))
            var places: [UInt128] = [.max]
            for start in starts.suffix(500) { places += [start, start == 0 ? 0 : start - 1] }
            for _ in 0..<2000 { places += [place(), place(in: narrow)] }
            let isRight = places.allSatisfy { place in
                let shard = map.index(of: place)
                return starts[shard] <= place && (shard + 1 == starts.count || place < starts[shard + 1])
            }
            #expect(isRight)
        }
    }
}
