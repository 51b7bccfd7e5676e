// Aim: places on the hash ring are read and written as AWS does, and a stream's ranges leave no place out.
// Method: bounds of the decimal form; tilings walked range by range.

import MillraceModel
import Testing

private let top = "340282366920938463463374607431768211455"

@Suite struct HashKeyTests {
    @Test(arguments: ["0", "1", "9", "10", "170141183460469231731687303715884105728", top])
    func `decimal text goes in and comes out unchanged`(text: String) throws {
        #expect(try HashKey(text).description == text)
    }

    @Test func `the largest text is the last place`() throws {
        #expect(try HashKey(top) == .max)
        #expect(try HashKey("0") == .min)
    }

    @Test(arguments: [
        "", "00", "01", "-1", "+1", " 1", "1 ", "1e3", "0x1", "١", "1000000000000000000000000000000000000000",
    ])
    func `text that is no number of 1 to 39 digits is a validation error`(text: String) {
        let error = #expect(throws: KinesisError.self) { try HashKey(text) }
        #expect(error?.code == "ValidationException")
    }

    @Test(arguments: ["340282366920938463463374607431768211456", "999999999999999999999999999999999999999"])
    func `a number of 2^128 or more is an invalid argument`(text: String) {
        let error = #expect(throws: KinesisError.self) { try HashKey(text) }
        #expect(error?.code == "InvalidArgumentException")
    }
}

@Suite struct HashKeyRangeTests {
    @Test(arguments: Array(1...130) + [255, 256, 257, 1_000, 1_023, 4_096, 9_999, 10_000])
    func `a tiling covers every place once and its widths are 2^128 over the count, rounded down`(count: Int) throws {
        let ranges = try HashKeyRange.tiling(count: count)
        #expect(ranges.count == count)
        #expect(ranges.first?.starting == .min)
        #expect(ranges.last?.ending == .max)
        let width = ranges[0].ending.value - ranges[0].starting.value
        for (left, right) in zip(ranges, ranges.dropFirst()) {
            try #require(right.starting.value == left.ending.value + 1)
            try #require(left.ending.value - left.starting.value == width)
        }
        // width + 1 is the largest w with w * count <= 2^128: it fits, and one more does not.
        let (product, overflow) = (width).multipliedReportingOverflow(by: UInt128(count))
        #expect(!overflow && UInt128.max - product >= UInt128(count - 1))
        #expect(count == 1 || UInt128.max / UInt128(count) <= width + 1)
    }

    @Test func `four shards have the ranges AWS gives four shards`() throws {
        #expect(
            try HashKeyRange.tiling(count: 4).map(\.description) == [
                "0...85070591730234615865843651857942052863",
                "85070591730234615865843651857942052864...170141183460469231731687303715884105727",
                "170141183460469231731687303715884105728...255211775190703847597530955573826158591",
                "255211775190703847597530955573826158592...340282366920938463463374607431768211455",
            ])
    }

    @Test func `three shards leave the place that is over to the last`() throws {
        let ranges = try HashKeyRange.tiling(count: 3)
        #expect(ranges[0].ending.description == "113427455640312821154458202477256070484")
        #expect(ranges[2].starting.description == "226854911280625642308916404954512140970")
    }

    @Test(arguments: [Int.min, -1, 0, 10_001, Int.max])
    func `a count no stream may have is an invalid argument`(count: Int) {
        let error = #expect(throws: KinesisError.self) { try HashKeyRange.tiling(count: count) }
        #expect(error?.code == "InvalidArgumentException")
    }

    @Test func `a range contains both of its ends and nothing beyond`() throws {
        let range = try HashKeyRange(starting: HashKey(10), ending: HashKey(20))
        #expect([9, 10, 15, 20, 21].map { range.contains(HashKey($0)) } == [false, true, true, true, false])
        #expect(HashKeyRange.whole.contains(.min) && HashKeyRange.whole.contains(.max))
    }

    @Test func `a range of one place is one, and a range that ends before it starts is refused`() throws {
        #expect(try HashKeyRange(starting: HashKey(7), ending: HashKey(7)).contains(HashKey(7)))
        let error = #expect(throws: KinesisError.self) {
            try HashKeyRange(starting: HashKey(8), ending: HashKey(7))
        }
        #expect(error?.code == "InvalidArgumentException")
    }

    @Test func `only ranges that touch are adjacent, in either order`() throws {
        let low = try HashKeyRange(starting: .min, ending: HashKey(9))
        let middle = try HashKeyRange(starting: HashKey(10), ending: HashKey(19))
        let high = try HashKeyRange(starting: HashKey(20), ending: .max)
        #expect(low.isAdjacent(to: middle) && middle.isAdjacent(to: low))
        #expect(!low.isAdjacent(to: high) && !high.isAdjacent(to: low), "the ring is not closed")
        #expect(!middle.isAdjacent(to: middle))
        #expect(!HashKeyRange.whole.isAdjacent(to: low))
    }
}
