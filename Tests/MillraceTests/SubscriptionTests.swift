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

    // MARK: Ends

    @Test func `a subscription ends five minutes after it began, asleep or not, and not a millisecond earlier`()
        async throws
    {
        let stage = Stage()
        let idle = try stage.subscribe("idle")
        let unread = try stage.subscribe("unread")
        let busy = try stage.subscribe("busy") { $0.eventRecordCount = 1 }
        for index in 0..<3 { try stage.shard.put("\(index)") }
        #expect(try await idle.take(3) == ["0", "1", "2"])
        let asleep = Task { try await idle.next() }
        await stage.waitForTip()
        stage.time.advance(milliseconds: 299_999)
        for _ in 0..<100 { await Task.yield() }
        #expect(try await busy.next()?.texts == ["0"])
        #expect(stage.registry.count == 3 && idle.wakeCount == 0)
        stage.time.advance(milliseconds: 1)
        #expect(try await asleep.value == nil)
        #expect(try await busy.next() == nil)
        #expect(try await busy.next() == nil)
        #expect(try await unread.next() == nil)
        #expect(stage.registry.count == 0 && stage.registry.rememberedCount == 0)
        #expect(idle.wakeCount <= 2)
    }

    @Test func `a second subscription within five seconds is refused, later it takes over`() async throws {
        let stage = Stage()
        let first = try stage.subscribe()
        let asleep = Task { try await first.next() }
        await stage.waitForTip()
        #expect(Self.code { _ = try stage.subscribe() } == "ResourceInUseException")
        stage.time.advance(milliseconds: 4_999)
        #expect(Self.code { _ = try stage.subscribe() } == "ResourceInUseException")
        let other = try stage.subscribe("other")
        stage.time.advance(milliseconds: 1)
        let second = try stage.subscribe()
        #expect(try await asleep.value == nil)
        #expect(stage.registry.count == 2)
        try stage.shard.put("a")
        #expect(try await first.next() == nil)
        #expect(try await second.next()?.texts == ["a"])
        #expect(try await other.next()?.texts == ["a"])
        // The refusal counts from the last start.
        #expect(Self.code { _ = try stage.subscribe() } == "ResourceInUseException")
    }

    @Test func `a subscription that is over still refuses another for five seconds, and is forgotten then`()
        async throws
    {
        let stage = Stage()
        for index in 0..<50 { _ = try stage.subscribe("\(index)") }
        #expect(stage.registry.count == 0 && stage.registry.rememberedCount == 50)
        #expect(Self.code { _ = try stage.subscribe("7") } == "ResourceInUseException")
        stage.time.advance(milliseconds: 5_000)
        let seventh = try stage.subscribe("7")
        #expect(stage.registry.count == 1 && stage.registry.rememberedCount == 1)
        withExtendedLifetime(seventh) {}
    }

    @Test func `a taken over subscription hands out what it has already read, then ends`() async throws {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: 1)
        try await stream.put("a", partitionKey: "k")
        let registry = SubscriptionRegistry(clock: SystemClock(), refusalSeconds: 0)
        let shard = try await ReadableShard(stream.shards[0])
        let start = try await shard.ordinal(of: .trimHorizon)
        for _ in 0..<200 {
            let first = try registry.subscribe(Self.key(), to: shard, from: start)
            let reading = Task { try await first.next()?.texts }
            let second = try registry.subscribe(Self.key(), to: shard, from: start)
            let texts = try await reading.value
            #expect(texts == nil || texts == ["a"])
            #expect(try await first.next() == nil)
            #expect(try await second.next()?.texts == ["a"])
        }
        #expect(registry.count <= 1)
        try await store.close()
    }

    @Test func `at the end of a closed shard its children come, without a number to go on from, and then the end`()
        async throws
    {
        let children = [
            ChildShard(shardID: ShardID(index: 1), parentShards: [ShardID(index: 0)], hashKeyRange: .whole)
        ]
        for closesWhileAsleep in [false, true] {
            let stage = Stage()
            for text in ["a", "b", "c"] { try stage.shard.put(text) }
            if !closesWhileAsleep { stage.shard.close(children) }
            let subscription = try stage.subscribe { $0.eventRecordCount = 2 }
            #expect(try await subscription.next()?.childShards == [])
            #expect(try await subscription.next()?.texts == ["c"])
            let last = Task { try await subscription.next() }
            if closesWhileAsleep {
                await stage.waitForTip()
                stage.shard.close(children)
            }
            let event = try #require(try await last.value)
            #expect(event.records.isEmpty && event.continuationSequenceNumber == nil && event.childShards == children)
            #expect(stage.registry.count == 0)
            #expect(try await subscription.next() == nil)
        }
    }

    @Test func `records put just before the shard closed come before its end`() async throws {
        let stage = Stage()
        let subscription = try stage.subscribe()
        let next = Task { try await subscription.next() }
        await stage.waitForTip()
        try stage.shard.put("last")
        stage.shard.close([])
        #expect(try await next.value?.texts == ["last"])
        let end = try #require(try await subscription.next())
        #expect(end.childShards == [] && end.continuationSequenceNumber == nil)
        #expect(try await subscription.next() == nil)
    }

    @Test func `a shard that is being closed, or could not be, is looked at until it is known which`() async throws {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: 1, ack: .durable)
        let log = try store.engine.log(stream.shards[0].logID)
        let isClosed = Atomic<Bool>(false)
        let shard = try await ReadableShard(stream.shards[0]) { _ in
            isClosed.load(ordering: .acquiring) ? [] : nil
        }
        let subscription = try SubscriptionRegistry(clock: SystemClock()).subscribe(
            Self.key(), to: shard, from: try await shard.ordinal(of: .latest))
        for isUndone in [true, false] {
            let next = Task { try await subscription.next() }
            try await Task.sleep(for: .milliseconds(20))
            _ = log.endAppends()
            try await Task.sleep(for: .milliseconds(100))
            // Not without a pause: 20 looks would have time in 100 ms.
            #expect(subscription.wakeCount < 100)
            if isUndone {
                log.resumeAppends()
                try await stream.put("a", partitionKey: "k")
                #expect(try await next.value?.texts == ["a"])
            } else {
                isClosed.store(true, ordering: .releasing)
                #expect(try await next.value?.continuationSequenceNumber == nil)
            }
        }
        #expect(try await subscription.next() == nil)
        try await store.close()
    }

    @Test func `deregistering a consumer or deleting a stream ends its subscriptions, and no others`() async throws {
        let stage = Stage()
        let gone = try stage.subscribe("gone")
        let kept = try stage.subscribe("kept")
        let elsewhere = try stage.registry.subscribe(Self.key("far", stream: 2), to: stage.shard, from: FakeShard.first)
        let waiting = Task { try await gone.next() }
        await stage.waitForTip()
        stage.registry.end(consumer: "gone")
        #expect(try await waiting.value == nil)
        stage.registry.end(streamID: 2)
        #expect(try await elsewhere.next() == nil)
        try stage.shard.put("a")
        #expect(try await kept.next()?.texts == ["a"])
    }

    @Test func `a cancelled task gets nil, and the subscription goes on where it was`() async throws {
        let stage = Stage()
        let subscription = try stage.subscribe()
        for isEarly in [true, false] {
            let next = Task {
                if isEarly { while !Task.isCancelled { await Task.yield() } }
                return try await subscription.next()
            }
            if !isEarly { await stage.waitForTip() }
            next.cancel()
            #expect(try await next.value == nil)
        }
        try stage.shard.put("a")
        #expect(try await subscription.next()?.texts == ["a"])
        #expect(stage.registry.count == 1)
    }

    @Test func `a subscription that nobody holds leaves nothing behind`() async throws {
        let stage = Stage()
        do {
            let subscription = try stage.subscribe()
            let next = Task { try await subscription.next() }
            await stage.waitForTip()
            next.cancel()
            _ = try await next.value
        }
        while stage.registry.count > 0 || stage.shard.waiterCount > 0 || stage.time.sleeperCount > 0 {
            await Task.yield()
        }
    }

    // MARK: Trouble

    @Test func `damage is told once, behind an event from which to go on`() async throws {
        let stage = Stage()
        for text in ["a", "b", "c", "d"] { try stage.shard.put(text) }
        let error = KinesisError.storage(.corrupt(file: "f", byteOffset: 1, detail: "two records"))
        stage.shard.damage(from: FakeShard.first + 1, to: FakeShard.first + 3, error)
        let subscription = try stage.subscribe()
        #expect(try await subscription.next()?.texts == ["a"])
        let event = try #require(try await subscription.next())
        #expect(event.records.isEmpty && event.continuationSequenceNumber?.ordinal == FakeShard.first + 2)
        await #expect(throws: error) { try await subscription.next() }
        #expect(try await subscription.next()?.texts == ["d"])
    }

    @Test func `an error of the log reaches the task that asks, also while it sleeps`() async throws {
        let stage = Stage()
        let subscription = try stage.subscribe()
        let next = Task { try await subscription.next() }
        await stage.waitForTip()
        stage.shard.fail(.storage(.frozen("disk")))
        await #expect(throws: KinesisError.storage(.frozen("disk"))) { try await next.value }
        await #expect(throws: KinesisError.storage(.frozen("disk"))) { try await subscription.next() }
    }

    @Test func `closing the store ends what sleeps with a typed error`() async throws {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: 1)
        let shard = try await ReadableShard(stream.shards[0])
        let subscription = try SubscriptionRegistry(clock: SystemClock()).subscribe(
            Self.key(), to: shard, from: try await shard.ordinal(of: .latest))
        let next = Task { try await subscription.next() }
        try await Task.sleep(for: .milliseconds(20))
        try await store.close()
        await #expect(throws: KinesisError.storage(.closed)) { try await next.value }
        await #expect(throws: KinesisError.storage(.closed)) { try await subscription.next() }
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
