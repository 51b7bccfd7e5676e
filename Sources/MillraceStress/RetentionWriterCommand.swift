#if Tools
    import ArgumentParser
    import Foundation
    import MillraceIO
    import MillraceLog
    import MillraceTestKit
    import Synchronization

    #if canImport(Glibc)
        import Glibc
    #endif

    /// The writer that `retention` kills: it puts, sweeps and compacts, and says on standard output what happens, a line a write.
    struct RetentionWriterCommand: ParsableCommand {
        static let name = "retention-writer"
        static let configuration = CommandConfiguration(
            commandName: name, abstract: "What `retention` starts and kills.", shouldDisplay: false)
        @Argument var path: String
        @Argument var planSeed: UInt64
        @Argument var recordSeed: UInt64
        @Argument var life: UInt32
        @Argument var bytesPerSecond: Int
        @Argument var milliseconds: UInt64
        /// Of each lane, its next record and the bytes that may still be there, with a colon between.
        @Argument var lanes: String

        func run() throws {
            var plan = RetentionPlan(seed: planSeed, seconds: 0, bytesPerSecond: Double(bytesPerSecond))
            plan.logMilliseconds = milliseconds
            let starts = lanes.split(separator: ",").map { $0.split(separator: ":").compactMap { Int($0) } }
            guard starts.count == KilledStore.logIDs.count, starts.allSatisfy({ $0.count == 2 }) else {
                throw ValidationError("lanes are \(lanes)")
            }
            let isTold = Guarded(false)
            let board = RetentionBoard(
                seed: recordSeed, laneCount: starts.count, periodMilliseconds: milliseconds, clock: SystemClock()
            ) { event in if isTold.withLock({ $0 }) { Self.say(event.line) } }
            for (lane, start) in starts.enumerated() {
                board.say(.begun(lane: lane, count: UInt64(start[0]), byteCount: start[1], milliseconds: board.now))
            }
            isTold.withLock { $0 = true }
            let control = SoakControl(producerCount: starts.count)
            control.isPaused.store(false, ordering: .releasing)
            do {
                let store = try LogStore(
                    at: path, create: true, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(),
                    configuration: RetentionPlan.configuration)
                try work(store, board, plan, control)
            } catch { control.fail("\(error)") }
            // It is to be killed; whatever ends it before that is a failure.
            Self.say("E \(control.what ?? "it came to its end")")
            throw ExitCode(1)
        }

        private func work(
            _ store: LogStore, _ board: RetentionBoard, _ plan: RetentionPlan, _ control: SoakControl
        ) throws {
            let entropy = SeededEntropy(seed: plan.seed ^ UInt64(life) << 32)
            let tally = RetentionTally()
            var upkeeps: [LogUpkeep] = []
            var threads: [WorkerThread] = []
            for (lane, id) in KilledStore.logIDs.enumerated() {
                let log = try store.createLog(id)
                // Whether the disk is full is known to the other process.
                let producer = RetentionProducer(
                    log: log, lane: lane, board: board, control: control, tally: tally, life: life,
                    bytesPerSecond: plan.bytesPerSecond / Double(KilledStore.logIDs.count),
                    entropy: SeededEntropy(seed: entropy.next()), isExcused: { true })
                upkeeps.append(
                    LogUpkeep(
                        log: log, lanes: lane..<lane + 1, board: board, plan: plan, tally: tally, entropy: entropy,
                        isExcused: { true }, openings: KilledStore.openingsPerPeriod,
                        didRemove: { Self.say("H \(id) \($0)") }))
                threads.append(WorkerThread(name: "writer-\(id)") { producer.run() })
            }
            var watch = HorizonWatch()
            while !control.isFailed {
                for upkeep in upkeeps { if let what = upkeep.step(&watch) { control.fail(what) } }
                Thread.sleep(forTimeInterval: RetentionPlan.stepSeconds)
            }
            for thread in threads { thread.join() }
        }

        /// One line by one write, so that a kill leaves whole lines and those of two threads do not mix.
        private static func say(_ line: String) {
            let bytes = Array("\(line)\n".utf8)
            // Safe because the array outlives the call.
            if unsafe write(1, bytes, bytes.count) != bytes.count { _exit(2) }
        }
    }
#endif
