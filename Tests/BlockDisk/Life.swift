#if os(Linux)
    import Glibc
    import MillraceIO
    import MillraceLog
    import MillraceTestKit

    /// What one log was given in a life, and what was promised about it when. A place is a length of the disk's log in
    /// bytes: what was promised at a place holds for every state of the disk from there on.
    struct LogHistory: Sendable {
        let id: UInt64
        var model = LogModel()
        /// From this place on the log is there.
        var existence: Int
        /// From a place on, every record below an ordinal is kept; both only rise.
        var promises: [(place: Int, ordinal: UInt64)] = []
        /// At a place, every ordinal below this one had been handed out.
        var handedOut: [(place: Int, ordinal: UInt64)] = []

        /// The number that held at a place.
        static func last(_ list: [(place: Int, ordinal: UInt64)], at place: Int) -> UInt64 {
            list.last { $0.place <= place }?.ordinal ?? 0
        }
    }

    /// A clock of a machine that was started again: the system's times with another boot identity.
    final class RestartedClock: Clock {
        private let system = SystemClock()
        private let boot: UInt64
        init(boot: UInt64) { self.boot = boot }
        func wallNanoseconds() -> Int64 { system.wallNanoseconds() }
        func steadyNanoseconds() -> Int64 { system.steadyNanoseconds() }
        func bootIdentity() -> (UInt64, UInt64) { (0x6D69_6C6C_7261_6365, boot) }
    }

    /// One life of a store on the disk: opened, written to by a thread for each log, and left.
    struct Life: Sendable {
        static let logIDs: [UInt64] = [1, 2]

        let seed: UInt64
        /// Counts how often the machine lost power.
        let boot: UInt64
        let batchCount: Int
        /// Promises what was only written: a writer that is wrong, to see that it is caught.
        let promisesEarly: Bool

        static func configuration(seed: UInt64) -> LogConfiguration {
            let dice = SeededEntropy(seed: seed)
            var configuration = LogConfiguration()
            configuration.memoryByteCount = 24 << 20
            configuration.writeShareByteCount = 14 << 20
            configuration.unwrittenByteLimit = 12 << 20
            configuration.cacheByteCount = 4 << 20
            configuration.greatestRecordByteCount = 1 << 20
            configuration.bufferByteCount = [2 << 10, 8 << 10, 72 << 10][dice.next(below: 3)]
            configuration.firstSegmentByteCount = [64 << 10, 128 << 10][dice.next(below: 2)]
            configuration.greatestSegmentByteCount = [128 << 10, 256 << 10, 1 << 20][dice.next(below: 3)]
            configuration.isCompressing = dice.next(below: 3) != 0
            configuration.syncIntervalMilliseconds = [5, 100][dice.next(below: 2)]
            configuration.idleMilliseconds = [10, 500][dice.next(below: 2)]
            return configuration
        }

        static func open(_ path: String, seed: UInt64, boot: UInt64) throws(LogError) -> LogStore {
            try LogStore(
                at: path, create: true, io: PosixIO(), clock: RestartedClock(boot: boot), entropy: SystemEntropy(),
                configuration: configuration(seed: seed))
        }

        /// Lives on the store at `path`. `place` answers how long the disk's log is now; `past` is what recovery found
        /// in the state of the disk that this life begins with.
        func run(at path: String, past: [LogHistory], place: @escaping @Sendable () -> Int) throws -> [LogHistory] {
            let store = try Life.open(path, seed: seed, boot: boot)
            defer { store.abandon() }
            var writers: [LogWriter] = []
            for id in Life.logIDs {
                let log = try store.createLog(id)
                let (found, gaps) = try log.readAll(level: .durable)
                var history = LogHistory(id: id, existence: place())
                if let old = past.first(where: { $0.id == id }) {
                    // A state of the disk is what it is: recovery finds the same in it, however often.
                    if let what = old.model.violation(found: found, gaps: gaps, promised: UInt64.max) {
                        throw BlockFailure("log \(id), recovered once more: \(what)")
                    }
                    history = old
                } else if !found.isEmpty || !gaps.isEmpty {
                    throw BlockFailure("log \(id): \(found.count) records and \(gaps) in a log that never was")
                }
                writers.append(
                    LogWriter(
                        log, history, seed: seed ^ id &* 0x9E37_79B9_7F4A_7C15, promisesEarly: promisesEarly, place))
            }
            let threads = writers.map { writer in
                WorkerThread(name: "writer-\(writer.id)") { writer.run(batchCount: batchCount) }
            }
            for thread in threads { thread.join() }
            if seed % 4 == 0 { try store.close() }
            return try writers.map { try $0.history() }
        }
    }

    /// Appends to one log and notes what was promised. A class because a thread of its own runs it.
    final class LogWriter: Sendable {
        private let log: ShardLog
        private let dice: SeededEntropy
        private let promisesEarly: Bool
        /// How much more often than anything else this life waits for durability.
        private let eagerness: Int
        private let place: @Sendable () -> Int
        private let state: Guarded<(history: LogHistory, failure: LogError?)>
        var id: UInt64 { log.id }

        init(
            _ log: ShardLog, _ history: LogHistory, seed: UInt64, promisesEarly: Bool,
            _ place: @escaping @Sendable () -> Int
        ) {
            self.log = log
            self.place = place
            self.promisesEarly = promisesEarly
            dice = SeededEntropy(seed: seed)
            eagerness = [1, 2, 20][dice.next(below: 3)]
            state = Guarded((history, nil))
        }

        func history() throws -> LogHistory {
            let (history, failure) = state.withLock { $0 }
            if let failure { throw failure }
            return history
        }

        func run(batchCount: Int) {
            do throws(LogError) {
                for _ in 0..<batchCount { try step() }
            } catch {
                state.withLock { $0.failure = error }
            }
        }

        private func step() throws(LogError) {
            let records = (0...dice.next(below: dice.next(below: 8) == 0 ? 200 : 16)).map { _ in PlainRecord.drawn(from: dice, greatestByteCount: 6000) }
            let arrival = UInt64(SystemClock().wallNanoseconds() / 1_000_000)
            let range = try log.append(records, arrival: arrival)
            let after = place()
            state.withLock {
                $0.history.model.append(range, records)
                $0.history.handedOut.append((after, range.upperBound))
            }
            switch dice.next(below: 2 + eagerness) {
            case 0: if dice.next(below: 2) == 0 { usleep(UInt32(dice.next(below: 3000))) }
            case 1: try log.wait(.written, below: range.upperBound)
            default:
                try log.wait(promisesEarly ? .written : .durable, below: range.upperBound)
                let now = place()
                state.withLock { $0.history.promises.append((now, range.upperBound)) }
            }
        }
    }

    struct BlockFailure: Error, CustomStringConvertible {
        let description: String
        /// Something that was promised is not there.
        let isLoss: Bool
        init(_ description: String, isLoss: Bool = false) {
            self.description = description
            self.isLoss = isLoss
        }
    }
#endif
