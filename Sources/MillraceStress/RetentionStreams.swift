#if Tools
    import Foundation
    import Millrace
    import MillraceIO
    import MillraceLog
    import MillraceModel
    import MillraceTestKit
    import Synchronization

    extension Level {
        /// The engine's name for it: both say what a record survives.
        init(_ level: AckLevel) {
            switch level {
            case .published: self = .published
            case .written: self = .written
            case .durable: self = .durable
            }
        }
    }

    /// The part of a retention run that works on a stream whose day passes in seconds: producers, followers and replays, splits and merges,
    /// sweeps, compaction and backups by hand.
    final class RetentionStreams: Sendable {
        private static let name = "orders"
        private let path: String
        private let board: RetentionBoard
        private let plan: RetentionPlan
        private let control: SoakControl
        private let tally: RetentionTally
        private let disk: FullDisk
        private let entropy: SeededEntropy
        private let clock: any Clock
        private let store: StreamStore
        private let stream: StoredStream
        private let followers: [RetentionStreamReader]
        private let producers: Guarded<[WorkerThread]>
        private let others: Guarded<[WorkerThread]>
        private let tasks: Guarded<[Task<Void, Never>]>

        static var laneCount: Int { RetentionPlan.streamProducerCount * RetentionPlan.lanesPerStreamProducer }

        /// Opens the store and starts everything.
        init(
            at path: String, _ board: RetentionBoard, _ plan: RetentionPlan, _ control: SoakControl, _ tally: RetentionTally,
            _ disk: FullDisk, _ entropy: SeededEntropy, clock: any Clock
        ) throws {
            self.path = path
            self.board = board
            self.plan = plan
            self.control = control
            self.tally = tally
            self.disk = disk
            self.entropy = entropy
            self.clock = clock
            store = try Self.open(path, disk.io, clock)
            stream = try store.createStreamBlocking(Self.name, shards: RetentionPlan.shardCounts.lowerBound, ack: .durable)
            followers = [AckLevel.durable, .published].map {
                RetentionStreamReader(board, control, tally, level: $0, name: "follower of the stream")
            }
            producers = Guarded([])
            others = Guarded([])
            tasks = Guarded([])
            start()
        }

        private static func open(_ path: String, _ io: any StorageIO, _ clock: any Clock) throws(KinesisError) -> StreamStore {
            try StreamStore(
                at: path, io: io, clock: clock, entropy: SystemEntropy(), configuration: RetentionPlan.configuration)
        }

        private func start() {
            for number in 0..<RetentionPlan.streamProducerCount {
                let first = number * RetentionPlan.lanesPerStreamProducer
                let producer = RetentionStreamProducer(
                    number: number, stream: stream, lanes: first..<first + RetentionPlan.lanesPerStreamProducer, board: board,
                    control: control, tally: tally,
                    bytesPerSecond: plan.bytesPerSecond / 2 / Double(RetentionPlan.streamProducerCount),
                    entropy: SeededEntropy(seed: entropy.next()), isExcused: { [disk] in disk.isExcused })
                producers.withLock { $0.append(WorkerThread(name: "put-stream-\(number)") { producer.run() }) }
            }
            for follower in followers {
                let task = Task.detached { [stream] in await follower.run(stream) }
                tasks.withLock { $0.append(task) }
            }
            repeating("replay", every: 1) { [self] _ in replay(stream, "replay of the stream") }
            repeating("upkeep", every: RetentionPlan.stepSeconds, keepUp())
            repeating("reshard", every: RetentionPlan.reshardSeconds) { [self] dice in reshard(dice) }
            repeating("backup", every: 7) { [self] _ in backUp() }
        }

        /// Runs the step again and again on a thread of its own, with pauses about so long between.
        private func repeating(_ name: String, every seconds: Double, _ step: @escaping @Sendable (SeededEntropy) -> Void) {
            let dice = SeededEntropy(seed: entropy.next())
            let thread = WorkerThread(name: name) { [control] in
                func isOver() -> Bool { control.areReadersDone.load(ordering: .acquiring) || control.isFailed }
                while !isOver() {
                    step(dice)
                    var rest = seconds * Double(1 + dice.next(below: 3)) / 2
                    while rest > 0, !isOver() {
                        Thread.sleep(forTimeInterval: min(rest, 0.1))
                        rest -= 0.1
                    }
                }
            }
            others.withLock { $0.append(thread) }
        }

        private func replay(_ stream: StoredStream, _ name: String) {
            let ends = board.acknowledged(.durable)
            RetentionStreamReader.replay(stream, board, control, tally, level: .durable, upTo: ends, name: name)
        }

        // MARK: Steps

        /// Sweeps, compacts, and looks at the horizons of all logs.
        private func keepUp() -> @Sendable (SeededEntropy) -> Void {
            let watch = Guarded(HorizonWatch())
            return { [self] _ in
                do throws(KinesisError) {
                    let report = try store.sweepBlocking()
                    tally.add(.sweep)
                    tally.add(.retired, report.removedSegmentCount)
                    tally.add(.expiredShard, report.expiredShardCount)
                    if try store.compactBlocking().segmentCount > 0 { tally.add(.compaction) }
                } catch { refuse(error, "a sweep or a compaction of the streams") }
                let logs = store.engine.openLogs
                watch.withLock { watch in
                    watch.forget(except: Set(logs.map(\.id)))
                    for log in logs { if let what = watch.see(log.trimHorizon, log: log.id) { control.fail("streams: \(what)") } }
                }
            }
        }

        private func refuse(_ error: KinesisError, _ what: String) {
            if case .storage(.storageFull) = error, disk.isExcused { return }
            control.fail("\(what) failed: \(error)")
        }

        private func reshard(_ dice: SeededEntropy) {
            let open = stream.openShards
            let at = dice.next(below: open.count)
            let isSplit = open.count < RetentionPlan.shardCounts.upperBound && (dice.chance(0.5) || open.count <= RetentionPlan.shardCounts.lowerBound)
            let reference = StreamReference(name: Self.name)
            do throws(KinesisError) {
                if isSplit {
                    let range = open[at].hashKeyRange
                    let width = range.ending.value - range.starting.value
                    guard width > 1 << 40 else { return }
                    let key = range.starting.value + width / 4 + ((width / 2) >> 32) * UInt128(dice.next() >> 32)
                    try store.answer(SplitShardRequest(stream: reference, shardToSplit: "\(open[at].id)", newStartingHashKey: "\(key)"))
                } else {
                    guard at + 1 < open.count else { return }
                    try store.answer(
                        MergeShardsRequest(
                            stream: reference, shardToMerge: "\(open[at].id)", adjacentShardToMerge: "\(open[at + 1].id)"))
                }
                tally.add(.reshard)
            } catch { refuse(error, isSplit ? "a split" : "a merge") }
        }

        /// Takes a backup, opens it and reads all of it.
        private func backUp() {
            let target = "\(path)-backup"
            defer { try? FileManager.default.removeItem(atPath: target) }
            let ends = board.acknowledged(.durable)
            do throws(KinesisError) {
                let report = try store.backupBlocking(to: target)
                if !report.faults.isEmpty { return control.fail("a backup has faults: \(report.faults)") }
            } catch { return refuse(error, "a backup") }
            do throws(KinesisError) {
                let copy = try Self.open(target, disk.io, clock)
                defer { copy.abandon() }
                RetentionStreamReader.replay(
                    try copy.stream(Self.name), board, control, tally, level: .durable, upTo: ends, name: "backup")
                tally.add(.backup)
            } catch { refuse(error, "opening a backup") }
        }

        /// The most that the segments of the streams may take on the disk: what was put in three periods (merged segments stay as long as
        /// their newest record, and what is merged again takes older records along) with an eighth, and for each log one segment for each
        /// span of a period and two.
        func spaceLimit() -> Int {
            let records = board.byteCount(since: board.now - min(board.now, 3 * board.periodMilliseconds))
            // A segment takes no record more than an hour behind its first: some 25 of them in a day.
            let segments = (store.engine.openLogs.count + 1) * 28 * RetentionPlan.configuration.firstSegmentByteCount
            return records / 8 * 9 + segments
        }

        // MARK: The end

        /// Waits for the producers, which were told to pause.
        func joinProducers() { for thread in producers.withLock({ $0 }) { thread.join() } }

        /// Waits until the followers have everything; then, when all readers were told to end, for the others. Closes the store, opens it
        /// and reads everything again.
        func finish() {
            let limit = Date(timeIntervalSinceNow: 30)
            for follower in followers {
                while !control.isFailed, let what = follower.missing(upTo: board.acknowledged(.published)) {
                    if Date() > limit { control.fail("a follower of the stream, 30 s after the last put: \(what)") }
                    Thread.sleep(forTimeInterval: 0.02)
                }
            }
            let tasks = tasks.withLock { $0 }
            for task in tasks { task.cancel() }
            wait(for: tasks)
            for thread in others.withLock({ $0 }) { thread.join() }
            guard !control.isFailed else { return store.abandon() }
            do throws(KinesisError) {
                try store.closeBlocking()
                let again = try Self.open(path, disk.io, clock)
                defer { again.abandon() }
                let ends = board.acknowledged(.published)
                RetentionStreamReader.replay(
                    try again.stream(Self.name), board, control, tally, level: .durable, upTo: ends, name: "the stream, opened again")
            } catch { control.fail("closing and opening the streams: \(error)") }
        }
    }
#endif
