import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: retention takes what it may, nothing else, and readers learn of it. Method: a log on a disk in memory, steps by hand.
@Suite struct RetentionTests {
    /// A log of so many records, each its own block and each some 10 kB that do not compress: three to a segment of 32 KiB. Record i
    /// arrived at 1000 + i.
    private static func fill(_ log: ShardLog, _ range: Range<Int>, isSynced: Bool = true) throws -> [UInt64] {
        let dice = SeededEntropy(seed: UInt64(range.lowerBound))
        return try range.map { number in
            let data = (0..<10_000).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
            let ordinal = try log.append(PlainRecord(key: Array("k\(number)".utf8), data: data), arrival: 1000 + UInt64(number))
            if isSynced { try log.wait(.durable, below: ordinal + 1) }
            return ordinal
        }
    }

    private static func limits(expiredBefore: UInt64) -> RetentionLimits {
        var limits = RetentionLimits()
        limits.expiredBefore = expiredBefore
        return limits
    }

    private static func files(_ harness: Harness, log id: UInt64 = 1) throws -> [String] {
        let root = try harness.disk.openDirectory(at: "/store", create: false)
        defer { harness.disk.close(root) }
        let logs = try harness.disk.openDirectory("logs", in: root, create: false)
        defer { harness.disk.close(logs) }
        let log = try harness.disk.openDirectory(FileNames.log(id), in: logs, create: false)
        defer { harness.disk.close(log) }
        return try harness.disk.list(log)
    }

    @Test func `records that arrived too early are gone with their segments, the others stay, and the horizon is at a block`() throws {
        let harness = Harness()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        let ordinals = try Self.fill(log, 0..<40)
        let before = try Self.files(harness).count
        let outcome = try log.sweep(Self.limits(expiredBefore: 1025))
        #expect(outcome.horizon == ordinals[25] && log.trimHorizon == ordinals[25])
        #expect(outcome.removedSegmentCount > 0 && outcome.removedByteCount >= 8 * 32 << 10 && !outcome.isMore)
        #expect(try Self.files(harness).count == before - outcome.removedSegmentCount)
        #expect(outcome.keptSegmentCount == before - outcome.removedSegmentCount)
        let (records, gaps) = try log.readAll(level: .durable)
        #expect(records.map(\.ordinal) == Array(ordinals[25...]) && gaps.isEmpty)
    }

    @Test func `a reader behind the horizon gets a typed gap up to it, one at the beginning none`() throws {
        let harness = Harness()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        let ordinals = try Self.fill(log, 0..<20)
        _ = try log.sweep(Self.limits(expiredBefore: 1011))
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
        let ordinals = try Self.fill(log, 0..<20)
        _ = try log.sweep(Self.limits(expiredBefore: 1015))
        for time: UInt64 in [0, 1, 1003, 1015] {
            #expect(try log.sweep(Self.limits(expiredBefore: time)).horizon == ordinals[15])
        }
    }

    @Test func `what is not durable yet is not swept`() throws {
        let harness = Harness()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        let durable = try Self.fill(log, 0..<5)
        let others = try Self.fill(log, 5..<15, isSynced: false)
        #expect(try log.sweep(Self.limits(expiredBefore: 5000)).horizon <= durable[4] + 1)
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
        let old = try Self.fill(log, 0..<12)
        let outcome = try log.sweep(Self.limits(expiredBefore: 5000))
        #expect(outcome.horizon == old[11] + 1 && outcome.keptSegmentCount == 1 && outcome.keptByteCount == 16 << 10)
        #expect(try Self.files(harness).count == 1)
        // Again: nothing more to do.
        #expect(try log.sweep(Self.limits(expiredBefore: 6000)).removedSegmentCount == 0)
        #expect(try log.readAll(level: .durable).records.isEmpty)
        for round in 0..<3 {
            if isClosed { try store.close() } else { store.abandon() }
            store = try harness.open(create: false)
            log = try store.log(1)
            #expect(log.recovery.wasClean || !isClosed)
            #expect(log.recovery.damage.isEmpty)
            _ = try log.sweep(Self.limits(expiredBefore: 6000))
            #expect(try Self.files(harness).count == 1, "round \(round)")
            // Even when nothing else is left of the records, a reader that stands among them is told.
            var cursor = log.cursor(at: old[3], level: .durable)
            let ordinal = try log.append(PlainRecord("k", "new \(round)"), arrival: 7000)
            try log.wait(.durable, below: ordinal + 1)
            #expect(try cursor.fetch() == .gap(Gap(.trimmed, from: old[3], to: log.trimHorizon)))
            let (records, gaps) = try log.readAll(level: .durable)
            #expect(records.map(\.record) == [PlainRecord("k", "new \(round)")] && gaps.isEmpty)
            _ = try log.sweep(Self.limits(expiredBefore: 8000))
        }
        store.abandon()
    }

