import MillraceIO
import MillraceLog
import MillraceTestKit
import Synchronization
import Testing

/// Aim: a removed log is gone, from memory and disk, for everybody and for good, while views into it stay what they are and other
/// logs go on; wherever power is lost or a call fails, doing it again finishes. Method: a disk in memory, stopped at every
/// call; threads and tasks that use a log while it is removed.
@Suite struct RemovalTests {
    /// Two logs over several segments each, durable. Log 1 has a file that recovery set aside as well.
    private func filled(_ harness: Harness) throws -> LogStore {
        let store = try harness.open()
        for id in 1...2 as ClosedRange<UInt64> {
            let log = try store.createLog(id)
            let dice = SeededEntropy(seed: id)
            for number in 0..<400 {
                // Of bytes that do not compress, so that the log has segments.
                let data = (0..<700).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
                try log.append(PlainRecord(key: Array("k\(number)".utf8), data: data))
                if number % 20 == 0 { try log.wait(.durable, below: log.tip(.published)) }
            }
            try log.wait(.durable, below: log.tip(.published))
        }
        let root = try harness.disk.openDirectory(at: "/store", create: false)
        let logs = try harness.disk.openDirectory("logs", in: root, create: false)
        let one = try harness.disk.openDirectory("0000000000000001", in: logs, create: false)
        harness.disk.close(try harness.disk.createFile("00000000000000000007.segment.damaged", in: one))
        for directory in [one, logs, root] {
            try harness.disk.sync(directory)
            harness.disk.close(directory)
        }
        return store
    }

    private func files(of id: UInt64, on disk: ShadowIO) -> Int {
        disk.contents().keys.count { $0.contains("logs/000000000000000\(id)/") }
    }

    /// Log 2 is whole, log 1 is not there, and nothing of it is.
    private func judge(_ store: LogStore, _ disk: ShadowIO) throws {
        #expect(try store.logIDs() == [2])
        #expect(files(of: 1, on: disk) == 0)
        #expect(throws: LogError.unknownLog(1)) { try store.log(1) }
        let (records, gaps) = try store.log(2).readAll(level: .durable)
        #expect(records.count == 400)
        #expect(gaps.isEmpty)
    }

    @Test(arguments: [true, false]) func `a removed log is gone, and views into it stay valid`(isCompressing: Bool) throws {
        var harness = Harness()
        harness.configuration.isCompressing = isCompressing
        let store = try filled(harness)
        let log = try store.log(1)
        #expect(log.segmentCount > 3)
        let other = try store.log(2)
        try other.append(PlainRecord("k", "not written yet"))
        // Views: into a decoded or mapped block, a cached buffer and the open one. With records that are not written.
        store.dropCache()
        try log.append(PlainRecord("k", "published"))
        var cold = log.cursor(at: 0, level: .durable)
        _ = try cold.fetch()
        var middle = log.cursor(at: log.tip(.durable) - 150, level: .durable)
        _ = try middle.fetch()
        var open = log.cursor(at: log.tip(.published) - 1, level: .published)
        _ = try open.fetch()
        let before = (cold.heldBytes(count: 1), middle.heldBytes(count: 1), open.heldBytes(count: 1))
        #expect(before.0 != nil && before.1 != nil && before.2 != nil)
        // One open buffer each.
        let unwritten = store.heldForWritingByteCount
        #expect(unwritten > 0)
        let used = harness.disk.allocatedByteCount

        #expect(try store.removeLog(1))
        try judge(store, harness.disk)
        #expect(store.heldForWritingByteCount == unwritten / 2, "buffers that were not written are given back")
        #expect(throws: LogError.removed) { try log.append(PlainRecord("k", "v")) }
        #expect(throws: LogError.removed) { try log.append([PlainRecord("k", "v")]) }
        #expect(throws: LogError.removed) { try log.wait(.durable, below: log.tip(.published)) }
        #expect(throws: LogError.removed) { try log.syncStep() }
        #expect(log.flushStep() == .nothing)
        #expect(try !log.idleStep())
        for level in Level.allCases {
            var cursor = log.cursor(at: 0, level: level)
            expectRemoved { () throws(LogError) in _ = try cursor.fetch() }
            expectRemoved { () throws(LogError) in try cursor.seek(toArrival: 1) }
            let isThere = cursor.wait()
            #expect(!isThere || level == .published)
        }
        // Overwritten as far as anybody may: memory is used again, and files.
        for number in 0..<400 {
            try other.append(PlainRecord(key: [1], data: [UInt8](repeating: 0xEE, count: 900)))
            if number % 10 == 0 { try other.wait(.durable, below: other.tip(.published)) }
        }
        #expect(cold.heldBytes(count: 1) == before.0)
        #expect(middle.heldBytes(count: 1) == before.1)
        #expect(open.heldBytes(count: 1) == before.2)
        expectRemoved { () throws(LogError) in _ = try cold.fetch() }
        cold = other.cursor(at: 0, level: .durable)
        middle = other.cursor(at: 0, level: .durable)
        open = other.cursor(at: 0, level: .durable)
        #expect(store.heldForReadingByteCount == 0)
        #expect(harness.disk.openHandles.allSatisfy { !$0.contains("0000000000000001") })
        #expect(harness.disk.allocatedByteCount < used + (1 << 20))
        #expect(try store.removeLog(1), "again does nothing")
        #expect(try store.removeLog(77))
        try store.close()
        #expect(throws: LogError.closed) { try store.removeLog(2) }
        #expect(try StoreVerification.run(at: "/store", io: harness.disk).isClean)
    }

