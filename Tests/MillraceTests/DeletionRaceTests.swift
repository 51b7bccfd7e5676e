import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Aim: whether a stream may be deleted is decided with the deletion. Method: a deletion that begins while another change of the
/// stream waits for the disk, held there by the disk's own hook until the deletion has had time to look.
@Suite(.timeLimit(.minutes(1))) struct DeletionRaceTests {
    /// Begins `deletion` in the middle of `change`; what the deletion threw.
    private static func race(
        transition: UInt64 = 0, _ change: @escaping (StreamStore) throws -> Void
    ) throws -> (StreamStore, KinesisError?) {
        var test = TestStore()
        test.options.transitionMilliseconds = transition
        let store = try test.open()
        try store.make("s", shards: 2)
        test.clock.advance(milliseconds: 2000)
        let thread = Guarded<WorkerThread?>(nil)
        let thrown = Guarded<KinesisError?>(nil)
        test.disk.fault = { operation, name, _ in
            guard operation == .sync else { return nil }
            let isFirst = thread.withLock { thread in
                if thread != nil { return false }
                thread = WorkerThread(name: "delete") {
                    do throws(KinesisError) { try store.answer(DeleteStreamRequest(stream: "s")) } catch {
                        thrown.withLock { $0 = error }
                    }
                }
                return true
            }
            // Time to find the stream as it was, and to come to wait for this change.
            if isFirst { usleep(100_000) }
            return nil
        }
        try change(store)
        test.disk.fault = nil
        thread.withLock { $0 }?.join()
        return (store, thrown.withLock { $0 })
    }

    @Test(arguments: [0, 500]) func `a stream that gets a consumer while it is being deleted stays`(transition: UInt64) throws {
        let (store, error) = try Self.race(transition: transition) { store in
            _ = try store.answer(
                RegisterStreamConsumerRequest(streamARN: store.summary().streamARN.description, consumerName: "c"))
        }
        #expect(error?.code == "ResourceInUseException")
        #expect(try store.answer(ListStreamConsumersRequest(streamARN: store.summary().streamARN.description)).consumers.count == 1)
        try store.closeBlocking()
    }

    @Test func `a stream that is resharded while it is being deleted goes with all its shards`() throws {
        let (store, error) = try Self.race { try $0.split(0) }
        #expect(error == nil)
        #expect(store.listStreams().isEmpty)
        #expect(try store.engine.logIDs() == [0])
        try store.closeBlocking()
    }

    @Test func `a stream that is shown DELETING takes no more changes`() throws {
        var test = TestStore()
        test.options.transitionMilliseconds = 500
        let store = try test.open()
        let arn = try store.make("s")
        test.clock.advance(milliseconds: 1000)
        try store.answer(DeleteStreamRequest(stream: "s"))
        let changes: [() throws -> Void] = [
            { try store.answer(DeleteStreamRequest(stream: "s")) }, { try store.split(0) },
            { try store.answer(AddTagsToStreamRequest(stream: "s", tags: ["a": "b"])) },
            { _ = try store.answer(RegisterStreamConsumerRequest(streamARN: arn, consumerName: "c")) },
        ]
        for change in changes {
            let error = #expect(throws: KinesisError.self) { try change() }
            #expect(error?.code == "ResourceInUseException")
        }
        test.clock.advance(milliseconds: 500)
        #expect(refusal { () throws(KinesisError) in _ = try store.summary() }?.code == "ResourceNotFoundException")
        try store.closeBlocking()
    }
}
