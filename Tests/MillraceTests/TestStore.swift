import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit
import MillraceTestSupport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A store on a disk in memory with time by hand; the engine's threads run.
struct TestStore {
    var disk = ShadowIO()
    var clock = ManualClock()
    var entropy = SeededEntropy(seed: 1)
    var configuration = TestStore.configuration
    var options = ServiceOptions()

    static var configuration: LogConfiguration {
        var configuration = Harness.smallConfiguration
        configuration.workerCount = 2
        configuration.greatestRecordByteCount = LogConfiguration().greatestRecordByteCount
        configuration.memoryByteCount = 64 << 20
        configuration.writeShareByteCount = 40 << 20
        configuration.unwrittenByteLimit = 36 << 20
        return configuration
    }

    func open() throws(KinesisError) -> StreamStore {
        try StreamStore(at: "/store", io: disk, clock: clock, entropy: entropy, configuration: configuration,
            options: options)
    }
}

extension Shard {
    /// Everything visible from `start` on.
    func readAll(from start: StartingPosition = .trimHorizon, level: AckLevel? = nil) throws(KinesisError) -> [Record] {
        var cursor = try cursorBlocking(at: start, level: level)
        var records: [Record] = []
        while true {
            let more: Bool? = try cursor.withBatch { batch throws(KinesisError) in
                while let record = batch.next() { records.append(try record.copy()) }
                return true
            }
            if more == nil { return records }
        }
    }
}

extension Record {
    var text: String { String(decoding: data, as: UTF8.self) }
}

extension StoredStream {
    /// Everything visible, shard by shard.
    func readAll() throws(KinesisError) -> [Record] {
        var records: [Record] = []
        for shard in shards { records += try shard.readAll() }
        return records
    }
}

/// A new directory under the system's temporary one, whose name no other test has.
func temporaryPath() -> String {
    // Safe because the string is copied at once.
    let root = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    return "\(root)/millrace-streams-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
}

/// Removes a store's directory and everything in it.
func removeTree(_ path: String) {
    let io = PosixIO()
    func empty(_ directory: DirectoryHandle) {
        for name in (try? io.list(directory)) ?? [] {
            if let inner = try? io.openDirectory(name, in: directory, create: false) {
                empty(inner)
                io.close(inner)
                try? io.removeDirectory(name, in: directory)
            } else {
                try? io.unlink(name, in: directory)
            }
        }
    }
    guard let root = try? io.openDirectory(at: path, create: false) else { return }
    empty(root)
    io.close(root)
    // Safe because the string is a C string for the call.
    _ = unsafe rmdir(path)
}

/// What `body` throws; nil when it does not.
func refusal(_ body: () throws(KinesisError) -> Void) -> KinesisError? {
    do throws(KinesisError) { try body() } catch { return error }
    return nil
}

extension StreamStore {
    /// A new stream, and its ARN.
    @discardableResult
    func make(_ name: String = "s", shards: Int? = 1, _ change: (inout CreateStreamRequest) -> Void = { _ in })
        throws(KinesisError) -> String
    {
        var request = CreateStreamRequest(streamName: name, shardCount: shards)
        change(&request)
        try answer(request)
        return try summary(name).streamARN.description
    }

    func summary(_ name: String = "s") throws(KinesisError) -> StreamDescriptionSummary {
        try answer(DescribeStreamSummaryRequest(stream: StreamReference(name: name))).streamDescriptionSummary
    }

    func shards(_ name: String = "s", _ filter: ShardFilter? = nil) throws(KinesisError) -> [ShardSummary] {
        try answer(ListShardsRequest(stream: StreamReference(name: name), shardFilter: filter)).shards
    }

    func split(_ index: UInt32, at key: UInt128? = nil, of name: String = "s") throws(KinesisError) {
        let range = try shards(name).first { $0.shardID.index == index }?.hashKeyRange ?? .whole
        let key = key ?? range.starting.value + (range.ending.value - range.starting.value) / 2 + 1
        try answer(
            SplitShardRequest(
                stream: StreamReference(name: name), shardToSplit: "\(ShardID(index: index))", newStartingHashKey: "\(key)"))
    }

    func merge(_ index: UInt32, _ adjacent: UInt32, of name: String = "s") throws(KinesisError) {
        try answer(
            MergeShardsRequest(
                stream: StreamReference(name: name), shardToMerge: "\(ShardID(index: index))",
                adjacentShardToMerge: "\(ShardID(index: adjacent))"))
    }

    @discardableResult
    func scale(to count: Int, _ name: String = "s") throws(KinesisError) -> UpdateShardCountResponse {
        try answer(UpdateShardCountRequest(stream: StreamReference(name: name), targetShardCount: count))
    }

    func iterator(
        _ index: UInt32 = 0, _ type: ShardIteratorType = .trimHorizon, number: SequenceNumber? = nil, time: Int64? = nil,
        of name: String = "s"
    ) throws(KinesisError) -> String {
        try answer(
            GetShardIteratorRequest(
                stream: StreamReference(name: name), shardID: "\(ShardID(index: index))", shardIteratorType: type.rawValue,
                startingSequenceNumber: number?.description, timestampMilliseconds: time)
        ).shardIterator
    }
}
