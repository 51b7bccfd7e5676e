import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit
import Synchronization
import Testing

extension SubscriptionTests {
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
}
