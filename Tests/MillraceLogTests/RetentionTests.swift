import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: retention takes what it may, nothing else, and readers learn of it. Method: a log on a disk in memory, steps by hand.
@Suite struct RetentionTests {
    @Test(arguments: 1...6) func `what stands behind a sweep whose sync failed stays, though the next opening takes what that sweep meant to`(
        call: Int
    ) throws {
        let harness = Harness()
        var store = try harness.open()
        var log = try store.createLog(1)
        var limits = RetentionLimits()
        limits.segmentMilliseconds = 100
        for arrival in [1_000, 5_000] as [UInt64] {
            _ = try log.sweep(limits)
            let ordinal = try log.append(PlainRecord("k", "\(arrival)"), arrival: arrival)
            try log.wait(.durable, below: ordinal + 1)
            if arrival == 5_000 { break }
            try store.close()
            store = try harness.open(create: false)
            log = try store.log(1)
        }
        let syncs = harness.disk.callCount(.sync)
        harness.disk.fault = { operation, _, number in operation == .sync && number == syncs + call ? 5 : nil }
        limits.expiredBefore = 4_000
        _ = try? log.sweep(limits)
        harness.disk.fault = nil
        store.abandon()
        store = try harness.open(create: false)
        log = try store.log(1)
        #expect(try log.readAll(level: .durable).records.last?.record == PlainRecord("k", "5000"))
        store.abandon()
        for seed in 1...40 as ClosedRange<UInt64> {
            let again = Harness(disk: harness.disk.crash(entropy: SeededEntropy(seed: seed)))
            again.clock.restart(bootIdentity: (7, 7))
            let opened = try again.open(create: false)
            #expect(try opened.log(1).readAll(level: .durable).records.last?.record == PlainRecord("k", "5000"), "seed \(seed)")
            opened.abandon()
        }
    }

    @Test func `segments that are left for their age are as large as what comes in that time, not larger each time`() throws {
        var harness = Harness()
        harness.configuration.firstSegmentByteCount = 256 << 10
        harness.configuration.greatestSegmentByteCount = 8 << 20
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        var limits = RetentionLimits()
        limits.segmentMilliseconds = 100
        _ = try log.sweep(limits)
        for number in 0..<60 {
            let ordinal = try log.append(PlainRecord("k", "\(number)"), arrival: 1_000 + UInt64(number) * 60)
            try log.wait(.durable, below: ordinal + 1)
        }
        let (count, byteCount) = (log.segmentCount, try log.sweep(limits).keptByteCount)
        #expect(count >= 30)
        #expect(byteCount <= count * (64 << 10) + (512 << 10), "\(byteCount) bytes in \(count) segments")
    }

    @Test func `records that arrived too early are gone with their segments, the others stay, and the horizon is at a block`() throws {
        let harness = Harness()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        let ordinals = try SweptLog.fill(log, 0..<40)
        let before = try SweptLog.files(harness).count
        let outcome = try log.sweep(SweptLog.limits(expiredBefore: 1025))
        #expect(outcome.horizon == ordinals[25] && log.trimHorizon == ordinals[25])
        #expect(outcome.removedSegmentCount > 0 && outcome.removedByteCount >= 8 * 32 << 10 && !outcome.isMore)
        #expect(try SweptLog.files(harness).count == before - outcome.removedSegmentCount)
        #expect(outcome.keptSegmentCount == before - outcome.removedSegmentCount)
        let (records, gaps) = try log.readAll(level: .durable)
        #expect(records.map(\.ordinal) == Array(ordinals[25...]) && gaps.isEmpty)
    }

    @Test func `a reader behind the horizon gets a typed gap up to it, one at the beginning none`() throws {
        let harness = Harness()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        let ordinals = try SweptLog.fill(log, 0..<20)
        _ = try log.sweep(SweptLog.limits(expiredBefore: 1011))
        for position in ordinals[..<11] {
            var cursor = log.cursor(at: position, level: .durable)
            #expect(try cursor.fetch() == .gap(Gap(.trimmed, from: position, to: ordinals[11])))
            let next = try cursor.withBatch { batch throws(LogError) in batch.next()?.ordinal }
            #expect(next == ordinals[11])
        }
        #expect(try log.readAll(level: .durable).gaps.isEmpty)
    }

    @Test func `the horizon never goes back, whatever later sweeps are told`() throws {
        let harness = Harness()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        let ordinals = try SweptLog.fill(log, 0..<20)
        _ = try log.sweep(SweptLog.limits(expiredBefore: 1015))
        for time: UInt64 in [0, 1, 1003, 1015] {
            #expect(try log.sweep(SweptLog.limits(expiredBefore: time)).horizon == ordinals[15])
        }
    }

