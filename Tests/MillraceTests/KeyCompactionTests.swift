import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit
import Testing

/// Aim: a stream keeps the newest record of each partition key when it is told to, and only then. Method: time and steps by hand, a
/// dictionary beside the stream.
@Suite(.timeLimit(.minutes(4))) struct StreamKeyCompactionTests {
    private static let hour: Int64 = 3_600_000

    /// Puts so many records of some keys into both shards; the newest text of each key; nil where it is a tombstone.
    private static func put(_ stream: StoredStream, _ count: Int, seed: UInt64, into newest: inout [String: String?]) throws {
        let dice = SeededEntropy(seed: seed)
        for number in 0..<count {
            let key = "key \(dice.next(below: 40))"
            let isGone = dice.next(below: 8) == 0
            let text = isGone ? "" : "\(seed) \(number) " + (0..<400).map { _ in String(dice.next(below: 10)) }.joined()
            try stream.putBlocking(Array(text.utf8).span, partitionKey: key)
            newest[key] = .some(isGone ? nil : text)
        }
    }

    private static func compact(_ store: StreamStore) throws {
        for _ in 0..<300 {
            let report = try store.compactBlocking()
            if report.segmentCount == 0, report.recordByteCount == 0 {
                if report.isBusy { continue }
                return
            }
        }
        Issue.record("compaction finds no end")
    }

    private static func found(_ stream: StoredStream) throws -> [String: String?] {
        var found: [String: String?] = [:]
        for record in try stream.readAll() { found[record.partitionKey.text] = .some(record.data.isEmpty ? nil : record.text) }
        return found
    }

    @Test func `a stream that keeps the newest record of each key does so over closes and openings, and others keep all`() async throws {
        let test = TestStore()
        var store = try test.open()
        _ = try store.createStreamBlocking("states", shards: 2)
        _ = try store.createStreamBlocking("events", shards: 1)
        #expect(try store.keyCompaction(ofStream: "states") == nil)
        try await store.setKeyCompaction(KeyCompaction(keepingTombstonesFor: .seconds(7_200)), ofStream: "states")
        var newest: [String: String?] = [:], events: [String: String?] = [:]
        for round in 0..<3 {
            try Self.put(try store.stream("states"), 900, seed: UInt64(round), into: &newest)
            try Self.put(try store.stream("events"), 300, seed: UInt64(round), into: &events)
            try store.closeBlocking()
            store = try test.open()
            #expect(try store.keyCompaction(ofStream: "states")?.tombstoneMilliseconds == 7_200_000)
            // Only shards in use are looked at.
            let before = try store.stream("states").readAll()
            _ = try store.stream("events").readAll()
            try Self.compact(store)
            let stream = try store.stream("states")
            let after = try stream.readAll()
            #expect(after.count * 3 < before.count)
            #expect(try Self.found(stream) == newest)
            // What is left is what it was, in its order.
            let kept = Set(after.map(\.sequenceNumber))
            #expect(before.filter { kept.contains($0.sequenceNumber) } == after)
            #expect(try store.stream("events").readAll().count == 300 * (round + 1))
            #expect(store.compactionTotals.jobCount > 0 && store.compactionTotals.byteCountAfter < store.compactionTotals.byteCountBefore)
        }
        store.abandon()
    }

    @Test func `tombstones can be read for their time, and go with it`() throws {
        let test = TestStore()
        let store = try test.open()
        defer { store.abandon() }
        let stream = try store.createStreamBlocking("s", shards: 1)
        try store.setKeyCompactionBlocking(KeyCompaction(keepingTombstonesFor: .seconds(7_200)), ofStream: "s")
        var newest: [String: String?] = [:]
        try Self.put(stream, 800, seed: 1, into: &newest)
        let tombstones = newest.filter { $0.value == nil }.map(\.key)
        #expect(!tombstones.isEmpty)
        test.clock.advance(milliseconds: Self.hour)
        // A segment's end is what passes go by.
        try Self.put(stream, 200, seed: 2, into: &newest)
        try Self.compact(store)
        #expect(try Self.found(stream) == newest)
        test.clock.advance(milliseconds: 2 * Self.hour)
        try Self.put(stream, 800, seed: 3, into: &newest)
        try Self.compact(store)
        let found = try Self.found(stream)
        for (key, text) in newest { #expect(found[key] == .some(text) || text == nil && found[key] == nil, "\(key)") }
    }

    @Test func `iterators at numbers that are gone go on with the next record, and find the end`() throws {
        let test = TestStore()
        let store = try test.open()
        defer { store.abandon() }
        let stream = try store.createStreamBlocking("s", shards: 1)
        var newest: [String: String?] = [:]
        try Self.put(stream, 1_000, seed: 9, into: &newest)
        let before = try stream.readAll()
        try store.setKeyCompactionBlocking(KeyCompaction(), ofStream: "s")
        try Self.compact(store)
        let after = try stream.readAll()
        #expect(after.count < before.count / 3)
        for number in stride(from: 0, to: before.count, by: 61) {
            let start = before[number].sequenceNumber
            let from = after.filter { $0.sequenceNumber >= start }
            #expect(try stream.shards[0].readAll(from: .at(start)) == from)
            #expect(try stream.shards[0].readAll(from: .after(start)) == from.filter { $0.sequenceNumber > start })
        }
    }

    @Test func `a backup has what is left, and goes on thinning out`() throws {
        let test = TestStore()
        let store = try test.open()
        defer { store.abandon() }
        let stream = try store.createStreamBlocking("s", shards: 1)
        var newest: [String: String?] = [:]
        try Self.put(stream, 900, seed: 6, into: &newest)
        try store.setKeyCompactionBlocking(KeyCompaction(), ofStream: "s")
        try Self.compact(store)
        let left = try stream.readAll()
        _ = try store.backupBlocking(to: "/backup", options: BackupOptions())
        let findings = try StoreVerification.run(at: "/backup", io: test.disk).findings
        #expect(findings.filter { $0.severity == .damage }.isEmpty, "\(findings)")
        let again = try StreamStore(
            at: "/backup", io: test.disk, clock: test.clock, entropy: test.entropy, configuration: test.configuration)
        defer { again.abandon() }
        #expect(try again.stream("s").readAll() == left)
        try Self.put(try again.stream("s"), 900, seed: 7, into: &newest)
        try Self.compact(again)
        #expect(try Self.found(again.stream("s")) == newest)
    }

    @Test func `pending work is named before it is done, and is none after`() async throws {
        let test = TestStore()
        let store = try test.open()
        defer { store.abandon() }
        let stream = try store.createStreamBlocking("s", shards: 1)
        var newest: [String: String?] = [:]
        try Self.put(stream, 900, seed: 4, into: &newest)
        try await store.setKeyCompaction(KeyCompaction(), ofStream: "s")
        let pending = try await store.pendingCompaction()
        #expect(pending.shardCount == 1 && pending.recordByteCount > 100_000)
        try Self.compact(store)
        let left = try await store.pendingCompaction()
        #expect(left.shardCount == 0 && left.recordByteCount == 0)
        // Off again: nothing more goes.
        try await store.setKeyCompaction(nil, ofStream: "s")
        let count = try stream.readAll().count
        try Self.put(stream, 900, seed: 5, into: &newest)
        try Self.compact(store)
        #expect(try stream.readAll().count == count + 900)
    }

    @Test func `times outside of a second to 366 days are refused, and so are streams that are not there`() async throws {
        for duration in [
            Duration.milliseconds(999), .zero, .seconds(-5), .seconds(366 * 86_400) + .milliseconds(1), .seconds(367 * 86_400),
            .seconds(Int64.max),
        ] {
            #expect(throws: KinesisError.self) { try KeyCompaction(keepingTombstonesFor: duration) }
        }
        #expect(try KeyCompaction(keepingTombstonesFor: .milliseconds(1_500)).tombstoneMilliseconds == 1_500)
        #expect(try KeyCompaction(keepingTombstonesFor: .seconds(366 * 86_400)).tombstoneMilliseconds == 366 * 86_400_000)
        let store = try TestStore().open()
        defer { store.abandon() }
        await #expect(throws: KinesisError.self) { try await store.setKeyCompaction(KeyCompaction(), ofStream: "none") }
        #expect(throws: KinesisError.self) { try store.keyCompaction(ofStream: "none") }
    }

    @Test func `the setting survives a kill at any call that makes it durable`() throws {
        let test = TestStore()
        let store = try test.open()
        _ = try store.createStreamBlocking("s", shards: 1)
        try store.setKeyCompactionBlocking(KeyCompaction(), ofStream: "s")
        store.abandon()
        for seed in 0..<8 as Range<UInt64> {
            var again = TestStore()
            again.disk = test.disk.crash(entropy: SeededEntropy(seed: seed))
            again.clock.restart(bootIdentity: (2, 2))
            let opened = try again.open()
            #expect(try opened.keyCompaction(ofStream: "s") == KeyCompaction())
            opened.abandon()
        }
    }
}
