import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Aim: a backup that is made while streams are written, resharded, made and deleted holds everything that was
/// acknowledged as durable before, once, under its number, with a catalogue that agrees with the shards. Method:
/// threads that put numbered records, on a disk in memory with the engine's threads and on real directories; the backup
/// is opened and compared with what was acknowledged.
@Suite(.timeLimit(.minutes(5))) struct StoreBackupTests {
    /// What was put into the stream "s", and acknowledged.
    private final class Ledger: Sendable {
        private let state = Guarded<(acknowledged: [SequenceNumber: String], tried: Set<String>)>(([:], []))
        func attempt(_ text: String) { state.withLock { _ = $0.tried.insert(text) } }
        func acknowledge(_ number: SequenceNumber, _ text: String) { state.withLock { $0.acknowledged[number] = text } }
        /// Counted where it stands: a copy that is given back while somebody adds looks like a race.
        var acknowledgedCount: Int { state.withLock { $0.acknowledged.count } }
        var acknowledged: [SequenceNumber: String] { state.withLock { $0.acknowledged } }
        var tried: Set<String> { state.withLock { $0.tried } }
    }

    private static func producers(_ stream: StoredStream, _ ledger: Ledger, until isOver: Counter) -> [WorkerThread] {
        (0..<3).map { producer in
            WorkerThread(name: "put") {
                var index = 0
                while isOver.value == 0, index < 200_000 {
                    do throws(KinesisError) {
                        if producer == 2 {
                            // Batches of one shard: all or nothing.
                            var batch = PutBatch()
                            let texts = (0..<5).map { "batch \(index) \($0)" }
                            for text in texts {
                                ledger.attempt(text)
                                try batch.add(text.utf8Span.span, partitionKey: "b\(index % 11)")
                            }
                            for (text, result) in zip(texts, stream.putBatchBlocking(batch, ack: .durable)) {
                                if case .success(let number) = result { ledger.acknowledge(number, text) }
                            }
                        } else {
                            let text = "\(producer) \(index) " + String(repeating: "x", count: index * 37 % 900)
                            ledger.attempt(text)
                            let ack: AckLevel = index % 4 == 0 ? .published : .durable
                            let number = try stream.putBlocking(text.utf8Span.span, partitionKey: "\(producer) \(index)", ack: ack)
                            if ack == .durable { ledger.acknowledge(number, text) }
                        }
                    } catch { Issue.record("a put failed: \(error)") }
                    index += 1
                }
            }
        }
    }

    /// Makes streams, fills and deletes them.
    private static func changer(_ store: StreamStore, until isOver: Counter) -> WorkerThread {
        WorkerThread(name: "change") {
            var index = 0
            while isOver.value == 0, index < 400 {
                do throws(KinesisError) {
                    let stream = try store.createStreamBlocking("t\(index)", shards: 1 + index % 3)
                    for number in 0..<5 { try stream.putBlocking("\(number)".utf8Span.span, partitionKey: "\(number)") }
                    if index >= 2 { try store.answer(DeleteStreamRequest(stream: StreamReference(name: "t\(index - 2)"))) }
                } catch { Issue.record("a change failed: \(error)") }
                index += 1
            }
        }
    }

    /// Compares a backup of the stream "s" with what was acknowledged before it, and with the store.
    private static func check(
        _ backup: StreamStore, _ before: [SequenceNumber: String], _ ledger: Ledger, _ original: StreamStore, _ what: String
    ) throws {
        let stream = try backup.stream("s")
        var found: [SequenceNumber: String] = [:]
        var texts: Set<String> = []
        let shardsNow = Dictionary(uniqueKeysWithValues: try original.stream("s").shards.map { ($0.id, $0) })
        for shard in stream.shards {
            let records = try shard.readAll(level: .durable)
            for record in records {
                if found.updateValue(record.text, forKey: record.sequenceNumber) != nil || !texts.insert(record.text).inserted {
                    Issue.record("\(what): \(record.text) came twice")
                    return
                }
            }
            // A prefix of what the shard has by now.
            let now = try #require(shardsNow[shard.id]).readAll(level: .published)
            #expect(now.prefix(records.count).map(\.sequenceNumber) == records.map(\.sequenceNumber), "\(what), \(shard.id)")
            if shard.isClosed {
                #expect(now.count == records.count, "\(what): the closed \(shard.id) has \(records.count) of \(now.count)")
            }
        }
        for (number, text) in before where found[number] != text {
            Issue.record("\(what): \(text.prefix(20)) is lost: \(found[number] ?? "nothing")")
            return
        }
        #expect(texts.isSubset(of: ledger.tried), "\(what)")
        for (batch, parts) in Dictionary(grouping: texts.filter { $0.hasPrefix("batch") }, by: { $0.split(separator: " ")[1] })
        where parts.count != 5 {
            // The five have one key; only a reshard in the middle of the call parts them.
            let shards = Set(found.filter { parts.contains($0.value) }.map(\.key.shardID))
            #expect(shards.count > 1 || stream.shards.count > 2, "\(what): batch \(batch) has \(parts.count) records")
        }
        // The routes cover the ring once, and every place takes records.
        let ranges = stream.openShards.map(\.hashKeyRange).sorted { $0.starting < $1.starting }
        #expect(ranges.first?.starting.value == 0 && ranges.last?.ending.value == UInt128.max)
        for (left, right) in zip(ranges, ranges.dropFirst()) { #expect(left.ending.value + 1 == right.starting.value) }
        for index in 0..<8 {
            let key = HashKey(UInt128.max / 8 * UInt128(index))
            let number = try stream.putBlocking("more".utf8Span.span, partitionKey: "m", explicitHashKey: key)
            let greatest = found.keys.filter { $0.shardID == number.shardID }.max()
            if let greatest { #expect(number > greatest, "\(what)") }
        }
        // Other streams are there whole, as far as they were filled, or not at all.
        for name in backup.listStreams() where name.text != "s" {
            let other = try backup.stream(name.text)
            let records = try other.readAll()
            #expect(records.count <= 5 && Set(records.map(\.text)).count == records.count, "\(what): \(name)")
            try other.putBlocking("more".utf8Span.span, partitionKey: "m")
        }
    }

    @Test(arguments: [true, false]) func `a backup under load holds what was acknowledged, once, and its catalogue agrees`(
        sharesFiles: Bool
    ) throws {
        let seed = TestSeed.draw("backup under load")
        let dice = SeededEntropy(seed: seed)
        let test = TestStore()
        let store = try test.open()
        try store.make("s", shards: 2)
        let stream = try store.stream("s")
        let (ledger, isOver) = (Ledger(), Counter())
        var threads = Self.producers(stream, ledger, until: isOver)
        threads.append(Self.changer(store, until: isOver))
        let resharding = WorkerThread(name: "reshard") {
            let own = SeededEntropy(seed: seed &+ 1)
            do {
                _ = try ReshardLoadTests.reshard(store, own, until: { isOver.value > 0 }, greatest: 5, limit: 400)
            } catch { Issue.record("a reshard failed: \(error)") }
        }
        threads.append(resharding)
        var options = BackupOptions()
        options.sharesFiles = sharesFiles
        var taken: [(path: String, before: [SequenceNumber: String], report: BackupReport)] = []
        for round in 0..<8 {
            while ledger.acknowledgedCount < 300 * (round + 1) + dice.next(below: 50) { usleep(200) }
            let before = ledger.acknowledged
            options.verifies = round % 2 == 0
            let path = "/backup \(round)"
            taken.append((path, before, try store.backupBlocking(to: path, options: options)))
        }
        isOver.add()
        for thread in threads { thread.join() }
        let splits = try store.shards().count
        #expect(splits > 4)
        for (path, before, report) in taken {
            let what = "seed \(seed), \(path)"
            #expect(report.faults.isEmpty, "\(what): \(report.faults)")
            #expect(report.path == path && report.streamCount >= 1 && report.shardCount >= 2)
            #expect(sharesFiles || report.sharedFileCount == 0)
            #expect(try StoreVerification.run(at: path, io: test.disk).isClean, "\(what)")
            let backup = try StreamStore(
                at: path, io: test.disk, clock: test.clock, entropy: test.entropy, configuration: test.configuration)
            #expect(backup.listStreams().count == report.streamCount, "\(what)")
            try Self.check(backup, before, ledger, store, what)
            try backup.closeBlocking()
            #expect(try StoreVerification.run(at: path, io: test.disk).isClean, "\(what), opened and closed")
        }
        if sharesFiles {
            // Whether a segment was sealed and known durable in one of those moments is chance; now it is not.
            for _ in 0..<40 {
                let data = (0..<10_000).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
                try stream.putBlocking(data.span, partitionKey: "k")
            }
            #expect(try store.backupBlocking(to: "/last", options: options).sharedFileCount > 0)
        }
        try store.closeBlocking()
        #expect(try StoreVerification.run(at: "/store", io: test.disk).isClean)
    }

    @Test(arguments: [false, true]) func `a backup on real directories, on one file system or two, opens and has everything`(
        isElsewhere: Bool
    ) async throws {
        let place = temporaryPath()
        let backupPath = isElsewhere ? "/dev/shm" + place.split(separator: "/").last.map { "/\($0)-backup" }! : place + "-backup"
        defer {
            removeTree(place)
            removeTree(backupPath)
        }
        var configuration = StoreConfiguration()
        configuration.memoryByteCount = 64 << 20
        configuration.firstSegmentByteCount = 64 << 10
        configuration.greatestSegmentByteCount = 128 << 10
        configuration.isCompressing = false
        let store = try await StreamStore.open(at: place, configuration: configuration)
        let stream = try await store.createStream("s", shards: 2)
        var numbers: [SequenceNumber: String] = [:]
        for index in 0..<600 {
            let text = "\(index) " + String(repeating: "y", count: 1500)
            numbers[try await stream.put(text, partitionKey: "\(index)")] = text
        }
        // Where there is no second file system there is nothing to be tried.
        let report: BackupReport
        do throws(KinesisError) { report = try await store.backup(to: backupPath) } catch {
            if isElsewhere, case .storage(.permission) = error { return }
            throw error
        }
        #expect(report.isVerified && report.faults.isEmpty, "\(report.faults)")
        #expect(report.sharedFileCount > 0 || isElsewhere)
        #expect(report.copiedFileCount > 0 && report.copiedByteCount > 0)
        let again = try await StreamStore.open(at: backupPath, configuration: configuration)
        let found = try again.stream("s").readAll()
        #expect(Dictionary(uniqueKeysWithValues: found.map { ($0.sequenceNumber, $0.text) }) == numbers)
        // Both go on.
        for (each, path) in [(store, place), (again, backupPath)] {
            for index in 0..<300 {
                try await each.stream("s").put("\(path) \(index) " + String(repeating: "z", count: 900), partitionKey: "\(index)")
            }
        }
        try await again.close()
        try await store.close()
        for path in [place, backupPath] {
            #expect(try StoreVerification.run(at: path, io: PosixIO()).isClean)
            let third = try await StreamStore.open(at: path, configuration: configuration)
            let texts = try third.stream("s").readAll().map(\.text)
            #expect(texts.count == 900)
            #expect(texts.count { $0.hasPrefix(path + " ") } == 300)
            try await third.close()
        }
    }

    @Test func `a backup of a store that is closed, or to where something stands, is refused by name`() async throws {
        let test = TestStore()
        let store = try test.open()
        try store.make("s")
        let directory = try test.disk.openDirectory(at: "/taken", create: true)
        test.disk.close(try test.disk.createFile("x", in: directory))
        test.disk.close(directory)
        let taken = refusal { () throws(KinesisError) in _ = try store.backupBlocking(to: "/taken") }
        guard case .storage(.io(let words)) = taken else {
            Issue.record("\(String(describing: taken))")
            return
        }
        #expect(words.contains("/taken") && words.contains("not empty"))
        test.disk.capacityByteCount = 0
        #expect(refusal { () throws(KinesisError) in _ = try store.backupBlocking(to: "/full") } == .storage(.storageFull(path: "/full")))
        test.disk.capacityByteCount = 1 << 40
        try store.closeBlocking()
        #expect(refusal { () throws(KinesisError) in _ = try store.backupBlocking(to: "/late") } == .storage(.closed))
        #expect(test.disk.contents().keys.allSatisfy { $0.hasPrefix("/store/") || $0 == "/taken/x" })
    }

    @Test func `damage in a shard is in the report, and the other shards are whole`() throws {
        let test = TestStore()
        let store = try test.open()
        try store.make("s", shards: 2)
        let stream = try store.stream("s")
        for index in 0..<200 {
            try stream.putBlocking(("\(index) " + String(repeating: "q", count: 700)).utf8Span.span, partitionKey: "\(index)")
        }
        var all = Set(try stream.readAll().map(\.text))
        let name = FileNames.log(1)
        let path = try #require(DiskImage(test.disk).segments.first { $0.contains(name) })
        let root = try test.disk.openDirectory(at: "/store", create: false)
        let logs = try test.disk.openDirectory("logs", in: root, create: false)
        let log = try test.disk.openDirectory(name, in: logs, create: false)
        let file = try test.disk.openFile(String(path.split(separator: "/").last!), in: log, writable: true)
        let zeros = AlignedMemory(byteCount: 64)
        try zeros.withMemory { memory throws(IOError) in try test.disk.write(file, at: Format.blocksByteOffset, [memory]) }
        let report = try store.backupBlocking(to: "/backup")
        #expect(report.faults.count == 1 && report.faults.allSatisfy { $0.isDamage && path.hasSuffix($0.file) })
        #expect(report.faults.first?.bytes?.lowerBound == Format.blocksByteOffset)
        #expect(report.faults.first.map { "\($0)".contains(" at bytes 12288..<") } == true)
        test.disk.close(file)
        for handle in [log, logs, root] { test.disk.close(handle) }
        store.abandon()
        let backup = try StreamStore(
            at: "/backup", io: test.disk, clock: test.clock, entropy: test.entropy, configuration: test.configuration)
        let shards = try backup.stream("s").shards
        let whole = try shards[1].readAll().map(\.text)
        for text in whole { #expect(all.remove(text) != nil) }
        var cursor = try shards[0].cursorBlocking(at: .trimHorizon)
        var gaps = 0, read = 0
        while true {
            do throws(KinesisError) {
                let more: Bool? = try cursor.withBatch { batch throws(KinesisError) in
                    while let lent = batch.next() {
                        read += 1
                        #expect(all.remove(try lent.copy().text) != nil)
                    }
                    return true
                }
                if more == nil { break }
            } catch {
                guard case .storage(.corrupt) = error else { throw error }
                gaps += 1
            }
        }
        #expect(gaps == 1 && read > 0 && all.count < 20)
        try backup.closeBlocking()
    }

    @Test func `power lost at any call of a backup leaves no backup or a whole one, and the store as it was`() throws {
        let seed = TestSeed.draw("power lost in a backup")
        func prepared() throws -> (TestStore, StreamStore, [String]) {
            var test = TestStore()
            test.configuration.workerCount = 1
            let store = try test.open()
            try store.make("s", shards: 2)
            let stream = try store.stream("s")
            for index in 0..<90 {
                try stream.putBlocking(("\(index) " + String(repeating: "w", count: 900)).utf8Span.span, partitionKey: "\(index)")
            }
            try store.split(0)
            return (test, store, try stream.readAll().map(\.text).sorted())
        }
        let (counting, counted, _) = try prepared()
        let calls = Guarded(0)
        counting.disk.fault = { _, _, _ in
            calls.withLock { $0 += 1 }
            return nil
        }
        var options = BackupOptions()
        options.verifies = false
        _ = try counted.backupBlocking(to: "/backup", options: options)
        counting.disk.fault = nil
        counted.abandon()
        let count = calls.withLock { $0 }
        #expect(count > 40)
        var (absent, whole) = (0, 0)
        let (test, store, texts) = try prepared()
        for stop in 1...count + 1 {
            let disk = test.disk
            let taken = Guarded<(calls: Int, states: [ShadowIO])>((0, []))
            disk.fault = { [weak disk] _, _, _ in
                let isThere = taken.withLock { taken in
                    taken.calls += 1
                    return taken.calls == stop
                }
                guard isThere, let disk else { return nil }
                let states = [
                    disk.crash(.nothing, entropy: SeededEntropy(seed: 1)), disk.crash(.everything, entropy: SeededEntropy(seed: 1)),
                    disk.crash(entropy: SeededEntropy(seed: seed &+ UInt64(stop))),
                ]
                taken.withLock { $0.states = states }
                return nil
            }
            let path = "/backup \(stop)"
            _ = try store.backupBlocking(to: path, options: options)
            disk.fault = nil
            var states = taken.withLock { $0.states }
            states.append(disk.crash(.nothing, entropy: SeededEntropy(seed: 1)))
            for (number, state) in states.enumerated() {
                let what = "seed \(seed), call \(stop) of \(count), state \(number)"
                let clock = ManualClock()
                clock.restart(bootIdentity: (seed, UInt64(stop * 4 + number)))
                func found(at path: String) throws -> [String] {
                    let again = try StreamStore(
                        at: path, io: state, clock: clock, entropy: SeededEntropy(seed: 9), configuration: test.configuration)
                    defer { again.abandon() }
                    return try again.stream("s").readAll().map(\.text).sorted()
                }
                if (try? state.openDirectory(at: path, create: false)) == nil {
                    absent += 1
                    #expect(number < states.count - 1, "\(what): a finished backup is gone")
                } else {
                    whole += 1
                    #expect(try StoreVerification.run(at: path, io: state).isClean, "\(what)")
                    #expect(try found(at: path) == texts, "\(what)")
                }
                if number == stop % 4 { #expect(try found(at: "/store") == texts, "\(what)") }
            }
            clear(path, disk)
        }
        #expect(absent > count && whole >= count)
        store.abandon()
    }

    private func clear(_ path: String, _ disk: ShadowIO) {
        func empty(_ directory: DirectoryHandle) {
            for name in (try? disk.list(directory)) ?? [] {
                if let inner = try? disk.openDirectory(name, in: directory, create: false) {
                    empty(inner)
                    disk.close(inner)
                    try? disk.removeDirectory(name, in: directory)
                } else {
                    try? disk.unlink(name, in: directory)
                }
            }
        }
        guard let root = try? disk.openDirectory(at: path, create: false) else { return }
        empty(root)
        disk.close(root)
        try? disk.removeDirectory(at: path)
    }
}
