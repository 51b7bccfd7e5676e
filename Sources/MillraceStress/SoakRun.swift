#if Tools
    import Dispatch
    import Foundation
    import Millrace
    import MillraceIO
    import MillraceLog
    import MillraceModel
    import MillraceTestKit
    import Synchronization

    /// One soak from its first opening to its verdict. Blocks the thread it runs on.
    struct SoakRun {
        struct Plan: Sendable {
            var seed: UInt64
            var seconds: Double
            /// Share of the measured peak at which is put.
            var share: Double
            /// How large a store may get before a new one is started: nothing is ever deleted from one.
            var storeByteCount: Int
            /// The longest time between two openings.
            var lifeSeconds: Double
            var blockingProducerCount = 3
            var taskCount = 2
            var producerCount: Int { blockingProducerCount + taskCount }
        }

        private let plan: Plan
        private let directory: StressDirectory
        private let control: SoakControl
        private let sampler: SoakSampler
        private let entropy: SeededEntropy
        private var board: SoakBoard
        private var followers: [SoakFollower] = []
        /// Everything up to here was compared after an opening.
        private var verified: SoakReading
        private var life: UInt32 = 0
        private var storeNumber = 0
        private var wasClosed = true
        private var rates: [Double]?
        private var openings = 0
        private var kills = 0
        private var compared = 0
        /// What was open when the store before this one was let go.
        private var restingDescriptorCount = Int.max
        /// The store that was opened last, for as long as anybody holds it.
        private weak var engine: LogStore?

        init(_ plan: Plan, in directory: StressDirectory, csv: String?) throws {
            self.plan = plan
            self.directory = directory
            control = SoakControl(producerCount: plan.producerCount)
            sampler = try SoakSampler(control, csv: csv)
            entropy = SeededEntropy(seed: plan.seed)
            board = SoakBoard(seed: plan.seed, producerCount: plan.producerCount)
            verified = SoakReading(board, LaneCheck(from: board.ends))
        }

        private var path: String { "\(directory.path)/store-\(storeNumber)" }

        mutating func run() -> Verdict {
            startStore()
            let thread = Sampling(sampler)
            while sampler.seconds < plan.seconds, !control.isFailed {
                runLife()
                rest()
                guard !control.isFailed, sampler.storeByteCount >= plan.storeByteCount else { continue }
                finishStore()
                startStore()
            }
            if !control.isFailed { finishStore() }
            rest()
            thread.stop()
            if let what = control.what {
                directory.keep()
                return .broken("seed \(plan.seed), opening \(openings), store \(path): \(what)")
            }
            return conclusion()
        }

        /// The store was let go: what the process holds now it keeps for good.
        private mutating func rest() {
            sampler.watch(nil, in: path)
            // Tasks that were cancelled may hold it a little longer.
            let limit = sampler.seconds + 10
            while engine != nil, !control.isFailed {
                if sampler.seconds > limit { control.fail("somebody still holds the store 10 s after it was let go") }
                Thread.sleep(forTimeInterval: 0.001)
            }
            // Cancelled tasks let go of shards after the store itself: they get two seconds for it.
            let settled = sampler.seconds + 2
            while ProcessSample.descriptorCount() > restingDescriptorCount, sampler.seconds < settled {
                Thread.sleep(forTimeInterval: 0.005)
            }
            restingDescriptorCount = ProcessSample.descriptorCount()
            ProcessSample.returnFreeMemory()
            sampler.sample(isAtRest: true)
        }

        // MARK: Stores

        private mutating func startStore() {
            storeNumber += 1
            board = SoakBoard(seed: plan.seed &+ UInt64(storeNumber), producerCount: plan.producerCount)
            verified = SoakReading(board, LaneCheck(from: board.ends))
            followers = [
                SoakFollower(board, control, stream: 0, level: .durable),
                SoakFollower(board, control, stream: 1, level: .written),
            ]
            wasClosed = true
        }

        /// Compares all of the store from its first record on, and removes it.
        private mutating func finishStore() {
            guard let store = open() else { return }
            compare(store)
            verified = SoakReading(board, LaneCheck(from: board.ends.map { _ in 0 }))
            wasClosed = true
            if !control.isFailed { compare(store) }
            close(store)
            if !control.isFailed { directory.remove("store-\(storeNumber)") }
        }

        private mutating func open() -> StreamStore? {
            openings += 1
            do {
                let path = path
                let store = try blocking { () throws(KinesisError) in try await StreamStore.open(at: path) }
                sampler.watch(store.engine, in: path)
                engine = store.engine
                return store
            } catch {
                control.fail("the store does not open: \(error)")
                return nil
            }
        }

        private func streams(_ store: StreamStore) throws -> [StoredStream] {
            try blocking {
                var handles: [StoredStream] = []
                for (index, name) in SoakBoard.streamNames.enumerated() {
                    if let handle = try? store.stream(name) {
                        handles.append(handle)
                    } else {
                        let shards = SoakBoard.shardCounts[index]
                        handles.append(
                            try await store.createStream(name, shards: shards, ack: SoakBoard.ackLevels[index]))
                    }
                }
                return handles
            }
        }

        /// Reads on from where the last comparison ended, and takes what is there as what counts.
        private mutating func compare(_ store: StreamStore) {
            do {
                let before = verified.lanes.count
                var cursors = SoakCursors(board, try streams(store), verified.last, .durable)
                for shard in board.shards.indices {
                    if let what = cursors.drain(shard, &verified) { return control.fail("after opening: \(what)") }
                }
                compared += verified.lanes.count - before
                let found = board.ends.indices.map { verified.lanes.end(ofLane: $0) ?? 0 }
                if let what = board.settle(found: found, wasClosed: wasClosed) { control.fail(what) }
            } catch { control.fail("the streams do not open: \(error)") }
        }

        private mutating func close(_ store: StreamStore) {
            do { try blocking { () throws(KinesisError) in try await store.close() } } catch {
                control.fail("the store does not close: \(error)")
            }
            wasClosed = true
        }

        // MARK: Lives

        /// One opening: compare, put and read for a while, stop, close or be killed.
        private mutating func runLife() {
            guard let store = open() else { return }
            compare(store)
            guard !control.isFailed, let handles = try? streams(store) else { return }
            life += 1
            let isPeak = rates == nil
            let seconds = isPeak ? min(max(plan.seconds / 20, 2), 10) : 1 + Double(entropy.next(below: 1000)) / 1000 * plan.lifeSeconds
            let bytes = control.producerByteCounts
            let end = min(sampler.seconds + seconds, isPeak ? .infinity : plan.seconds)
            let started = sampler.seconds
            work(handles, until: end)
            if isPeak {
                let time = sampler.seconds - started
                rates = zip(control.producerByteCounts, bytes).map { Double($0 - $1) / time * plan.share }
                let peak = rates!.reduce(0, +) / plan.share
                print("peak \(Int(peak / 1e6)) MB/s with readers; from now on \(Int(plan.share * 100)) % of it")
            }
            if entropy.chance(0.5) {
                kills += 1
                wasClosed = false
                store.abandon()
            } else {
                close(store)
            }
        }

        private mutating func work(_ handles: [StoredStream], until end: Double) {
            control.isPaused.store(false, ordering: .releasing)
            control.areReadersDone.store(false, ordering: .releasing)
            let tail = SoakTail(
                board: board, control: control, streams: handles, level: AckLevel.allCases[entropy.next(below: 3)],
                after: verified.last, reading: verified)
            let replay = SoakReplay(
                board: board, control: control, streams: handles, entropy: SeededEntropy(seed: entropy.next()))
            let readers = [
                WorkerThread(name: "soak-tail") { tail.run() }, WorkerThread(name: "soak-replay") { replay.run() },
            ]
            let following = followers.enumerated().map { index, follower in
                let handle = handles[index]
                return Task.detached { await follower.run(handle) }
            }
            let producers = (0..<plan.producerCount).map { producer(handles, $0) }
            let threads = producers[..<plan.blockingProducerCount].map { producer in
                WorkerThread(name: "soak-put-\(producer.number)") { producer.runBlocking() }
            }
            let tasks = producers[plan.blockingProducerCount...].map { producer in
                Task.detached { await producer.run() }
            }
            while sampler.seconds < end, !control.isFailed, sampler.storeByteCount < plan.storeByteCount {
                Thread.sleep(forTimeInterval: 0.02)
            }
            control.isPaused.store(true, ordering: .releasing)
            for thread in threads { thread.join() }
            wait(for: Array(tasks))
            // What was put last reaches a reader of durable records within the sync interval.
            let limit = sampler.seconds + 30
            while !control.isFailed, let late = followers.firstIndex(where: { !$0.isComplete }) {
                if sampler.seconds > limit { control.fail("the follower of stream \(late) did not get everything in 30 s") }
                Thread.sleep(forTimeInterval: 0.005)
            }
            for task in following { task.cancel() }
            wait(for: following)
            control.areReadersDone.store(true, ordering: .releasing)
            for reader in readers { reader.join() }
        }

        private func producer(_ handles: [StoredStream], _ number: Int) -> SoakProducer {
            SoakProducer(
                number: number, board: board, control: control, streams: handles, life: life,
                bytesPerSecond: rates.map { max($0[number], 1) }, entropy: SeededEntropy(seed: entropy.next()))
        }

        // MARK: The end

        private func conclusion() -> Verdict {
            let bounds = SoakBounds(sampler.atRest, seconds: sampler.seconds)
            func perHour(_ trend: Trend?) -> String {
                trend.map { "\(fixed($0.slope * 3600)) +- \(fixed(2 * $0.slopeError * 3600))" } ?? "unknown"
            }
            func megabytesPerHour(_ trend: Trend?) -> String {
                trend.map { "\(fixed($0.slope * 3600 / 1e6)) +- \(fixed(2 * $0.slopeError * 3600 / 1e6))" } ?? "unknown"
            }
            let running = SoakBounds(sampler.running, seconds: sampler.seconds)
            print("slopes after warm-up, an hour, +- two standard deviations:")
            print("  memory at rest: \(megabytesPerHour(bounds.memory)) MB (\(bounds.samples.count) samples)")
            print("  memory with an open store, without records: \(megabytesPerHour(running.memory)) MB (\(running.samples.count) samples)")
            print("  descriptors at rest: \(perHour(bounds.descriptors))")
            print("  maps at rest: \(perHour(bounds.maps))")
            print("greatest memory for records: \(sampler.greatestArenaByteCount / 1_000_000) MB; greatest disk: \(sampler.greatestDiskByteCount / 1_000_000) MB")
            let latency = sampler.latency
            let records = control.recordCount.load(ordering: .relaxed)
            let megabytes = control.byteCount.load(ordering: .relaxed) / 1_000_000
            let reads = control.readCount.load(ordering: .relaxed)
            let text =
                "\(Int(sampler.seconds)) s, \(records) records put (\(megabytes) MB), \(reads + compared) read and compared, "
                + "\(openings) openings, \(kills) kills, \(storeNumber) stores, durable put p50 \(latency.percentile(50) / 1000) us, "
                + "p99 \(latency.percentile(99) / 1000) us"
            var violations = bounds.violations
            let limit = StoreConfiguration().memoryByteCount
            if sampler.greatestArenaByteCount > limit {
                violations.append("\(sampler.greatestArenaByteCount) bytes of memory for records, more than \(limit)")
            }
            if violations.isEmpty { return .passed("\(text); nothing lost, nothing wrong, nothing grows") }
            return .broken("\(text); \(violations.joined(separator: "; "))")
        }

        private func fixed(_ value: Double) -> String { String(format: "%.2f", value) }
    }

    /// A thread that samples once a second until it is stopped, and shows every sample.
    private final class Sampling: Sendable {
        private let isOver = Atomic<Bool>(false)
        private let thread = Guarded<WorkerThread?>(nil)

        init(_ sampler: SoakSampler) {
            let made = WorkerThread(name: "soak-sample") { [self] in
                var next = 0.0
                while !isOver.load(ordering: .acquiring) {
                    Thread.sleep(forTimeInterval: 0.02)
                    sampler.measureStore()
                    guard sampler.seconds >= next else { continue }
                    next += 1
                    let line = "\(Int(sampler.seconds)) s: \(sampler.sample())\n"
                    Foundation.FileHandle.standardError.write(Data(line.utf8))
                }
            }
            thread.withLock { $0 = made }
        }

        func stop() {
            isOver.store(true, ordering: .releasing)
            thread.withLock { $0.take() }?.join()
        }
    }

    /// Runs an asynchronous call and waits for it. Not on a thread of the task pool.
    func blocking<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () async throws(Failure) -> Value
    ) throws -> Value {
        let answer = Guarded<Result<Value, any Error>?>(nil)
        let semaphore = DispatchSemaphore(value: 0)
        Task.detached {
            let result: Result<Value, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            answer.withLock { $0 = result }
            semaphore.signal()
        }
        semaphore.wait()
        return try answer.withLock { $0! }.get()
    }

    func wait(for tasks: [Task<Void, Never>]) {
        try? blocking { for task in tasks { await task.value } }
    }
#endif
