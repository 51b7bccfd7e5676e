#if Tools
    import Foundation
    import MillraceIO
    import MillraceLog
    import MillraceTestKit
    import Synchronization

    /// One retention run from its start to its verdict. Blocks the thread it runs on.
    struct RetentionRun {
        private let plan: RetentionPlan
        private let directory: StressDirectory
        private let control = SoakControl(producerCount: 16)
        private let tally = RetentionTally()
        private let disk: FullDisk
        private let entropy: SeededEntropy
        private let clock: ScaledClock
        private let logBoard: RetentionBoard
        private let streamBoard: RetentionBoard
        private let killedBoard: RetentionBoard
        private let sampler: RetentionSampler

        private static let dayMilliseconds: UInt64 = 86_400_000

        init(_ plan: RetentionPlan, in directory: StressDirectory, csv: String?) throws {
            self.plan = plan
            self.directory = directory
            disk = try FullDisk(in: directory.path)
            entropy = SeededEntropy(seed: plan.seed)
            let system = SystemClock()
            clock = ScaledClock(system, factor: Int64(Double(Self.dayMilliseconds) / (plan.daySeconds * 1000)))
            // A seed for each, so that no store's record is right in another one.
            logBoard = RetentionBoard(
                seed: plan.seed, laneCount: RetentionLogs.laneCount, periodMilliseconds: plan.logMilliseconds, clock: system)
            streamBoard = RetentionBoard(
                seed: plan.seed &+ 1, laneCount: RetentionStreams.laneCount, periodMilliseconds: Self.dayMilliseconds, clock: clock)
            killedBoard = RetentionBoard(
                seed: plan.seed &+ 2, laneCount: KilledStore.logIDs.count, periodMilliseconds: plan.logMilliseconds, clock: system)
            sampler = try RetentionSampler(
                control, tally,
                [
                    .init(path: "\(directory.path)/logs", board: logBoard), .init(path: "\(directory.path)/streams", board: streamBoard),
                    .init(path: "\(directory.path)/killed", board: killedBoard),
                ], seed: plan.seed, csv: csv)
        }

        func run() -> Verdict {
            defer { sampler.end() }
            do { try work() } catch { control.fail("\(error)") }
            if let what = control.what {
                directory.keep()
                return .broken("seed \(plan.seed), after \(Int(sampler.seconds)) s in \(directory.path): \(what)")
            }
            return conclusion()
        }

        private func work() throws {
            control.isPaused.store(false, ordering: .releasing)
            let logs = try RetentionLogs(at: "\(directory.path)/logs", logBoard, plan, control, tally, disk, dice())
            let streams = try RetentionStreams(
                at: "\(directory.path)/streams", streamBoard, plan, control, tally, disk, dice(), clock: clock)
            let killed = KilledStore(at: "\(directory.path)/killed", killedBoard, plan, control, tally, disk, dice())
            let killing = WorkerThread(name: "killed") { [control] in
                var killed = killed
                killed.run { control.isPaused.load(ordering: .acquiring) }
            }
            watch(streams)
            // There is room before producers are told to end, so that what they wait for can come.
            disk.empty()
            Thread.sleep(forTimeInterval: 0.5)
            control.isPaused.store(true, ordering: .releasing)
            logs.joinProducers()
            streams.joinProducers()
            killing.join()
            control.areReadersDone.store(true, ordering: .releasing)
            streams.finish()
            logs.finish()
        }

        private func dice() -> SeededEntropy { SeededEntropy(seed: entropy.next()) }

        /// Until the time is over: samples once a second, and fills the disk now and then.
        private func watch(_ streams: RetentionStreams) {
            let dice = dice()
            var nextSample = 0.0
            var nextChange = 5.0
            while sampler.seconds < plan.seconds, !control.isFailed {
                Thread.sleep(forTimeInterval: 0.02)
                if sampler.seconds >= nextChange {
                    if disk.isFull {
                        disk.empty()
                        nextChange = sampler.seconds + 10 + Double(dice.next(below: 10_000)) / 1000
                    } else {
                        disk.fill()
                        tally.add(.fullDisk)
                        nextChange = sampler.seconds + 0.1 + Double(dice.next(below: 1500)) / 1000
                    }
                }
                guard sampler.seconds >= nextSample else { continue }
                nextSample += 1
                judge(sampler.sample(isFull: disk.isFull), streams)
            }
        }

        private func judge(_ files: [StoreFiles], _ streams: RetentionStreams) {
            let limit = streams.spaceLimit()
            if files[1].segmentByteCount > limit, !disk.isExcused {
                control.fail("the streams' \(files[1].segmentCount) segments take \(files[1].segmentByteCount) bytes, more than \(limit)")
            }
            let configuration = RetentionPlan.configuration
            // Beside those used again, each log has asked for two at most.
            let spareLimit = configuration.recycledByteLimit + 24 * configuration.greatestSegmentByteCount
            for (place, store) in files.enumerated() where store.spareByteCount > spareLimit {
                control.fail("store \(place): \(store.spareCount) files for new segments take \(store.spareByteCount) bytes, more than \(spareLimit)")
            }
        }

        private func conclusion() -> Verdict {
            print(tally.summary)
            let (latencies, greatest) = (sampler.latencies, sampler.greatest)
            // The first ten seconds, in which nothing is old, do not count.
            let amplification =
                greatest.amplification > 0 ? " and \(String(format: "%.1f", greatest.amplification)) x what is inside" : ""
            let records = control.recordCount.load(ordering: .relaxed)
            return .passed(
                "seed \(plan.seed), \(Int(sampler.seconds)) s, \(records) records put "
                    + "(\(control.byteCount.load(ordering: .relaxed) / 1_000_000) MB), \(control.readCount.load(ordering: .relaxed)) read, "
                    + "\(tally[.retired]) segments retired, \(tally[.reshard]) reshards, \(tally[.kill]) kills, \(tally[.fullDisk]) full disks, "
                    + "durable put p50 \(latencies.percentile(50) / 1000) us, p99 \(latencies.percentile(99) / 1000) us, disk at most "
                    + "\(greatest.byteCount / 1_000_000) MB\(amplification); nothing lost, "
                    + "nothing wrong, nothing grows")
        }
    }
#endif
