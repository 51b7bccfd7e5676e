import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Testing

/// Aim: streams that were created are there after any end of the store, whole or not at all; what a later version wrote, or
/// damage, is named. Method: power losses of a disk in memory at and between the calls; records written past the store.
@Suite(.timeLimit(.minutes(2))) struct CatalogueTests {
    @Test func `a created stream and its durable records survive every power loss`() async throws {
        for seed in 1...40 as ClosedRange<UInt64> {
            var test = TestStore()
            let store = try test.open()
            let stream = try await store.createStream("s", shards: 3)
            for index in 0..<30 { try await stream.put("\(index)", partitionKey: "\(index)") }
            try await stream.put("maybe", partitionKey: "0", ack: .published)
            let crashed = test.disk.crash(entropy: SeededEntropy(seed: seed))
            store.abandon()
            test.disk = crashed
            test.clock.restart(bootIdentity: (seed, seed))
            let again = try test.open()
            #expect(again.listStreams().map(\.text) == ["s"], "seed \(seed)")
            let texts = try again.stream("s").readAll().map(\.text)
            #expect(Set(texts).subtracting(["maybe"]) == Set((0..<30).map(String.init)), "seed \(seed)")
            try await again.stream("s").put("more", partitionKey: "0")
            try await again.close()
        }
    }

    @Test func `power lost while a stream is created leaves it whole or absent, and its name free in the latter case`()
        async throws
    {
        let calls = TestStore()
        let counted = try calls.open()
        let before = calls.disk.callCount(.sync) + calls.disk.callCount(.syncDirectory)
        _ = try await counted.createStream("s", shards: 3)
        let count = calls.disk.callCount(.sync) + calls.disk.callCount(.syncDirectory) - before
        try await counted.close()
        // All directories with one sync, then the record.
        #expect(count == 2)
        var absent = 0
        for stop in 1...count {
            for seed in 1...5 as ClosedRange<UInt64> {
                var test = TestStore()
                let store = try test.open()
                _ = try await store.createStream("first", shards: 1)
                let disk = test.disk
                let taken = Guarded<(calls: Int, state: ShadowIO?)>((0, nil))
                disk.fault = { operation, _, _ in
                    guard operation == .sync || operation == .syncDirectory else { return nil }
                    let isThere = taken.withLock { taken in
                        taken.calls += 1
                        return taken.calls == stop
                    }
                    if isThere {
                        let state = disk.crash(entropy: SeededEntropy(seed: seed))
                        taken.withLock { $0.state = state }
                    }
                    return nil
                }
                _ = try await store.createStream("s", shards: 3)
                disk.fault = nil
                store.abandon()
                guard let state = taken.withLock({ $0.state }) else { continue }
                test.disk = state
                test.clock.restart(bootIdentity: (seed, 9))
                let again = try test.open()
                let names = again.listStreams().map(\.text)
                #expect(names == ["first"] || names == ["first", "s"])
                if names.count == 1 { absent += 1 }
                let stream = names.count == 1 ? try await again.createStream("s", shards: 2) : try again.stream("s")
                try await stream.put("x", partitionKey: "k")
                #expect(try stream.readAll().map(\.text) == ["x"])
                try await again.close()
            }
        }
        #expect(absent > 0)
    }

    @Test func `a change of a later version is named as such, damage as damage, and the store stays closed`()
        async throws
    {
        func open(afterWriting bytes: [UInt8]) async throws -> StreamStore {
            let test = TestStore()
            let store = try test.open()
            _ = try await store.createStream("s", shards: 1)
            let log = try store.engine.log(0)
            let ordinal = try log.append(key: RawSpan(), data: unsafe bytes.span.bytes, arrival: 0)
            try log.wait(.durable, below: ordinal + 1)
            try await store.close()
            return try test.open()
        }
        for bytes in [
            [1, 200, 0, 0, 0, 0, 0, 0], [2, 1, 0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0, 0, 200, 0, 0, 0, 0, 0, 0, 0],
        ] as [[UInt8]] {
            do {
                _ = try await open(afterWriting: bytes)
                Issue.record("\(bytes) was taken")
            } catch {
                guard case KinesisError.storage(.newerFormat) = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
        for bytes in [
            [], [0], [1, 1, 0, 0, 0, 0, 0, 0], [1, 4, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8],
            [1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 255, 255, 255, 255],
            [1, 1, 0, 0, 0, 0, 0, 0, 1, 0],
        ] as [[UInt8]] {
            do {
                _ = try await open(afterWriting: bytes)
                Issue.record("\(bytes) was taken")
            } catch {
                guard case KinesisError.storage(.corrupt) = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
    }

    @Test func `many streams made at once get names, logs and handles of their own`() async throws {
        let test = TestStore()
        let store = try test.open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<24 {
                group.addTask {
                    let stream = try await store.createStream("s\(index % 12)", shards: 1 + index % 3)
                    try await stream.put("\(index % 12)", partitionKey: "k")
                }
            }
            var taken = 0
            while let result = await group.nextResult() {
                if case .failure(let error) = result {
                    taken += 1
                    guard case KinesisError.resourceInUse = error else { throw error }
                }
            }
            #expect(taken == 12)
        }
        try await store.close()
        let again = try test.open()
        #expect(again.listStreams().count == 12)
        for name in again.listStreams() {
            #expect(try again.stream(name.text).readAll().map(\.text) == [String(name.text.dropFirst())])
        }
        try await again.close()
    }
}
