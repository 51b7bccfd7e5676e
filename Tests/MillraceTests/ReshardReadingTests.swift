import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Synchronization
import Testing

/// Aim: a reading has every record once and in the order of its keys, wherever it begins and goes on, however the shards change
/// meanwhile. Method: as in the rest of the suite.
extension ReshardLoadTests {
    @Test func `a position at the tip of an empty shard names no gap in a later opening`() async throws {
        let test = TestStore()
        var store = try test.open()
        try store.make()
        // In an opening of its own, so that the tip is not the shard's first ordinal.
        try store.closeBlocking()
        store = try test.open()
        let records = try store.stream("s").records(from: .trimHorizon)
        let waiting = Task { try await FollowTests.take(1, records) }
        while !records.position.description.contains(":") { try await Task.sleep(nanoseconds: 1_000_000) }
        waiting.cancel()
        _ = try await waiting.value
        let position = records.position
        try store.closeBlocking()
        store = try test.open()
        let stream = try store.stream("s")
        try await stream.put("first", partitionKey: "k")
        var iterator = try stream.records(from: position).makeAsyncIterator()
        #expect(try await iterator.next()?.text == "first")
        try store.closeBlocking()
    }

    @Test func `a reading goes on behind any position, however the shards have changed meanwhile`() async throws {
        let seed = TestSeed.draw("reshard, positions")
        let dice = SeededEntropy(seed: seed)
        let test = TestStore()
        var store = try test.open()
        try store.make(shards: 2)
        var expected: [String] = []
        var read: [Record] = []
        var position: StreamPosition?
        for round in 0..<12 {
            let stream = try store.stream("s")
            for index in 0..<15 {
                let text = "\(round * 100 + index)"
                try await stream.put(text, partitionKey: "k\(index % 6)")
                expected.append(text)
                if index % 5 == 4 {
                    var left = 1 + dice.next(below: 2)
                    _ = try Self.reshard(store, dice, until: {
                        left -= 1
                        return left < 0
                    }, greatest: 6)
                }
            }
            test.clock.advance(milliseconds: Int64(dice.next(below: 3)) * 700)
            let records = try position.map { try stream.records(from: $0) } ?? stream.records(from: .trimHorizon)
            let count = round == 11 ? expected.count - read.count : dice.next(below: expected.count - read.count + 1)
            read += try await Self.within(30, Task { try await FollowTests.take(count, records) })
            // As text, which is what is kept.
            position = try StreamPosition("\(records.position)")
            if dice.next(below: 3) == 0 {
                try store.closeBlocking()
                store = try test.open()
            }
        }
        #expect(read.count == expected.count, "seed \(seed)")
        #expect(Set(read.map(\.text)) == Set(expected), "seed \(seed)")
        Self.checkOrder(read, "seed \(seed)")
        // Nothing is left behind the last position.
        let stream = try store.stream("s")
        let rest = try stream.records(from: try #require(position))
        let next = Task { try await FollowTests.take(1, rest) }
        try await stream.put("last", partitionKey: "k0")
        #expect(try await Self.within(30, next).map(\.text) == ["last"], "seed \(seed)")
        try store.closeBlocking()
    }

    @Test func `a reading from a time, or a number, has all that is behind it, over splits and merges`() async throws {
        let seed = TestSeed.draw("reshard, starts")
        let dice = SeededEntropy(seed: seed)
        let test = TestStore()
        let store = try test.open()
        try store.make(shards: 2)
        let stream = try store.stream("s")
        var puts: [(number: SequenceNumber, key: String, index: Int, arrival: Int64)] = []
        for index in 0..<120 {
            let key = "k\(index % 6)"
            let arrival = test.clock.wallNanoseconds() / 1_000_000
            puts.append((try await stream.put("\(index)", partitionKey: key), key, index, arrival))
            if index % 10 == 9 {
                var left = 1
                _ = try Self.reshard(store, dice, until: {
                    left -= 1
                    return left < 0
                }, greatest: 5)
            }
            test.clock.advance(milliseconds: Int64(dice.next(below: 400)))
        }
        for index in [0, 1, 25, 59, 60, 61, 100, 119] {
            let from = puts[index]
            for isNumber in [false, true] {
                let start: StartingPosition = isNumber ? .at(from.number) : .atTimestamp(milliseconds: from.arrival)
                let wanted = puts.filter { put in
                    if !isNumber { return put.arrival >= from.arrival }
                    // The number's shard from there on, all others from its second on.
                    if put.number.shardID == from.number.shardID { return put.number >= from.number }
                    return put.arrival >= from.arrival / 1000 * 1000
                }
                let reading = Task { try await FollowTests.take(wanted.count, stream.records(from: start)) }
                let records = try await Self.within(30, reading)
                let (found, expected) = (Set(records.compactMap { Int($0.text) }), Set(wanted.map(\.index)))
                #expect(
                    found == expected,
                    "seed \(seed), \(start): \(found.subtracting(expected).sorted()) for \(expected.subtracting(found).sorted())")
                Self.checkOrder(records, "seed \(seed), \(start)")
            }
        }
        try store.closeBlocking()
    }

    @Test(arguments: [1, 3]) func `readers that wait at a shard go on to its children when it is closed`(shards: Int) async throws {
        let store = try TestStore().open()
        try store.make(shards: shards)
        let stream = try store.stream("s")
        try await stream.put("0", partitionKey: "k")
        var iterator = stream.records(from: .trimHorizon).makeAsyncIterator()
        #expect(try await iterator.next()?.text == "0")
        for index in 1..<20 {
            let next = Task { [iterator] in
                var iterator = iterator
                return try await iterator.next().map { [$0] } ?? []
            }
            // It waits by now, most likely; either way it must get there.
            try await Task.sleep(nanoseconds: 2_000_000)
            let open = try store.shards("s", ShardFilter(.atLatest)).sorted { $0.hashKeyRange.starting < $1.hashKeyRange.starting }
            if index % 3 == 2, open.count > 1 {
                try store.merge(open[0].shardID.index, open[1].shardID.index)
            } else {
                try store.split(open[index % open.count].shardID.index)
            }
            if index % 2 == 0 { try await Task.sleep(nanoseconds: 2_000_000) }
            try await stream.put("\(index)", partitionKey: "k")
            #expect(try await Self.within(20, next).map(\.text) == ["\(index)"])
        }
        try store.closeBlocking()
    }
}
