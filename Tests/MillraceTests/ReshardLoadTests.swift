import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Aim: while shards are split, merged and scaled under load no put fails, no record is lost or doubled, none comes into a closed
/// shard, and the records of a key are read in the order in which they were put. Method: tasks and threads put numbered
/// records, each under keys of its own, by every way of putting; another thread reshards all the while, drawn from a
/// printed seed; readers of every kind follow, and what they read is compared with what was acknowledged.
@Suite(.timeLimit(.minutes(5))) struct ReshardLoadTests {
    /// What was put, and acknowledged under which number.
    private final class Ledger: Sendable {
        struct Line {
            let number: SequenceNumber
            let key: String
            let index: Int
        }
        private let lines = Guarded<[Line]>([])
        private let failures = Guarded<[String]>([])

        func add(_ number: SequenceNumber, _ key: String, _ index: Int) {
            lines.withLock { $0.append(Line(number: number, key: key, index: index)) }
        }
        func fail(_ text: String) { failures.withLock { $0.append(text) } }
        var all: [Line] { lines.withLock { $0 } }
        var failed: [String] { failures.withLock { $0 } }
        var count: Int { lines.withLock { $0.count } }
    }

    /// Keeps putting, each producer `count` records, in its own way.
    private struct Load {
        let stream: StoredStream
        let store: StreamStore
        let ledger: Ledger
        let count: Int
        let level: AckLevel

        /// Tasks: single puts, batches, and the operations.
        func task(_ name: String, _ way: Int, pause: UInt64) async {
            var index = 0
            while index < count {
                do throws(KinesisError) {
                    // Two keys in turn, so that a batch meets several shards.
                    let key = "\(name)-\(index / 7 % 5)"
                    switch way {
                    case 0:
                        let number = try await stream.put("\(index)", partitionKey: key, ack: level)
                        ledger.add(number, key, index)
                        index += 1
                    case 1:
                        let size = min(9, count - index)
                        let entries = (index..<index + size).map { PutEntry("\($0)", partitionKey: "\(name)-\($0 % 5)") }
                        for (place, result) in try await stream.putRecords(entries, ack: level).enumerated() {
                            ledger.add(try result.get(), "\(name)-\((index + place) % 5)", index + place)
                        }
                        index += size
                    default:
                        let request = PutRecordRequest(
                            stream: StreamReference(stream.name), data: Array("\(index)".utf8), partitionKey: key)
                        ledger.add(try await store.putRecord(request, ack: level).sequenceNumber, key, index)
                        index += 1
                    }
                } catch {
                    ledger.fail("\(name) \(index): \(error)")
                    return
                }
                if pause > 0 { try? await Task.sleep(nanoseconds: pause) } else { await Task.yield() }
            }
        }

        func thread(_ name: String, isBatch: Bool) -> WorkerThread {
            WorkerThread(name: name) { [self] in
                var index = 0
                while index < count {
                    do throws(KinesisError) {
                        if isBatch {
                            var batch = PutBatch()
                            let first = index
                            while batch.count < 7, index < count {
                                try batch.add("\(index)".utf8Span.span, partitionKey: "\(name)-\(index % 5)")
                                index += 1
                            }
                            for (place, result) in stream.putBatchBlocking(batch, ack: level).enumerated() {
                                ledger.add(try result.get(), "\(name)-\((first + place) % 5)", first + place)
                            }
                        } else {
                            let key = "\(name)-\(index % 5)"
                            ledger.add(
                                try stream.putBlocking("\(index)".utf8Span.span, partitionKey: key, ack: level), key, index)
                            index += 1
                        }
                    } catch {
                        ledger.fail("\(name) \(index): \(error)")
                        return
                    }
                }
            }
        }
    }

    /// Splits, merges and scales until told to stop, at most so many times; how often.
    static func reshard(
        _ store: StreamStore, _ dice: SeededEntropy, until isDone: () -> Bool, greatest: Int = 12, limit: Int = 60
    ) throws -> Int {
        var count = 0
        while !isDone(), count < limit {
            let open = try store.shards("s", ShardFilter(.atLatest)).sorted { $0.hashKeyRange.starting < $1.hashKeyRange.starting }
            let at = dice.next(below: open.count)
            switch dice.next(below: 3) {
            case 0 where open.count < greatest:
                let width = open[at].hashKeyRange.ending.value - open[at].hashKeyRange.starting.value
                if width < 8 { continue }
                try store.split(open[at].shardID.index, at: open[at].hashKeyRange.starting.value + 2 + (UInt128(dice.next()) << 60) % (width - 4))
            case 1 where at + 1 < open.count: try store.merge(open[at].shardID.index, open[at + 1].shardID.index)
            case 2:
                let least = (open.count + 1) / 2
                try store.scale(to: least + dice.next(below: max(1, min(greatest, 2 * open.count) - least + 1)))
            default: continue
            }
            count += 1
            // Some puts go by in peace.
            if count % 3 == 0 { usleep(UInt32(dice.next(below: 4000))) }
        }
        return count
    }

    /// Compares a whole reading with the ledger: everything once, under its number, each key in order.
    private static func check(_ records: [Record], _ ledger: Ledger, _ what: String) {
        let lines = ledger.all
        #expect(records.count == lines.count, "\(what): read \(records.count) of \(lines.count)")
        #expect(Set(records.map(\.sequenceNumber)).count == records.count, "\(what): a record came twice")
        let known = Dictionary(lines.map { ($0.number, $0) }, uniquingKeysWith: { first, _ in first })
        #expect(known.count == lines.count, "\(what): one number for two records")
        for record in records {
            guard let line = known[record.sequenceNumber], line.key == record.partitionKey.text, "\(line.index)" == record.text else {
                Issue.record("\(what): \(record.text) of \(record.partitionKey.text) is not what its number was given for")
                return
            }
        }
        checkOrder(records, what)
    }

    static func checkOrder(_ records: [Record], _ what: String) {
        for (key, ofKey) in Dictionary(grouping: records, by: \.partitionKey.text) {
            let indices = ofKey.compactMap { Int($0.text) }
            if indices != indices.sorted() {
                Issue.record("\(what): records of \(key) out of order: \(indices.prefix(50))")
                return
            }
        }
    }

    /// Every record stands in a shard that held its key's place when it was put: not in a closed one behind its end, and in one
    /// of the lineage that took the place.
    static func checkShards(_ store: StreamStore, _ stream: StoredStream) throws {
        let shards = try store.shards()
        for shard in stream.shards {
            let summary = try #require(shards.first { $0.shardID == shard.id })
            for record in try shard.readAll() {
                #expect(summary.hashKeyRange.contains(record.partitionKey.hashKey))
                #expect(record.sequenceNumber.shardID == shard.id)
                #expect(record.sequenceNumber >= summary.startingSequenceNumber)
                if let ending = summary.endingSequenceNumber { #expect(record.sequenceNumber < ending) }
            }
        }
    }

    @Test(arguments: [AckLevel.durable, .written, .published])
    func `no put fails and nothing is lost, doubled or out of order while shards are split, merged and scaled`(
        level: AckLevel
    ) async throws {
        let seed = TestSeed.draw("reshard, under load")
        let dice = SeededEntropy(seed: seed)
        let test = TestStore()
        let store = try test.open()
        try store.answer(CreateStreamRequest(streamName: "s", shardCount: 2), ack: level)
        let stream = try store.stream("s")
        let ledger = Ledger()
        let load = Load(stream: stream, store: store, ledger: ledger, count: Self.scale * 300, level: level)
        let total = load.count * 6
        let done = Counter()
        let readers = (0..<2).map { _ in
            Task { try await FollowTests.take(total, stream.records(from: .trimHorizon)) }
        }
        let latest = stream.records(from: .latest)
        let tail = Task { () -> [Record] in
            var records: [Record] = []
            for try await record in latest {
                if record.partitionKey.text == "end" { break }
                records.append(record)
            }
            return records
        }
        while latest.position.description.contains("latest") { try await Task.sleep(nanoseconds: 100_000) }
        let threads = [load.thread("t0", isBatch: false), load.thread("t1", isBatch: true)]
        let resharding = Guarded((count: 0, error: ""))
        let seedOfReshards = dice.next()
        let resharder = WorkerThread(name: "reshard") {
            let dice = SeededEntropy(seed: seedOfReshards)
            do {
                let count = try Self.reshard(store, dice, until: { done.value > 0 })
                resharding.withLock { $0.count = count }
            } catch { resharding.withLock { $0.error = "\(error)" } }
        }
        await withTaskGroup(of: Void.self) { group in
            for way in 0..<4 { group.addTask { await load.task("a\(way)", way, pause: way == 3 ? 200_000 : 0) } }
        }
        for thread in threads { thread.join() }
        done.add()
        resharder.join()
        let (count, error) = resharding.withLock { $0 }
        #expect(error.isEmpty, "seed \(seed): \(error)")
        #expect(count > 0)
        #expect(ledger.failed.isEmpty, "seed \(seed): \(ledger.failed.prefix(3))")
        #expect(ledger.count == total)
        for (index, reader) in readers.enumerated() {
            let records = try await Self.within(30, reader)
            Self.check(records, ledger, "seed \(seed), \(count) reshards, reader \(index)")
        }
        // A record that comes into every open shard, so that the reading at the tail ends.
        try await stream.put("end", partitionKey: "end")
        Self.checkOrder(try await Self.within(60, tail), "seed \(seed), tail")
        try Self.checkShards(store, stream)
        try store.closeBlocking()

        let again = try test.open()
        let later = try again.stream("s")
        let records = try await FollowTests.take(total + 1, later.records(from: .trimHorizon)).filter { $0.partitionKey.text != "end" }
        Self.check(records, ledger, "seed \(seed), later")
        try Self.checkShards(again, later)
        try again.closeBlocking()
    }

    /// What a task answers within so many seconds; cancelled then, which ends a reading.
    static func within<Value: Sendable>(_ seconds: UInt64, _ task: Task<Value, any Error>) async throws -> Value {
        let watch = Task {
            try await Task.sleep(nanoseconds: seconds * 1_000_000_000)
            task.cancel()
        }
        defer { watch.cancel() }
        return try await task.value
    }

    /// Fewer under the thread sanitizer, which takes some ten times as long.
    private static let scale = 1

    @Test func `a batch that meets a merge stands in its child in the order given`() async throws {
        let store = try TestStore().open()
        let places = ["0", "\(UInt128.max)"]
        @Sendable func entries(_ name: String) -> [PutEntry] {
            (0..<40).map { PutEntry(data: Array("\(name) \($0)".utf8), partitionKey: "k", explicitHashKey: places[($0 * 7 + $0 / 5) % 2]) }
        }
        try store.make(shards: 2)
        let stream = try store.stream("s")
        try await stream.putRecords(entries("first"))
        // Both parents have ended, as in the middle of a reshard, so that the parts go on together.
        for log in store.engine.openLogs where log.id != 0 { _ = log.endAppends() }
        let waiting = Task { try await stream.putRecords(entries("task")) }
        let thread = WorkerThread(name: "put") {
            var batch = PutBatch()
            for (index, entry) in entries("thread").enumerated() {
                let key = try? HashKey(places[(index * 7 + index / 5) % 2])
                let data = entry.data ?? []
                try? batch.add(data.span, partitionKey: "k", explicitHashKey: key)
            }
            stream.putBatchBlocking(batch)
        }
        try await Task.sleep(nanoseconds: 30_000_000)
        try store.merge(0, 1)
        for result in try await waiting.value { _ = try result.get() }
        thread.join()
        let texts = try #require(stream.shards.last).readAll().map(\.text)
        for name in ["task", "thread"] {
            #expect(texts.filter { $0.hasPrefix("\(name) ") } == (0..<40).map { "\(name) \($0)" })
        }
        try store.closeBlocking()
    }

    @Test func `a consumer that polls each shard to its end and goes on to its children gets everything once`() throws {
        let test = TestStore()
        let store = try test.open()
        try store.make(shards: 2)
        let stream = try store.stream("s")
        let (count, keys) = (Self.scale * 600, 8)
        let producer = WorkerThread(name: "put") {
            for index in 0..<count { _ = try? stream.putBlocking("\(index)".utf8Span.span, partitionKey: "\(index % keys)") }
        }
        let done = Counter()
        let resharder = WorkerThread(name: "reshard") {
            let dice = SeededEntropy(seed: 5)
            _ = try? Self.reshard(store, dice, until: { done.value > 0 }, greatest: 6)
        }
        // As a client of the service does it: parents before children, iterators only.
        var iterators: [UInt32: String?] = [:]
        for shard in try store.shards() where shard.parentShardID == nil { iterators[shard.shardID.index] = try store.iterator(shard.shardID.index) }
        var ended: Set<UInt32> = []
        var records: [Record] = []
        let start = ContinuousClock().now
        while records.count < count, ContinuousClock().now - start < .seconds(60) {
            for (index, iterator) in iterators {
                guard let iterator else { continue }
                let page = try store.answer(GetRecordsRequest(shardIterator: iterator, limit: 50))
                records += page.records
                iterators[index] = .some(page.nextShardIterator)
                if page.nextShardIterator == nil {
                    ended.insert(index)
                    #expect(!page.childShards.isEmpty, "shard \(index) ends without children")
                    for child in page.childShards
                    where child.parentShards.allSatisfy({ ended.contains($0.index) }) && iterators[child.shardID.index] == nil {
                        iterators[child.shardID.index] = try store.iterator(child.shardID.index)
                    }
                } else {
                    #expect(page.childShards.isEmpty)
                }
            }
        }
        producer.join()
        done.add()
        resharder.join()
        #expect(records.count == count)
        #expect(Set(records.map(\.sequenceNumber)).count == records.count)
        Self.checkOrder(records, "polled")
        try store.closeBlocking()
    }

    @Test func `puts go on once there is room, when a reshard found the disk full as it was to be committed`() async throws {
        for round in 0..<40 {
            let test = TestStore()
            let store = try test.open()
            try store.make(shards: 2)
            let stream = try store.stream("s")
            try await stream.put("0", partitionKey: "k")
            // So far that, sooner or later, the change needs another file for the catalogue.
            for index in 0..<round * 3 {
                let tags = Dictionary(uniqueKeysWithValues: (0..<40).map { ("k\($0)", String(repeating: "\(index % 10)", count: 250)) })
                try store.answer(AddTagsToStreamRequest(stream: "s", tags: tags))
            }
            let full = Guarded(true)
            let isSplit = Guarded(false)
            test.disk.fault = { operation, _, _ in
                // The children's own files are made; what the commit needs is not.
                full.withLock { $0 } && isSplit.withLock { $0 } && [.createFile, .allocate].contains(operation) ? 28 : nil
            }
            isSplit.withLock { $0 = true }
            let error = refusal { () throws(KinesisError) in try store.split(0) }
            full.withLock { $0 = false }
            let put = Task { () -> [Record] in
                try await stream.put("1", partitionKey: "k")
                return try stream.readAll()
            }
            let watch = Task {
                try await Task.sleep(nanoseconds: 5_000_000_000)
                put.cancel()
            }
            let records = try? await put.value
            watch.cancel()
            #expect(records?.count == 2, "round \(round): \(String(describing: error))")
            if records == nil { break }
            try store.closeBlocking()
        }
    }

    @Test func `a stream is resharded and deleted under load, and puts end with its deletion only`() async throws {
        let store = try TestStore().open()
        for round in 0..<4 {
            try store.make(shards: 2)
            let stream = try store.stream("s")
            let unexpected = Guarded<[KinesisError]>([])
            await withTaskGroup(of: Void.self) { group in
                for task in 0..<4 {
                    group.addTask {
                        for index in 0..<100_000 {
                            do throws(KinesisError) {
                                if task == 0 {
                                    for result in try await stream.putRecords([PutEntry("\(index)", partitionKey: "\(index)")]) {
                                        _ = try result.get()
                                    }
                                } else {
                                    try await stream.put("\(index)", partitionKey: "\(index)", ack: task == 1 ? .published : nil)
                                }
                            } catch {
                                if case .resourceNotFound = error {} else { unexpected.withLock { $0.append(error) } }
                                return
                            }
                        }
                    }
                }
                group.addTask {
                    do {
                        for _ in 0..<3 { try store.scale(to: store.summary().openShardCount == 2 ? 3 : 2) }
                        if round % 2 == 0 { try await Task.sleep(nanoseconds: 3_000_000) }
                        try store.answer(DeleteStreamRequest(stream: "s"))
                    } catch { Issue.record("\(error)") }
                }
            }
            let errors = unexpected.withLock { $0 }
            #expect(errors.isEmpty, "round \(round): \(errors)")
        }
        try store.closeBlocking()
    }
}