    /// The first sweep brings the horizon to the disk in an empty segment; the second may take that one only when another says it.
    @Test func `the horizon does not go back over a power loss either, whichever segment said it`() throws {
        var harness = Harness()
        // Files that are kept for later would have the names synced.
        harness.configuration.recycledByteLimit = 0
        let first = try harness.open()
        _ = try SweptLog.fill(try first.createLog(1), 0..<5)
        try first.close()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.log(1)
        var limits = SweptLog.limits(expiredBefore: 1005)
        limits.removalByteLimit = 1
        let horizon = try log.sweep(limits).horizon
        _ = try SweptLog.fill(log, 5..<7, isSynced: false)
        while log.flushStep() == .progress {}
        #expect(try log.sweep(SweptLog.limits(expiredBefore: 1005)).removedSegmentCount > 1)
        for seed in 0..<400 {
            let disk = harness.disk.crash(entropy: SeededEntropy(seed: UInt64(seed)))
            var again = Harness(disk: disk)
            again.configuration = harness.configuration
            again.clock.restart(bootIdentity: (7, 7))
            let opened = try again.open(create: false)
            defer { opened.abandon() }
            let found = try opened.log(1).readAll(level: .durable)
            #expect(found.gaps.isEmpty && found.records.allSatisfy { $0.ordinal >= horizon }, "seed \(seed): \(found.records.map(\.ordinal))")
            #expect(try opened.log(1).trimHorizon >= horizon, "seed \(seed)")
        }
    }

