import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit

/// A store of streams on a disk whose calls may fail, and what its puts were promised. A class because scenarios act on
/// it.
final class StreamLife {
    struct Put {
        let index: Int
        let number: SequenceNumber
        var ack: AckLevel
    }

    let disk: ShadowIO
    let io: FaultIO
    let clock = ManualClock()
    private let entropy = SeededEntropy(seed: 5)
    var store: StreamStore?
    var stream: StoredStream?
    var puts: [Put] = []
    /// Records that may be there: each put has an index of its own.
    var attempts: Int
    var isCreated: Bool
    /// What the scenario itself saw that must never be.
    var wrong: [String] = []

    init(disk: ShadowIO, puts: [Put], isCreated: Bool, plan: FaultIO.Plan?) {
        self.disk = disk
        io = FaultIO(disk, plan.map { [$0] } ?? [])
        self.puts = puts
        attempts = puts.count
        self.isCreated = isCreated
    }

    static var configuration: LogConfiguration {
        var configuration = LogLife.configuration
        configuration.workerCount = 1
        configuration.memoryByteCount = 4 << 20
        configuration.writeShareByteCount = 2 << 20
        configuration.greatestRecordByteCount = LogConfiguration().greatestRecordByteCount
        return configuration
    }

    func open() throws(KinesisError) {
        store = try StreamStore(
            at: "/store", io: io, clock: clock, entropy: entropy, configuration: StreamLife.configuration,
            readerThreadCount: 1)
        if isCreated { stream = try opened().stream("s") }
    }

    func opened() throws(KinesisError) -> StreamStore {
        guard let store else { throw .storage(.closed) }
        return store
    }

    func createStream() async throws(KinesisError) {
        stream = try await opened().createStream("s", shards: 2)
        isCreated = true
    }

    private func next(_ byteCount: Int) -> (index: Int, data: [UInt8], key: String) {
        defer { attempts += 1 }
        let text = Array("\(attempts) ".utf8)
        return (attempts, text + [UInt8](repeating: 120, count: max(0, byteCount - text.count)), "key \(attempts % 7)")
    }

    private func handle() throws(KinesisError) -> StoredStream {
        guard let stream else { throw .storage(.closed) }
        return stream
    }

    func put(_ ack: AckLevel, _ byteCount: Int = 200) async throws(KinesisError) {
        let (index, data, key) = next(byteCount)
        let number = try await handle().put(data, partitionKey: key, ack: ack)
        puts.append(Put(index: index, number: number, ack: ack))
    }

    func putBlocking(_ ack: AckLevel, _ byteCount: Int = 200) throws(KinesisError) {
        let (index, data, key) = next(byteCount)
        let number = try handle().putBlocking(data.span, partitionKey: key, ack: ack)
        puts.append(Put(index: index, number: number, ack: ack))
    }

    func putRecords(_ count: Int, _ ack: AckLevel, _ byteCount: Int = 200) async throws(KinesisError) {
        let records = (0..<count).map { _ in next(byteCount) }
        let results = try await handle().putRecords(
            records.map { PutEntry($0.data, partitionKey: $0.key) }, ack: ack)
        var first: KinesisError?
        for (record, result) in zip(records, results) {
            switch result {
            case .success(let number): puts.append(Put(index: record.index, number: number, ack: ack))
            case .failure(let error): first = first ?? error
            }
        }
        if let first { throw first }
    }

    /// Everything visible, shard by shard.
    func read() throws(KinesisError) -> [Record] { try handle().readAll(level: .durable) }

    /// Reads the whole stream as one sequence, as many records as were acknowledged as durable.
    func follow() async throws(KinesisError) {
        var iterator = try handle().records(from: .trimHorizon, level: .durable).makeAsyncIterator()
        var found: [Int] = []
        let wanted = puts.count { $0.ack == .durable }
        while found.count < wanted {
            guard let record = try await iterator.next() else { break }
            found.append(record.index)
        }
        if Set(found).count != found.count { wrong.append("a record came twice: \(found)") }
    }

    func close() async throws(KinesisError) {
        let store = try opened()
        defer { letGo() }
        try await store.close()
        for at in puts.indices { puts[at].ack = .durable }
    }

    func letGo() {
        store?.abandon()
        stream = nil
        store = nil
    }
}

extension Record {
    /// The index that the put gave it.
    var index: Int {
        Int(String(decoding: data.prefix { $0 != 32 }, as: UTF8.self)) ?? -1
    }
}

extension StoredStream {
    /// Everything visible at the level, shard by shard.
    func readAll(level: AckLevel) throws(KinesisError) -> [Record] {
        var records: [Record] = []
        for shard in shards {
            var cursor = try shard.cursorBlocking(at: .trimHorizon, level: level)
            while true {
                let more: Bool? = try cursor.withBatch { batch throws(KinesisError) in
                    while let record = batch.next() { records.append(try record.copy()) }
                    return true
                }
                if more == nil { break }
            }
        }
        return records
    }
}
