import Millrace
import MillraceModel
import Testing

/// Aim: the short calls do the same whatever service stands behind them. Method: a store, seen as any service.
@Suite struct StreamHandleTests {
    @Test func `the short calls of any service put, scale, retain and read on over splits and merges`() async throws {
        let store = try TestStore().open()
        let service: any StreamService = store
        let stream = try await service.createStream("s", shards: 2)
        for index in 0..<20 { try await stream.put("\(index)", partitionKey: "key \(index % 3)") }
        let shards = try await stream.listShards()
        try await stream.split(shards[0].shardID)
        try await stream.merge(ShardID(index: 3), ShardID(index: 1))
        for index in 20..<40 { try await stream.put("\(index)", partitionKey: "key \(index % 3)") }
        try await stream.scale(to: 4)
        let entries = (40..<50).map { PutEntry("\($0)", partitionKey: "key \($0 % 3)") }
        #expect(try await stream.putRecords(entries).allSatisfy { !$0.isFailure })
        var found: [String: [Int]] = [:]
        var count = 0
        for try await record in stream.records(from: .trimHorizon) {
            found[record.partitionKey.text, default: []].append(try #require(Int(record.text)))
            count += 1
            if count == 50 { break }
        }
        for (key, values) in found { #expect(values == values.sorted(), "\(key)") }
        #expect(found.values.reduce(0) { $0 + Set($1).count } == 50)

        try await stream.retain(for: try RetentionPeriod(hours: 48))
        let summary = try await service.describeStreamSummary(DescribeStreamSummaryRequest(stream: "s"))
        #expect(summary.streamDescriptionSummary.retentionPeriod.hours == 48)
        try await stream.delete()
        await #expect(throws: KinesisError.self) { try await stream.put("x", partitionKey: "k") }
        try await store.close()
    }

    @Test func `what is put while latest is read comes, and what was before does not`() async throws {
        let store = try TestStore().open()
        let service: any StreamService = store
        let stream = try await service.createStream("s", shards: 1)
        try await stream.put("before", partitionKey: "k")
        var records = stream.records(from: .latest).makeAsyncIterator()
        let putting = Task {
            try await Task.sleep(nanoseconds: 300_000_000)
            try await stream.put("after", partitionKey: "k")
        }
        #expect(try await records.next()?.text == "after")
        try await putting.value
        try await store.close()
    }
}
