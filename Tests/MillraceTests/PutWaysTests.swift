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

/// Aim: every way to put a record ends the same way, in good times and bad. Method: the same records through each call, on a disk
/// in memory that is slow or fails.
@Suite(.timeLimit(.minutes(2))) struct PutWaysTests {
    @Test func `keys of bytes go where keys of text go`() async throws {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: 4)
        // Of one byte a character, and of two with more bytes than there may be characters.
        let keys = (0..<40).map { "customer-\($0)" } + [String(repeating: "é", count: 256)]
        for key in keys {
            let (data, bytes) = (Array("by bytes".utf8), Array(key.utf8))
            // Safe because the arrays stay in place while their spans are borrowed.
            let number = try stream.putBlocking(unsafe data.span.bytes, partitionKey: unsafe bytes.span.bytes, ack: .published)
            #expect(try stream.shard(forPartitionKey: key).id == number.shardID)
            let hashKey = stream.shards[3].hashKeyRange.starting
            let explicit = try stream.putBlocking(
                unsafe data.span.bytes, partitionKey: unsafe bytes.span.bytes, explicitHashKey: hashKey, ack: .published)
            #expect(explicit.shardID == stream.shards[3].id)
            var batch = PutBatch()
            try batch.add(unsafe data.span.bytes, partitionKey: unsafe bytes.span.bytes)
            #expect(try stream.putBatchBlocking(batch, ack: .published)[0].get().shardID == number.shardID)
        }
        try await store.close()
    }

    @Test func `producers that outrun a slow disk wait for room, whichever way they put, and nothing is lost`() async throws {
        var test = TestStore()
        test.configuration.unwrittenByteLimit = 256 << 10
        test.disk.fault = { operation, _, _ in
            if operation == .write { usleep(2000) }
            return nil
        }
        let store = try test.open()
        let stream = try await store.createStream("s", ack: .published)
        let data = [UInt8](repeating: 5, count: 1000)
        var batch = PutBatch()
        for number in 0..<100 { try batch.add(data.span, partitionKey: "k\(number)") }
        let full = batch
        async let tasks: Void = {
            for _ in 0..<10 { for result in await stream.putBatch(full) { _ = try result.get() } }
            for _ in 0..<1000 { try await stream.put(data, partitionKey: "task") }
        }()
        async let threads: Void = {
            for _ in 0..<10 { for result in stream.putBatchBlocking(full) { _ = try result.get() } }
            for _ in 0..<1000 { try stream.putBlocking(data.span, partitionKey: "thread") }
        }()
        _ = try await (tasks, threads)
        try await store.close()
        #expect(try test.open().stream("s").readAll().count == 4000)
    }

    /// The thread that put the first parts has called nobody for them, and they hold the memory that the last ones need.
    @Test(arguments: [AckLevel.written, .durable]) func `a batch over many shards that needs more memory than there is goes on`(
        ack: AckLevel
    ) async throws {
        var test = TestStore()
        test.configuration.writeShareByteCount = 2 << 20
        test.configuration.unwrittenByteLimit = 1 << 20
        let store = try test.open()
        let stream = try await store.createStream("s", shards: 8, ack: ack)
        var batch = PutBatch()
        for number in 0..<400 { try batch.add([UInt8](repeating: 5, count: 10_000).span, partitionKey: "k\(number)") }
        for _ in 0..<5 { for result in stream.putBatchBlocking(batch) { _ = try result.get() } }
        #expect(try stream.readAll().count == 2000)
        try await store.close()
    }

    @Test func `a batch tells each record's failure: of a closed store, and of a sync that fails while it waits`() async throws {
        let test = TestStore()
        let store = try test.open()
        let stream = try await store.createStream("s", shards: 2)
        var batch = PutBatch()
        for number in 0..<20 { try batch.add([1].span, partitionKey: "k\(number)") }
        for result in await stream.putBatch(batch) { _ = try result.get() }
        test.disk.fault = { operation, _, _ in operation == .sync ? 5 : nil }
        func isFrozen(_ result: Result<SequenceNumber, KinesisError>) -> Bool {
            if case .failure(.storage(.frozen)) = result { return true }
            return false
        }
        #expect(stream.putBatchBlocking(batch).allSatisfy(isFrozen))
        #expect(await stream.putBatch(batch).allSatisfy(isFrozen))
        await #expect(throws: KinesisError.self) { try await stream.put("x", partitionKey: "k") }
        #expect(throws: KinesisError.self) { try stream.putBlocking([1].span, partitionKey: "k") }
        test.disk.fault = nil
        try? await store.close()
        let isClosed = { (result: Result<SequenceNumber, KinesisError>) in result == .failure(.storage(.closed)) }
        #expect(stream.putBatchBlocking(batch).allSatisfy(isClosed))
        #expect(await stream.putBatch(batch).allSatisfy(isClosed))
    }

    @Test func `a position behind a number is kept as text, and a number of another stream's shard is refused`() async throws {
        let store = try TestStore().open()
        let one = try await store.createStream("one")
        let many = try await store.createStream("many", shards: 8)
        let first = try await one.put("first", partitionKey: "k")
        try await one.put("second", partitionKey: "k")
        let position = one.records(from: .after(first)).position
        #expect(try StreamPosition(position.description) == position)
        for try await record in try one.records(from: StreamPosition(position.description)) {
            #expect(record.text == "second")
            break
        }
        let foreign = try await many.put("x", partitionKey: "k", explicitHashKey: many.shards[7].hashKeyRange.starting)
        var iterator = one.records(from: .at(foreign)).makeAsyncIterator()
        do {
            _ = try await iterator.next()
            Issue.record("read from a number of a shard that the stream has not")
        } catch { #expect(error.code == "InvalidArgumentException") }
        try await store.close()
    }
}
