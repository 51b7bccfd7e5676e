import MillraceIO
import MillraceLog
import MillraceTestKit
import Synchronization
import Testing

/// Aim: a backup has every durable record and opens by itself, shares only what nobody writes, and changes nothing of
/// the store. Method: stores on a disk in memory with every step by hand; small segments, so that logs have many.
@Suite struct BackupTests {
    private static func record(_ number: Int, _ byteCount: Int = 2000) -> PlainRecord {
        PlainRecord(
            key: Array("k\(number)".utf8),
            data: (0..<byteCount).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761 &+ number) >> 7) })
    }

    /// Appends so many records, durable one by one or together.
    private static func fill(_ log: ShardLog, _ count: Int, from first: Int = 0, eachDurable: Bool = true) throws {
        for number in first..<first + count {
            try log.append(record(number))
            _ = log.flushStep()
            if eachDurable { try log.wait(.durable, below: log.tip(.published)) }
        }
        if eachDurable { return }
        try log.wait(.durable, below: log.tip(.published))
    }

    private static func open(_ harness: Harness, at path: String, boot: UInt64? = nil) throws(LogError) -> LogStore {
        if let boot { harness.clock.restart(bootIdentity: (boot, boot)) }
        return try LogStore(
            at: path, create: false, io: harness.disk, clock: harness.clock, entropy: harness.entropy,
            configuration: harness.configuration)
    }

    private static func copy(
        _ store: LogStore, _ ids: [UInt64], to path: String = "/backup", _ choices: BackupChoices = BackupChoices()
    ) throws(LogError) -> BackupContents {
        let backup = try store.beginBackup(to: path, choices)
        for id in ids { try backup.copyLog(id) }
        return try backup.finish()
    }

    private static func below(_ path: String, _ disk: ShadowIO) -> [String: [UInt8]] {
        disk.contents().filter { $0.key.hasPrefix(path + "/") }
    }

    /// How many names a file of the log has.
    private static func nameCounts(_ path: String, _ id: UInt64, _ disk: ShadowIO) throws -> [Int] {
        let root = try disk.openDirectory(at: path, create: false)
        let logs = try disk.openDirectory(FileNames.logs, in: root, create: false)
        let log = try disk.openDirectory(FileNames.log(id), in: logs, create: false)
        defer { for handle in [log, logs, root] { disk.close(handle) } }
        return try disk.list(log).sorted().map { name in
            let file = try disk.openFile(name, in: log, writable: false)
            defer { disk.close(file) }
            return try disk.nameCount(of: file)
        }
    }

    @Test(arguments: [true, false], [true, false])
    func `a backup has every durable record, opens by itself, and goes on above its numbers`(isLinking: Bool, eachDurable: Bool) throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        _ = try store.createLog(2)
        try Self.fill(log, 80, eachDurable: eachDurable)
        // Published, and written: may be in it.
        try log.append(Self.record(80))
        _ = log.flushStep()
        try log.append(Self.record(81))
        let handles = harness.disk.openHandles
        let before = Self.below("/store", harness.disk)
        var choices = BackupChoices()
        choices.isLinking = isLinking
        let contents = try Self.copy(store, [1, 2], choices)
        #expect(Self.below("/store", harness.disk) == before, "the store was changed")
        #expect(harness.disk.openHandles == handles)
        #expect(contents.findings.isEmpty && contents.isVerified && contents.logCount == 2)
        let counts = try Self.nameCounts("/backup", 1, harness.disk)
        #expect(contents.linkedSegmentCount == counts.count { $0 > 1 })
        #expect(contents.linkedSegmentCount + contents.copiedSegmentCount == counts.count && counts.count > 3)
        // Records of one sync: the disk does not say yet that they are durable, so a recovery might write their segments.
        let isShared = isLinking && eachDurable
        #expect(counts == Array(repeating: isShared ? 2 : 1, count: counts.count - 1) + [1])
        // The newest one is the backup's own in any case.
        #expect(counts.last == 1)
        let expected = try log.readAll(level: .durable).records
        #expect(expected.count == 80)
        for boot in [nil, 2] as [UInt64?] {
            let again = try Self.open(harness, at: "/backup", boot: boot)
            let found = try again.log(1)
            let read = try found.readAll(level: .durable)
            #expect(read.gaps.isEmpty)
            #expect(read.records.prefix(80).elementsEqual(expected, by: ==))
            #expect(again.storeIdentity == store.storeIdentity)
            let new = try found.append(Self.record(1000))
            #expect(try #require(expected.last).ordinal < new)
            try again.close()
        }
        #expect(try StoreVerification.run(at: "/backup", io: harness.disk).isClean)
        try store.close()
    }

    @Test func `a store and its backup that share files go their own ways`() throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        try Self.fill(log, 120)
        let contents = try Self.copy(store, [1])
        #expect(contents.linkedSegmentCount > 2)
        let expected = try log.readAll(level: .durable).records.map(\.record)
        // Power fails, both are recovered, and go on over several segments, in turn.
        let left = Harness(disk: harness.disk.crash(.nothing, entropy: SeededEntropy(seed: 1)))
        store.abandon()
        for round in 0..<3 as Range<UInt64> {
            for path in ["/store", "/backup"] {
                let again = try Self.open(left, at: path, boot: round + 2)
                try Self.fill(try again.log(1), 30, from: 1000 * (path == "/store" ? 1 : 2) + Int(round) * 30)
                if round == 1 { again.abandon() } else { try again.close() }
            }
        }
        for (path, own) in [("/store", 1000), ("/backup", 2000)] {
            let again = try Self.open(left, at: path)
            let read = try again.log(1).readAll(level: .durable)
            #expect(read.gaps.isEmpty)
            #expect(read.records.map(\.record) == expected + (own..<own + 90).map { Self.record($0) })
            try again.close()
            #expect(try StoreVerification.run(at: path, io: left.disk).isClean)
        }
        // What one of them lets go of stays the other's.
        let again = try Self.open(left, at: "/store")
        try again.removeLog(1)
        try again.close()
        let backup = try Self.open(left, at: "/backup")
        #expect(try backup.log(1).readAll(level: .durable).records.count == 210)
        try backup.close()
    }

    @Test func `a log that nobody has open is copied as it lies, whatever its end`() throws {
        for (number, end) in ["closed", "killed", "crashed"].enumerated() {
            for seed in 0..<(end == "crashed" ? 40 : 1) as Range<UInt64> {
                var harness = Harness()
                let first = try harness.open()
                let log = try first.createLog(1)
                try Self.fill(log, 50)
                for number in 50..<70 {
                    try log.append(Self.record(number))
                    _ = log.flushStep()
                }
                let durable = try log.readAll(level: .durable).records
                switch end {
                case "closed": try first.close()
                case "killed": first.abandon()
                default:
                    harness = Harness(disk: harness.disk.crash(entropy: SeededEntropy(seed: seed)))
                    first.abandon()
                }
                harness.clock.restart(bootIdentity: (UInt64(number) + 5, seed))
                let store = try Self.open(harness, at: "/store")
                let before = Self.below("/store", harness.disk)
                let contents = try Self.copy(store, [1])
                #expect(Self.below("/store", harness.disk) == before)
                #expect(store.openLogs.isEmpty)
                let damage = contents.findings.filter { $0.severity == .damage }
                #expect(damage.isEmpty, "\(end), seed \(seed): \(damage)")
                let here = try store.log(1).readAll(level: .durable)
                let backup = try Self.open(harness, at: "/backup")
                let there = try backup.log(1).readAll(level: .durable)
                #expect(there.records.elementsEqual(here.records, by: ==), "\(end), seed \(seed)")
                #expect(there.gaps.isEmpty && here.gaps.isEmpty)
                #expect(there.records.prefix(50).elementsEqual(durable.prefix(50), by: ==))
                try backup.close()
                try store.close()
            }
        }
    }

    @Test func `a store that nobody has open is backed up under its lock, and one that is open names its process`() throws {
        let harness = Harness()
        var store = try harness.open()
        try Self.fill(try store.createLog(0), 3)
        try Self.fill(try store.createLog(1), 120)
        #expect(throws: LogError.locked(processID: "\(ProcessIdentity.current)")) {
            try StoreBackup.run(at: "/store", to: "/backup", io: harness.disk, clock: harness.clock, entropy: harness.entropy)
        }
        #expect(Self.below("/backup", harness.disk).isEmpty)
        try store.close()
        let before = Self.below("/store", harness.disk)
        let handles = harness.disk.openHandles
        let contents = try StoreBackup.run(
            at: "/store", to: "/backup/", io: harness.disk, clock: harness.clock, entropy: harness.entropy)
        #expect(Self.below("/store", harness.disk) == before)
        #expect(harness.disk.openHandles == handles)
        #expect(contents.logCount == 2 && contents.isVerified && contents.findings.isEmpty && contents.linkedSegmentCount > 2)
        #expect(Self.below("/backup", harness.disk).keys.allSatisfy { !$0.hasSuffix("/LOCK") })
        store = try Self.open(harness, at: "/backup")
        #expect(try store.log(1).readAll(level: .durable).records.map(\.record) == (0..<120).map { Self.record($0) })
        try store.close()
        #expect(throws: LogError.notAStore(detail: "there is no file `store`")) {
            _ = try harness.disk.openDirectory(at: "/empty", create: true)
            _ = try StoreBackup.run(at: "/empty", to: "/b", io: harness.disk, clock: harness.clock, entropy: harness.entropy)
        }
    }

    @Test func `a destination that holds something is refused and left alone`() throws {
        let harness = Harness()
        let store = try harness.open()
        try Self.fill(try store.createLog(1), 3)
        let directory = try harness.disk.openDirectory(at: "/backup", create: true)
        harness.disk.close(try harness.disk.createFile("letter", in: directory))
        do throws(LogError) {
            _ = try Self.copy(store, [1])
            Issue.record("a backup was put where something was")
        } catch {
            guard case .io(let cause) = error else { throw error }
            #expect(cause.detail.contains("not empty"))
        }
        #expect(Array(Self.below("/backup", harness.disk).keys) == ["/backup/letter"])
        #expect(harness.disk.contents().keys.allSatisfy { !$0.contains(".partial-") })
        // Empty is as good as not there.
        try harness.disk.unlink("letter", in: directory)
        harness.disk.close(directory)
        _ = try Self.copy(store, [1])
        // And what comes there in the meantime is not replaced.
        let late = try store.beginBackup(to: "/late")
        try late.copyLog(1)
        let other = try harness.disk.openDirectory(at: "/late", create: true)
        harness.disk.close(try harness.disk.createFile("letter", in: other))
        #expect(throws: LogError.self) { try late.finish() }
        #expect(Array(Self.below("/late", harness.disk).keys) == ["/late/letter"])
        #expect(harness.disk.contents().keys.allSatisfy { !$0.contains(".partial-") })
        harness.disk.close(other)
        try store.close()
    }

    @Test func `a log that is removed while a backup runs is in it, and its files go afterwards`() throws {
        let harness = Harness()
        let store = try harness.open()
        for id in [1, 2, 3] as [UInt64] { try Self.fill(try store.createLog(id), 30) }
        let backup = try store.beginBackup(to: "/backup")
        try backup.copyLog(1)
        #expect(try store.removeLog(1) == false)
        #expect(try store.removeLog(2) == false)
        #expect(throws: LogError.removed) { try store.log(2) }
        try backup.copyLog(2)
        try backup.copyLog(3)
        #expect(try store.logIDs() == [1, 2, 3])
        let contents = try backup.finish()
        #expect(contents.findings.isEmpty)
        #expect(try store.logIDs() == [3])
        try store.close()
        let again = try Self.open(harness, at: "/backup")
        for id in [1, 2, 3] as [UInt64] {
            #expect(try again.log(id).readAll(level: .durable).records.map(\.record) == (0..<30).map { Self.record($0) })
        }
        try again.close()
        // The same when it is given up, and without one nothing is held.
        let third = try Self.open(harness, at: "/store")
        let given = try third.beginBackup(to: "/given")
        #expect(try third.removeLog(3) == false)
        given.discard()
        given.discard()
        #expect(try third.logIDs() == [])
        try third.close()
    }

    @Test func `segments that go while they are copied leave the newer ones whole`() throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        try Self.fill(log, 200)
        let names = log.segments.segments.map(\.name)
        #expect(names.count > 4)
        let disk = harness.disk
        let root = try disk.openDirectory(at: "/store", create: false)
        let logs = try disk.openDirectory(FileNames.logs, in: root, create: false)
        let directory = try disk.openDirectory(FileNames.log(1), in: logs, create: false)
        // The oldest three go one after the other when the third newest is linked.
        disk.fault = { [weak disk] operation, name, _ in
            guard operation == .link, name == names[names.count - 3], let disk else { return nil }
            for name in names.prefix(3) { try? disk.unlink(name, in: directory) }
            return nil
        }
        let contents = try Self.copy(store, [1])
        disk.fault = nil
        #expect(contents.linkedSegmentCount == names.count - 4)
        let left = try Self.nameCounts("/backup", 1, disk).count
        #expect(left == names.count - 3)
        let again = try Self.open(harness, at: "/backup")
        let read = try again.log(1).readAll(level: .durable)
        #expect(read.gaps.isEmpty)
        let first = try #require(FileNames.baseOrdinal(names[3]))
        #expect(read.records.first?.ordinal == first)
        #expect(read.records.last?.record == Self.record(199))
        try again.close()
        store.abandon()
        for handle in [directory, logs, root] { disk.close(handle) }
    }

    @Test func `damage is named, and the rest is there`() throws {
        for isOpen in [true, false] {
            for isLinking in [true, false] {
                let harness = Harness()
                var store = try harness.open()
                try Self.fill(try store.createLog(1), 80)
                if !isOpen {
                    try store.close()
                    store = try Self.open(harness, at: "/store")
                }
                // One block in the oldest segment, one in the newest.
                let segments = DiskImage(harness.disk).segments
                let hurt = [try #require(segments.first), try #require(segments.last)]
                for path in hurt { try Self.turn(path, at: Format.blocksByteOffset + 80, harness.disk) }
                var choices = BackupChoices()
                choices.isLinking = isLinking
                let contents = try Self.copy(store, [1], choices)
                let damaged = Set(contents.findings.filter { $0.severity == .damage }.map(\.file))
                #expect(damaged == Set(hurt.map { String($0.dropFirst("/store/".count)) }), "\(contents.findings)")
                choices.isVerifying = false
                let unverified = try Self.copy(store, [1], to: "/second", choices)
                #expect(!unverified.isVerified)
                store.abandon()
                for path in ["/backup", "/second"] {
                    let again = try Self.open(harness, at: path, boot: 7)
                    let read = try again.log(1).readAll(level: .durable)
                    #expect(read.records.count == 78 && read.gaps.count == 2, "\(isOpen), \(isLinking): \(read.gaps)")
                    #expect(read.records.allSatisfy { $0.record.key.first == 0x6B })
                    try again.close()
                }
            }
        }
    }

    @Test func `files without a name of their own, and missing directories, are named and cost nothing else`() throws {
        let harness = Harness()
        var store = try harness.open()
        for id in [1, 2] as [UInt64] { try Self.fill(try store.createLog(id), 60) }
        try store.close()
        var image = DiskImage(harness.disk)
        let newest = try #require(image.segments.filter { $0.contains("0000000000000001") }.last)
        for at in 0..<Format.blocksByteOffset { image.files[newest]![at] = 3 }
        image.files["/store/logs/0000000000000001/x.damaged"] = [1]
        let hurt = Harness(disk: try image.disk())
        store = try Self.open(hurt, at: "/store")
        let contents = try Self.copy(store, [1, 2, 9])
        let named = Set(contents.findings.map(\.file))
        let log = "logs/0000000000000001"
        #expect(named == ["\(log)/x.damaged", String(newest.dropFirst("/store/".count)), "logs/0000000000000009"], "\(contents.findings)")
        let here = try store.log(1).readAll(level: .durable)
        store.abandon()
        let again = try Self.open(hurt, at: "/backup")
        #expect(try again.log(1).readAll(level: .durable).records.elementsEqual(here.records, by: ==))
        #expect(try again.log(2).readAll(level: .durable).records.count == 60)
        try again.close()
        // As in the store: set aside, not destroyed.
        #expect(hurt.disk.contents().keys.contains { $0.hasPrefix("/backup/\(log)/") && $0.hasSuffix(".damaged") })
    }

    @Test func `a log whose sync failed is backed up as far as it is durable`() throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        try Self.fill(log, 20)
        try log.append(Self.record(20))
        harness.disk.fault = { operation, _, _ in operation == .sync ? 5 : nil }
        #expect(throws: LogError.self) { try log.wait(.durable, below: log.tip(.published)) }
        harness.disk.fault = nil
        let contents = try Self.copy(store, [1])
        #expect(contents.findings.isEmpty)
        store.abandon()
        let again = try Self.open(harness, at: "/backup", boot: 2)
        #expect(try again.log(1).readAll(level: .durable).records.map(\.record) == (0..<20).map { Self.record($0) })
        try again.close()
    }

    @Test func `whoever opens a log that is being copied waits for it, and a closed store ends the backup`() throws {
        let harness = Harness()
        var store = try harness.open()
        try Self.fill(try store.createLog(1), 30)
        try store.close()
        store = try Self.open(harness, at: "/store")
        let opened = Guarded<WorkerThread?>(nil)
        let isOpen = Atomic<Bool>(false)
        let wasOpen = Atomic<Bool>(false)
        let shared = store
        harness.disk.fault = { operation, _, _ in
            guard operation == .copy else { return nil }
            opened.withLock { thread in
                if thread == nil {
                    thread = WorkerThread(name: "open") {
                        _ = try? shared.log(1)
                        isOpen.store(true, ordering: .sequentiallyConsistent)
                    }
                }
            }
            let clock = SystemClock()
            let end = clock.steadyNanoseconds() + 20_000_000
            while clock.steadyNanoseconds() < end {}
            if isOpen.load(ordering: .sequentiallyConsistent) { wasOpen.store(true, ordering: .sequentiallyConsistent) }
            return nil
        }
        let backup = try store.beginBackup(to: "/backup")
        try backup.copyLog(1)
        harness.disk.fault = nil
        let thread = try #require(opened.withLock { $0 })
        thread.join()
        let wasEarly = wasOpen.load(ordering: .sequentiallyConsistent)
        #expect(!wasEarly)
        #expect(store.openLogs.count == 1)
        try store.close()
        #expect(throws: LogError.closed) { try backup.copyLog(1) }
        #expect(throws: LogError.closed) { try backup.finish() }
        #expect(Self.below("/backup", harness.disk).isEmpty)
        #expect(harness.disk.contents().keys.allSatisfy { !$0.contains(".partial-") })
        #expect(harness.disk.openHandles.allSatisfy { !$0.contains("backup") })
    }

    @Test func `the backup's generation is not below that of a log that took one of its own`() throws {
        var harness = Harness()
        harness.configuration.ordinalsPerGeneration = 10
        let store = try harness.open()
        let log = try store.createLog(1)
        try Self.fill(log, 35)
        let last = try #require(try log.readAll(level: .durable).records.last)
        #expect(Ordinal.generation(last.ordinal) > store.generation)
        _ = try Self.copy(store, [1])
        store.abandon()
        let again = try Self.open(harness, at: "/backup")
        #expect(again.generation > Ordinal.generation(last.ordinal))
        #expect(try again.log(1).append(Self.record(99)) > last.ordinal)
        try again.close()
    }

    /// Turns a bit of a file.
    private static func turn(_ path: String, at byteOffset: Int, _ disk: ShadowIO) throws {
        let parts = path.split(separator: "/").map(String.init)
        var handles = [try disk.openDirectory(at: "/" + parts[0], create: false)]
        defer { for handle in handles { disk.close(handle) } }
        for part in parts.dropFirst().dropLast() {
            handles.append(try disk.openDirectory(part, in: handles.last!, create: false))
        }
        let file = try disk.openFile(parts.last!, in: handles.last!, writable: true)
        defer { disk.close(file) }
        let byte = AlignedMemory(byteCount: 1)
        _ = try disk.read(file, at: byteOffset, into: byte.memory)
        byte.memory.store(byte.memory.load(UInt8.self, at: 0) ^ 4, at: 0)
        try disk.write(file, at: byteOffset, [byte.memory])
        try disk.sync(file)
        withExtendedLifetime(byte) {}
    }
}
