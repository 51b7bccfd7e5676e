import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit
import Testing

/// Aim: what the model tests and the simulation found stays found.
/// Method: the small lists of actions that showed it, or the same done by hand. Those that the store still does wrong are known
/// issues.
@Suite struct FoundByTheModelTests {
    private static func model(_ actions: [StreamAction]) throws { try ModelSequence(seed: 1, actions: actions).run() }

    private static func payload(
        _ key: Int = 5, _ size: StreamAction.Size = .bytes(10), _ hash: StreamAction.HashPlace? = nil
    ) -> StreamAction.Payload { StreamAction.Payload(key: key, size: size, hash: hash) }

    @Test func `found by the model: a closed shard whose records are too old gives out no iterator`() throws {
        try Self.model([
            .createStream(0, shards: 1, isOnDemand: false, ack: nil), .splitShard(0, shard: 0, .middle),
            .advanceClock(milliseconds: 2 * 86_400_000), .getShardIterator(0, shard: 1, .trimHorizon, slot: 0),
        ])
    }

    @Test func `found by the model: a batch with a record that is too large is refused, not failed record by record`() throws {
        try Self.model([
            .createStream(0, shards: 3, isOnDemand: false, ack: nil), .putRecords(0, count: 2, Self.payload(5, .overLimit(1))),
        ])
    }

    @Test func `found by the model: reading goes on behind the ending number of a closed shard`() throws {
        try Self.model([
            .createStream(0, shards: 4, isOnDemand: false, ack: nil), .updateShardCount(0, .half(plus: 0)),
            .getShardIterator(0, shard: 1, .afterEnd, slot: 3), .getRecords(slot: 3, limit: nil),
        ])
    }

    @Test func `found by the model: a record says that it was put under encryption when it is read from disk`() throws {
        try Self.model([
            .createStream(0, shards: 1, isOnDemand: false, ack: nil), .putRecord(0, Self.payload()),
            .startEncryption(0, key: "alias/one"), .putRecord(0, Self.payload()),
            .getShardIterator(0, shard: 1, .trimHorizon, slot: 0), .closeAndReopen, .getRecords(slot: 0, limit: nil),
        ])
    }

    @Test func `found by the model: a clock that is set back does not make a consumer CREATING again`() throws {
        let world = World()
        let store = try world.open()
        defer { store.abandon() }
        _ = try store.createStreamBlocking("s", shards: 1)
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
        _ = try store.answer(RegisterStreamConsumerRequest(streamARN: arn, consumerName: "c"))
        world.move(hours: -1)
        let consumers = try store.answer(ListStreamConsumersRequest(streamARN: arn)).consumers
        #expect(consumers.map(\.consumerStatus) == [.active])
    }

    @Test func `found by the model: a shard closed by a clock that is behind is listed as long as its records are to be seen`() throws {
        let world = World()
        let store = try world.open()
        defer { store.abandon() }
        let stream = try store.createStreamBlocking("s", shards: 1)
        world.clock.advance(milliseconds: 30 * 3_600_000)
        try stream.putBlocking([1, 2, 3].span, partitionKey: "k")
        // Looking raises the horizon to a day before now.
        _ = try store.answer(ListShardsRequest(stream: "s"))
        world.move(hours: -48)
        try store.answer(SplitShardRequest(stream: "s", shardToSplit: "shardId-000000000000", newStartingHashKey: "9999999999"))
        world.move(hours: 48)
        let ids = try store.answer(ListShardsRequest(stream: "s")).shards.map(\.shardID.index)
        #expect(ids == [0, 1, 2])
    }

    @Test func `found by the model: a record put while the clock is far behind can be read`() throws {
        let world = World()
        let store = try world.open()
        defer { store.abandon() }
        let stream = try store.createStreamBlocking("s", shards: 1)
        _ = try store.answer(ListShardsRequest(stream: "s"))
        world.move(hours: -48)
        try stream.putBlocking([1, 2, 3].span, partitionKey: "k")
        #expect(try Self.count(store) == 1)
    }

    @Test func `found by the model: what was out of sight stays so when the store is opened anew with the clock set back`() throws {
        let world = World()
        var store = try world.open()
        let stream = try store.createStreamBlocking("s", shards: 1)
        try stream.putBlocking([1, 2, 3].span, partitionKey: "k")
        world.clock.advance(milliseconds: 2 * 86_400_000)
        let before = try Self.count(store)
        #expect(before == 0)
        try store.closeBlocking()
        world.move(hours: -48)
        store = try world.open()
        defer { store.abandon() }
        let count = try Self.count(store)
        #expect(count == 0)
    }

    @Test func `found by the model: a log's first segment that power failed to begin is no damage`() throws {
        let world = World()
        let store = try world.open()
        let stream = try store.createStreamBlocking("s", shards: 1, ack: .written)
        try stream.putBlocking([1, 2, 3].span, partitionKey: "k")
        // The file's name is on the disk, and none of its bytes.
        let disk = world.disk.crash(
            CrashOptions(unitByteCount: 4096, keepProbability: 0, tearProbability: 0, names: .all), entropy: SeededEntropy(seed: 1))
        store.abandon()
        let found = try StoreVerification.run(at: "/store", io: disk)
        #expect(found.isClean, "\(found.findings)")
        #expect(found.findings.contains { $0.detail.contains("begun when the power failed") })
    }

    private static func count(_ store: StreamStore) throws -> Int {
        let iterator = try store.answer(
            GetShardIteratorRequest(
                stream: "s", shardID: "shardId-000000000000", shardIteratorType: "TRIM_HORIZON")
        ).shardIterator
        return try store.answer(GetRecordsRequest(shardIterator: iterator)).records.count
    }

    /// A disk in memory, time by hand, no threads.
    private struct World {
        let disk = ShadowIO()
        let clock = ManualClock()

        func open() throws -> StreamStore {
            var configuration = Harness.smallConfiguration
            configuration.greatestRecordByteCount = 11 << 20
            return try StreamStore(
                at: "/store", io: disk, clock: clock, entropy: SeededEntropy(seed: 1), configuration: configuration)
        }

        func move(hours: Int64) { clock.setWall(nanoseconds: clock.wallNanoseconds() + hours * 3_600_000_000_000) }
    }
}
