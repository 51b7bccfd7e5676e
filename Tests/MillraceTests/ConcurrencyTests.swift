import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Testing

/// Aim: many tasks and threads put and read at once, and each sees its own order; no record is lost, doubled or misnamed.
/// Method: everything starts together on one store; every number a put gave is looked up among what was read.
@Suite(.timeLimit(.minutes(3))) struct ConcurrencyTests {
    @Test func `every put of many tasks is read once under its number, and each task's keys stay in order`()
        async throws
    {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: 4, ack: .written)
        let (tasks, count) = (16, 150)
        let readers = (0..<3).map { _ in
            Task { try await FollowTests.take(tasks * count * 2, stream.records(from: .trimHorizon)) }
        }
        let threads = (0..<2).map { thread in
            WorkerThread(name: "test") {
                for index in 0..<count * tasks / 2 {
                    let text = "thread \(thread) \(index)"
                    _ = try? stream.putBlocking(text.utf8Span.span, partitionKey: "thread \(thread)", ack: .published)
                }
            }
        }
        let numbers = try await withThrowingTaskGroup(of: [(SequenceNumber, String)].self) { group in
            for task in 0..<tasks {
                group.addTask {
                    var numbers: [(SequenceNumber, String)] = []
                    var index = 0
                    while index < count {
                        if index % 10 == 5 {
                            let entries = (0..<5).map { PutEntry("\(task) \(index + $0)", partitionKey: "\(task)") }
                            let results = try await stream.putRecords(entries)
                            for (offset, result) in results.enumerated() {
                                numbers.append((try result.get(), "\(task) \(index + offset)"))
                            }
                            index += 5
                        } else {
                            numbers.append(
                                (try await stream.put("\(task) \(index)", partitionKey: "\(task)"), "\(task) \(index)"))
                            index += 1
                        }
                    }
                    return numbers
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        for thread in threads { thread.join() }
        for reader in readers {
            let records = try await reader.value
            #expect(Set(records.map(\.sequenceNumber)).count == records.count)
            let texts = Dictionary(uniqueKeysWithValues: records.map { ($0.sequenceNumber, $0.text) })
            for (number, text) in numbers where texts[number] != text {
                Issue.record("\(text) is not under its number \(number)")
                break
            }
            for (_, ofKey) in Dictionary(grouping: records, by: \.partitionKey) {
                let indices = ofKey.compactMap { Int($0.text.split(separator: " ").last ?? "") }
                #expect(indices == Array(0..<indices.count))
            }
        }
        try await store.close()
    }

    @Test func `puts wait for memory and go on when it is there`() async throws {
        var test = TestStore()
        test.configuration.unwrittenByteLimit = 64 << 10
        let store = try test.open()
        let stream = try await store.createStream("s", shards: 1, ack: .published)
        let data = [UInt8](repeating: 7, count: 20_000)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { for _ in 0..<50 { try await stream.put(data, partitionKey: "k") } } }
            try await group.waitForAll()
        }
        for _ in 0..<100 { try stream.putBlocking(data.span, partitionKey: "k") }
        #expect(try stream.readAll().count == 500)
        try await store.close()
    }
}
