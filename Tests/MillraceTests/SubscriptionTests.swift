// Aim: a subscription pushes every record of its shard once and in order, ends when it has to and not before, and costs
// nobody anything while there is nothing to push. Method: a shard made up for the purpose and time by hand where rules
// are tested; stores on a disk in memory, with the engine's threads, where it is what a store does with it.

import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct SubscriptionTests {
    static func key(_ consumer: String = "c", _ index: UInt32 = 0, stream: UInt64 = 1) -> SubscriptionKey {
        SubscriptionKey(consumer: consumer, streamID: stream, shardID: ShardID(index: index))
    }

    /// A made-up shard, time by hand, and the registry that goes with them.
    struct Stage {
        let time = HandTime()
        let shard = FakeShard()
        let registry: SubscriptionRegistry

        init() { registry = SubscriptionRegistry(clock: time.clock, sleep: time.sleep) }

        func subscribe(
            _ consumer: String = "c", from ordinal: UInt64 = FakeShard.first,
            _ change: (inout SubscriptionTerms) -> Void = { _ in }
        ) throws(KinesisError) -> Subscription {
            var terms = SubscriptionTerms()
            change(&terms)
            return try registry.subscribe(key(consumer), to: shard, from: ordinal, terms: terms)
        }

        /// Until the subscription's task sleeps at the tip.
        func waitForTip(_ waiters: Int = 1) async {
            while shard.waiterCount < waiters { await Task.yield() }
            await time.waitForSleepers(1)
        }
    }

    static func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch { return (error as? KinesisError)?.code ?? "\(error)" }
    }

    // MARK: Records of a store

    @Test func `old records and new ones are pushed once each and in order`() async throws {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: 1)
        let registry = SubscriptionRegistry(clock: SystemClock())
        for index in 0..<100 { try await stream.put("\(index)", partitionKey: "k") }
        let shard = try await ReadableShard(stream.shards[0])
        let subscription = try registry.subscribe(
            Self.key(), to: shard, from: try await shard.ordinal(of: .trimHorizon))
        let reader = Task { try await subscription.take(300) }
        for index in 100..<200 { try await stream.put("\(index)", partitionKey: "k") }
        try await stream.putRecords((200..<300).map { PutEntry("\($0)", partitionKey: "k") })
        #expect(try await reader.value == (0..<300).map(String.init))
        try await store.close()
    }

    @Test func `an event has so many records and bytes at most, or one record that is larger`() async throws {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: 1)
        let registry = SubscriptionRegistry(clock: SystemClock(), refusalSeconds: 0)
        let byteCounts = [400, 400, 199, 1, 5_000, 0, 999, 1, 10, 10, 10, 10, 10]
        for count in byteCounts {
            try await stream.put([UInt8](repeating: 1, count: count), partitionKey: "k")
        }
        let shard = try await ReadableShard(stream.shards[0])
        let start = try await shard.ordinal(of: .trimHorizon)
        var terms = SubscriptionTerms()
        terms.eventByteCount = 1_000
        terms.eventRecordCount = 4
        let subscription = try registry.subscribe(Self.key(), to: shard, from: start, terms: terms)
        var events: [[Int]] = []
        while events.joined().count < byteCounts.count, let event = try await subscription.next() {
            events.append(event.records.map { $0.data.count })
        }
        #expect(events == [[400, 400], [199, 1], [5_000], [0], [999], [1, 10, 10, 10], [10, 10]])

        let large = try await store.createStream("large", shards: 1)
        for _ in 0..<3 { try await large.put([UInt8](repeating: 1, count: (1 << 20) - 1), partitionKey: "k") }
        for _ in 0..<3 { try await large.put([UInt8](repeating: 1, count: 500_000), partitionKey: "k") }
        let largeShard = try await ReadableShard(large.shards[0])
        let defaults = try registry.subscribe(
            Self.key("d"), to: largeShard, from: try await largeShard.ordinal(of: .trimHorizon))
        for count in [1, 1, 1, 2, 1] { #expect(try await defaults.next()?.records.count == count) }
        #expect(store.engine.heldForReadingByteCount == 0)
        try await store.close()
    }

    @Test func `a subscription that resumes behind any event, in a later opening too, misses and repeats nothing`()
        async throws
    {
        let seed = UInt64.random(in: 0...UInt64.max)
        let dice = SeededEntropy(seed: seed)
        let test = TestStore()
        var texts: [String] = []
        var continuation: SequenceNumber?
        var putCount = 0
        for opening in 0..<3 {
            let store = try test.open()
            let stream = opening == 0 ? try await store.createStream("s", shards: 1) : try store.stream("s")
            let registry = SubscriptionRegistry(clock: SystemClock(), refusalSeconds: 0)
            let shard = try await ReadableShard(stream.shards[0])
            for round in 0..<12 {
                let start: StartingPosition = continuation.map { .after($0) } ?? .latest
                var terms = SubscriptionTerms()
                terms.eventRecordCount = 1 + dice.next(below: 7)
                terms.heartbeatNanoseconds = 1_000_000
                let subscription = try registry.subscribe(
                    Self.key(), to: shard, from: try await shard.ordinal(of: start), terms: terms)
                // The first event of all is a heartbeat in front of the first record.
                if round > 0 {
                    for _ in 0..<dice.next(below: 12) {
                        try await stream.put("\(putCount)", partitionKey: "k")
                        putCount += 1
                    }
                }
                for _ in 0...dice.next(below: 4) {
                    let event = try #require(try await subscription.next())
                    texts += event.texts
                    let number = try #require(event.continuationSequenceNumber)
                    if let continuation { #expect(number >= continuation, "seed \(seed)") }
                    if let last = event.records.last { #expect(number == last.sequenceNumber) }
                    continuation = number
                }
            }
            try await store.close()
        }
        let store = try test.open()
        let shard = try await ReadableShard(try store.stream("s").shards[0])
        let rest = try SubscriptionRegistry(clock: SystemClock()).subscribe(
            Self.key(), to: shard, from: try await shard.ordinal(of: .after(try #require(continuation))))
        texts += try await rest.take(putCount - texts.count)
        #expect(texts == (0..<putCount).map(String.init), "seed \(seed)")
        try await store.close()
    }

    @Test func `at the tip millisBehindLatest is 0, before it the age of the last record`() async throws {
        let stage = Stage()
        for text in ["a", "b", "c"] { try stage.shard.put(text) }
        stage.time.advance(milliseconds: 7_000)
        let subscription = try stage.subscribe { $0.eventRecordCount = 2 }
        #expect(try await subscription.next()?.millisBehindLatest == 7_000)
        #expect(try await subscription.next()?.millisBehindLatest == 0)
    }

    // MARK: Nothing to push

    @Test func `an idle subscription does not wake in ten seconds, and then pushes at once`() async throws {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: 4, ack: .published)
        let registry = SubscriptionRegistry(clock: SystemClock())
        var subscriptions: [Subscription] = []
        for index in 0..<16 {
            let shard = try await ReadableShard(stream.shards[index % 4])
            subscriptions.append(
                try registry.subscribe(
                    Self.key("\(index / 4)", UInt32(index % 4)), to: shard,
                    from: try await shard.ordinal(of: .latest)))
        }
        let readers = subscriptions.map { subscription in Task { try await subscription.next()?.texts } }
        try await Task.sleep(for: .seconds(10))
        for subscription in subscriptions { #expect(subscription.wakeCount == 0) }
        #expect(store.engine.heldForReadingByteCount == 0)
        for shard in stream.shards {
            try await stream.put("x", partitionKey: "k", explicitHashKey: shard.hashKeyRange.starting)
        }
        for reader in readers { #expect(try await reader.value == ["x"]) }
        for subscription in subscriptions { #expect(subscription.wakeCount == 1) }
        #expect(store.engine.heldForReadingByteCount == 0)
        try await store.close()
    }

    @Test func `heartbeats come when asked for, say where to go on, and nothing else does`() async throws {
        let stage = Stage()
        let start = FakeShard.first
        let subscription = try stage.subscribe { $0.heartbeatNanoseconds = 5_000_000_000 }
        for _ in 0..<3 {
            let next = Task { try await subscription.next() }
            await stage.waitForTip()
            stage.time.advance(milliseconds: 4_999)
            for _ in 0..<100 { await Task.yield() }
            #expect(stage.time.sleeperCount == 1)
            stage.time.advance(milliseconds: 1)
            let event = try #require(try await next.value)
            #expect(event.records.isEmpty && event.childShards.isEmpty && event.millisBehindLatest == 0)
            #expect(event.continuationSequenceNumber?.ordinal == start - 1)
        }
        try stage.shard.put("a")
        let pushed = try #require(try await subscription.next())
        #expect(pushed.texts == ["a"])
        let beat = Task { try await subscription.next() }
        await stage.waitForTip()
        stage.time.advance(milliseconds: 5_000)
        // Behind a record the number is the record's.
        #expect(try await beat.value?.continuationSequenceNumber == pushed.records[0].sequenceNumber)
    }

    // MARK: Sharing

    /// Two million bytes a second, nothing saved up.
    final class Budget: Sendable {
        private let fullAt = Atomic<Int64>(0)
        let byteCount = Atomic<Int>(0)
        func take(_ count: Int, _ now: Int64) -> Int64 {
            byteCount.add(count, ordering: .relaxed)
            let after = max(fullAt.load(ordering: .relaxed), now) + Int64(count) * 500
            fullAt.store(after, ordering: .relaxed)
            return after - now
        }
    }

    @Test func `what was pushed has to be paid for before more is read`() async throws {
        let stage = Stage()
        let text = String(repeating: "x", count: 999)
        for _ in 0..<4 { try stage.shard.put(text) }
        let budget = Budget()
        let subscription = try stage.subscribe {
            $0.eventRecordCount = 1
            $0.budget = { budget.take($0, $1) }
        }
        #expect(try await subscription.next() != nil)
        for number in 2...3 {
            let fetches = stage.shard.fetchCount
            let next = Task { try await subscription.next() }
            await stage.time.waitForSleepers(1)
            // A thousand bytes are half a millisecond's budget, and time moves by whole ones.
            #expect(stage.shard.fetchCount == fetches)
            stage.time.advance(milliseconds: 1)
            #expect(try await next.value?.records.count == 1)
            #expect(budget.byteCount.load(ordering: .relaxed) == number * 1_000)
        }
        // Neither an end nor another subscription waits for payment.
        let indebted = Task { try await subscription.next() }
        await stage.time.waitForSleepers(1)
        stage.registry.end(consumer: "c")
        #expect(try await indebted.value == nil)
    }

    @Test func `one that does not read slows neither another nor the producers, and holds no memory`() async throws {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: 1, ack: .written)
        let registry = SubscriptionRegistry(clock: SystemClock())
        let shard = try await ReadableShard(stream.shards[0])
        let start = try await shard.ordinal(of: .trimHorizon)
        let slow = try registry.subscribe(Self.key("slow"), to: shard, from: start)
        let quick = try registry.subscribe(Self.key("quick"), to: shard, from: start)
        try await stream.put("first", partitionKey: "k")
        #expect(try await slow.next()?.texts == ["first"])
        let reading = Task { () throws(KinesisError) -> Int in
            var byteCount = 0
            // Twice what the store has of memory.
            while byteCount < 128 << 20, let event = try await quick.next() {
                byteCount += event.records.reduce(0) { $0 + $1.data.count }
            }
            return byteCount
        }
        let data = [UInt8](repeating: 7, count: 64 << 10)
        for _ in 0..<(128 << 4) { try await stream.put(data, partitionKey: "k") }
        #expect(try await reading.value >= 128 << 20)
        #expect(store.engine.heldForReadingByteCount == 0)
        // It goes on where it stopped.
        #expect(try await slow.next()?.records.first?.data == data)
        try await store.close()
    }

    @Test func `many subscriptions, take-overs and resumptions at once lose nothing`() async throws {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: 2, ack: .published)
        let registry = SubscriptionRegistry(clock: SystemClock(), refusalSeconds: 0)
        let count = 400
        let shards = [try await ReadableShard(stream.shards[0]), try await ReadableShard(stream.shards[1])]
        let starts = [try await shards[0].ordinal(of: .trimHorizon), try await shards[1].ordinal(of: .trimHorizon)]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for consumer in 0..<4 {
                for index in 0..<2 {
                    group.addTask {
                        // Taken over by itself again and again, and resumed behind the last event.
                        var texts: [String] = []
                        var ordinal = starts[index]
                        while texts.count < count {
                            let subscription = try registry.subscribe(
                                Self.key("\(consumer)", UInt32(index)), to: shards[index], from: ordinal)
                            for _ in 0..<5 where texts.count < count {
                                guard let event = try await subscription.next() else { break }
                                texts += event.texts
                                if let number = event.continuationSequenceNumber { ordinal = number.ordinal + 1 }
                            }
                        }
                        #expect(texts == (0..<count).map(String.init))
                    }
                }
            }
            group.addTask {
                for value in 0..<count {
                    for shard in stream.shards {
                        try await stream.put(
                            "\(value)", partitionKey: "k", explicitHashKey: shard.hashKeyRange.starting)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(registry.count == 0)
        try await store.close()
    }
}
