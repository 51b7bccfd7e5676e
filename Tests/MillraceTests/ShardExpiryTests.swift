import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Aim: a closed shard goes exactly when nothing in it will be seen again, whole, and nobody who reads misses anything by it.
/// Method: time by hand around each bound; two stores that do the same, of which one sweeps; power lost at each call.
@Suite(.timeLimit(.minutes(4))) struct ShardExpiryTests {
    private static let hour: Int64 = 3_600_000

    private static func put(_ store: StreamStore, _ text: String, at place: UInt128 = 0, _ name: String = "s") throws {
        try store.stream(name).putBlocking(text.utf8Span.span, partitionKey: "k", explicitHashKey: HashKey(place))
    }

    private static func indices(_ store: StreamStore, _ name: String = "s") throws -> [UInt32] {
        try store.stream(name).shards.map(\.id.index)
    }

    // MARK: The decision

    @Test func `a shard is gone a millisecond after its closing and its last record, and an open one never`() throws {
        var shard = ShardDescription(shardID: ShardID(index: 3), logID: 4, hashKeyRange: .whole, creationSecond: 5)
        for horizon in [0, 1, .max] as [UInt64] { #expect(!ShardExpiry.isGone(shard, lastArrival: 0, horizon: horizon)) }
        shard.closing = ShardClosing(second: 10, endOrdinal: 0)
        let cases: [(lastArrival: UInt64, horizon: UInt64, isGone: Bool)] = [
            (0, 10_999, false), (0, 11_000, true), (10_999, 11_000, true), (11_000, 11_000, false), (11_000, 11_001, true),
            (20_000, 11_000, false), (20_000, 20_000, false), (20_000, 20_001, true), (.max, .max, false),
        ]
        for (lastArrival, horizon, isGone) in cases {
            #expect(ShardExpiry.isGone(shard, lastArrival: lastArrival, horizon: horizon) == isGone, "\(lastArrival), \(horizon)")
        }
    }

    @Test func `the next time that a shard may go is when it does`() throws {
        var stream = try ReshardPlanTests.stream(HashKeyRange.tiling(count: 3))
        #expect(ShardExpiry.nextMilliseconds(stream) == nil)
        stream.shards[2].closing = ShardClosing(second: 200, endOrdinal: 0)
        stream.shards[0].closing = ShardClosing(second: 100, endOrdinal: 0)
        let next = try #require(ShardExpiry.nextMilliseconds(stream))
        #expect(ShardExpiry.candidates(stream, horizon: stream.settings.horizon(at: next - 1)).isEmpty)
        #expect(ShardExpiry.candidates(stream, horizon: stream.settings.horizon(at: next)).map(\.shardID.index) == [0])
    }

    // MARK: A store

    /// The first record is in a shard that goes while the reading begins, so that its child's is the first that is left.
    @Test func `a reading that begins while a shard goes begins with what is left`() async throws {
        for _ in 0..<400 {
            let test = TestStore()
            var store = try test.open()
            try store.make()
            try Self.put(store, "old")
            test.clock.advance(milliseconds: 1_000)
            try store.split(0)
            test.clock.advance(milliseconds: 25 * Self.hour)
            try Self.put(store, "child")
            try store.closeBlocking()
            store = try test.open()
            let stream = try store.stream("s")
            let sweep = WorkerThread(name: "sweep") { [store] in _ = try? store.sweepBlocking() }
            var records = stream.records(from: .trimHorizon).makeAsyncIterator()
            let first = try await records.next()
            #expect(first.map { String(decoding: $0.data, as: UTF8.self) } == "child")
            sweep.join()
            try store.closeBlocking()
        }
    }

    @Test func `a closed shard goes when its last record does, is refused from then on, and its children name it`() throws {
        let test = TestStore()
        var store = try test.open()
        let arn = try store.make()
        _ = try store.answer(RegisterStreamConsumerRequest(streamARN: arn, consumerName: "c"))
        try Self.put(store, "old")
        let parent = try store.stream("s").shards[0]
        var cursor = try parent.cursorBlocking(at: .trimHorizon)
        test.clock.advance(milliseconds: 5 * Self.hour)
        try store.split(0)
        let closed = try #require(parent.endingSequenceNumber).recordSecond
        try Self.put(store, "child")
        #expect(try store.sweepBlocking() .expiredShardCount == 0)
        // The last moment at which it is listed, and the next.
        let end = Int64(closed * 1000 + 999) + 24 * Self.hour
        test.clock.advance(milliseconds: end - test.clock.wallNanoseconds() / 1_000_000)
        let iterator = try store.iterator()
        #expect(try store.shards().map(\.shardID.index) == [0, 1, 2])
        #expect(try store.sweepBlocking().expiredShardCount == 0)
        test.clock.advance(milliseconds: 1)
        #expect(try store.shards().map(\.shardID.index) == [1, 2])
        #expect(try Self.indices(store) == [0, 1, 2])
        #expect(try store.sweepBlocking().expiredShards == [StreamName("s"): [ShardID(index: 0)]])
        #expect(try store.sweepBlocking() .expiredShardCount == 0)
        let number = parent.startingSequenceNumber
        for isLater in [false, true] {
            if isLater {
                try store.closeBlocking()
                store = try test.open()
            }
            #expect(try Self.indices(store) == [1, 2])
            #expect(try store.engine.logIDs() == [0, 2, 3])
            let shards = try store.shards()
            #expect(shards.map(\.shardID.index) == [1, 2])
            #expect(shards.map(\.parentShardID) == [ShardID(index: 0), ShardID(index: 0)])
            let details = try store.answer(DescribeStreamRequest(stream: "s")).streamDetails
            #expect(details.shards == shards)
            #expect(try store.shards("s", ShardFilter(.afterShardID, shardID: "\(ShardID(index: 0))")).count == 2)
            for request in [{ _ = try store.iterator(0) }, { _ = try store.answer(GetRecordsRequest(shardIterator: iterator)) },
                { try store.split(0, at: 1 << 100) }, { try store.merge(0, 1) }] as [() throws -> Void]
            {
                let error = #expect(throws: KinesisError.self) { try request() }
                #expect(error?.code == "ResourceNotFoundException")
            }
            // A number of it may be held for longer than its records are.
            _ = try store.answer(
                PutRecordRequest(
                    stream: "s", data: [1], partitionKey: "k", explicitHashKey: "0", sequenceNumberForOrdering: "\(number)"))
            #expect(try store.stream("s").shards[0].readAll().map(\.data.count).contains(1))
        }
        // What somebody held of it says so, and nothing else.
        let texts = [
            refusal { () throws(KinesisError) in _ = try cursor.withBatch { _ in } },
            refusal { () throws(KinesisError) in _ = try parent.cursorBlocking(at: .trimHorizon) },
        ].map { $0?.code }
        #expect(texts.allSatisfy { $0 == "ResourceNotFoundException" || $0 == "InternalFailureException" })
        try store.closeBlocking()
    }

    @Test func `what is held of a shard that went is refused as not found`() throws {
        let test = TestStore()
        let store = try test.open()
        try store.make()
        try Self.put(store, "old")
        let shard = try store.stream("s").shards[0]
        var cursor = try shard.cursorBlocking(at: .trimHorizon)
        try store.split(0)
        test.clock.advance(milliseconds: 24 * Self.hour + 3000)
        #expect(try store.sweepBlocking().expiredShardCount == 1)
        for error in [
            refusal { () throws(KinesisError) in _ = try cursor.withBatch { _ in } },
            refusal { () throws(KinesisError) in try cursor.seek(to: .trimHorizon) },
            refusal { () throws(KinesisError) in
                var new = try shard.cursorBlocking(at: .latest)
                _ = try new.withBatch { _ in }
            },
        ] { #expect(error?.code == "ResourceNotFoundException", "\(String(describing: error))") }
        try store.closeBlocking()
    }

    @Test func `indices of new shards are above those of shards that went, in later openings too`() throws {
        let test = TestStore()
        var store = try test.open()
        try store.make(shards: 2)
        var used: Set<UInt32> = [0, 1]
        for round in 0..<6 {
            let open = try store.stream("s").openShards
            if round % 2 == 0 { try store.merge(open[0].id.index, open[1].id.index) } else { try store.scale(to: 2) }
            let new = Set(try Self.indices(store)).subtracting(used)
            #expect(new.min() == used.max().map { $0 + 1 }, "round \(round)")
            used.formUnion(new)
            test.clock.advance(milliseconds: 25 * Self.hour)
            #expect(try store.sweepBlocking().expiredShardCount > 0)
            // All that are left are open.
            #expect(try store.stream("s").shards.allSatisfy { !$0.isClosed })
            if round % 3 == 1 {
                store.abandon()
                store = try test.open()
            }
        }
        try store.closeBlocking()
    }

    @Test func `a parent goes before its children, and a child that never took a record with its time`() throws {
        let test = TestStore()
        let store = try test.open()
        try store.make()
        try Self.put(store, "first")
        test.clock.advance(milliseconds: 2 * Self.hour)
        try store.split(0)
        test.clock.advance(milliseconds: 2 * Self.hour)
        // 1 and 2 become 3, without ever having had a record.
        try store.merge(1, 2)
        try Self.put(store, "last")
        test.clock.advance(milliseconds: 23 * Self.hour)
        #expect(try store.sweepBlocking().expiredShards.values.first?.map(\.index) == [0])
        test.clock.advance(milliseconds: 2 * Self.hour)
        #expect(try store.sweepBlocking().expiredShards.values.first?.map(\.index) == [1, 2])
        #expect(try Self.indices(store) == [3])
        #expect(try store.shards().map(\.parentShardID?.index) == [1])
        try store.closeBlocking()
    }

    @Test func `a reading that stood in a shard that went says once what it missed, and goes on in the children`() async throws {
        let test = TestStore()
        let store = try test.open()
        try store.make()
        let stream = try store.stream("s")
        for index in 0..<3000 { try stream.putBlocking("\(index)".utf8Span.span, partitionKey: "k", ack: .published) }
        try Self.put(store, "last")
        let whole = stream.records(from: .trimHorizon)
        var iterator = whole.makeAsyncIterator()
        #expect(try await iterator.next()?.text == "0")
        let position = whole.position
        let first = try #require(try stream.shards[0].readAll().first?.sequenceNumber)
        try store.split(0)
        test.clock.advance(milliseconds: 25 * Self.hour)
        #expect(try store.sweepBlocking().expiredShardCount == 1)
        for place in [0, UInt128.max] { try Self.put(store, "new \(place)", at: place) }
        func read(_ iterator: inout RecordSequence.AsyncIterator) async throws -> (new: Set<String>, trims: Int) {
            var (new, trims) = (Set<String>(), 0)
            while new.count < 2, trims < 5 {
                do throws(KinesisError) {
                    guard let record = try await iterator.next() else { break }
                    if record.text.hasPrefix("new") { new.insert(record.text) }
                } catch {
                    guard case .storage(.trimmed) = error else { throw error }
                    trims += 1
                }
            }
            return (new, trims)
        }
        let going = try await read(&iterator)
        #expect(going.new.count == 2)
        #expect(going.trims == 1)
        // A position and a number of what is gone are good to begin at.
        var later = try stream.records(from: position).makeAsyncIterator()
        #expect(try await read(&later).new.count == 2)
        var numbered = stream.records(from: .after(first)).makeAsyncIterator()
        #expect(try await read(&numbered).new.count == 2)
        try await store.close()
    }

    @Test func `a reading goes on where shards went that it had not begun`() async throws {
        let test = TestStore()
        let store = try test.open()
        try store.make()
        let stream = try store.stream("s")
        // More than is copied at once.
        for number in 0..<700 { try stream.putBlocking(Array("old \(number)".utf8).span, partitionKey: "k", explicitHashKey: HashKey(0)) }
        try store.split(0)
        try Self.put(store, "middle")
        try store.merge(1, 2)
        test.clock.advance(milliseconds: 23 * Self.hour)
        try Self.put(store, "young")
        var iterator = stream.records(from: .trimHorizon).makeAsyncIterator()
        #expect(try await iterator.next()?.text == "old 0")
        test.clock.advance(milliseconds: 2 * Self.hour)
        #expect(try store.sweepBlocking().expiredShards[StreamName("s")]?.map(\.index) == [0, 1, 2])
        let reading = Task { [iterator] in
            var iterator = iterator
            var gapCount = 0
            while gapCount < 4 {
                do throws(KinesisError) {
                    guard let record = try await iterator.next() else { return false }
                    if record.text == "young" { return true }
                } catch { gapCount += 1 }
            }
            return false
        }
        // So that it ends if it never finds it.
        let timer = Task {
            try await Task.sleep(nanoseconds: 20_000_000_000)
            reading.cancel()
        }
        #expect(await reading.value)
        timer.cancel()
        try store.closeBlocking()
    }

    @Test func `a child stays as long as its parent does, though the parent's last record is younger than its own`() throws {
        let test = TestStore()
        let store = try test.open()
        try store.make()
        test.clock.advance(milliseconds: 30 * Self.hour)
        try Self.put(store, "from a clock that was ahead")
        test.clock.setWall(nanoseconds: test.clock.wallNanoseconds() - 30 * Self.hour * 1_000_000)
        try store.split(0)
        try store.merge(1, 2)
        test.clock.advance(milliseconds: 28 * Self.hour)
        #expect(try store.sweepBlocking().expiredShardCount == 0)
        #expect(try Self.indices(store) == [0, 1, 2, 3])
        test.clock.advance(milliseconds: 28 * Self.hour)
        #expect(try store.sweepBlocking().expiredShards[StreamName("s")]?.map(\.index) == [0, 1, 2])
        try store.closeBlocking()
    }

    @Test func `a sweep changes nothing that can be seen`() throws {
        let seed = TestSeed.draw("expiry")
        for life in 0..<30 {
            let dice = SeededEntropy(seed: seed &+ UInt64(life))
            let pair = [TestStore(), TestStore()]
            var stores = try pair.map { test in
                var test = test
                test.configuration.workerCount = 0
                return try test.open()
            }
            for store in stores { try store.make(shards: 2) }
            var (count, gone) = (0, 0)
            for step in 0..<40 {
                let what = "seed \(seed), life \(life), step \(step)"
                let draw = (dice.next(below: 6), dice.next(), dice.next(below: 12))
                for store in stores {
                    let open = try store.stream("s").openShards
                    let at = Int(draw.1 % UInt64(open.count))
                    switch draw.0 {
                    case 0, 1:
                        // One store's clock is the other's: records arrive at the same time.
                        try Self.put(store, "\(count)", at: UInt128(draw.1) << 64)
                    case 2: if open.count < 5 { try store.split(open[at].id.index) }
                    case 3: if at + 1 < open.count { try store.merge(open[at].id.index, open[at + 1].id.index) }
                    default: break
                    }
                }
                count += 1
                for test in pair { test.clock.advance(milliseconds: Int64(draw.2) * Self.hour / 2) }
                if draw.0 >= 4 { gone += try stores[0].sweepBlocking().expiredShardCount }
                if draw.0 == 5, draw.1 % 4 == 0 {
                    for index in stores.indices {
                        try stores[index].closeBlocking()
                        var test = pair[index]
                        test.configuration.workerCount = 0
                        stores[index] = try test.open()
                    }
                }
                let lists = try stores.map { try $0.shards() }
                #expect(lists[0] == lists[1], "\(what)")
                let closed = try stores.map { try $0.shards("s", ShardFilter(.atTrimHorizon)) }
                #expect(closed[0] == closed[1], "\(what)")
                let texts = try stores.map { store in
                    try lists[0].flatMap { shard in
                        try store.answer(GetRecordsRequest(shardIterator: store.iterator(shard.shardID.index))).records.map(\.text)
                    }
                }
                #expect(texts[0] == texts[1], "\(what)")
            }
            #expect(try stores[0].engine.logIDs().count == stores[1].engine.logIDs().count - gone, "seed \(seed), life \(life)")
            for store in stores { try store.closeBlocking() }
        }
    }

    @Test func `power lost at any call of a sweep leaves the shard or takes it whole`() throws {
        let seed = TestSeed.draw("expiry crash")
        var (kept, went, isOver) = (0, 0, false)
        var stop = 0
        while !isOver {
            stop += 1
            var test = TestStore()
            test.configuration.workerCount = 0
            let store = try test.open()
            try store.make(shards: 2)
            for index in 0..<4 { try Self.put(store, "old \(index)", at: index < 2 ? 0 : .max) }
            try store.split(0)
            test.clock.advance(milliseconds: 24 * Self.hour + 5000)
            try Self.put(store, "new", at: 0)
            let left = Guarded(stop)
            let states = Guarded<[ShadowIO]>([])
            let disk = test.disk
            let entropy = SeededEntropy(seed: seed &+ UInt64(stop))
            disk.fault = { _, _, _ in
                guard left.withLock({ $0 -= 1; return $0 == 0 }) else { return nil }
                let taken = [
                    disk.crash(.nothing, entropy: SeededEntropy(seed: 1)), disk.crash(.everything, entropy: SeededEntropy(seed: 1)),
                    disk.crash(entropy: entropy),
                ]
                states.withLock { $0 = taken }
                return nil
            }
            #expect(try store.sweepBlocking().expiredShardCount == 1)
            disk.fault = nil
            store.abandon()
            isOver = left.withLock { $0 > 0 }
            for (number, state) in (states.withLock { $0 } + [disk.crash(.nothing, entropy: SeededEntropy(seed: 2))]).enumerated() {
                let what = "call \(stop), state \(number), seed \(seed)"
                var life = test
                life.disk = state
                life.clock.restart(bootIdentity: (seed, UInt64(stop * 10 + number)))
                for _ in 0..<2 {
                    let again = try life.open()
                    let indices = try Self.indices(again)
                    if indices == [0, 1, 2, 3] {
                        kept += 1
                        let log = try again.engine.log(again.stream("s").shards[0].logID)
                        #expect(try log.readAll(level: .durable).records.count == 2, "\(what)")
                    } else {
                        went += 1
                        #expect(indices == [1, 2, 3], "\(what)")
                        // With the shard its time is kept.
                        #expect(again.keptMilliseconds > 0, "\(what)")
                    }
                    #expect(try again.engine.logIDs() == [0] + again.stream("s").shards.map(\.logID), "\(what)")
                    #expect(try again.shards().map(\.shardID.index) == [1, 2, 3], "\(what)")
                    #expect(try again.stream("s").shards.suffix(2).flatMap { try $0.readAll().map(\.text) } == ["new"], "\(what)")
                    try again.closeBlocking()
                }
            }
        }
        #expect(kept > 0)
        #expect(went > 0)
    }

    @Test func `a shard whose log cannot be opened stays, and the others go`() throws {
        let test = TestStore()
        let store = try test.open()
        for name in ["a", "b"] {
            try store.make(name)
            try store.split(0, of: name)
        }
        try store.closeBlocking()
        test.clock.advance(milliseconds: 25 * Self.hour)
        let again = try test.open()
        let fails = Guarded(true)
        // Opening a log opens its directory.
        test.disk.fault = { operation, name, _ in
            operation == .openDirectory && name.contains("0000000000000001") && fails.withLock { $0 } ? 5 : nil
        }
        #expect(refusal { () throws(KinesisError) in try again.sweepBlocking() }?.code == "InternalFailureException")
        fails.withLock { $0 = false }
        #expect(try Self.indices(again, "a").count + Self.indices(again, "b").count == 5)
        #expect(try again.sweepBlocking().expiredShardCount == 1)
        test.disk.fault = nil
        try again.closeBlocking()
    }

    @Test func `a sweep that a full disk holds up is done whole when there is room`() throws {
        /// A store without room, after so many changes, or as many as its files take: how many those are.
        func fill(_ limit: Int) throws -> (TestStore, StreamStore, Int) {
            let test = TestStore()
            let store = try test.open()
            try store.make()
            try store.split(0)
            test.clock.advance(milliseconds: 25 * Self.hour)
            test.disk.capacityByteCount = 0
            for index in 0..<limit {
                // Smaller than what a sweep appends.
                let error = refusal { () throws(KinesisError) in
                    try store.answer(AddTagsToStreamRequest(stream: "s", tags: ["k": "\(index % 10)"]))
                }
                if error != nil { return (test, store, index) }
            }
            return (test, store, limit)
        }
        let (_, first, count) = try fill(100_000)
        first.abandon()
        let (test, store, again) = try fill(count)
        #expect(again == count)
        #expect(try store.engine.logIDs() == [0, 1, 2, 3])
        #expect(refusal { () throws(KinesisError) in try store.sweepBlocking() } == .storage(.storageFull(path: "/store")))
        #expect(try store.engine.logIDs() == [0, 1, 2, 3])
        test.disk.capacityByteCount = 1 << 40
        // Any change makes what was held up first; the log looks for room now and then.
        for _ in 0..<200 {
            if refusal({ () throws(KinesisError) in try store.answer(AddTagsToStreamRequest(stream: "s", tags: ["k": "last"])) }) == nil {
                break
            }
            usleep(20_000)
        }
        #expect(try Self.indices(store) == [1, 2])
        #expect(try store.engine.logIDs() == [0, 2, 3])
        try store.closeBlocking()
    }
}
