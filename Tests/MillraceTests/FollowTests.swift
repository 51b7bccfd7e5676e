import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Synchronization
import Testing

/// How often something happened.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    func add() { count.add(1, ordering: .relaxed) }
    var value: Int { count.load(ordering: .relaxed) }
}

/// Aim: a merged reading gives every record once, each key in order, follows the tail without being told, ends at once when
/// cancelled, and goes on where it was left. Method: stores on a disk in memory with the engine's threads.
@Suite(.timeLimit(.minutes(2))) struct FollowTests {
    /// The first `count` records of a sequence.
    static func take(_ count: Int, _ records: RecordSequence) async throws -> [Record] {
        var taken: [Record] = []
        if count == 0 { return taken }
        for try await record in records {
            taken.append(record)
            if taken.count == count { break }
        }
        return taken
    }

    @Test(arguments: [1, 4]) func `old records and new ones come once each, in the order of their keys`(shards: Int)
        async throws
    {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: shards)
        for index in 0..<50 { try await stream.put("\(index)", partitionKey: "\(index % 7)") }
        let reader = Task { try await Self.take(250, stream.records(from: .trimHorizon)) }
        for index in 50..<150 { try await stream.put("\(index)", partitionKey: "\(index % 7)") }
        try await stream.putRecords((150..<250).map { PutEntry("\($0)", partitionKey: "\($0 % 7)") })
        let records = try await reader.value
        #expect(Set(records.map(\.text)) == Set((0..<250).map(String.init)))
        for key in 0..<7 {
            let values = records.filter { $0.partitionKey.text == "\(key)" }.compactMap { Int($0.text) }
            #expect(values == values.sorted())
        }
        try await store.close()
    }

    @Test(arguments: [1, 16]) func `a waiting reader gets a record that is put later, again and again`(shards: Int)
        async throws
    {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: shards, ack: .published)
        try await stream.put("old", partitionKey: "old")
        let records = stream.records(from: .latest)
        var iterator = records.makeAsyncIterator()
        // Until the first call has found where `latest` is, a record may be in front of it.
        let first = Task { [iterator] in
            var iterator = iterator
            return try await iterator.next()
        }
        var count = 0
        while records.position.description.contains("latest") { await Task.yield() }
        for index in 0..<20 { try await stream.put("\(index)", partitionKey: "\(index)") }
        #expect(try await first.value != nil)
        for _ in 0..<19 where try await iterator.next() != nil { count += 1 }
        #expect(count == 19)
        for index in 20..<60 {
            let key = "\(index)"
            let next = Task { [iterator] in
                var iterator = iterator
                return try await iterator.next()
            }
            try await stream.put("\(index)", partitionKey: key)
            #expect(try await next.value?.text == "\(index)")
        }
        try await store.close()
    }

    @Test(arguments: [1, 4]) func `cancelling ends a reading that waits, at once and without an error`(shards: Int)
        async throws
    {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: shards)
        try await stream.put("only", partitionKey: "k")
        for isEarly in [true, false] {
            let count = Counter()
            let reader = Task {
                for try await _ in stream.records(from: .trimHorizon) { count.add() }
            }
            // Once the only record was handed out, the reading waits for good.
            while !isEarly, count.value == 0 { await Task.yield() }
            let start = ContinuousClock().now
            reader.cancel()
            try await reader.value
            #expect(isEarly ? count.value <= 1 : count.value == 1)
            #expect(ContinuousClock().now - start < .seconds(2))
        }

        let shard = stream.shards[0]
        let waiting = Task {
            let cursor = try await shard.cursor(at: .latest)
            try await cursor.wait()
            return Task.isCancelled
        }
        try await Task.sleep(nanoseconds: 5_000_000)
        waiting.cancel()
        #expect(try await waiting.value)
        try await store.close()
    }

    @Test(arguments: [1, 5]) func `a reading goes on behind its position, in a later opening too`(shards: Int)
        async throws
    {
        let test = TestStore()
        var texts: [String] = []
        var position = ""
        do {
            let store = try test.open()
            let stream = try await store.createStream("s", shards: shards)
            for index in 0..<40 { try await stream.put("\(index)", partitionKey: "\(index)") }
            let records = stream.records(from: .trimHorizon)
            #expect(try StreamPosition(records.position.description) == records.position)
            texts += try await Self.take(13, records).map(\.text)
            let again = try stream.records(from: StreamPosition(records.position.description))
            #expect(again.position == records.position)
            texts += try await Self.take(9, again).map(\.text)
            position = again.position.description
            try await store.close()
        }
        let store = try test.open()
        let stream = try store.stream("s")
        for index in 40..<60 { try await stream.put("\(index)", partitionKey: "\(index)") }
        texts += try await Self.take(38, stream.records(from: StreamPosition(position))).map(\.text)
        #expect(texts.count == 60 && Set(texts) == Set((0..<60).map(String.init)))
        let other = try await store.createStream("t", shards: shards)
        #expect(throws: KinesisError.self) { try other.records(from: StreamPosition(position)) }
        try await store.close()
    }

    @Test func `reading begins at a number, behind it, or at a time`() async throws {
        let test = TestStore()
        let store = try test.open()
        let stream = try await store.createStream("s", shards: 2)
        var numbers: [SequenceNumber] = []
        for index in 0..<20 {
            numbers.append(
                try await stream.put("\(index)", partitionKey: "k", explicitHashKey: index % 2 == 0 ? .min : .max))
            test.clock.advance(milliseconds: 1000)
        }
        let (even, odd) = (stream.shards[0], stream.shards[1])
        #expect(try even.readAll(from: .at(numbers[10])).map(\.text) == ["10", "12", "14", "16", "18"])
        #expect(try even.readAll(from: .after(numbers[10])).map(\.text) == ["12", "14", "16", "18"])
        #expect(try even.readAll(from: .latest).isEmpty)
        let time = 1_735_689_600_000 as Int64
        #expect(try odd.readAll(from: .atTimestamp(milliseconds: time + 14_500)).map(\.text) == ["15", "17", "19"])
        #expect(try odd.readAll(from: .atTimestamp(milliseconds: 0)).count == 10)
        #expect(try odd.readAll(from: .atTimestamp(milliseconds: time + 99_000)).isEmpty)
        let merged = try await Self.take(9, stream.records(from: .after(numbers[10])))
        #expect(Set(merged.map(\.text)) == Set((11..<20).map(String.init)))
        #expect(throws: KinesisError.self) { try odd.readAll(from: .at(numbers[10])) }
        var cursor = try odd.cursorBlocking(at: .trimHorizon)
        try cursor.seek(to: .at(numbers[19]))
        let last = try cursor.withBatch { batch throws(KinesisError) in try batch.next()?.copy().text }
        #expect(last == "19")
        let nothing = try cursor.withBatch { _ throws(KinesisError) in 0 }
        #expect(nothing == nil)
        let isThere = cursor.waitBlocking(milliseconds: 1)
        #expect(!isThere)
        try await store.close()
    }

    @Test func `a batch that is not taken whole, or whose body throws, is lent again from there`() async throws {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: 1)
        try await stream.putRecords((0..<10).map { PutEntry("\($0)", partitionKey: "k") })
        var cursor = try await stream.shards[0].cursor(at: .trimHorizon)
        do {
            try cursor.withBatch { batch throws(KinesisError) in
                _ = batch.next()
                throw .limitExceeded("mine")
            }
            Issue.record("the body's error is gone")
        } catch { #expect(error == .limitExceeded("mine")) }
        var texts: [String] = []
        while let count = try cursor.withBatch({ batch throws(KinesisError) in
            for _ in 0..<3 { if let record = batch.next() { texts.append(try record.copy().text) } }
            return batch.count
        }) { #expect(count == max(0, 10 - texts.count)) }
        #expect(texts == (0..<10).map(String.init))
        try await store.close()
    }

    @Test(arguments: [1, 3]) func `closing the store ends readings and puts with a typed error`(shards: Int)
        async throws
    {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: shards)
        try await stream.put("1", partitionKey: "k")
        let reader = Task { try await Self.take(2, stream.records(from: .trimHorizon)) }
        try await Task.sleep(nanoseconds: 20_000_000)
        try await store.close()
        await #expect(throws: KinesisError.storage(.closed)) { try await reader.value }
        await #expect(throws: KinesisError.storage(.closed)) { try await stream.put("2", partitionKey: "k") }
        #expect(throws: KinesisError.storage(.closed)) { try store.stream("s") }
        await #expect(throws: KinesisError.storage(.closed)) { try await store.createStream("t") }
        #expect(throws: KinesisError.storage(.closed)) { try stream.shards[0].readAll() }
    }
}
