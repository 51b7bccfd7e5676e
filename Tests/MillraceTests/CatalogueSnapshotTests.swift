import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit
import Testing

/// Aim: an opening that begins at a snapshot knows what one knows that reads everything; a snapshot is there whole or not at all, and
/// none that says something else than a sequence of changes could is believed. Method: drawn histories of a store, of which all that
/// is known is compared; power lost at each call; records with one thing wrong.
@Suite(.timeLimit(.minutes(4))) struct CatalogueSnapshotTests {
    private static func open(_ test: TestStore) throws -> StreamStore {
        var test = test
        test.configuration.workerCount = 0
        return try test.open()
    }

    /// One drawn call; what is refused changes nothing.
    private static func act(_ store: StreamStore, _ test: TestStore, _ dice: SeededEntropy) {
        let name = "s\(dice.next(below: 3))"
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/\(name)"
        let open = (try? store.stream(name).openShards.map(\.id.index)) ?? []
        let at = open.isEmpty ? 0 : dice.next(below: open.count)
        test.clock.advance(milliseconds: Int64(dice.next(below: 3 * 3_600_000)))
        switch dice.next(below: 14) {
        case 0, 1: _ = try? store.make(name, shards: 1 + dice.next(below: 3))
        case 2: _ = try? store.make(name, shards: nil) { $0.streamModeDetails = StreamModeDetails(.onDemand) }
        case 3:
            if dice.next(below: 3) == 0 {
                try? store.answer(DeleteStreamRequest(stream: StreamReference(name: name), enforceConsumerDeletion: true))
            }
        case 4, 5: if open.count < 6, !open.isEmpty { try? store.split(open[at], of: name) }
        case 6: if at + 1 < open.count { try? store.merge(open[at], open[at + 1], of: name) }
        case 7: _ = try? store.scale(to: 1 + dice.next(below: 5), name)
        case 8: _ = try? store.answer(RegisterStreamConsumerRequest(streamARN: arn, consumerName: "c\(dice.next(below: 4))"))
        case 9:
            try? store.answer(DeregisterStreamConsumerRequest(streamARN: arn, consumerName: "c\(dice.next(below: 4))"))
        case 10:
            try? store.answer(
                AddTagsToStreamRequest(stream: StreamReference(name: name), tags: ["k\(dice.next(below: 9))": "\(dice.next())"]))
        case 11:
            try? store.answer(
                IncreaseStreamRetentionPeriodRequest(
                    stream: StreamReference(name: name), retentionPeriodHours: 24 + dice.next(below: 9)))
        case 12:
            _ = try? store.stream(name).putBlocking("x".utf8Span.span, partitionKey: "k", ack: .published)
            _ = try? store.scaleStep()
        default: _ = try? store.sweepBlocking()
        }
    }

    @Test func `after any history, an opening from a snapshot knows what was known before it`() throws {
        let seed = TestSeed.draw("snapshots")
        var (snapshots, expired) = (0, 0)
        for life in 0..<25 {
            let dice = SeededEntropy(seed: seed &+ UInt64(life))
            let test = TestStore()
            var store = try Self.open(test)
            for step in 0..<80 {
                Self.act(store, test, dice)
                let known = store.catalogueState
                let what = "seed \(seed), life \(life), step \(step)"
                // As a value first: on nothing, and on anything else.
                var (new, old) = (CatalogueState(), known)
                for record in known.snapshotRecords {
                    try new.apply(CatalogueRecord(record.bytes))
                    try old.apply(record)
                }
                #expect(new == known && old == known && !new.isCut, "\(what)")
                expired += known.streams.values.count { ($0.shards.first?.shardID.index ?? 0) > 0 }
                if dice.next(below: 4) > 0 { continue }
                if dice.next(below: 2) == 0 {
                    #expect(store.writeCatalogueSnapshot(), "\(what)")
                    snapshots += 1
                }
                store.abandon()
                store = try Self.open(test)
                #expect(store.catalogueState == known, "\(what)")
            }
            try store.closeBlocking()
        }
        #expect(snapshots > 50)
        #expect(expired > 0)
    }

    @Test func `an opening reads no more than the newest snapshot and what follows it`() throws {
        let test = TestStore()
        var store = try Self.open(test)
        try store.make("a", shards: 3)
        try store.make("b")
        for index in 0..<50 { try store.answer(AddTagsToStreamRequest(stream: "a", tags: ["k": "\(index)"])) }
        store.writeCatalogueSnapshot()
        try store.answer(AddTagsToStreamRequest(stream: "b", tags: ["k": "v"]))
        store.writeCatalogueSnapshot()
        try store.answer(AddTagsToStreamRequest(stream: "b", tags: ["l": "w"]))
        let known = store.catalogueState
        store.abandon()
        store = try Self.open(test)
        // Begin, account, two streams; one change.
        #expect(store.replayedCount == 5)
        #expect(store.catalogueState == known)
        try store.split(0, of: "a")
        #expect(try store.stream("a").shards.map(\.logID).max() == known.streams.values.flatMap(\.shards).map(\.logID).max()! + 2)
        try store.closeBlocking()
    }

    @Test func `names of logs are not used again, though all that had them is gone`() throws {
        let test = TestStore()
        var store = try Self.open(test)
        try store.make("a", shards: 5)
        try store.answer(DeleteStreamRequest(stream: "a"))
        store.writeCatalogueSnapshot()
        try store.closeBlocking()
        store = try Self.open(test)
        try store.make("a")
        #expect(try store.stream("a").shards.map(\.logID) == [6])
        try store.closeBlocking()
    }

    // MARK: By itself

    @Test func `opening stays short after a hundred thousand changes`() throws {
        let test = TestStore()
        var store = try Self.open(test)
        try store.make("s")
        let id = try store.stream("s").streamID
        var settings = store.catalogueState.streams[id]?.settings ?? StreamSettings()
        let log = try store.engine.log(0)
        // As the store appends them, with one sync for many.
        for first in stride(from: 0, to: 100_000, by: 500) {
            let end = try log.append(arrival: 1) { sink throws(LogError) in
                for index in first..<first + 500 {
                    settings.tags = ["k": "\(index)"]
                    let bytes = CatalogueRecord.settingsChanged(streamID: id, settings).bytes
                    try sink.add(key: RawSpan(), data: unsafe bytes.span.bytes)
                }
            }.upperBound
            try log.wait(.durable, below: end)
        }
        store.abandon()
        store = try Self.open(test)
        #expect(store.replayedCount == 100_002)
        // The next change finds that it was many.
        try store.answer(AddTagsToStreamRequest(stream: "s", tags: ["a": "b"]))
        let known = store.catalogueState
        #expect(known.streams[id]?.settings.tags == ["k": "99999", "a": "b"])
        try store.closeBlocking()
        store = try Self.open(test)
        #expect(store.replayedCount < 10)
        #expect(store.catalogueState.streams == known.streams)
        try store.closeBlocking()
    }

    @Test func `changes write a snapshot by themselves, now and then`() throws {
        let test = TestStore()
        var store = try Self.open(test)
        try store.make("s")
        for index in 0..<SnapshotPolicy.greatestRecordCount * 2 + 100 {
            try store.answer(AddTagsToStreamRequest(stream: "s", tags: ["k": "\(index)"]))
        }
        store.abandon()
        store = try Self.open(test)
        #expect(store.replayedCount < 120)
        try store.closeBlocking()
    }

    @Test(arguments: [300, 30_000, 3_000_000]) func `snapshots are no more than the changes, and bound what is read`(size: Int) {
        var policy = SnapshotPolicy()
        var (changed, written, greatest, count) = (0, 0, 0, 0)
        for _ in 0..<50_000 {
            policy.add(recordCount: 1, byteCount: 200)
            changed += 200
            if policy.isDue, policy.writes(byteCount: size) {
                policy.wrote()
                written += size
                count += 1
            }
            greatest = max(greatest, policy.recordCount)
        }
        #expect(count > 0)
        #expect(written <= changed)
        #expect(greatest <= max(SnapshotPolicy.greatestRecordCount, size / 200 + 1))
    }

    // MARK: Ends in the middle

    @Test func `power lost at any call of a snapshot changes nothing`() throws {
        let seed = TestSeed.draw("snapshot crash")
        var (read, isOver, stop) = (Set<Int>(), false, 0)
        while !isOver {
            stop += 1
            let test = TestStore()
            let store = try Self.open(test)
            // Large enough for several blocks and a roll of the segment.
            for name in ["a", "b", "c"] { try store.make(name, shards: 200) { $0.tags = ["t": String(repeating: name, count: 200)] } }
            for index in 0..<5 { try store.split(UInt32(index), of: "a") }
            let known = store.catalogueState
            let left = Guarded(stop)
            let states = Guarded<[ShadowIO]>([])
            let disk = test.disk
            let entropy = SeededEntropy(seed: seed &+ UInt64(stop))
            disk.fault = { _, _, _ in
                guard left.withLock({ $0 -= 1; return $0 == 0 }) else { return nil }
                let taken = [
                    disk.crash(.nothing, entropy: SeededEntropy(seed: 1)), disk.crash(.everything, entropy: SeededEntropy(seed: 1)),
                    disk.crash(entropy: entropy), disk.crash(entropy: entropy), disk.kill(),
                ]
                states.withLock { $0 = taken }
                return nil
            }
            #expect(store.writeCatalogueSnapshot())
            disk.fault = nil
            store.abandon()
            isOver = left.withLock { $0 > 0 }
            for (number, state) in (states.withLock { $0 } + [disk.crash(.nothing, entropy: SeededEntropy(seed: 2))]).enumerated() {
                var life = test
                life.disk = state
                life.clock.restart(bootIdentity: (seed, UInt64(stop * 10 + number)))
                let again = try Self.open(life)
                #expect(again.catalogueState == known, "call \(stop), state \(number), seed \(seed)")
                read.insert(again.replayedCount)
                try again.make("d")
                try again.closeBlocking()
            }
        }
        // Both ways of opening came about.
        #expect(read.count > 1)
    }

    @Test func `a snapshot that fails harms no change, and the catalogue says why it takes no more`() throws {
        let test = TestStore()
        let store = try Self.open(test)
        try store.make("s")
        let known = store.catalogueState
        test.disk.fault = { operation, _, _ in operation == .sync ? 5 : nil }
        #expect(!store.writeCatalogueSnapshot())
        test.disk.fault = nil
        #expect(refusal { () throws(KinesisError) in try store.answer(AddTagsToStreamRequest(stream: "s", tags: ["a": "b"])) } != nil)
        store.abandon()
        let again = try Self.open(test)
        #expect(again.catalogueState == known)
        try again.closeBlocking()
    }

    // MARK: What is not believed

    /// A state with a stream of two open shards, two closed ones, and a consumer.
    private static func sample() throws -> (CatalogueState, StreamDescription) {
        let test = TestStore()
        let store = try Self.open(test)
        let arn = try store.make()
        test.clock.advance(milliseconds: 2000)
        try store.split(0)
        test.clock.advance(milliseconds: 2000)
        try store.split(1)
        for name in ["a", "b"] { _ = try store.answer(RegisterStreamConsumerRequest(streamARN: arn, consumerName: name)) }
        defer { store.abandon() }
        let state = store.catalogueState
        return (state, try #require(state.streams.values.first))
    }

    @Test func `a snapshot with one thing wrong is refused and changes nothing`() throws {
        let (state, stream) = try Self.sample()
        let right = state.snapshotRecords
        func stands(_ change: (inout StreamDescription) -> Void) -> CatalogueRecord {
            var changed = stream
            (changed.consumers, changed.peaks) = ([], PeakHistory())
            change(&changed)
            return .streamStands(changed)
        }
        let at = try #require(right.firstIndex { if case .streamStands = $0 { true } else { false } })
        var wrong: [(String, [CatalogueRecord])] = []
        func add(_ what: String, _ change: (inout [CatalogueRecord]) -> Void) {
            var records = right
            change(&records)
            records[0] = .snapshotBegan(recordCount: UInt32(records.count - 1), greatestLogID: state.greatestKnownLogID)
            wrong.append((what, records))
        }
        add("a stream twice") { $0.insert($0[at], at: at) }
        add("a name twice") { $0.append(stands { $0.streamID += 1 }) }
        add("a shard missing") { $0[at] = stands { $0.shards.remove(at: 3) } }
        add("the newest shard closed") { $0[at] = stands { $0.shards[4].closing = ShardClosing(second: 9, endOrdinal: 0) } }
        add("no shards") { $0[at] = stands { $0.shards = [] } }
        add("shards in the wrong order") { $0[at] = stands { $0.shards.swapAt(3, 4) } }
        add("a parent that is open") { $0[at] = stands { $0.shards[3].parent = ShardID(index: 2) } }
        add("a parent as young as its child") { $0[at] = stands { $0.shards[0].creationSecond = .max >> 30 } }
        add("its own parent") { $0[at] = stands { $0.shards[4].parent = ShardID(index: 4) } }
        add("a log that never was") { $0[at] = stands { $0.shards[4].logID = .max } }
        add("shards of another stream") { $0.insert(.shardsStand(streamID: 1, []), at: at + 1) }
        add("shards behind those that follow") { $0.insert(.shardsStand(streamID: stream.streamID, [stream.shards[0]]), at: at + 1) }
        add("consumers in the wrong order") { $0.swapAt(at + 1, at + 2) }
        add("a consumer before its stream") { $0.swapAt(at, at + 1) }
        add("a change among them") { $0.append(.settingsChanged(streamID: stream.streamID, StreamSettings())) }
        add("a snapshot among them") { $0.append(.snapshotBegan(recordCount: 1, greatestLogID: 1)) }
        for (what, records) in wrong {
            var known = CatalogueState()
            var refused = false
            for record in records {
                let before = known
                do { try known.apply(record) } catch {
                    refused = true
                    #expect(known == before, "\(what)")
                    break
                }
            }
            #expect(refused, "\(what)")
            #expect(known.streams.isEmpty, "\(what)")
        }
        for record in right where !record.standsByItself {
            var known = CatalogueState()
            #expect(throws: CatalogueState.Misfit.self) { try known.apply(record) }
        }
    }

    @Test func `a snapshot of which a part is missing is damage, and so is one that says what cannot be`() throws {
        for isWhole in [false, true] {
            let test = TestStore()
            let store = try Self.open(test)
            try store.make("s")
            let log = try store.engine.log(0)
            var records = Array(store.catalogueState.snapshotRecords)
            if isWhole { records.swapAt(1, 0) } else { records.removeLast() }
            for record in records { try log.append(PlainRecord(key: [], data: record.bytes)) }
            try log.wait(.durable, below: log.tip(.published))
            store.abandon()
            let error = #expect(throws: KinesisError.self) { try Self.open(test).abandon() }
            guard case .storage(.corrupt)? = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
    }

    @Test func `what is damaged in front of a snapshot costs nothing`() throws {
        let test = TestStore()
        let store = try Self.open(test)
        try store.make("s")
        let log = try store.engine.log(0)
        // Bytes that no version wrote, behind which a snapshot begins.
        try log.append(PlainRecord(key: [], data: [0, 0, 0]))
        store.writeCatalogueSnapshot()
        let known = store.catalogueState
        store.abandon()
        let again = try Self.open(test)
        #expect(again.catalogueState == known)
        try again.closeBlocking()
    }
}

extension CatalogueState {
    /// As its own snapshot says it.
    fileprivate var greatestKnownLogID: UInt64 {
        guard case .snapshotBegan(_, let logID)? = snapshotRecords.first else { return 0 }
        return logID
    }
}

extension CatalogueRecord {
    /// Whether it is a change outside of a snapshot, too, or begins one.
    fileprivate var standsByItself: Bool {
        switch self {
        case .streamStands, .shardsStand, .nameRetired, .consumerSet, .peaksKept: false
        default: true
        }
    }
}
