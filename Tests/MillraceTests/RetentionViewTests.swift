import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Testing

/// Aim: a record is seen until it is exactly as old as the stream keeps records, and never again after that, whatever clock, period
/// and openings do. Method: time by hand, one millisecond before and after each bound; every way of reading.
@Suite(.timeLimit(.minutes(1))) struct RetentionViewTests {
    private static let hour: Int64 = 3_600_000

    private static func increase(_ store: StreamStore, _ hours: Int) throws {
        try store.answer(IncreaseStreamRetentionPeriodRequest(stream: "s", retentionPeriodHours: hours))
    }
    private static func decrease(_ store: StreamStore, _ hours: Int) throws {
        try store.answer(DecreaseStreamRetentionPeriodRequest(stream: "s", retentionPeriodHours: hours))
    }

    /// What GetRecords gives from the oldest on, what cursors do, and from an iterator that named the first record.
    private static func seen(_ store: StreamStore, _ shard: UInt32 = 0) throws -> [String] {
        let stream = try store.stream("s")
        let got = try store.answer(GetRecordsRequest(shardIterator: store.iterator(shard))).records.map(\.text)
        #expect(try stream.shards[Int(shard)].readAll().map(\.text) == got)
        let early = try store.answer(GetRecordsRequest(shardIterator: store.iterator(shard, .atTimestamp, time: 0))).records
        #expect(early.map(\.text) == got)
        let start = try store.iterator(shard, .atSequenceNumber, number: stream.shards[Int(shard)].startingSequenceNumber)
        #expect(try store.answer(GetRecordsRequest(shardIterator: start)).records.map(\.text) == got)
        return got
    }

    @Test func `a record is seen as long as its period lasts, to the millisecond, in later openings too`() throws {
        let test = TestStore()
        var store = try test.open()
        try store.make()
        for index in 0..<3 {
            try store.stream("s").putBlocking("\(index)".utf8Span.span, partitionKey: "k")
            test.clock.advance(milliseconds: 1)
        }
        // Record i arrived i ms after the first; it is 3 ms later now.
        test.clock.advance(milliseconds: 24 * Self.hour - 3)
        for expected in [["0", "1", "2"], ["1", "2"], ["2"], []] as [[String]] {
            #expect(try Self.seen(store) == expected)
            store.abandon()
            store = try test.open()
            #expect(try Self.seen(store) == expected)
            test.clock.advance(milliseconds: 1)
        }
        try store.stream("s").putBlocking("new".utf8Span.span, partitionKey: "k")
        #expect(try Self.seen(store) == ["new"])
        try store.closeBlocking()
    }

    @Test func `a shorter period hides at once, and a longer one revives nothing, in later openings too`() throws {
        let test = TestStore()
        var store = try test.open()
        try store.make()
        try Self.increase(store, 100)
        let stream = try store.stream("s")
        for index in 0..<10 {
            try stream.putBlocking("\(index)".utf8Span.span, partitionKey: "k")
            test.clock.advance(milliseconds: 10 * Self.hour)
        }
        // Ages: 100 h, 90 h, ... 10 h.
        #expect(try Self.seen(store) == (0..<10).map(String.init))
        try Self.decrease(store, 50)
        #expect(try Self.seen(store) == (5..<10).map(String.init))
        try Self.increase(store, 8760)
        #expect(try Self.seen(store) == (5..<10).map(String.init))
        try store.closeBlocking()
        store = try test.open()
        #expect(try Self.seen(store) == (5..<10).map(String.init))
        try Self.decrease(store, 24)
        store.abandon()
        store = try test.open()
        #expect(try Self.seen(store) == ["8", "9"])
        try Self.increase(store, 48)
        store.abandon()
        store = try test.open()
        #expect(try Self.seen(store) == ["8", "9"])
        // From now on the longer period holds.
        test.clock.advance(milliseconds: 28 * Self.hour)
        #expect(try Self.seen(store) == ["8", "9"])
        test.clock.advance(milliseconds: 1)
        #expect(try Self.seen(store) == ["9"])
        try store.closeBlocking()
    }

    @Test func `a clock that is set back brings nothing back that a change of the period had hidden`() throws {
        let test = TestStore()
        var store = try test.open()
        try store.make()
        try Self.increase(store, 72)
        let start = test.clock.wallNanoseconds()
        for index in 0..<3 {
            try store.stream("s").putBlocking("\(index)".utf8Span.span, partitionKey: "k")
            test.clock.advance(milliseconds: 20 * Self.hour)
        }
        try Self.decrease(store, 24)
        #expect(try Self.seen(store) == ["2"])
        for isLater in [false, true] {
            if isLater {
                store.abandon()
                store = try test.open()
            }
            test.clock.setWall(nanoseconds: start)
            #expect(try Self.seen(store) == ["2"])
            try? Self.increase(store, 8760)
            #expect(try Self.seen(store) == ["2"])
        }
        try store.closeBlocking()
    }

    @Test func `a clock that is set back within one opening brings nothing back`() throws {
        let test = TestStore()
        let store = try test.open()
        try store.make()
        let start = test.clock.wallNanoseconds()
        for index in 0..<3 {
            try store.stream("s").putBlocking("\(index)".utf8Span.span, partitionKey: "k")
            test.clock.advance(milliseconds: 10 * Self.hour)
        }
        #expect(try Self.seen(store) == ["1", "2"])
        test.clock.setWall(nanoseconds: start)
        #expect(try Self.seen(store) == ["1", "2"])
        try Self.increase(store, 48)
        #expect(try Self.seen(store) == ["1", "2"])
        try store.closeBlocking()
    }

    // MARK: Readers that are overtaken

    @Test func `a cursor that is overtaken says so once, and goes on at the oldest record there is`() throws {
        let test = TestStore()
        let store = try test.open()
        try store.make()
        let stream = try store.stream("s")
        for index in 0..<5 {
            try stream.putBlocking("\(index)".utf8Span.span, partitionKey: "k")
            test.clock.advance(milliseconds: Self.hour)
        }
        var cursor = try stream.shards[0].cursorBlocking(at: .trimHorizon)
        var texts: [String] = []
        var trims = 0
        func step() throws -> Bool {
            do throws(KinesisError) {
                return try cursor.withBatch { batch throws(KinesisError) in
                    if let record = batch.next() { texts.append(try record.copy().text) }
                }
            } catch {
                guard case .storage(.trimmed(let from, let to)) = error else { throw error }
                #expect(from < to)
                trims += 1
                return true
            }
        }
        _ = try step()
        #expect(texts == ["0"])
        // Records 1 and 2 become too old.
        test.clock.advance(milliseconds: 22 * Self.hour - 1)
        while try step() {}
        #expect(texts == ["0", "3", "4"])
        #expect(trims == 1)
        // At the tip nothing is missing, however late it gets.
        test.clock.advance(milliseconds: 100 * Self.hour)
        #expect(try !step())
        #expect(trims == 1)
        try store.closeBlocking()
    }

    @Test(arguments: [1, 3]) func `a reading that is overtaken says so once for each shard, and goes on`(shards: Int) async throws {
        let test = TestStore()
        let store = try test.open()
        try store.make(shards: shards)
        let stream = try store.stream("s")
        // More than one fetch copies ahead.
        let count = 3000
        for first in stride(from: 0, to: count, by: 500) {
            try await stream.putRecords((first..<first + 500).map { PutEntry("\($0)", partitionKey: "\($0)") })
        }
        var iterator = stream.records(from: .trimHorizon).makeAsyncIterator()
        #expect(try await iterator.next() != nil)
        test.clock.advance(milliseconds: 24 * Self.hour + 1)
        for index in 0..<shards * 10 { try await stream.put("new \(index)", partitionKey: "\(index)") }
        var (texts, trims) = ([String](), 0)
        let expected = Set((0..<shards * 10).map { "new \($0)" })
        while !Set(texts).isSuperset(of: expected) {
            do throws(KinesisError) {
                guard let record = try await iterator.next() else { break }
                texts.append(record.text)
            } catch {
                guard case .storage(.trimmed) = error else { throw error }
                trims += 1
                if trims > shards { break }
            }
        }
        #expect(trims == shards)
        #expect(texts.count(where: { $0.hasPrefix("new") }) == expected.count)
        try store.closeBlocking()
    }

    @Test func `a position whose records are too old is resumed with one notice, and all that is left is read`() async throws {
        let test = TestStore()
        let store = try test.open()
        try store.make()
        let stream = try store.stream("s")
        for index in 0..<4 { try await stream.put("\(index)", partitionKey: "k") }
        let first = stream.records(from: .trimHorizon)
        #expect(try await FollowTests.take(2, first).map(\.text) == ["0", "1"])
        let position = first.position
        try store.split(0)
        try await stream.put("child", partitionKey: "k")
        test.clock.advance(milliseconds: 24 * Self.hour + 1)
        try await stream.put("new", partitionKey: "k")
        var iterator = try stream.records(from: position).makeAsyncIterator()
        var (texts, trims) = ([String](), 0)
        while texts.isEmpty, trims < 5 {
            do throws(KinesisError) {
                guard let record = try await iterator.next() else { break }
                texts.append(record.text)
            } catch {
                guard case .storage(.trimmed) = error else { throw error }
                trims += 1
            }
        }
        #expect(texts == ["new"])
        // Records 2 and 3 of the parent are gone; it must be told.
        #expect((1...2).contains(trims), "\(trims)")
        try store.closeBlocking()
    }

    @Test func `a closed shard whose records have all gone still ends, and its children are read`() throws {
        let test = TestStore()
        var store = try test.open()
        try store.make()
        try store.stream("s").putBlocking("old".utf8Span.span, partitionKey: "k")
        test.clock.advance(milliseconds: 23 * Self.hour)
        let iterator = try store.iterator()
        try store.split(0)
        try store.stream("s").putBlocking("child".utf8Span.span, partitionKey: "k")
        test.clock.advance(milliseconds: Self.hour + 1)
        for isLater in [false, true] {
            if isLater {
                try store.closeBlocking()
                store = try test.open()
            }
            // Closed an hour ago: the shard is listed, and has no record to be seen.
            #expect(try store.shards().count == 3)
            let page = try store.answer(GetRecordsRequest(shardIterator: isLater ? store.iterator() : store.iterator(0, .trimHorizon)))
            #expect(page.records.isEmpty)
            #expect(page.nextShardIterator == nil)
            #expect(page.childShards.count == 2)
            var next: String? = try store.iterator(0, .atTimestamp, time: 0)
            var count = 0
            while let at = next, count < 3 {
                next = try store.answer(GetRecordsRequest(shardIterator: at)).nextShardIterator
                count += 1
            }
            #expect(next == nil)
            let whole = Set(try store.shards().dropFirst().map(\.shardID.index).flatMap { try Self.seen(store, $0) })
            #expect(whole == ["child"])
        }
        #expect(iterator.utf8.count == IteratorToken.characterCount)
        try store.closeBlocking()
    }
}
