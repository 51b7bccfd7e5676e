import Millrace
import MillraceModel
import MillraceTestKit
import Testing

/// Aim: what programs that embed Millrace test with does what it says. Method: through its public names alone.
@Suite struct TestDiskTests {
    private func texts(_ disk: TestDisk) async throws -> [String] {
        let stream = try disk.store.stream("orders")
        var cursor = try await stream.shards[0].cursor(at: .trimHorizon, level: .durable)
        var texts: [String] = []
        while try cursor.withBatch({ (batch: inout LentBatch) throws(KinesisError) in
            while let record = batch.next() { texts.append(String(decoding: try record.copy().data, as: UTF8.self)) }
            return true
        }) != nil {}
        return texts
    }

    @Test func `durable records survive every crash, written ones every kill`() async throws {
        let disk = try TestDisk()
        let stream = try await disk.store.createStream("orders", shards: 1)
        try await stream.put("a", partitionKey: "k", ack: .durable)
        for seed in 1...20 as ClosedRange<UInt64> {
            try await disk.crash(seed: seed)
            #expect(try await texts(disk).prefix(1) == ["a"])
        }
        try await disk.store.stream("orders").put("b", partitionKey: "k", ack: .written)
        try await disk.kill()
        #expect(try await texts(disk) == ["a", "b"])
        try await disk.reopen()
        #expect(try await texts(disk) == ["a", "b"])
        #expect(try disk.isIntact())
    }

    @Test func `a sync that fails is never acknowledged, and nothing durable is lost by it`() async throws {
        let disk = try TestDisk()
        let stream = try await disk.store.createStream("orders", shards: 1)
        try await stream.put("kept", partitionKey: "k", ack: .durable)
        disk.fail(.sync, isPermanent: true)
        await #expect(throws: KinesisError.self) { try await stream.put("never", partitionKey: "k", ack: .durable) }
        try await disk.crash(seed: 3)
        #expect(try await texts(disk).first == "kept")
    }

    @Test func `a full disk refuses puts, and takes them again when there is room`() async throws {
        var configuration = StoreConfiguration()
        configuration.firstSegmentByteCount = 64 << 10
        configuration.greatestSegmentByteCount = 64 << 10
        let disk = try TestDisk(configuration: configuration)
        let stream = try await disk.store.createStream("orders", shards: 1)
        disk.setRoom(byteCount: 0)
        var isRefused = false
        for _ in 0..<200 where !isRefused {
            do {
                try await stream.put([UInt8](repeating: 7, count: 4096), partitionKey: "k", ack: .durable)
            } catch { isRefused = true }
        }
        #expect(isRefused)
        disk.setRoom(byteCount: nil)
        var isTaken = false
        for _ in 0..<100 where !isTaken {
            do {
                try await stream.put("again", partitionKey: "k", ack: .durable)
                isTaken = true
            } catch {
                // The store looks again after a while, and time is the test's own.
                disk.advanceClock(milliseconds: 200)
                try await Task.sleep(nanoseconds: 20_000_000)
            }
        }
        #expect(isTaken)
    }

    @Test func `arrival times follow the clock, and never go back`() async throws {
        let disk = try TestDisk()
        let stream = try await disk.store.createStream("orders", shards: 1)
        try await stream.put("a", partitionKey: "k")
        disk.advanceClock(milliseconds: 5000)
        try await stream.put("b", partitionKey: "k")
        disk.setClock(millisecondsSince1970: 0)
        try await stream.put("c", partitionKey: "k")
        var cursor = try await stream.shards[0].cursor(at: .trimHorizon, level: .durable)
        var arrivals: [Int64] = []
        while try cursor.withBatch({ (batch: inout LentBatch) throws(KinesisError) in
            while let record = batch.next() { arrivals.append(record.arrivalMilliseconds) }
            return true
        }) != nil {}
        #expect(arrivals.count == 3)
        #expect(arrivals[1] == arrivals[0] + 5000)
        #expect(arrivals[2] == arrivals[1])
    }
}
