import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

/// Aim: recovery decides right where a log has hardly a tail: segments without blocks, segments whose neighbour is gone. Method: a
/// store's files, changed by hand, opened on a machine that has started again.
@Suite struct TailEdgeTests {
    /// A store on a disk with these files, after the machine started again.
    private func restarted(_ image: DiskImage, boot: UInt64 = 2) throws -> Harness {
        let harness = Harness(disk: try image.disk())
        harness.clock.restart(bootIdentity: (boot, boot))
        return harness
    }

    private func records(_ harness: Harness) throws -> [PlainRecord] {
        try harness.open().log(1).readAll(level: .durable).records.map(\.record)
    }

    private func zero(_ range: Range<Int>, of path: String, in image: inout DiskImage) {
        for at in range { image.files[path]![at] = 0 }
    }

    @Test func `segments behind one whose name did not survive were never acknowledged, and are removed`() throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        // Written and never synced, over several segments.
        for number in 0..<40 {
            try log.append(PlainRecord(key: Array("k".utf8), data: (0..<3000).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761 &+ number) >> 7) }))
            _ = log.flushStep()
        }
        var image = DiskImage(harness.disk)
        #expect(image.segments.count > 2)
        image.files[image.segments[0]] = nil
        let left = try restarted(image)
        let opened = try left.open()
        let again = try opened.log(1)
        #expect(try again.readAll(level: .durable).records.isEmpty)
        #expect(again.recovery.discarded.count == image.segments.count)
        #expect(again.recovery.damage.isEmpty)
        #expect(DiskImage(left.disk).segments.isEmpty)
        try again.append(PlainRecord("k", "new"))
        try opened.close()
        #expect(try records(left) == [PlainRecord("k", "new")])
        store.abandon()
    }

    @Test func `a segment behind an empty one goes on from it, even where the empty one's footer is damaged`() throws {
        let harness = Harness()
        var store = try harness.open()
        try store.createLog(1).append(PlainRecord("k", "its block is lost"))
        _ = try store.log(1).flushStep()
        var image = DiskImage(harness.disk)
        store.abandon()
        let first = try #require(image.segments.first)
        zero(Format.blocksByteOffset..<Format.blocksByteOffset + 4096, of: first, in: &image)
        // Recovery seals the empty segment; the next one is written, and not synced.
        let second = try restarted(image)
        store = try second.open()
        let log = try store.log(1)
        #expect(try log.readAll(level: .durable).records.isEmpty)
        try log.append(PlainRecord("k", "behind it"))
        _ = log.flushStep()
        image = DiskImage(second.disk)
        store.abandon()
        #expect(image.segments.count == 2)
        let footerAt = image.files[first]!.count - Format.pageByteCount
        #expect(image.files[first]![footerAt] != 0)
        image.files[first]![footerAt + 40] ^= 1
        let third = try restarted(image, boot: 3)
        #expect(try records(third) == [PlainRecord("k", "behind it")])
        #expect(try records(third) == [PlainRecord("k", "behind it")])
    }

    /// Two closed segments and more, then one that was only begun: its block is gone.
    private func begun() throws -> DiskImage {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        for number in 0..<30 {
            try log.append(
                PlainRecord(key: Array("k".utf8), data: (0..<3000).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761 &+ number) >> 7) }),
                arrival: 5000 + UInt64(number))
            _ = log.flushStep()
        }
        try log.wait(.durable, below: log.tip(.published))
        // As by a kill, so that the next opening starts a segment.
        store.abandon()
        return try begunAgain(harness)
    }

    /// The same files and one more segment, of which the block is gone.
    private func begunAgain(_ harness: Harness) throws -> DiskImage {
        let store = try harness.open()
        let log = try store.log(1)
        try log.append(PlainRecord("k", "lost"), arrival: 9000)
        _ = log.flushStep()
        var image = DiskImage(harness.disk)
        store.abandon()
        let newest = try #require(image.segments.last)
        zero(Format.blocksByteOffset..<Format.blocksByteOffset + 4096, of: newest, in: &image)
        return image
    }

    /// The arrival that the next record gets, however early it comes.
    private func nextArrival(_ harness: Harness) throws -> UInt64? {
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.log(1)
        let ordinal = try log.append(PlainRecord("k", "next"), arrival: 0)
        var cursor = log.cursor(at: ordinal, level: .published)
        return try cursor.withBatch { batch throws(LogError) in batch.next()?.arrivalMilliseconds } ?? nil
    }

    @Test func `arrival times do not go back behind a segment that was only begun`() throws {
        let image = try begun()
        #expect(image.segments.count > 2)
        #expect(try nextArrival(try restarted(image)) == 5029)
        let twice = try begunAgain(try restarted(image))
        #expect(twice.segments.count > image.segments.count)
        #expect(try nextArrival(try restarted(twice, boot: 3)) == 5029)
    }

    @Test func `the segment before a damaged one tells the last arrival, and a disk that does not answer is an error`() throws {
        var image = try begun()
        let older = image.segments[image.segments.count - 2]
        // Too short to be a segment.
        image.files[older]!.removeSubrange(100...)
        let last = try nextArrival(try restarted(image))
        let arrival = try #require(last)
        #expect(arrival > 5000 && arrival < 5029)
        let harness = try restarted(try begun())
        let name = older.split(separator: "/").last.map(String.init)
        harness.disk.fault = { operation, file, _ in operation == .openFile && file == name ? 5 : nil }
        let store = try harness.open()
        do throws(LogError) {
            _ = try store.log(1)
            Issue.record("opened over a segment that the disk did not give")
        } catch {
            guard case .io(let cause) = error else { throw error }
            #expect(cause.errorNumber == 5)
        }
    }

    @Test func `a directory that is there but holds nothing is no store unless one is to be made`() throws {
        let harness = Harness()
        harness.disk.close(try harness.disk.openDirectory(at: "/store", create: true))
        #expect(throws: LogError.notAStore(detail: "there is no file `store`")) { try harness.open(create: false) }
        try harness.open().close()
        try harness.open(create: false).close()
    }
}
