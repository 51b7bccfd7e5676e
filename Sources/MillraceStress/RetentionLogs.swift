#if Tools
    import Foundation
    import MillraceIO
    import MillraceLog
    import MillraceTestKit
    import Synchronization

    /// The part of a retention run that works on bare logs: two producers and a tail reader for each, one reader that replays them, and
    /// one thread that sweeps and compacts.
    final class RetentionLogs: Sendable {
        private let path: String
        private let board: RetentionBoard
        private let plan: RetentionPlan
        private let control: SoakControl
        private let tally: RetentionTally
        private let disk: FullDisk
        private let entropy: SeededEntropy
        private let store: LogStore
        private let logs: [ShardLog]
        private let producers: Guarded<[WorkerThread]>
        private let others: Guarded<[WorkerThread]>

        /// Opens the store and starts everything.
        init(
            at path: String, _ board: RetentionBoard, _ plan: RetentionPlan, _ control: SoakControl, _ tally: RetentionTally,
            _ disk: FullDisk, _ entropy: SeededEntropy
        ) throws {
            self.path = path
            self.board = board
            self.plan = plan
            self.control = control
            self.tally = tally
            self.disk = disk
            self.entropy = entropy
            let store = try Self.open(path, disk.io)
            self.store = store
            logs = try (1...UInt64(RetentionPlan.logCount)).map { id throws(LogError) in try store.createLog(id) }
            producers = Guarded([])
            others = Guarded([])
            start()
        }

        static var laneCount: Int { RetentionPlan.logCount * RetentionPlan.producersPerLog }

        private static func open(_ path: String, _ io: any StorageIO) throws(LogError) -> LogStore {
            try LogStore(
                at: path, create: true, io: io, clock: SystemClock(), entropy: SystemEntropy(),
                configuration: RetentionPlan.configuration)
        }

        private func lanes(_ at: Int) -> Range<Int> {
            at * RetentionPlan.producersPerLog..<(at + 1) * RetentionPlan.producersPerLog
        }

        private var reader: RetentionReader { RetentionReader(board: board, control: control, tally: tally) }
        private var isOver: Bool { control.areReadersDone.load(ordering: .acquiring) || control.isFailed }

        private func start() {
            for (at, log) in logs.enumerated() {
                for lane in lanes(at) {
                    let producer = RetentionProducer(
                        log: log, lane: lane, board: board, control: control, tally: tally, life: 1,
                        bytesPerSecond: plan.bytesPerSecond / 2 / Double(Self.laneCount), entropy: SeededEntropy(seed: entropy.next()),
                        isExcused: { [disk] in disk.isExcused })
                    producers.withLock { $0.append(WorkerThread(name: "put-\(lane)") { producer.run() }) }
                }
                let (lanes, level) = (lanes(at), Level.allCases[at % Level.allCases.count])
                add("tail-\(at)") { [self] in
                    reader.follow(log, lanes: lanes, level: level) { control.areReadersDone.load(ordering: .acquiring) }
                }
            }
            let dice = SeededEntropy(seed: entropy.next())
            add("replay") { [self] in
                while !isOver {
                    let at = dice.next(below: logs.count)
                    reader.replay(logs[at], lanes: lanes(at), dice)
                    Thread.sleep(forTimeInterval: 0.05)
                }
            }
            add("upkeep") { [self] in keepUp(SeededEntropy(seed: entropy.next())) }
        }

        private func add(_ name: String, _ body: @escaping @Sendable () -> Void) {
            others.withLock { $0.append(WorkerThread(name: name, body)) }
        }

        private func keepUp(_ dice: SeededEntropy) {
            var watch = HorizonWatch()
            while !isOver {
                for (at, log) in logs.enumerated() {
                    if let what = upkeep(log, at, dice).step(&watch) { control.fail(what) }
                }
                Thread.sleep(forTimeInterval: RetentionPlan.stepSeconds)
            }
        }

        private func upkeep(_ log: ShardLog, _ at: Int, _ dice: SeededEntropy) -> LogUpkeep {
            LogUpkeep(
                log: log, lanes: lanes(at), board: board, plan: plan, tally: tally, entropy: dice,
                isExcused: { [disk] in disk.isExcused })
        }

        /// Waits for the producers, which were told to pause.
        func joinProducers() { for thread in producers.withLock({ $0 }) { thread.join() } }

        /// Waits for the readers, which were told that all has been put; then closes the store, opens it and reads everything again.
        func finish() {
            for thread in others.withLock({ $0 }) { thread.join() }
            guard !control.isFailed else { return store.abandon() }
            do throws(LogError) {
                try store.close()
                let again = try Self.open(path, disk.io)
                defer { again.abandon() }
                for at in logs.indices {
                    let log = try again.log(logs[at].id)
                    if !log.recovery.damage.isEmpty { control.fail("log \(log.id) after a close: \(log.recovery)") }
                    for _ in 0..<3 { reader.replay(log, lanes: lanes(at), entropy) }
                }
            } catch { control.fail("closing and opening the logs: \(error)") }
        }
    }
#endif
