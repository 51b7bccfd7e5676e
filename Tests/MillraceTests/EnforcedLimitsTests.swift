import Millrace
import MillraceIO
import MillraceModel
import Testing

/// Aim: a store that enforces AWS's limits refuses what AWS would, record by record, and one that warns or does not look
/// refuses nothing. Method: a clock by hand, puts and reads up to the budgets and one beyond.
@Suite struct EnforcedLimitsTests {
    private static func open(
        _ capacity: CapacityEnforcement = .enforce, transitionMilliseconds: UInt64 = 0
    ) throws -> (TestStore, StreamStore) {
        var test = TestStore()
        test.options.capacity = capacity
        test.options.transitionMilliseconds = transitionMilliseconds
        return (test, try test.open())
    }

    private static func code(_ body: () throws(KinesisError) -> Void) -> String? {
        do throws(KinesisError) {
            try body()
            return nil
        } catch { return error.code }
    }

    private static let exceeded = "ProvisionedThroughputExceededException"

    private static func put(_ store: StreamStore) throws(KinesisError) {
        _ = try store.answer(PutRecordRequest(stream: "s", data: [1], partitionKey: "k"), ack: .published)
    }

    @Test func `a shard takes a thousand records at once, then a thousand a second, and says which shard is spent`() throws {
        let (test, store) = try Self.open()
        _ = try store.createStreamBlocking("s", shards: 1, ack: .published)
        for _ in 0..<1000 { try Self.put(store) }
        #expect(Self.code { () throws(KinesisError) in try Self.put(store) } == Self.exceeded)
        do throws(KinesisError) { try Self.put(store) } catch {
            #expect(
                error.message
                    == "Rate exceeded for shard shardId-000000000000 in stream s under account 000000000000.")
        }
        // The bucket is drained: over a minute the rate alone counts.
        var granted = 0
        for _ in 0..<600 {
            test.clock.advance(milliseconds: 100)
            for _ in 0..<150 where Self.code({ () throws(KinesisError) in try Self.put(store) }) == nil { granted += 1 }
        }
        #expect((59_400...60_600).contains(granted))
        try store.closeBlocking()
    }

    @Test func `five consumers may be CREATING at once, whatever streams they are of`() throws {
        let (test, store) = try Self.open(transitionMilliseconds: 60_000)
        for name in ["s", "t"] { _ = try store.createStreamBlocking(name, shards: 1) }
        test.clock.advance(milliseconds: 60_000)
        func register(_ stream: String, _ consumer: String) -> String? {
            Self.code { () throws(KinesisError) in
                _ = try store.answer(
                    RegisterStreamConsumerRequest(
                        streamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/\(stream)", consumerName: consumer))
            }
        }
        for consumer in ["a", "b", "c"] { #expect(register("s", consumer) == nil) }
        for consumer in ["a", "b"] { #expect(register("t", consumer) == nil) }
        // The calls of a second are back, and five consumers are still CREATING.
        test.clock.advance(milliseconds: 1000)
        #expect(register("t", "c") == "LimitExceededException")
        test.clock.advance(milliseconds: 59_000)
        #expect(register("t", "c") == nil)
        try store.closeBlocking()
    }

    @Test func `in one PutRecords the records beyond the budget are refused, and only they`() throws {
        let (_, store) = try Self.open()
        _ = try store.createStreamBlocking("s", shards: 1, ack: .published)
        let entries = (0..<500).map { PutEntry("\($0)", partitionKey: "k") }
        for expected in [0, 0, 500] {
            let answer = try store.answer(PutRecordsRequest(stream: "s", records: entries), ack: .published)
            #expect(answer.failedRecordCount == expected)
        }
        let (test, other) = try Self.open()
        let stream = try other.createStreamBlocking("s", shards: 1, ack: .published)
        for _ in 0..<700 { try Self.put(other) }
        let answer = try other.answer(PutRecordsRequest(stream: "s", records: entries), ack: .published)
        #expect(answer.failedRecordCount == 200)
        for result in answer.records.dropFirst(300) {
            guard case .failure(let code, _) = result else {
                Issue.record("\(result)")
                continue
            }
            #expect(code == Self.exceeded)
        }
        #expect(try stream.readAll().count == 1000)
        test.clock.advance(milliseconds: 1000)
        #expect(try other.answer(PutRecordsRequest(stream: "s", records: entries), ack: .published).failedRecordCount == 0)
        try store.closeBlocking()
        try other.closeBlocking()
    }

    @Test func `a mebibyte a second goes in, and one largest record when the bucket is full`() throws {
        let (test, store) = try Self.open()
        _ = try store.createStreamBlocking("s", shards: 1, ack: .published)
        let half = [UInt8](repeating: 7, count: (512 << 10) - 1)
        func put() throws(KinesisError) {
            _ = try store.answer(PutRecordRequest(stream: "s", data: half, partitionKey: "k"), ack: .published)
        }
        try put()
        try put()
        #expect(Self.code(put) == Self.exceeded)
        test.clock.advance(milliseconds: 500)
        #expect(Self.code(put) == nil)
        #expect(Self.code(put) == Self.exceeded)
        try store.closeBlocking()
    }

    @Test func `a shard is asked five times a second, and two mebibytes an answer are paid for`() throws {
        let (test, store) = try Self.open()
        let stream = try store.createStreamBlocking("s", shards: 1, ack: .published)
        let iterator = try store.answer(
            GetShardIteratorRequest(stream: "s", shardID: "shardId-000000000000", shardIteratorType: "TRIM_HORIZON")
        ).shardIterator
        func get() throws(KinesisError) { _ = try store.answer(GetRecordsRequest(shardIterator: iterator)) }
        for _ in 0..<5 { #expect(Self.code(get) == nil) }
        #expect(Self.code(get) == Self.exceeded)
        // Four records of a mebibyte, put as the bytes of the shard allow.
        for _ in 0..<4 {
            test.clock.advance(milliseconds: 1000)
            try stream.putBlocking([UInt8](repeating: 7, count: (1 << 20) - 1).span, partitionKey: "k", ack: .published)
        }
        #expect(Self.code(get) == nil)
        #expect(Self.code(get) == Self.exceeded)
        // Four mebibytes are two seconds'.
        test.clock.advance(milliseconds: 1900)
        #expect(Self.code(get) == Self.exceeded)
        test.clock.advance(milliseconds: 200)
        #expect(Self.code(get) == nil)
        try store.closeBlocking()
    }

    @Test func `calls, changes of a day and streams in the making are counted`() throws {
        let (test, store) = try Self.open(transitionMilliseconds: 10)
        for number in 0..<5 { try store.answer(CreateStreamRequest(streamName: "s\(number)", shardCount: 1)) }
        func create() throws(KinesisError) { try store.answer(CreateStreamRequest(streamName: "s5", shardCount: 1)) }
        // Five calls in this second are spent, and five streams are CREATING.
        #expect(Self.code(create) == "LimitExceededException")
        test.clock.advance(milliseconds: 5)
        #expect(Self.code(create) == "LimitExceededException")
        test.clock.advance(milliseconds: 1000)
        #expect(Self.code(create) == nil)
        test.clock.advance(milliseconds: 1000)
        for count in 1...10 {
            test.clock.advance(milliseconds: 1000)
            _ = try store.answer(UpdateShardCountRequest(stream: "s0", targetShardCount: count % 2 + 1))
        }
        test.clock.advance(milliseconds: 1000)
        #expect(
            Self.code { () throws(KinesisError) in
                _ = try store.answer(UpdateShardCountRequest(stream: "s0", targetShardCount: 2))
            } == "LimitExceededException")
        test.clock.advance(milliseconds: 86_400_000)
        #expect(
            Self.code { () throws(KinesisError) in
                _ = try store.answer(UpdateShardCountRequest(stream: "s0", targetShardCount: 2))
            } == nil)
        try store.closeBlocking()
    }

    @Test(arguments: [CapacityEnforcement.off, .warn]) func `nothing is refused unless limits are enforced`(
        capacity: CapacityEnforcement
    ) throws {
        let (_, store) = try Self.open(capacity)
        _ = try store.createStreamBlocking("s", shards: 1, ack: .published)
        for _ in 0..<1500 { try Self.put(store) }
        let iterator = try store.answer(
            GetShardIteratorRequest(stream: "s", shardID: "shardId-000000000000", shardIteratorType: "TRIM_HORIZON")
        ).shardIterator
        for _ in 0..<20 { #expect(try store.answer(GetRecordsRequest(shardIterator: iterator)).records.count == 1500) }
        try store.closeBlocking()
    }

    @Test func `an on-demand stream is split where its traffic is, and a key that has a shard's traffic alone is named`()
        async throws
    {
        let test = TestStore()
        let store = try test.open()
        try store.answer(CreateStreamRequest(streamName: "s", streamModeDetails: StreamModeDetails(.onDemand)))
        let stream = try store.stream("s")
        #expect(stream.openShards.count == 4)
        func minute(_ key: (Int) -> String) throws {
            for index in 0..<200 {
                try stream.putBlocking([UInt8](repeating: 7, count: 200 << 10).span, partitionKey: key(index), ack: .published)
            }
            test.clock.advance(milliseconds: 60_000)
        }
        // 40 MiB a minute on one key: two thirds of what a shard takes.
        try minute { _ in "hot" }
        #expect(try store.scaleStep() == 0)
        let hot = try #require(store.hotShards(of: stream).first)
        #expect(hot.hashKey == (try PartitionKey("hot").hashKey))
        #expect((hot.share ?? 0) > 800)
        // The same on the many keys of one shard: that one is split, and puts by batch are measured too.
        let shard = try stream.shard(forPartitionKey: "hot")
        let keys = (0..<4000).map { "key \($0)" }.filter { (try? stream.shard(forPartitionKey: $0).id) == shard.id }
        for _ in 0..<3 {
            try minute { keys[$0 * 7 % keys.count] }
            var batch = PutBatch()
            try batch.add([UInt8](repeating: 1, count: 100 << 10).span, partitionKey: keys[0])
            #expect(stream.putBatchBlocking(batch, ack: .published).count == 1)
            _ = try store.scaleStep()
        }
        #expect(stream.openShards.count > 4)
        #expect(store.scalingError == nil)
        try await store.close()
    }
}
