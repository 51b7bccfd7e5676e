import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Testing

extension StreamOperationsTests {
    @Test func `a deleted stream is gone with all that belonged to it, and its name is free`() throws {
        let test = TestStore()
        var store = try test.open()
        let arn = try store.make()
        let handle = try store.stream("s")
        _ = try handle.putBlocking("old".utf8Span.span, partitionKey: "k")
        let iterator = try store.iterator()
        let consumer = try store.answer(RegisterStreamConsumerRequest(streamARN: arn, consumerName: "c")).consumer
        let refused = refusal { () throws(KinesisError) in try store.answer(DeleteStreamRequest(stream: "s")) }
        #expect(refused?.code == "ResourceInUseException")
        let asked = refusal { () throws(KinesisError) in
            try store.answer(DeleteStreamRequest(stream: "s", enforceConsumerDeletion: false))
        }
        #expect(asked?.code == "ResourceInUseException")
        #expect(try store.summary().consumerCount == 1)
        try store.answer(DeleteStreamRequest(stream: "s", enforceConsumerDeletion: true))
        for isLater in [false, true] {
            if isLater {
                try store.closeBlocking()
                store = try test.open()
            }
            #expect(store.listStreams().isEmpty)
            #expect(refusal { () throws(KinesisError) in _ = try store.summary() }?.code == "ResourceNotFoundException")
            let get = refusal { () throws(KinesisError) in
                _ = try store.answer(GetRecordsRequest(shardIterator: iterator))
            }
            #expect(get?.code == "ResourceNotFoundException")
            let described = refusal { () throws(KinesisError) in
                _ = try store.answer(DescribeStreamConsumerRequest(consumerARN: "\(consumer.consumerARN)"))
            }
            #expect(described?.code == "ResourceNotFoundException")
        }
        try store.make()
        #expect(try store.summary().consumerCount == 0)
        #expect(try store.stream("s").readAll().isEmpty)
        // The old stream's iterator is not the new one's.
        let get = refusal { () throws(KinesisError) in _ = try store.answer(GetRecordsRequest(shardIterator: iterator)) }
        #expect(get?.code == "ResourceNotFoundException")
        try store.closeBlocking()
    }

    @Test func `a handle of a deleted stream neither takes nor gives records`() async throws {
        let store = try TestStore().open()
        for shards in [1, 3] {
            try store.make(shards: shards)
            let handle = try store.stream("s")
            for index in 0..<10 { try await handle.put("\(index)", partitionKey: "\(index)") }
            try store.answer(DeleteStreamRequest(stream: "s"))
            func check(_ what: String, _ error: KinesisError?) {
                #expect(error?.code == "ResourceNotFoundException", "\(what): \(String(describing: error))")
            }
            check("putBlocking", refusal { () throws(KinesisError) in
                _ = try handle.putBlocking("x".utf8Span.span, partitionKey: "k")
            })
            do throws(KinesisError) {
                _ = try await handle.put("x", partitionKey: "k")
                Issue.record("a deleted stream took a record")
            } catch { check("put", error) }
            for result in try await handle.putRecords([PutEntry("x", partitionKey: "k")]) {
                guard case .failure(let error) = result else {
                    Issue.record("a deleted stream took a record of a batch")
                    continue
                }
                check("putRecords", error)
            }
            do throws(KinesisError) {
                var iterator = handle.records(from: .trimHorizon).makeAsyncIterator()
                _ = try await iterator.next()
                Issue.record("a deleted stream gave a record")
            } catch { check("records", error) }
        }
        try store.closeBlocking()
    }

    @Test func `a reader that waits learns that its stream was deleted`() async throws {
        let store = try TestStore().open()
        for shards in [1, 3] {
            try store.make(shards: shards)
            let handle = try store.stream("s")
            try await handle.put("first", partitionKey: "k")
            let began = Counter()
            let reader = Task { () -> KinesisError? in
                do throws(KinesisError) {
                    for try await _ in handle.records(from: .trimHorizon) { began.add() }
                    return nil
                } catch { return error }
            }
            while began.value == 0 { try await Task.sleep(nanoseconds: 1_000_000) }
            try await Task.sleep(nanoseconds: 20_000_000)
            try store.answer(DeleteStreamRequest(stream: "s"))
            let watch = Task {
                try await Task.sleep(nanoseconds: 10_000_000_000)
                reader.cancel()
            }
            let error = await reader.value
            watch.cancel()
            #expect(error?.code == "ResourceNotFoundException", "\(shards) shards: \(String(describing: error))")
        }
        try store.closeBlocking()
    }

    @Test func `a stream of a name that was deleted gives no number that the old one gave`() throws {
        let store = try TestStore().open()
        var numbers: Set<SequenceNumber> = []
        for round in 0..<4 {
            let arn = try store.make()
            let stream = try store.stream("s")
            let consumer = try store.answer(RegisterStreamConsumerRequest(streamARN: arn, consumerName: "c")).consumer
            for index in 0..<5 {
                let number = try stream.putBlocking("\(index)".utf8Span.span, partitionKey: "k")
                #expect(numbers.insert(number).inserted, "round \(round): \(number) again")
            }
            // The old stream's numbers are refused.
            for number in numbers where number.shardCreationSecond != stream.shards[0].creationSecond {
                let error = refusal { () throws(KinesisError) in _ = try store.iterator(0, .atSequenceNumber, number: number) }
                #expect(error?.code == "InvalidArgumentException")
            }
            #expect(consumer.consumerCreationMilliseconds > 0)
            try store.answer(DeleteStreamRequest(stream: "s", enforceConsumerDeletion: true))
        }
        try store.closeBlocking()
    }

    @Test func `a deletion that was answered holds, though the process dies before it was carried out`() throws {
        var test = TestStore()
        test.options.transitionMilliseconds = 500
        let store = try test.open()
        try store.make()
        test.clock.advance(milliseconds: 500)
        try store.answer(DeleteStreamRequest(stream: "s"))
        store.abandon()
        let again = try test.open()
        test.clock.advance(milliseconds: 500)
        #expect(refusal { () throws(KinesisError) in _ = try again.summary() }?.code == "ResourceNotFoundException")
        try again.closeBlocking()
    }
}
