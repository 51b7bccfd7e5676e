import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: what is appended is read back, in order and byte for byte, from every place it can be. Method: one log on a disk
/// in memory, steps by hand.
@Suite struct AppendAndReadTests {
    static func records(_ count: Int, seed: UInt64 = 7, greatest: Int = 300) -> [PlainRecord] {
        let entropy = SeededEntropy(seed: seed)
        return (0..<count).map { index in
            let byteCount = Int(entropy.next() % UInt64(greatest + 1))
            let isText = entropy.next() & 1 == 0
            let data = (0..<byteCount).map { position in
                isText ? UInt8(97 + (position + index) % 7) : UInt8(truncatingIfNeeded: entropy.next())
            }
            return PlainRecord(key: Array("key-\(index % 10)".utf8), data: data)
        }
    }

    static func check(_ found: [(ordinal: UInt64, record: PlainRecord)], _ expected: [PlainRecord]) {
        #expect(found.count == expected.count)
        for (found, expected) in zip(found, expected) where found.record != expected {
            Issue.record("ordinal \(found.ordinal): \(found.record) in place of \(expected)")
            return
        }
        for (a, b) in zip(found, found.dropFirst()) where a.ordinal >= b.ordinal {
            Issue.record("ordinals go back: \(a.ordinal) \(b.ordinal)")
            return
        }
    }

    @Test func `a published record is readable at once by who asks for that level, and by nobody else`() throws {
        let store = try Harness().open()
        let log = try store.createLog(1)
        let ordinal = try log.append(PlainRecord("k", "hello"))
        #expect(try log.readAll(level: .published).records.map(\.ordinal) == [ordinal])
        #expect(try log.readAll(level: .written).records.isEmpty)
        #expect(log.flushStep() == .progress)
        #expect(try log.readAll(level: .written).records.count == 1)
        #expect(try log.readAll(level: .durable).records.isEmpty)
        #expect(try log.syncStep())
        Self.check(try log.readAll(level: .durable).records, [PlainRecord("k", "hello")])
    }

    @Test(arguments: [true, false]) func `records over many buffers and segments come back from memory and from disk`(compressed: Bool) throws {
        var harness = Harness()
        harness.configuration.isCompressing = compressed
        let records = Self.records(3000)
        do {
            let store = try harness.open()
            let log = try store.createLog(1)
            for record in records { try log.append(record) }
            Self.check(try log.readAll(level: .published).records, records)
            try log.wait(.durable, below: log.tip(.published))
            #expect(log.segmentCount > 3)
            Self.check(try log.readAll(level: .durable).records, records)
            store.dropCache()
            let before = store.decodeCount
            Self.check(try log.readAll(level: .durable).records, records)
            #expect(store.decodeCount > before)
            try store.close()
        }
        let store = try harness.open(create: false)
        let log = try store.log(1)
        #expect(log.recovery.wasClean)
        Self.check(try log.readAll(level: .durable).records, records)
        #expect(store.heldForReadingByteCount == 0)
    }

    @Test func `a batch is visible as a whole, over buffers too, and a batch that fails leaves nothing`() throws {
        let store = try Harness().open()
        let log = try store.createLog(1)
        let batch = Self.records(200)
        let range = try log.append(batch)
        #expect(range.count == 200)
        Self.check(try log.readAll(level: .published).records, batch)
        let tooLarge = PlainRecord(key: [1], data: [UInt8](repeating: 0, count: 2 << 20))
        #expect(throws: LogError.recordTooLarge(byteCount: (2 << 20) + 1, limitByteCount: 1 << 20)) {
            try log.append(Self.records(300) + [tooLarge])
        }
        #expect(log.tip(.published) == range.upperBound)
        try log.append(Self.records(300, seed: 9))
        try log.wait(.durable, below: log.tip(.published))
        store.dropCache()
        Self.check(try log.readAll(level: .durable).records, batch + Self.records(300, seed: 9))
    }

    @Test func `appending goes on in the same segment after a clean close, with ordinals of a new generation`() throws {
        let harness = Harness()
        var expected: [PlainRecord] = []
        var last: UInt64 = 0
        for round in 0..<5 {
            let store = try harness.open()
            let log = try store.createLog(1)
            let records = Self.records(20, seed: UInt64(round))
            let range = try log.append(records)
            #expect(range.lowerBound > last)
            #expect(Ordinal.generation(range.lowerBound) == store.generation)
            last = range.upperBound
            expected += records
            Self.check(try log.readAll(level: .published).records, expected)
            try store.close()
            #expect(log.segmentCount == 1)
        }
        let log = try harness.open().log(1)
        Self.check(try log.readAll(level: .durable).records, expected)
    }

    @Test func `records of any size up to the limit go in, large ones in a buffer of their own`() throws {
        let store = try Harness().open()
        let log = try store.createLog(1)
        var records: [PlainRecord] = []
        for byteCount in [0, 1, 4000, 4096, 5000, 70_000, 262_144, 300_000, (1 << 20) - 1, 3] {
            records.append(PlainRecord(key: [7], data: (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 * $0 >> 7) }))
        }
        for record in records { try log.append(record) }
        Self.check(try log.readAll(level: .published).records, records)
        try log.wait(.durable, below: log.tip(.published))
        store.dropCache()
        Self.check(try log.readAll(level: .durable).records, records)
    }

    @Test func `a full counter takes a new generation, and readers step over to it without a gap`() throws {
        var harness = Harness()
        harness.configuration.ordinalsPerGeneration = 50
        let records = Self.records(400)
        let store = try harness.open()
        let log = try store.createLog(1)
        var generations: Set<UInt64> = []
        for record in records { generations.insert(Ordinal.generation(try log.append(record))) }
        #expect(generations.count == 8)
        for _ in 0..<2 {
            let (found, gaps) = try log.readAll(level: .published)
            Self.check(found, records)
            #expect(gaps.isEmpty)
            try log.wait(.durable, below: log.tip(.published))
            store.dropCache()
        }
        try store.close()
        let again = try harness.open()
        #expect(again.generation > generations.max()!)
        let (found, gaps) = try again.log(1).readAll(level: .durable)
        Self.check(found, records)
        #expect(gaps.isEmpty)
    }

    @Test func `a record above a mebibyte is packed in chunks and comes back`() throws {
        var harness = Harness()
        harness.configuration.greatestRecordByteCount = 4 << 20
        let store = try harness.open()
        let log = try store.createLog(1)
        let text = PlainRecord(key: [1], data: (0..<3_000_000).map { UInt8(97 + ($0 / 100) % 20) })
        let noise = PlainRecord(key: [2], data: (0..<2_000_000).map { UInt8(truncatingIfNeeded: ($0 &* 0x9E37_79B9) >> 11) })
        for record in [text, noise] { try log.append(record) }
        try log.wait(.durable, below: log.tip(.published))
        store.dropCache()
        Self.check(try log.readAll(level: .durable).records, [text, noise])
    }
}
