import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Synchronization
import Testing

/// Aim: producers, readers, flusher and sync threads together lose, repeat and reorder nothing. Method: real threads, a real
/// directory; every record says who put it and its number there.
@Suite struct ConcurrencyTests {
    let directory = TemporaryDirectory()

    func open(_ change: (inout LogConfiguration) -> Void = { _ in }) throws -> LogStore {
        var configuration = LogConfiguration()
        configuration.bufferByteCount = 16 << 10
        configuration.memoryByteCount = 32 << 20
        configuration.writeShareByteCount = 16 << 20
        configuration.unwrittenByteLimit = 12 << 20
        change(&configuration)
        return try LogStore(
            at: directory.path, create: true, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(),
            configuration: configuration)
    }

    /// `producer` and `number` as 16 bytes of data, and some filling.
    static func record(_ producer: Int, _ number: Int) -> PlainRecord {
        var data: [UInt8] = []
        for value in [UInt64(producer), UInt64(number)] {
            for shift in 0..<8 { data.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * shift))) }
        }
        return PlainRecord(key: Array("p\(producer)".utf8), data: data + [UInt8](repeating: UInt8(number & 63), count: number % 90))
    }
    static func parse(_ data: RawSpan) -> (producer: Int, number: Int) {
        let bytes = data.bytes
        func word(_ at: Int) -> Int { (0..<8).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) } }
        return (word(0), word(8))
    }

    /// Appends, waiting for room as long as there is none.
    static func append(_ log: ShardLog, _ record: PlainRecord) throws(LogError) -> UInt64 {
        while true {
            do throws(LogError) {
                return try log.append(record, arrival: 0)
            } catch {
                guard case .wouldBlock = error else { throw error }
                log.waitForRoom(nanoseconds: 10_000_000)
            }
        }
    }

    @Test(arguments: [1, 2, 5, 16]) func `many producers on one log: every record once, each producer's in order, acknowledged numbers right`(producers: Int) throws {
        let store = try open()
        let log = try store.createLog(1)
        let perProducer = 40_000 / producers
        let failures = Atomic<Int>(0)
        let acknowledged = Guarded<[UInt64: (Int, Int)]>([:])
        let threads = (0..<producers).map { producer in
            WorkerThread(name: "producer-\(producer)") {
                var mine: [(UInt64, Int)] = []
                for number in 0..<perProducer {
                    do {
                        mine.append((try Self.append(log, Self.record(producer, number)), number))
                        if number % 1000 == 999 { try log.wait(.durable, below: mine.last!.0 + 1) }
                    } catch {
                        failures.add(1, ordering: .relaxed)
                    }
                }
                acknowledged.withLock { for (ordinal, number) in mine { $0[ordinal] = (producer, number) } }
            }
        }
        for thread in threads { thread.join() }
        #expect(failures.load(ordering: .relaxed) == 0)
        try log.wait(.durable, below: log.tip(.published))
        let known = acknowledged.withLock { $0 }
        #expect(known.count == producers * perProducer)
        for _ in 0..<2 {
            var next = [Int](repeating: 0, count: producers)
            var cursor = log.cursor(at: 0, level: .durable)
            var wrong = 0
            while let _: Bool = try cursor.withBatch({ batch throws(LogError) in
                while let record = batch.next() {
                    let (producer, number) = Self.parse(record.data)
                    if next[producer] != number || known[record.ordinal].map({ $0 != (producer, number) }) ?? true { wrong += 1 }
                    next[producer] = number + 1
                }
                return true
            }) {}
            #expect(wrong == 0)
            #expect(next == [Int](repeating: perProducer, count: producers))
            store.dropCache()
        }
        try store.close()
    }

    @Test func `readers at every level follow the tail while a producer appends, and see each record once in order`() throws {
        let store = try open { $0.syncIntervalMilliseconds = 5 }
        let log = try store.createLog(1)
        let count = 60_000
        let wrong = Atomic<Int>(0)
        let readers = Level.allCases.map { level in
            WorkerThread(name: "reader-\(level)") {
                var cursor = log.cursor(at: 0, level: level)
                var next = 0
                while next < count {
                    do {
                        let taken: Int? = try cursor.withBatch { batch throws(LogError) in
                            var taken = 0
                            while let record = batch.next() {
                                if Self.parse(record.data).number != next { wrong.add(1, ordering: .relaxed) }
                                next += 1
                                taken += 1
                            }
                            return taken
                        }
                        if taken == nil, !cursor.wait(nanoseconds: 2_000_000_000) {
                            wrong.add(1_000_000, ordering: .relaxed)
                            return
                        }
                    } catch {
                        wrong.add(1000, ordering: .relaxed)
                        return
                    }
                }
            }
        }
        for number in 0..<count { _ = try Self.append(log, Self.record(0, number)) }
        for reader in readers { reader.join() }
        #expect(wrong.load(ordering: .relaxed) == 0)
        #expect(store.heldForReadingByteCount == 0)
        try store.close()
    }

    @Test func `tasks that wait for durability are resumed, each after its record is durable`() async throws {
        let store = try open()
        let log = try store.createLog(1)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for producer in 0..<64 {
                group.addTask {
                    for number in 0..<20 {
                        let ordinal = try log.append(Self.record(producer, number), arrival: 0)
                        try await log.waitAsync(.durable, below: ordinal + 1)
                        if log.tip(.durable) <= ordinal { return false }
                    }
                    return true
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        #expect(try log.readAll(level: .durable).records.count == 64 * 20)
        try store.close()
    }

    @Test func `what nobody waits for becomes written and durable by itself, and an idle log holds no memory for writing`() throws {
        let store = try open { $0.idleMilliseconds = 20 }
        let log = try store.createLog(1)
        let ordinal = try log.append(Self.record(0, 1), arrival: 0)
        var cursor = log.cursor(at: ordinal, level: .durable)
        let isThere = cursor.wait(nanoseconds: 5_000_000_000)
        #expect(isThere)
        let found = try cursor.fetch()
        #expect(found == .records(1))
        for _ in 0..<500 where store.heldForWritingByteCount > 0 { log.waitForRoom(nanoseconds: 10_000_000) }
        #expect(store.heldForWritingByteCount == 0)
        try store.close()
    }

    @Test func `five readers of one log decode each block once`() throws {
        let first = try open()
        let filled = try first.createLog(1)
        for number in 0..<40_000 { _ = try Self.append(filled, Self.record(0, number)) }
        try first.close()
        let store = try open()
        let log = try store.log(1)
        let blocks = try log.segments.segments.reduce(0) { $0 + (try $1.use().1.index.count) }
        let before = store.decodeCount
        let counts = Guarded<[Int]>([])
        let readers = (0..<5).map { number in
            WorkerThread(name: "reader-\(number)") {
                let found = (try? log.readAll(level: .durable).records.count) ?? -1
                counts.withLock { $0.append(found) }
            }
        }
        for reader in readers { reader.join() }
        #expect(counts.withLock { $0 } == [Int](repeating: 40_000, count: 5))
        #expect(store.decodeCount - before == blocks)
        try store.close()
    }

    @Test func `producers that lead their own records, and tasks that wait beside them, all get their acknowledgement`() async throws {
        let store = try open()
        let log = try store.createLog(1)
        let wrong = Atomic<Int>(0)
        let threads = (0..<6).map { producer in
            WorkerThread(name: "leader-\(producer)") {
                for number in 0..<150 {
                    let level: Level = producer % 2 == 0 ? .durable : .written
                    let record = Self.record(producer, number)
                    do throws(LogError) {
                        let key = unsafe record.key.span.bytes
                        let data = unsafe record.data.span.bytes
                        let ordinal = try log.append(key: key, data: data, arrival: 0, reaching: level)
                        if log.tip(level) <= ordinal { wrong.add(1, ordering: .relaxed) }
                    } catch {
                        wrong.add(1, ordering: .relaxed)
                    }
                }
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for producer in 6..<30 {
                group.addTask {
                    for number in 0..<20 {
                        let ordinal = try log.append(Self.record(producer, number), arrival: 0)
                        try await log.waitAsync(.durable, below: ordinal + 1)
                    }
                }
            }
            try await group.waitForAll()
        }
        for thread in threads { thread.join() }
        #expect(wrong.load(ordering: .relaxed) == 0)
        #expect(try log.readAll(level: .published).records.count == 6 * 150 + 24 * 20)
        try store.close()
    }

    @Test(arguments: [true, false]) func `what a blocking put has only written becomes durable by itself soon after`(isLed: Bool) throws {
        let store = try open { $0.syncIntervalMilliseconds = 20 }
        for trial in 0..<20 {
            let log = try store.createLog(UInt64(trial))
            let record = Self.record(0, trial)
            let ordinal: UInt64
            if isLed {
                let key = unsafe record.key.span.bytes
                let data = unsafe record.data.span.bytes
                ordinal = try log.append(key: key, data: data, arrival: 0, reaching: .written)
            } else {
                ordinal = try log.append(record, arrival: 0)
                try log.wait(.written, below: ordinal + 1)
            }
            let isDurable = log.cursor(at: ordinal, level: .durable).wait(nanoseconds: 3_000_000_000)
            #expect(isDurable, "trial \(trial)")
        }
        try store.close()
    }

    @Test func `after blocking durable puts the note is written and the buffer let go once the log is quiet`() throws {
        let store = try open { $0.idleMilliseconds = 30 }
        let log = try store.createLog(1)
        for number in 0..<20 {
            let ordinal = try log.append(Self.record(0, number), arrival: 0)
            try log.wait(.durable, below: ordinal + 1)
        }
        for _ in 0..<300 where store.heldForWritingByteCount > 0 || log.syncCount < 21 {
            log.waitForRoom(nanoseconds: 10_000_000)
        }
        #expect(store.heldForWritingByteCount == 0)
        #expect(log.syncCount == 21)
        try store.close()
    }

    @Test func `a log that is never idle does not keep another one's records from becoming durable by themselves`() throws {
        let store = try open { $0.workerCount = 1 }
        let busy = try store.createLog(1), quiet = try store.createLog(2)
        let isOver = Atomic<Bool>(false)
        let producer = WorkerThread(name: "busy") {
            var number = 0
            while !isOver.load(ordering: .relaxed) {
                _ = try? Self.append(busy, Self.record(0, number))
                number += 1
            }
        }
        for number in 0..<10 {
            let ordinal = try quiet.append(Self.record(1, number), arrival: 0)
            let isDurable = quiet.cursor(at: ordinal, level: .durable).wait(nanoseconds: 10_000_000_000)
            #expect(isDurable)
        }
        isOver.store(true, ordering: .relaxed)
        producer.join()
        try store.close()
    }
}
