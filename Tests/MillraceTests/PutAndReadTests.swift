import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Testing

/// Aim: what is put is read, under the number the put gave, from the shard the key belongs to. Method: stores on a disk in
/// memory with the engine's threads, and one in a real directory.
@Suite(.timeLimit(.minutes(2))) struct PutAndReadTests {
    @Test func `a record is read with the number, time, key and data it was put with`() async throws {
        let test = TestStore()
        let store = try test.open()
        let orders = try await store.createStream("orders", shards: 1)
        let number = try await orders.put("hello", partitionKey: "k1")
        test.clock.advance(milliseconds: 2500)
        let bytes: [UInt8] = [0, 255, 7]
        let second = try await orders.put(bytes, partitionKey: "k2", ack: .published)
        let third = try orders.putBlocking([UInt8]().span, partitionKey: "ключ")
        let records = try orders.shards[0].readAll()
        #expect(records.map(\.sequenceNumber) == [number, second, third])
        #expect(records.map(\.partitionKey.text) == ["k1", "k2", "ключ"])
        #expect(records.map(\.data) == [Array("hello".utf8), bytes, []])
        #expect(
            records.map(\.approximateArrivalMilliseconds) == [1_735_689_600_000, 1_735_689_602_500, 1_735_689_602_500])
        #expect(records[0].sequenceNumber.recordSecond == 1_735_689_600)
        #expect(records[1].sequenceNumber.recordSecond == 1_735_689_602)
        #expect(records[0].sequenceNumber.shardCreationSecond == orders.creationSecond)
        #expect(orders.shards[0].startingSequenceNumber <= number)
        try await store.close()
    }

    @Test func `streams, records and numbers are the same after closing and opening, in a real directory too`()
        async throws
    {
        for real in [false, true] {
            let test = TestStore()
            let path = temporaryPath()
            func open() async throws -> StreamStore { real ? try await StreamStore.open(at: path) : try test.open() }
            var expected: [[Record]] = []
            do {
                let store = try await open()
                #expect(store.listStreams().isEmpty)
                let orders = try await store.createStream("orders", shards: 3, ack: .written)
                _ = try await store.createStream("a.b-c_d", shards: 1)
                for index in 0..<200 { try await orders.put("value \(index)", partitionKey: "key \(index % 17)") }
                expected = try orders.shards.map { try $0.readAll() }
                #expect(expected.map(\.count).reduce(0, +) == 200)
                try await store.close()
                try await store.close()
            }
            let store = try await open()
            #expect(store.listStreams().map(\.text) == ["a.b-c_d", "orders"])
            let orders = try store.stream("orders")
            #expect(orders === (try store.stream("orders")))
            #expect(orders.ackLevel == .written)
            #expect(try orders.shards.map { try $0.readAll() } == expected)
            #expect(orders.shards.map(\.hashKeyRange) == (try HashKeyRange.tiling(count: 3)))
            let later = try await orders.put("later", partitionKey: "key 1")
            let shard = try orders.shard(forPartitionKey: "key 1")
            #expect(try shard.readAll().last?.sequenceNumber == later)
            #expect(expected[Int(shard.id.index)].allSatisfy { $0.sequenceNumber < later })
            try await store.close()
            if real { removeTree(path) }
        }
    }

    @Test func `a record goes to the shard whose range holds the MD5 of its key, or the place given for it`()
        async throws
    {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: 7, ack: .published)
        for index in 0..<300 { try await stream.put("\(index)", partitionKey: "key \(index)") }
        for shard in stream.shards {
            let records = try shard.readAll()
            #expect(records.count > 10)
            for record in records {
                #expect(shard.hashKeyRange.contains(record.partitionKey.hashKey))
                #expect(try stream.shard(forPartitionKey: record.partitionKey.text) === shard)
                #expect(record.sequenceNumber.shardID == shard.id)
            }
        }
        for (shard, place) in [(0, HashKey.min), (6, HashKey.max), (3, stream.shards[3].hashKeyRange.starting)] {
            let number = try await stream.put("there", partitionKey: "k", explicitHashKey: place)
            #expect(number.shardID.index == UInt32(shard))
            #expect(try stream.shards[shard].readAll(from: .at(number)).map(\.text) == ["there"])
        }
        try await store.close()
    }

    @Test func `many records in one call keep their order in each shard and get their own numbers`() async throws {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: 5)
        let entries = (0..<500).map { PutEntry("value \($0)", partitionKey: "key \($0 % 37)") }
        let numbers = try await stream.putRecords(entries).map { try $0.get() }
        #expect(Set(numbers).count == 500)
        var found: [SequenceNumber: String] = [:]
        for shard in stream.shards {
            let records = try shard.readAll()
            #expect(records.map(\.sequenceNumber) == records.map(\.sequenceNumber).sorted())
            let values = records.compactMap { Int($0.text.dropFirst(6)) }
            #expect(values == values.sorted())
            for record in records { found[record.sequenceNumber] = record.text }
        }
        #expect(numbers.map { found[$0] } == entries.map { String(decoding: $0.data ?? [], as: UTF8.self) })

        var batch = PutBatch()
        for entry in entries {
            let (data, key) = (try #require(entry.data), try #require(entry.partitionKey))
            try batch.add(data.span, partitionKey: key, explicitHashKey: key == "key 1" ? .max : nil)
        }
        let again = try stream.putBatchBlocking(batch, ack: .written).map { try $0.get() }
        for (index, number) in again.enumerated() {
            #expect(number.shardID == (index % 37 == 1 ? ShardID(index: 4) : numbers[index].shardID))
        }
        batch.removeAll()
        #expect(batch.isEmpty && batch.byteCount == 0)
        #expect(await stream.putBatch(batch).isEmpty)
        try await store.close()
    }

    @Test func `the number of a put is the record's own, though the clock goes back or the store was opened earlier`()
        async throws
    {
        let test = TestStore()
        for round in 0..<4 {
            let store = try test.open()
            let stream = round == 0 ? try await store.createStream("s", shards: 1) : try store.stream("s")
            var numbers: [SequenceNumber] = []
            for step in 0..<6 {
                numbers.append(try await stream.put("\(step)", partitionKey: "k", ack: .published))
                numbers += try await stream.putRecords([
                    PutEntry("a", partitionKey: "k"), PutEntry("b", partitionKey: "k"),
                ])
                .map { try $0.get() }
                let wall = test.clock.wallNanoseconds()
                test.clock.setWall(nanoseconds: wall + (step % 2 == 0 ? -7_000_000_000 : 3_000_000_000))
            }
            let records = try stream.shards[0].readAll()
            #expect(records.suffix(numbers.count).map(\.sequenceNumber) == numbers)
            try await store.close()
        }
    }

    @Test func `a reader sees what the stream's ack level promises, and less or more where it asks`() async throws {
        var test = TestStore()
        test.configuration.workerCount = 0
        let store = try test.open()
        let stream = try await store.createStream("s", shards: 1)
        let shard = stream.shards[0]
        try await stream.put("1", partitionKey: "k", ack: .published)
        #expect(try shard.readAll(level: .published).count == 1)
        #expect(try shard.readAll(level: .written).isEmpty)
        #expect(try shard.readAll().isEmpty)
        try stream.putBlocking("2".utf8Span.span, partitionKey: "k", ack: .written)
        #expect(try shard.readAll(level: .written).count == 2)
        #expect(try shard.readAll().isEmpty)
        try stream.putBlocking("3".utf8Span.span, partitionKey: "k")
        #expect(try shard.readAll().map(\.text) == ["1", "2", "3"])
        try await store.close()
    }
}