    /// Recovery seals such a segment, and its seal alone would have the next opening look no further.
    @Test func `the horizon is found behind a segment whose notes were lost, as often as removed files come back`() throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        _ = try SweptLog.fill(log, 0..<12)
        let before = DiskImage(harness.disk), oldest = try #require(before.segments.first)
        let horizon = try log.sweep(SweptLog.limits(expiredBefore: 1007)).horizon
        store.abandon()
        let next = try harness.open(create: false)
        _ = try SweptLog.fill(try next.log(1), 12..<13, isSynced: false)
        while try next.log(1).flushStep() == .progress {}
        next.abandon()
        var image = DiskImage(harness.disk)
        let newest = try #require(image.segments.last)
        for at in Format.pageByteCount..<Format.blocksByteOffset { image.files[newest]?[at] = 0x5a }
        for boot in 7...9 as ClosedRange<UInt64> {
            #expect(image.files[oldest] == nil)
            image.files[oldest] = before.files[oldest]
            let again = Harness(disk: try image.disk())
            again.clock.restart(bootIdentity: (boot, boot))
            let opened = try again.open(create: false)
            defer { opened.abandon() }
            let found = try opened.log(1).readAll(level: .durable)
            #expect(found.gaps.isEmpty && found.records.first?.ordinal == horizon, "\(found.gaps)")
            #expect(try opened.log(1).trimHorizon == horizon)
            image = DiskImage(again.disk)
        }
    }

    @Test func `what is not durable yet is not swept`() throws {
        let harness = Harness()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        let durable = try SweptLog.fill(log, 0..<5)
        let others = try SweptLog.fill(log, 5..<15, isSynced: false)
        #expect(try log.sweep(SweptLog.limits(expiredBefore: 5000)).horizon <= durable[4] + 1)
        try log.wait(.durable, below: others[9] + 1)
        let (records, _) = try log.readAll(level: .durable)
        #expect(records.map(\.ordinal).suffix(10) == others[...])
    }

    @Test(arguments: [true, false])
    func `a log whose records have all expired keeps one small file, takes new records, and still knows what is gone`(
        isClosed: Bool
    ) throws {
        let harness = Harness()
        var store = try harness.open()
        var log = try store.createLog(1)
        let old = try SweptLog.fill(log, 0..<12)
        let outcome = try log.sweep(SweptLog.limits(expiredBefore: 5000))
        #expect(outcome.horizon == old[11] + 1 && outcome.keptSegmentCount == 1 && outcome.keptByteCount == 16 << 10)
        #expect(try SweptLog.files(harness).count == 1)
        // Again: nothing more to do.
        #expect(try log.sweep(SweptLog.limits(expiredBefore: 6000)).removedSegmentCount == 0)
        #expect(try log.readAll(level: .durable).records.isEmpty)
        for round in 0..<3 {
            if isClosed { try store.close() } else { store.abandon() }
            store = try harness.open(create: false)
            log = try store.log(1)
            #expect(log.recovery.wasClean || !isClosed)
            #expect(log.recovery.damage.isEmpty)
            _ = try log.sweep(SweptLog.limits(expiredBefore: 6000))
            #expect(try SweptLog.files(harness).count == 1, "round \(round)")
            // Even when nothing else is left of the records, a reader that stands among them is told.
            var cursor = log.cursor(at: old[3], level: .durable)
            let ordinal = try log.append(PlainRecord("k", "new \(round)"), arrival: 7000)
            try log.wait(.durable, below: ordinal + 1)
            #expect(try cursor.fetch() == .gap(Gap(.trimmed, from: old[3], to: log.trimHorizon)))
            let (records, gaps) = try log.readAll(level: .durable)
            #expect(records.map(\.record) == [PlainRecord("k", "new \(round)")] && gaps.isEmpty)
            _ = try log.sweep(SweptLog.limits(expiredBefore: 8000))
        }
        store.abandon()
    }

    @Test func `an empty segment that was opened again twice is no gap`() throws {
        let harness = Harness()
        var store = try harness.open()
        _ = try SweptLog.fill(try store.createLog(1), 0..<2)
        try store.close()
        store = try harness.open(create: false)
        _ = try store.log(1).sweep(SweptLog.limits(expiredBefore: 5000))
        for _ in 0..<2 {
            try store.close()
            store = try harness.open(create: false)
            let (records, gaps) = try store.log(1).readAll(level: .durable)
            #expect(records.isEmpty && gaps.isEmpty)
        }
        store.abandon()
    }

    @Test func `arrival times do not go back behind an empty segment`() throws {
        let harness = Harness()
        var store = try harness.open()
        _ = try SweptLog.fill(try store.createLog(1), 0..<12)
        _ = try store.log(1).sweep(SweptLog.limits(expiredBefore: 5000))
        for isClosed in [true, false] {
            if isClosed { try store.close() } else { store.abandon() }
            store = try harness.open(create: false)
            #expect(try store.log(1).lastArrival == 1011)
        }
        store.abandon()
    }

    @Test func `a sweep removes no more at once than it is told, oldest first, and says that there is more`() throws {
        let harness = Harness()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        let ordinals = try SweptLog.fill(log, 0..<40)
        var limits = SweptLog.limits(expiredBefore: 1035)
        limits.removalByteLimit = 1
        var sizes: [Int] = []
        while true {
            let names = try SweptLog.files(harness)
            let outcome = try log.sweep(limits)
            // The horizon is there at once, whatever the files do.
            #expect(outcome.horizon == ordinals[35])
            if outcome.removedSegmentCount == 0 { break }
            #expect(outcome.removedSegmentCount == 1)
            #expect(try SweptLog.files(harness) == Array(names.dropFirst()))
            sizes.append(outcome.removedByteCount)
            if !outcome.isMore { break }
        }
        #expect(sizes.count >= 8)
    }

    @Test func `by bytes the newest segments stay that take at least so many`() throws {
        let harness = Harness()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        let ordinals = try SweptLog.fill(log, 0..<60)
        var limits = RetentionLimits()
        limits.keptByteCount = 200 << 10
        let outcome = try log.sweep(limits)
        #expect(outcome.keptByteCount >= 200 << 10 && outcome.keptByteCount < (200 << 10) + harness.configuration.greatestSegmentByteCount)
        let (records, gaps) = try log.readAll(level: .durable)
        #expect(records.map(\.ordinal) == ordinals.filter { $0 >= outcome.horizon } && records.count < 60 && gaps.isEmpty)
    }

    @Test func `a segment takes no record that arrived much later than its first, so that old ones can go`() throws {
        let harness = Harness()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        var limits = RetentionLimits()
        limits.segmentMilliseconds = 100
        _ = try log.sweep(limits)
        for time in stride(from: UInt64(1000), to: 2000, by: 60) {
            let ordinal = try log.append(PlainRecord("k", "small"), arrival: time)
            try log.wait(.durable, below: ordinal + 1)
        }
        // 17 records 60 ms apart: two to a segment.
        #expect(log.segmentCount == 9)
        limits.expiredBefore = 1500
        let outcome = try log.sweep(limits)
        #expect(outcome.removedSegmentCount == 4)
        #expect(try log.readAll(level: .durable).records.count == 8)
    }

    @Test func `a horizon by ordinal is on the disk when the sweep returns`() throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        let ordinals = try SweptLog.fill(log, 0..<20)
        var limits = RetentionLimits()
        limits.trimmedBelow = ordinals[13]
        _ = try log.sweep(limits)
        for seed in 0..<20 {
            let again = try Harness(disk: harness.disk.crash(entropy: SeededEntropy(seed: UInt64(seed)))).open(create: false)
            defer { again.abandon() }
            let (records, gaps) = try again.log(1).readAll(level: .durable)
            #expect(records.map(\.ordinal) == Array(ordinals[13...]) && gaps.isEmpty)
            #expect(try again.log(1).trimHorizon == ordinals[13])
        }
        store.abandon()
    }

    @Test(arguments: 0..<40)
    func `whichever files of a sweep a power loss leaves, the next opening finds no hole`(seed: UInt64) throws {
        let harness = Harness(seed: seed)
        let store = try harness.open()
        let log = try store.createLog(1)
        let ordinals = try SweptLog.fill(log, 0..<40)
        _ = try log.sweep(SweptLog.limits(expiredBefore: 1036))
        let again = try Harness(disk: harness.disk.crash(entropy: SeededEntropy(seed: seed))).open(create: false)
        defer { again.abandon() }
        let (records, gaps) = try again.log(1).readAll(level: .durable)
        #expect(records.map(\.ordinal) == Array(ordinals[36...]) && gaps.isEmpty)
        store.abandon()
        let verification = try StoreVerification.run(
            at: "/store", io: harness.disk.crash(entropy: SeededEntropy(seed: seed)))
        #expect(verification.findings.filter { $0.severity == .damage }.isEmpty, "\(verification.findings)")
    }

    // MARK: Trouble

    @Test func `a file that cannot be removed is removed by the next sweep`() throws {
        let harness = Harness()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        _ = try SweptLog.fill(log, 0..<20)
        let before = try SweptLog.files(harness).count
        harness.disk.fault = { operation, _, _ in operation == .unlink ? 5 : nil }
        #expect(throws: LogError.self) { try log.sweep(SweptLog.limits(expiredBefore: 1016)) }
        harness.disk.fault = nil
        #expect(try SweptLog.files(harness).count == before)
        #expect(try log.readAll(level: .durable).records.count >= 4)
        let outcome = try log.sweep(SweptLog.limits(expiredBefore: 1016))
        let after = try SweptLog.files(harness).count
        #expect(after == outcome.keptSegmentCount && after < before)
        // The log itself is none the worse for it.
        _ = try SweptLog.fill(log, 20..<22)
    }

    @Test func `a full disk keeps the newest segment, and the next sweep takes it when there is room`() throws {
        let disk = ShadowIO(capacityByteCount: 1 << 20)
        let harness = Harness(disk: disk)
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        _ = try SweptLog.fill(log, 0..<12)
        disk.capacityByteCount = disk.allocatedByteCount
        do throws(LogError) {
            _ = try log.sweep(SweptLog.limits(expiredBefore: 5000))
            Issue.record("there was no room")
        } catch {
            guard case .storageFull = error else { throw error }
        }
        disk.capacityByteCount = 1 << 20
        let outcome = try log.sweep(SweptLog.limits(expiredBefore: 5000))
        #expect(outcome.keptByteCount == 16 << 10)
        _ = try SweptLog.fill(log, 12..<14)
    }

    @Test func `a damaged segment goes when those behind it have expired, not before`() throws {
        let harness = Harness()
        var store = try harness.open()
        let ordinals = try SweptLog.fill(try store.createLog(1), 0..<20)
        try store.close()
        // Header and notes of the second segment.
        let names = try SweptLog.files(harness)
        let root = try harness.disk.openDirectory(at: "/store", create: false)
        let logs = try harness.disk.openDirectory("logs", in: root, create: false)
        let directory = try harness.disk.openDirectory(FileNames.log(1), in: logs, create: false)
        let file = try harness.disk.openFile(names[1], in: directory, writable: true)
        try harness.disk.write(file, at: 0, [AlignedMemory(byteCount: 12_288).memory])
        try harness.disk.sync(file)
        store = try harness.open(create: false)
        defer { store.abandon() }
        let log = try store.log(1)
        let damaged = ordinals.filter { $0 >= log.segments.segments[1].baseOrdinal && $0 < log.segments.segments[2].baseOrdinal }
        let next = ordinals.firstIndex(of: damaged.last! + 1)!
        _ = try log.sweep(SweptLog.limits(expiredBefore: 1000 + UInt64(next)))
        #expect(log.readUntilError(level: .durable).gaps.count == 1)
        _ = try log.sweep(SweptLog.limits(expiredBefore: 1000 + UInt64(next) + 1))
        #expect(log.readUntilError(level: .durable).gaps.isEmpty)
        #expect(try log.readAll(level: .durable).records.map(\.ordinal) == Array(ordinals[(next + 1)...]))
    }
}
