import Foundation
import Millrace
import MillraceIO
import MillraceModel
import MillraceTestKit
import Testing

/// Aim: a process without descriptors, a second writer, and a copy of a store end in a typed error or in a store that
/// is right. Method: real directories and processes.
@Suite struct RealProcessTests {
    @Test func `without descriptors everything is refused by name, and is there again with them`() throws {
        let place = RealPlace()
        let said = try RealPlace.help(["exhaust", place.store])
        let numbers = said.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
        try #require(said.hasPrefix("refused ") && numbers.count == 4, "\(said)")
        // From no descriptor at all to enough of them; at the end none but the three standard ones and the pipe's are
        // open.
        #expect(numbers[0] >= 8 && numbers[1] >= 3 && numbers[2] >= 18, "\(said)")
        #expect(numbers[3] <= 8, "\(said)")
    }

    @Test func `a second writer is told the first one's number, and a killed one blocks nobody`() async throws {
        let place = RealPlace()
        _ = try await place.fill(3)
        for _ in 0..<3 {
            let (process, output) = try RealPlace.start(["hold", place.store])
            defer { process.terminate() }
            #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "held\n")
            do throws(KinesisError) {
                _ = try await place.open()
                Issue.record("opened twice")
            } catch {
                #expect(error == .storage(.locked(byProcess: process.processIdentifier)))
            }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            // Its number still stands in LOCK.
            let store = try await place.open()
            try await store.stream("s").put("x", partitionKey: "k")
            try await store.close()
        }
        let store = try await place.open()
        #expect(try RealPlace.read(store.stream("s")).count == 6)
        try await store.close()
    }

    @Test func `a copy of a closed store opens, and its numbers are above those that were used`() async throws {
        let place = RealPlace()
        let numbers = try await place.fill()
        let copy = place.directory.path + "/copy"
        try FileManager.default.copyItem(atPath: place.store, toPath: copy)
        for path in [copy, place.store] {
            let store = try await place.open(path)
            let stream = try store.stream("s")
            #expect(try RealPlace.read(stream).map(\.sequenceNumber) == numbers)
            let more = try await RealPlace.put(3, into: stream, "more")
            let least = try #require(more.first)
            let greatest = try #require(numbers.last)
            #expect(least > greatest)
            #expect(try RealPlace.read(stream).map(\.sequenceNumber) == numbers + more)
            try await store.close()
        }
    }

    @Test func `a copy of an open store at rest opens as after a kill`() async throws {
        let place = RealPlace()
        let store = try await place.open()
        let stream = try await store.createStream("s", shards: 1)
        let numbers = try await RealPlace.put(30, into: stream, "durable")
        let copy = place.directory.path + "/copy"
        try FileManager.default.copyItem(atPath: place.store, toPath: copy)
        // Both are open at once: the lock is the directory's own file, not its name.
        let second = try await place.open(copy)
        let other = try second.stream("s")
        #expect(try RealPlace.read(other).map(\.sequenceNumber) == numbers)
        let more = try await RealPlace.put(2, into: other, "more")
        #expect(try #require(more.first) > #require(numbers.last))
        try await second.close()
        try await RealPlace.put(2, into: stream, "more")
        try await store.close()
    }

    @Test func `a copy made while records are put holds no wrong record`() async throws {
        let place = RealPlace()
        let store = try await place.open()
        let stream = try await store.createStream("s", shards: 1)
        let isOver = Guarded(false)
        let acknowledged = Guarded(-1)
        let writer = WorkerThread(name: "writer") {
            var index = 0
            while !isOver.withLock({ $0 }) {
                let text = Array("\(index) ".utf8) + [UInt8](repeating: 120, count: index % 700)
                let ack: AckLevel = index % 3 == 0 ? .durable : .published
                do throws(KinesisError) {
                    try stream.putBlocking(text.span, partitionKey: "k", ack: ack)
                    if ack == .durable { acknowledged.withLock { $0 = index } }
                } catch {
                    Issue.record("\(error)")
                    return
                }
                index += 1
            }
        }
        var copies = 0
        for round in 0..<8 {
            usleep(20_000)
            while acknowledged.withLock({ $0 }) < round * 3 { usleep(1_000) }
            let before = acknowledged.withLock { $0 }
            let copy = place.directory.path + "/copy \(round)"
            // A file may come and go while the directory is read: then this was no copy, and the next one is.
            guard (try? FileManager.default.copyItem(atPath: place.store, toPath: copy)) != nil else { continue }
            let second = try await place.open(copy)
            let shard = try second.stream("s").shards[0]
            var cursor = try shard.cursorBlocking(at: .trimHorizon)
            var last = -1
            var gaps = 0
            while true {
                do throws(KinesisError) {
                    let more: Bool? = try cursor.withBatch { batch throws(KinesisError) in
                        while let lent = batch.next() {
                            let record = try lent.copy()
                            let index = record.index
                            if index <= last || record.data.count != "\(index) ".utf8.count + index % 700 {
                                throw .validation("record \(index) behind \(last)")
                            }
                            if index != last + 1, gaps == 0 { throw .validation("record \(index) follows \(last)") }
                            last = index
                        }
                        return true
                    }
                    if more == nil { break }
                } catch {
                    guard case .storage(.corrupt) = error else { throw error }
                    gaps += 1
                }
            }
            // Files only grow: what was durable when the copying began is in the copy.
            #expect(last >= before, "round \(round)")
            copies += 1
            second.abandon()
        }
        isOver.withLock { $0 = true }
        writer.join()
        #expect(copies > 0)
        try await store.close()
    }
}