    @Test func `an empty segment that was opened again twice is no gap`() throws {
        let harness = Harness()
        var store = try harness.open()
        _ = try Self.fill(try store.createLog(1), 0..<2)
        try store.close()
        store = try harness.open(create: false)
        _ = try store.log(1).sweep(Self.limits(expiredBefore: 5000))
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
        _ = try Self.fill(try store.createLog(1), 0..<12)
        _ = try store.log(1).sweep(Self.limits(expiredBefore: 5000))
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
        let ordinals = try Self.fill(log, 0..<40)
        var limits = Self.limits(expiredBefore: 1035)
        limits.removalByteLimit = 1
        var sizes: [Int] = []
        while true {
            let names = try Self.files(harness)
            let outcome = try log.sweep(limits)
            // The horizon is there at once, whatever the files do.
            #expect(outcome.horizon == ordinals[35])
            if outcome.removedSegmentCount == 0 { break }
            #expect(outcome.removedSegmentCount == 1)
            #expect(try Self.files(harness) == Array(names.dropFirst()))
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
        let ordinals = try Self.fill(log, 0..<60)
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
        let ordinals = try Self.fill(log, 0..<20)
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
        let ordinals = try Self.fill(log, 0..<40)
        _ = try log.sweep(Self.limits(expiredBefore: 1036))
        let again = try Harness(disk: harness.disk.crash(entropy: SeededEntropy(seed: seed))).open(create: false)
        defer { again.abandon() }
        let (records, gaps) = try again.log(1).readAll(level: .durable)
        #expect(records.map(\.ordinal) == Array(ordinals[36...]) && gaps.isEmpty)
        store.abandon()
        let verification = try StoreVerification.run(
            at: "/store", io: harness.disk.crash(entropy: SeededEntropy(seed: seed)))
        #expect(verification.findings.filter { $0.severity == .damage }.isEmpty, "\(verification.findings)")
    }

    // MARK: Views, and files that are used again

    @Test func `a view that is held stays what it is when its segment goes, and its file is not used again meanwhile`() throws {
        var harness = Harness()
        harness.configuration.isCompressing = false
        harness.configuration.leastRecycledByteCount = 32 << 10
        harness.configuration.cacheByteCount = 0
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        let ordinals = try Self.fill(log, 0..<20)
        store.dropCache()
        var cursor = log.cursor(at: ordinals[0], level: .durable)
        guard case .records(let count) = try cursor.fetch() else { throw LogError.closed }
        let bytes = cursor.heldBytes(count: count)
        let outcome = try log.sweep(Self.limits(expiredBefore: 1016))
        // The first one is held; of the others those are kept that have a size worth keeping.
        #expect(outcome.removedSegmentCount > 2 && outcome.recycledSegmentCount > 0)
        #expect(outcome.recycledSegmentCount < outcome.removedSegmentCount)
        _ = try Self.fill(log, 20..<60)
        #expect(cursor.heldBytes(count: count) == bytes)
    }

    @Test(arguments: 1...30)
    func `a file that is used again shows nothing of its former life, whenever the power fails`(seed: UInt64) throws {
        var harness = Harness(seed: seed)
        harness.configuration.leastRecycledByteCount = 32 << 10
        let store = try harness.open()
        let log = try store.createLog(1)
        let other = try store.createLog(2)
        let old = try Self.fill(log, 0..<30)
        let outcome = try log.sweep(Self.limits(expiredBefore: 1028))
        #expect(outcome.recycledSegmentCount > 3)
        var put: [UInt64] = []
        for number in 0..<12 {
            let range = (100 + number * 2)..<(102 + number * 2)
            let ordinals = try Self.fill(other, range, isSynced: number % 3 == 0)
            put += ordinals
            _ = other.flushStep()
            let disk = harness.disk.crash(entropy: SeededEntropy(seed: seed &* 100 &+ UInt64(number)))
            let promised = other.tip(.durable)
            var again = Harness(disk: disk)
            again.configuration = harness.configuration
            again.clock.restart(bootIdentity: (7, UInt64(number)))
            let opened = try again.open(create: false)
            defer { opened.abandon() }
            let found = try opened.log(2).readAll(level: .durable)
            let recovered = try opened.log(2).recovery
            // A segment whose beginning the power cut holds no record.
            #expect(found.gaps.isEmpty && recovered.damage.allSatisfy { $0.ordinals.isEmpty })
            #expect(found.records.map(\.ordinal) == Array(put.prefix(found.records.count)))
            #expect(found.records.count >= put.count { $0 < promised })
            let first = try opened.log(1)
            #expect(first.recovery.damage.isEmpty)
            let kept = try first.readAll(level: .durable)
            #expect(kept.gaps.isEmpty && kept.records.map(\.ordinal) == Array(old.suffix(kept.records.count)))
            #expect(kept.records.count >= 2)
        }
        store.abandon()
    }

    // MARK: Trouble

    @Test func `a file that cannot be removed is removed by the next sweep`() throws {
        let harness = Harness()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        _ = try Self.fill(log, 0..<20)
        let before = try Self.files(harness).count
        harness.disk.fault = { operation, _, _ in operation == .unlink ? 5 : nil }
        #expect(throws: LogError.self) { try log.sweep(Self.limits(expiredBefore: 1016)) }
        harness.disk.fault = nil
        #expect(try Self.files(harness).count == before)
        #expect(try log.readAll(level: .durable).records.count >= 4)
        let outcome = try log.sweep(Self.limits(expiredBefore: 1016))
        let after = try Self.files(harness).count
        #expect(after == outcome.keptSegmentCount && after < before)
        // The log itself is none the worse for it.
        _ = try Self.fill(log, 20..<22)
    }

    @Test(arguments: [IOError.Operation.rename, .syncDirectory, .openFile, .allocate, .write, .sync, .unlink])
    func `a call that fails while files are kept for later costs no record`(operation: IOError.Operation) throws {
        for call in 1...4 {
            var harness = Harness()
            harness.configuration.leastRecycledByteCount = 32 << 10
            // Not all of them fit.
            harness.configuration.recycledByteLimit = 200 << 10
            let store = try harness.open()
            let log = try store.createLog(1)
            let ordinals = try Self.fill(log, 0..<24)
            let calls = Guarded(0)
            harness.disk.fault = { kind, _, _ in
                guard kind == operation else { return nil }
                return calls.withLock { calls in
                    calls += 1
                    return calls == call ? 5 : nil
                }
            }
            _ = try? log.sweep(Self.limits(expiredBefore: 1020))
            harness.disk.fault = nil
            if let outcome = try? log.sweep(Self.limits(expiredBefore: 1020)) {
                #expect(try Self.files(harness).count == outcome.keptSegmentCount, "\(operation) \(call)")
            }
            store.abandon()
            let again = try Harness(disk: harness.disk.kill()).open(create: false)
            defer { again.abandon() }
            let (records, gaps) = try again.log(1).readAll(level: .durable)
            #expect(records.map(\.ordinal).suffix(4) == ordinals[20...] && gaps.isEmpty, "\(operation) \(call)")
        }
    }

    @Test(arguments: [IOError.Operation.allocate, .write])
    func `a file that cannot be made whole on a full disk is let go, and the sweep does its work`(operation: IOError.Operation) throws {
        var harness = Harness()
        harness.configuration.leastRecycledByteCount = 32 << 10
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        _ = try Self.fill(log, 0..<20)
        // In a sweep that leaves the newest segment alone, only files that are to be kept are allocated, and written behind the note.
        let isNoted = Guarded(operation == .allocate)
        harness.disk.fault = { kind, _, _ in
            guard kind == operation else { return nil }
            return isNoted.withLock { noted in
                defer { noted = true }
                return noted ? 28 : nil
            }
        }
        let outcome = try log.sweep(Self.limits(expiredBefore: 1016))
        harness.disk.fault = nil
        #expect(outcome.removedSegmentCount > 3 && outcome.recycledSegmentCount == 0)
        #expect(try Self.files(harness).count == outcome.keptSegmentCount)
    }

    @Test func `a file that a backup is reading, or has another name for, is not used again`() throws {
        var harness = Harness()
        harness.configuration.leastRecycledByteCount = 32 << 10
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        _ = try Self.fill(log, 0..<20)
        let root = try harness.disk.openDirectory(at: "/store", create: false)
        let logs = try harness.disk.openDirectory("logs", in: root, create: false)
        let directory = try harness.disk.openDirectory(FileNames.log(1), in: logs, create: false)
        let elsewhere = try harness.disk.openDirectory(at: "/elsewhere", create: true)
        let name = try Self.files(harness)[0]
        try harness.disk.link(name, in: directory, as: name, in: elsewhere)
        let outcome = try log.sweep(Self.limits(expiredBefore: 1016))
        #expect(outcome.recycledSegmentCount == outcome.removedSegmentCount - 1)
        for handle in [root, logs, directory, elsewhere] { harness.disk.close(handle) }
    }

    @Test func `a full disk keeps the newest segment, and the next sweep takes it when there is room`() throws {
        let disk = ShadowIO(capacityByteCount: 1 << 20)
        let harness = Harness(disk: disk)
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        _ = try Self.fill(log, 0..<12)
        disk.capacityByteCount = disk.allocatedByteCount
        do throws(LogError) {
            _ = try log.sweep(Self.limits(expiredBefore: 5000))
            Issue.record("there was no room")
        } catch {
            guard case .storageFull = error else { throw error }
        }
        disk.capacityByteCount = 1 << 20
        let outcome = try log.sweep(Self.limits(expiredBefore: 5000))
        #expect(outcome.keptByteCount == 16 << 10)
        _ = try Self.fill(log, 12..<14)
    }

    @Test func `a damaged segment goes when those behind it have expired, not before`() throws {
        let harness = Harness()
        var store = try harness.open()
        let ordinals = try Self.fill(try store.createLog(1), 0..<20)
        try store.close()
        // Header and notes of the second segment.
        let names = try Self.files(harness)
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
        _ = try log.sweep(Self.limits(expiredBefore: 1000 + UInt64(next)))
        #expect(log.readUntilError(level: .durable).gaps.count == 1)
        _ = try log.sweep(Self.limits(expiredBefore: 1000 + UInt64(next) + 1))
        #expect(log.readUntilError(level: .durable).gaps.isEmpty)
        #expect(try log.readAll(level: .durable).records.map(\.ordinal) == Array(ordinals[(next + 1)...]))
    }

    // MARK: Many at once

    @Test func `readers, producers and sweeps at once disturb each other in nothing`() async throws {
        let directory = TemporaryDirectory()
        var configuration = Harness.smallConfiguration
        configuration.workerCount = 2
        configuration.leastRecycledByteCount = 32 << 10
        let store = try LogStore(
            at: directory.path, create: true, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(),
            configuration: configuration)
        let log = try store.createLog(1)
        let isOver = Guarded(false)
        let count = 3_000
        await withTaskGroup(of: String?.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    var cursor = log.cursor(at: 0, level: .published)
                    var last: UInt64 = 0
                    while !isOver.withLock({ $0 }) || last + 1 < log.tip(.published) {
                        do throws(LogError) {
                            var wrong: String?
                            let more: Bool? = try cursor.withBatch { batch throws(LogError) in
                                while let view = batch.next() {
                                    if view.ordinal <= last, last > 0 { wrong = "\(view.ordinal) after \(last)" }
                                    last = view.ordinal
                                    let number = view.data.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                                    if number != view.arrivalMilliseconds { wrong = "record \(view.ordinal) is another" }
                                }
                                return true
                            }
                            if let wrong { return wrong }
                            if more == nil { await Task.yield() }
                        } catch {
                            guard case .gap(let gap) = error, gap.cause == .trimmed else { return "\(error)" }
                        }
                    }
                    return nil
                }
            }
            group.addTask {
                while !isOver.withLock({ $0 }) {
                    do throws(LogError) {
                        var limits = RetentionLimits()
                        let newest = log.lastArrival
                        limits.expiredBefore = newest > 300 ? newest - 300 : 0
                        _ = try log.sweep(limits)
                    } catch { return "\(error)" }
                    await Task.yield()
                }
                return nil
            }
            group.addTask {
                defer { isOver.withLock { $0 = true } }
                do throws(LogError) {
                    for number in 1...UInt64(count) {
                        let head = (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * UInt64($0))) }
                        let ordinal = try log.append(
                            PlainRecord(key: [1], data: head + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 700)),
                            arrival: number)
                        if number % 50 == 0 { try log.wait(.durable, below: ordinal + 1) }
                    }
                    return nil
                } catch { return "\(error)" }
            }
            for await wrong in group { #expect(wrong == nil) }
        }
        #expect(log.segmentCount < 40)
        try store.close()
        let verification = try StoreVerification.run(at: directory.path, io: PosixIO())
        #expect(verification.findings.filter { $0.severity == .damage }.isEmpty, "\(verification.findings)")
    }
}