    private func expectRemoved(_ body: () throws(LogError) -> Void) {
        do throws(LogError) {
            try body()
            Issue.record("a removed log answers")
        } catch { #expect(error == .removed) }
    }

    @Test func `what a removed log took on the disk is free once its views are given back`() throws {
        let harness = Harness()
        let store = try filled(harness)
        let log = try store.log(1)
        let byteCount = log.segments.segments.count * (32 << 10)
        store.dropCache()
        var cursor = log.cursor(at: 0, level: .durable)
        _ = try cursor.fetch()
        let used = harness.disk.allocatedByteCount
        try store.removeLog(1)
        cursor = try store.log(2).cursor(at: 0, level: .durable)
        #expect(harness.disk.allocatedByteCount <= used - byteCount)
        try store.close()
    }

    @Test func `a log that nobody has opened is removed without being recovered`() throws {
        let harness = Harness()
        try filled(harness).close()
        let store = try harness.open()
        let before = harness.disk.callCount(.map)
        try store.removeLog(1)
        #expect(harness.disk.callCount(.map) == before)
        try judge(store, harness.disk)
        try store.close()
    }

    @Test func `a removal goes on where it was left, so many files at a time, and the log is removed all the while`() throws {
        let harness = Harness()
        let store = try filled(harness)
        let log = try store.log(1)
        let count = files(of: 1, on: harness.disk)
        #expect(try !store.removeLog(1, limit: 2))
        #expect(files(of: 1, on: harness.disk) == count - 2)
        // The oldest are gone.
        #expect(harness.disk.contents().keys.allSatisfy { !$0.contains("00000000000000000007") })
        #expect(throws: LogError.removed) { try store.log(1) }
        #expect(throws: LogError.removed) { try store.createLog(1) }
        #expect(throws: LogError.removed) { try store.createLogs([9, 1]) }
        #expect(throws: LogError.removed) { try log.append(PlainRecord("k", "v")) }
        #expect(try !store.removeLog(1, limit: 0))
        #expect(try !store.removeLog(1, limit: count - 2))
        #expect(try store.removeLog(1, limit: 1))
        try judge(store, harness.disk)
        try store.close()
    }

    @Test func `orphans are found and removed, the rest stays`() throws {
        let harness = Harness()
        let store = try filled(harness)
        _ = try store.createLog(0)
        try store.createLogs(Array(10...19))
        #expect(try store.orphans(except: [2, 12]) == [1, 10, 11, 13, 14, 15, 16, 17, 18, 19])
        #expect(try !store.removeLogs(except: [2, 12], limit: 4))
        #expect(try store.logIDs().count == 13)
        var rounds = 0
        while try !store.removeLogs(except: [2, 12], limit: 4) { rounds += 1 }
        #expect(rounds >= 3)
        #expect(try store.logIDs() == [0, 2, 12])
        #expect(try store.log(2).readAll(level: .durable).records.count == 400)
        try store.close()
    }

    // MARK: Power loss and faults

    @Test func `wherever power is lost while a log is removed, removing it again finishes, and no other log is touched`() throws {
        for isOpen in [true, false] {
            let harness = Harness()
            var store = try filled(harness)
            if !isOpen {
                try store.close()
                store = try harness.open()
            }
            let states = Guarded<[ShadowIO]>([])
            harness.disk.fault = { [weak disk = harness.disk] operation, _, call in
                guard let disk else { return nil }
                for seed in 0..<3 as Range<UInt64> {
                    let state = seed == 0 ? disk.kill() : disk.crash(entropy: SeededEntropy(seed: UInt64(call) << 8 | seed))
                    states.withLock { $0.append(state) }
                }
                return nil
            }
            try store.removeLog(1)
            harness.disk.fault = nil
            for seed in 0..<20 as Range<UInt64> {
                states.withLock { $0.append(harness.disk.crash(entropy: SeededEntropy(seed: seed))) }
            }
            #expect(states.withLock { $0.count } > 40)
            for (number, state) in states.withLock({ $0 }).enumerated() {
                let again = try Harness(disk: state).open(create: false)
                // Twice: power is lost in the removal of what was left, too.
                _ = try again.removeLogs(except: [2], limit: number % 4)
                let twice = state.crash(entropy: SeededEntropy(seed: UInt64(number)))
                again.abandon()
                let last = try Harness(disk: twice).open(create: false)
                #expect(try last.removeLogs(except: [2]))
                try judge(last, twice)
                try last.close()
            }
            store.abandon()
        }
    }

    @Test func `whichever call of a removal fails, the next try finishes it`() throws {
        for operation in [IOError.Operation.openDirectory, .listDirectory, .unlink] {
            for call in 1...12 {
                let harness = Harness()
                let store = try filled(harness)
                let log = try store.log(1)
                let start = harness.disk.callCount(operation)
                harness.disk.fault = { failing, _, number in failing == operation && number == start + call ? 5 : nil }
                let isFirst: Bool
                do throws(LogError) { isFirst = try store.removeLog(1) } catch {
                    guard case .io = error else {
                        Issue.record("\(error)")
                        continue
                    }
                    isFirst = false
                }
                harness.disk.fault = nil
                #expect(throws: LogError.removed) { try log.append(PlainRecord("k", "v")) }
                if !isFirst { #expect(throws: LogError.removed) { try store.log(1) } }
                #expect(try store.removeLog(1))
                try judge(store, harness.disk)
                try store.close()
            }
        }
    }

    @Test func `a failure with one orphan leaves the others removed`() throws {
        let harness = Harness()
        let store = try filled(harness)
        try store.createLogs([5, 6, 7])
        harness.disk.fault = { operation, name, _ in operation == .unlink && name == "0000000000000006" ? 13 : nil }
        do throws(LogError) {
            try store.removeLogs(except: [1, 2])
            Issue.record("the failure is not told")
        } catch {
            guard case .io = error else {
                Issue.record("\(error)")
                return
            }
        }
        harness.disk.fault = nil
        #expect(try store.logIDs() == [1, 2, 6])
        #expect(try store.removeLogs(except: [1, 2]))
        #expect(try store.logIDs() == [1, 2])
        try store.close()
    }

    @Test func `a full disk does not keep a log from being removed, and what it held is there for others`() throws {
        var harness = Harness()
        harness.configuration.reserveByteCount = 64 << 10
        let store = try filled(harness)
        let other = try store.log(2)
        harness.disk.capacityByteCount = harness.disk.allocatedByteCount
        var refusal: LogError?
        while refusal == nil {
            do throws(LogError) {
                try other.append(PlainRecord(key: [1], data: [UInt8](repeating: 1, count: 900)))
                try other.wait(.durable, below: other.tip(.published))
            } catch { refusal = error }
        }
        guard case .storageFull = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        // Some file systems need room even for removing a name: the reserve is given up for it.
        let isFull = Guarded(true)
        harness.disk.fault = { operation, name, _ in
            guard operation == .unlink else { return nil }
            return isFull.withLock { isFull in
                if name == "reserve" { isFull = false }
                return isFull ? 28 : nil
            }
        }
        #expect(try store.removeLog(1))
        harness.disk.fault = nil
        #expect(files(of: 1, on: harness.disk) == 0)
        #expect(harness.disk.contents().keys.contains("/store/reserve"), "the reserve is kept again")
        try other.wait(.durable, below: other.tip(.published))
        try other.wait(.durable, below: try other.append(PlainRecord("k", "v")) + 1)
        try store.close()
    }

    // MARK: While others are at it

    @Test func `whoever waits in a log hears that it is removed`() async throws {
        let store = try Harness().open()
        let log = try store.createLog(1)
        let first = try log.append(PlainRecord("k", "v"))
        let durable = Task { try await log.waitAsync(.durable, below: first + 1) }
        let reader = Task { try await log.waitForRecordAsync(after: first + 1, .published) }
        let isThere = Atomic<Bool>(true)
        let thread = WorkerThread(name: "waits") {
            isThere.store(log.cursor(at: first + 1, level: .published).wait(), ordering: .releasing)
        }
        try await Task.sleep(nanoseconds: 30_000_000)
        try store.removeLog(1)
        await #expect(throws: LogError.removed) { try await durable.value }
        await #expect(throws: LogError.removed) { try await reader.value }
        thread.join()
        let found = isThere.load(ordering: .acquiring)
        #expect(!found)
        await #expect(throws: LogError.removed) { try await log.waitForRecordAsync(after: first + 1, .published) }
        await #expect(throws: LogError.removed) { try await log.waitAsync(.durable, below: first + 1) }
        try store.close()
    }

    @Test(arguments: 0..<6) func `a log is removed under producers, readers and the store's threads, and the others lose nothing`(round: Int) throws {
        let disk = ShadowIO()
        var configuration = Harness.smallConfiguration
        configuration.workerCount = 2
        configuration.syncIntervalMilliseconds = 1
        configuration.isCompressing = round % 2 == 0
        let store = try LogStore(
            at: "/store", create: true, io: disk, clock: SystemClock(), entropy: SeededEntropy(seed: 1), configuration: configuration)
        let ids: [UInt64] = [1, 2, 3]
        weak var gone: ShardLog?
        let wrong = Guarded<[String]>([])
        let kept = Guarded<[UInt64: Int]>([:])
        do {
            let logs = try ids.map { try store.createLog($0) }
            gone = logs[1]
            let isOver = Atomic<Bool>(false)
            @Sendable func tell(_ id: UInt64, _ error: LogError) {
                if id == 2, error == .removed { return }
                wrong.withLock { $0.append("log \(id): \(error)") }
            }
            var threads: [WorkerThread] = []
            for log in logs {
                for producer in 0..<2 {
                    threads.append(WorkerThread(name: "producer") {
                        var number = 0
                        do throws(LogError) {
                            while !isOver.load(ordering: .relaxed) {
                                let ordinal = try ConcurrencyTests.append(log, ConcurrencyTests.record(producer, number))
                                number += 1
                                if number % 64 == 0 { try log.wait(producer == 0 ? .durable : .written, below: ordinal + 1) }
                            }
                        } catch { tell(log.id, error) }
                        kept.withLock { $0[log.id, default: 0] += number }
                    })
                }
                threads.append(WorkerThread(name: "reader") {
                    var cursor = log.cursor(at: 0, level: .written)
                    var next: UInt64 = 0
                    do throws(LogError) {
                        while !isOver.load(ordering: .relaxed) {
                            let taken: Bool? = try cursor.withBatch { batch throws(LogError) in
                                while let record = batch.next() {
                                    if record.ordinal < next || record.data.byteCount < 16 {
                                        wrong.withLock { $0.append("log \(log.id): record \(record.ordinal) after \(next)") }
                                    }
                                    next = record.ordinal + 1
                                }
                                return true
                            }
                            if taken == nil { _ = cursor.wait(nanoseconds: 5_000_000) }
                            // From the start again, over decoded blocks.
                            if next % 7 == 0 {
                                cursor.seek(to: 0)
                                next = 0
                            }
                        }
                    } catch { tell(log.id, error) }
                })
            }
            let clock = SystemClock()
            let until = clock.steadyNanoseconds() + Int64(40 + 15 * round) * 1_000_000
            while clock.steadyNanoseconds() < until {}
            do throws(LogError) { try store.removeLog(2) } catch { wrong.withLock { $0.append("removal: \(error)") } }
            let end = clock.steadyNanoseconds() + 100_000_000
            while clock.steadyNanoseconds() < end {}
            isOver.store(true, ordering: .relaxed)
            for thread in threads { thread.join() }
            #expect(wrong.withLock { $0 } == [])
            #expect(files(of: 2, on: disk) == 0)
            #expect(store.openLogs.map(\.id) == [1, 3])
        }
        for id in [1, 3] as [UInt64] {
            let log = try store.log(id)
            try log.wait(.durable, below: log.tip(.published))
            let count = try log.readAll(level: .durable).records.count
            #expect(count == kept.withLock { $0[id] })
        }
        // Nothing refers to it but, for a moment, a thread of the store.
        let clock = SystemClock()
        let deadline = clock.steadyNanoseconds() + 5_000_000_000
        while gone != nil, clock.steadyNanoseconds() < deadline {}
        let isGone = gone == nil
        #expect(isGone)
        #expect(disk.openHandles.allSatisfy { !$0.contains("0000000000000002") })
        #expect(store.heldForReadingByteCount == 0)
        try store.close()
        #expect(try StoreVerification.run(at: "/store", io: disk).isClean)
    }
}
