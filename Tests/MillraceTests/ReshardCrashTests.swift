import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Testing

/// Aim: power lost at any call of a change of a stream leaves the state before it or the one after it; what was acknowledged is
/// there, and puts go on. Method: the change is made once for each call that it makes of a disk in memory; at that call
/// the disk is copied in states that power loss may leave, and each is opened. Power is lost again at a drawn call while it
/// is being opened. All draws come from a printed seed; `MILLRACE_SEED` takes it back.
@Suite(.timeLimit(.minutes(5))) struct ReshardCrashTests {
    /// A change, and what it makes of the stream "s".
    private struct Change: Sendable {
        let name: String
        var shards = 2
        var prepare: @Sendable (StreamStore) throws -> Void = { _ in }
        let body: @Sendable (StreamStore) throws -> Void
    }

    private static let changes: [Change] = [
        Change(name: "split") { try $0.split(1) },
        Change(name: "merge") { try $0.merge(0, 1) },
        Change(name: "scale up") { try $0.scale(to: 3) },
        Change(name: "scale down", shards: 3) { try $0.scale(to: 2) },
        Change(name: "split of an untouched shard", shards: 3) { try $0.split(2) },
        Change(name: "delete") { try $0.answer(DeleteStreamRequest(stream: "s")) },
        Change(name: "delete after a split", prepare: { try $0.split(0) }) { try $0.answer(DeleteStreamRequest(stream: "s")) },
        Change(name: "retention") { try $0.answer(IncreaseStreamRetentionPeriodRequest(stream: "s", retentionPeriodHours: 48)) },
        Change(name: "tags") { try $0.answer(AddTagsToStreamRequest(stream: "s", tags: ["a": "b"])) },
        Change(name: "consumer") { store in
            _ = try store.answer(RegisterStreamConsumerRequest(streamARN: store.summary().streamARN.description, consumerName: "c"))
        },
        Change(name: "deregistration", prepare: { store in
            _ = try store.answer(RegisterStreamConsumerRequest(streamARN: store.summary().streamARN.description, consumerName: "c"))
        }) { store in
            try store.answer(
                DeregisterStreamConsumerRequest(streamARN: store.summary().streamARN.description, consumerName: "c"))
        },
        Change(name: "account") { store in
            _ = try store.answer(
                UpdateAccountSettingsRequest(minimumThroughputBillingCommitment: BillingCommitmentChange(status: "ENABLED")))
        },
        Change(name: "encryption") { try $0.answer(StartStreamEncryptionRequest(stream: "s", keyID: "k")) },
    ]

    /// Everything that a change may change, as it is shown.
    private struct View: Hashable {
        var names: [StreamName] = []
        var summary: StreamDescriptionSummary?
        var shards: [ShardSummary] = []
        var tags: [String: String] = [:]
        var consumers: [ConsumerDescription] = []
        var account: BillingCommitment?

        init(_ store: StreamStore) throws {
            names = store.listStreams()
            account = try store.answer(DescribeAccountSettingsRequest()).minimumThroughputBillingCommitment
            guard names.contains(where: { $0.text == "s" }) else { return }
            summary = try store.summary()
            shards = try store.shards()
            for tag in try store.answer(ListTagsForStreamRequest(stream: "s")).tags { tags[tag.key] = tag.value }
            consumers = try store.answer(ListStreamConsumersRequest(streamARN: summary?.streamARN.description)).consumers
        }
    }

    /// A store with a stream that has durable records, and one more that is published only.
    private static func prepared(_ change: Change) throws -> (TestStore, StreamStore, Set<String>) {
        var test = TestStore()
        test.configuration.workerCount = 1
        let store = try test.open()
        try store.make("other", shards: 1)
        try store.make("s", shards: change.shards)
        let stream = try store.stream("s")
        var texts: Set<String> = []
        for index in 0..<6 {
            // The last shard of three gets nothing.
            let place = change.shards == 3 ? "\(UInt128.max / 3 / 6 * UInt128(index) * 2)" : "\(UInt128.max / 6 * UInt128(index))"
            try stream.putBlocking("\(index)".utf8Span.span, partitionKey: "\(index)", explicitHashKey: HashKey(place))
            texts.insert("\(index)")
        }
        try change.prepare(store)
        test.clock.advance(milliseconds: 1500)
        return (test, store, texts)
    }

    @Test(arguments: changes.indices) func `power lost at any call of a change leaves the old state or the new one`(index: Int) throws {
        let change = Self.changes[index]
        let seed = TestSeed.draw("\(change.name)")
        // First without a loss: how many calls there are, and what the states look like.
        let (counting, counted, texts) = try Self.prepared(change)
        let calls = Guarded(0)
        counting.disk.fault = { _, _, _ in
            calls.withLock { $0 += 1 }
            return nil
        }
        try change.body(counted)
        counting.disk.fault = nil
        try counted.closeBlocking()
        let count = calls.withLock { $0 }
        #expect(count > 1)

        var (old, new, again) = (0, 0, 0)
        // Background work makes calls too, so the number differs a little from run to run.
        for stop in 1...count + 2 {
            let (test, store, _) = try Self.prepared(change)
            let before = try View(store)
            let disk = test.disk
            let taken = Guarded<(calls: Int, states: [ShadowIO])>((0, []))
            disk.fault = { _, _, _ in
                let isThere = taken.withLock { taken in
                    taken.calls += 1
                    return taken.calls == stop
                }
                if isThere {
                    let states = [
                        disk.crash(.nothing, entropy: SeededEntropy(seed: 1)), disk.crash(.everything, entropy: SeededEntropy(seed: 1)),
                        disk.crash(entropy: SeededEntropy(seed: seed &+ UInt64(stop * 10))),
                        disk.crash(entropy: SeededEntropy(seed: seed &+ UInt64(stop * 10 + 1))),
                    ]
                    taken.withLock { $0.states = states }
                }
                return nil
            }
            try change.body(store)
            disk.fault = nil
            let after = try View(store)
            #expect(before != after)
            let done = disk.crash(.nothing, entropy: SeededEntropy(seed: 1))
            store.abandon()
            var states = taken.withLock { $0.states }.map { ($0, false) }
            states.append((done, true))
            for (number, (state, isDone)) in states.enumerated() {
                let what = "\(change.name), call \(stop) of \(count), state \(number), seed \(seed)"
                var life = test
                life.disk = state
                life.clock.restart(bootIdentity: (seed, UInt64(stop * 10 + number)))
                // Power is lost while it is opened, too.
                let lost = Guarded<(left: Int, state: ShadowIO?)>((1 + (stop * 7 + number * 3) % 40, nil))
                state.fault = { _, _, _ in
                    let isThere = lost.withLock { lost in
                        lost.left -= 1
                        return lost.left == 0
                    }
                    if isThere {
                        let second = state.crash(entropy: SeededEntropy(seed: seed &+ UInt64(stop)))
                        lost.withLock { $0.state = second }
                    }
                    return nil
                }
                let first = try Self.verify(life, [before, after], isDone ? after : nil, texts, what)
                if first == before { old += 1 } else { new += 1 }
                if let second = lost.withLock({ $0.state }) {
                    life.disk = second
                    life.clock.restart(bootIdentity: (seed, UInt64(stop * 10 + number) + 1_000_000))
                    // What the first opening decided and did not make durable may be decided again.
                    _ = try Self.verify(life, [before, after], isDone ? after : nil, texts, what + ", lost again")
                    again += 1
                }
            }
        }
        #expect(old > 0)
        #expect(new > 0)
        #expect(again > 0)
    }

    /// Opens, compares, puts, closes, opens again. The state that was found.
    private static func verify(
        _ life: TestStore, _ allowed: [View], _ required: View?, _ texts: Set<String>, _ what: String
    ) throws -> View {
        let store = try life.open()
        let view = try View(store)
        #expect(allowed.contains(view), "\(what): a state between")
        if let required { #expect(view == required, "\(what): what was acknowledged is gone") }
        if view.summary == nil {
            #expect(view.names.map(\.text) == ["other"], "\(what)")
            try store.make("s", shards: 1)
        } else {
            let records = try store.stream("s").readAll()
            #expect(records.count == texts.count, "\(what)")
            #expect(Set(records.map(\.text)) == texts, "\(what)")
        }
        let stream = try store.stream("s")
        for index in 0..<4 {
            let key = HashKey(UInt128.max / 4 * UInt128(index))
            let number = try stream.putBlocking("more".utf8Span.span, partitionKey: "\(index)", explicitHashKey: key)
            let shard = try #require(stream.openShards.first { $0.id == number.shardID }, "\(what): put to a closed shard")
            #expect(shard.hashKeyRange.contains(key), "\(what)")
        }
        let all = try stream.readAll().count
        #expect(all == 4 + (view.summary == nil ? 0 : texts.count), "\(what)")
        try store.split(stream.openShards[0].id.index)
        try store.closeBlocking()
        let again = try life.open()
        #expect(try again.stream("s").readAll().count == all, "\(what)")
        try again.closeBlocking()
        return view
    }

    @Test func `records acknowledged while a stream is resharded survive power loss at any moment, once each`() throws {
        let seed = TestSeed.draw("resharded")
        let dice = SeededEntropy(seed: seed)
        for round in 0..<25 {
            var test = TestStore()
            let store = try test.open()
            try store.make("s", shards: 2)
            let stream = try store.stream("s")
            let acknowledged = Guarded<[SequenceNumber: String]>([:])
            let tried = Guarded<Set<String>>([])
            let isOver = Counter()
            let producers = (0..<3).map { producer in
                WorkerThread(name: "put") {
                    var index = 0
                    while isOver.value == 0, index < 5000 {
                        let text = "\(producer) \(index)"
                        tried.withLock { _ = $0.insert(text) }
                        let number = try? stream.putBlocking(text.utf8Span.span, partitionKey: text)
                        if let number { acknowledged.withLock { $0[number] = text } }
                        index += 1
                    }
                }
            }
            // Some reshards, and power is lost at a drawn call in one of them.
            var shardsBefore = 0
            for _ in 0..<1 + dice.next(below: 3) {
                shardsBefore = try store.shards().count
                try store.scale(to: stream.openShards.count == 2 ? 3 : 2)
            }
            let left = Guarded(1 + dice.next(below: 30))
            let lost = Guarded<(state: ShadowIO, known: [SequenceNumber: String])?>(nil)
            let disk = test.disk
            let entropy = SeededEntropy(seed: dice.next())
            disk.fault = { _, _, _ in
                let isNow = left.withLock { left in
                    left -= 1
                    return left == 0
                }
                if isNow {
                    // What was acknowledged before the loss: looked at first.
                    let known = acknowledged.withLock { $0 }
                    let state = disk.crash(entropy: entropy)
                    lost.withLock { $0 = (state, known) }
                }
                return nil
            }
            try store.scale(to: stream.openShards.count == 2 ? 3 : 2)
            while lost.withLock({ $0 == nil }) { try stream.putBlocking("end".utf8Span.span, partitionKey: "end") }
            disk.fault = nil
            isOver.add()
            for producer in producers { producer.join() }
            store.abandon()
            let (state, known) = try #require(lost.withLock { $0 })
            test.disk = state
            test.clock.restart(bootIdentity: (seed, UInt64(round)))
            let again = try test.open()
            let records = try again.stream("s").readAll().filter { $0.text != "end" }
            let found = Dictionary(records.map { ($0.sequenceNumber, $0.text) }, uniquingKeysWith: { a, _ in a })
            #expect(found.count == records.count, "seed \(seed), round \(round)")
            #expect(Set(records.map(\.text)).count == records.count, "seed \(seed), round \(round): a record twice")
            for (number, text) in known where found[number] != text {
                Issue.record("seed \(seed), round \(round): \(text) is lost, \(shardsBefore) shards")
                break
            }
            #expect(Set(records.map(\.text)).isSubset(of: tried.withLock { $0 }))
            try again.closeBlocking()
        }
    }
}
