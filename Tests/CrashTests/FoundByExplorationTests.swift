import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

/// Aim: what the crash explorer found once stays found. Each test is the smallest life that showed it.
@Suite struct FoundByExplorationTests {
    /// The store's disk with one byte of a segment changed, everything durable.
    private func damaged(_ harness: Harness, segment: Int = 0, at byteOffset: Int) throws -> Harness {
        var image = DiskImage(harness.disk)
        let path = image.segments[segment]
        image.files[path]?[byteOffset] ^= 1
        return Harness(disk: try image.disk())
    }

    private func closed(_ harness: Harness, _ body: (ShardLog) throws -> Void) throws {
        let store = try harness.open()
        try body(try store.createLog(1))
        try store.close()
    }

    @Test func `verification finds the last block of a segment damaged when the header behind it is, too`() throws {
        let harness = Harness()
        var lastAt = 0
        try closed(harness) { log in
            for number in 0..<40 {
                let data = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number) ^ UInt8(truncatingIfNeeded: $0 >> 3) }
                let ordinal = try log.append(PlainRecord(key: [1], data: data), arrival: 5000)
                try log.wait(.durable, below: ordinal + 1)
            }
            let segments = log.segments.segments
            #expect(segments.count > 1)
            let (_, content) = try segments[0].use()
            lastAt = content.index[content.index.count - 1].byteOffset
        }
        let broken = try damaged(try damaged(harness, at: lastAt + 40), segment: 1, at: 100)
        let findings = try StoreVerification.run(at: "/store", io: broken.disk).findings
        #expect(findings.contains { $0.severity == .damage && $0.ordinals?.isEmpty == false }, "\(findings)")
    }

    @Test func `a time is found though the newest segment holds no block`() throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        let first = try log.append(PlainRecord("k", "v"), arrival: 5000)
        try log.wait(.durable, below: first + 1)
        store.abandon()
        // An unclean end starts a new segment; its header survives the next power loss, its block does not.
        let next = try harness.open()
        let again = try next.log(1)
        _ = try again.append(PlainRecord("k", "lost"), arrival: 6000)
        _ = again.flushStep()
        next.abandon()
        var image = DiskImage(harness.disk)
        let path = try #require(image.segments.last)
        #expect(image.segments.count == 2)
        let byteCount = try #require(image.files[path]?.count)
        for at in Format.blocksByteOffset..<byteCount { image.files[path]?[at] = 0 }
        let after = try Harness(disk: try image.disk()).open(create: false).log(1)
        var cursor = after.cursor(at: 0, level: .durable)
        try cursor.seek(toArrival: 5000)
        #expect(cursor.position == first)
    }

    @Test func `a block that is lost at the end of a generation is declared`() throws {
        let harness = Harness()
        try closed(harness) { log in try log.append(PlainRecord("k", "first")) }
        var last: UInt64 = 0
        try closed(harness) { log in last = try log.append(PlainRecord("k", "second")) }
        // Both openings wrote into one segment; the first one's block is all there is of its generation.
        let after = try damaged(harness, at: Format.blocksByteOffset + 20).open(create: false).log(1)
        let found = try after.readAll(level: .durable)
        #expect(found.records.map(\.ordinal) == [last])
        #expect(found.gaps.count == 1)
    }

    @Test func `the same is declared when the segment is opened once more, from its index`() throws {
        let harness = Harness()
        try closed(harness) { log in try log.append(PlainRecord("k", "first")) }
        try closed(harness) { log in try log.append(PlainRecord("k", "second")) }
        let hurt = try damaged(harness, at: Format.blocksByteOffset + 20)
        // Recovery seals the segment; the next records go to another one.
        for _ in 0..<2 { try closed(hurt) { log in try log.append(PlainRecord("k", "later")) } }
        let found = try hurt.open(create: false).log(1).readAll(level: .durable)
        #expect(found.records.count == 3)
        #expect(found.gaps.count == 1)
        #expect(try StoreVerification.run(at: "/store", io: hurt.disk).findings.contains { $0.severity == .damage })
    }

    @Test func `opening and closing a log without appending hides no damage`() throws {
        let harness = Harness()
        try closed(harness) { log in try log.append(PlainRecord("k", "v")) }
        try closed(harness) { _ in }
        let found = try damaged(harness, at: Format.blocksByteOffset + 20).open(create: false).log(1).readAll(level: .durable)
        #expect(found.records.isEmpty)
        #expect(found.gaps.count == 1)
    }

    @Test func `damage behind the end that recovery put to a log is none`() throws {
        var harness = Harness()
        harness.configuration.bufferByteCount = 512
        let store = try harness.open()
        let log = try store.createLog(1)
        // Some of the batch's blocks are written and others not: it is not there.
        try log.append((0..<40).map { PlainRecord("k", "record \($0) of a batch over several buffers") })
        while log.flushStep(partial: false) == .progress {}
        store.abandon()
        let found = try harness.open()
        #expect(try found.log(1).readAll(level: .durable).records.isEmpty)
        try found.close()
        let hurt = try damaged(harness, at: Format.blocksByteOffset + 20)
        #expect(!(try StoreVerification.run(at: "/store", io: hurt.disk)).findings.contains { $0.severity == .damage })
    }

    @Test func `damage to a block of a batch that recovery cut is none, in a generation of its own and with a segment behind it`() throws {
        var harness = Harness()
        harness.configuration.bufferByteCount = 512
        try closed(harness) { log in try log.append(PlainRecord("k", "whole")) }
        let store = try harness.open()
        try store.log(1).append((0..<40).map { PlainRecord("k", "record \($0) of a batch over several buffers") })
        while try store.log(1).flushStep(partial: false) == .progress {}
        store.abandon()
        let blocks = try SegmentBlocks.offsets(in: try #require(DiskImage(harness.disk).files[DiskImage(harness.disk).segments[0]]))
        #expect(blocks.count > 1)
        try closed(harness) { log in try log.append(PlainRecord("k", "later")) }
        for at in blocks.dropFirst() {
            let hurt = try damaged(harness, at: at + 20)
            let findings = try StoreVerification.run(at: "/store", io: hurt.disk).findings
            #expect(!findings.contains { $0.severity == .damage }, "\(findings)")
            let found = try hurt.open(create: false).log(1).readAll(level: .durable)
            #expect(found.records.count == 2 && found.gaps.isEmpty)
        }
    }

    @Test func `a time in records that are missing leads to their gap`() throws {
        let harness = Harness()
        try closed(harness) { log in
            for arrival in [1000, 2000, 3000] as [UInt64] {
                let ordinal = try log.append(PlainRecord("k", "\(arrival)"), arrival: arrival)
                try log.wait(.written, below: ordinal + 1)
            }
        }
        var inspected = DiskImage(harness.disk)
        let path = try #require(inspected.segments.first)
        // The second block: blocks of one record of these sizes are equally long.
        let bytes = try #require(inspected.files[path])
        let blocks = try SegmentBlocks.offsets(in: bytes)
        #expect(blocks.count == 3)
        inspected.files[path]?[blocks[1] + 20] ^= 1
        let log = try Harness(disk: try inspected.disk()).open(create: false).log(1)
        var cursor = log.cursor(at: 0, level: .durable)
        try cursor.seek(toArrival: 2000)
        guard case .gap = try cursor.fetch() else {
            Issue.record("no gap was declared")
            return
        }
    }
}

/// Where blocks of a segment start, found by their sizes alone.
private enum SegmentBlocks {
    static func offsets(in bytes: [UInt8]) throws -> [Int] {
        let disk = ShadowIO()
        let directory = try disk.openDirectory(at: "/d", create: true)
        let file = try disk.createFile("s", in: directory)
        let memory = AlignedMemory(byteCount: bytes.count)
        memory.memory.copy(unsafe bytes.span.bytes, at: 0)
        try disk.write(file, at: 0, [memory.memory])
        return try SegmentInspection.read(file: "s", in: directory, io: disk).blocks.map(\.byteOffset)
    }
}
