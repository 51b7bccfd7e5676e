#if Tools
    import Foundation
    import MillraceIO
    import MillraceLog
    import MillraceTestKit
    import Synchronization

    #if canImport(Glibc)
        import Glibc
    #endif

    /// A store whose writer is a process of its own that is killed again and again. Between two lives it is opened here, and all of it read.
    struct KilledStore {
        static let logIDs: [UInt64] = [1, 2]
        /// Lives in one period of the logs, at most, with the openings between: each begins a segment.
        static let openingsPerPeriod = 12

        private let path: String
        private let board: RetentionBoard
        private let plan: RetentionPlan
        private let control: SoakControl
        private let tally: RetentionTally
        private let disk: FullDisk
        private let entropy: SeededEntropy
        private var watch = HorizonWatch()
        private var life: UInt32 = 0
        /// Of each log, a reader that goes on where it was over all lives.
        private var checks: [RetentionCheck]
        private var positions: [UInt64]

        init(
            at path: String, _ board: RetentionBoard, _ plan: RetentionPlan, _ control: SoakControl, _ tally: RetentionTally,
            _ disk: FullDisk, _ entropy: SeededEntropy
        ) {
            self.path = path
            self.board = board
            self.plan = plan
            self.control = control
            self.tally = tally
            self.disk = disk
            self.entropy = entropy
            checks = Self.logIDs.indices.map { RetentionCheck(board, .log, lanes: $0..<$0 + 1) }
            positions = Self.logIDs.map { _ in 0 }
        }

        /// On a thread of its own: lives and inspections in turn.
        mutating func run(until isOver: @Sendable () -> Bool) {
            while !isOver(), !control.isFailed {
                life += 1
                do {
                    try live()
                    guard !control.isFailed else { return }
                    if let what = try inspect() { control.fail("life \(life) of the killed store: \(what)") }
                } catch { control.fail("life \(life) of the killed store: \(error)") }
            }
        }

        // MARK: A life

        /// Starts a writer, listens to it, and kills it after a while.
        private mutating func live() throws {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            let space = plan.space
            let lanes = Self.logIDs.indices.map { lane in
                "\(board.next(lane)):\(board.byteCount(lane..<lane + 1, since: space.oldest(board)))"
            }
            process.arguments = [
                RetentionWriterCommand.name, path, "\(plan.seed)", "\(board.seed)", "\(life)", "\(Int(plan.bytesPerSecond / 4))",
                "\(plan.logMilliseconds)", lanes.joined(separator: ","),
            ]
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            let processID = process.processIdentifier
            let microseconds = 300_000 + UInt32(entropy.next(below: 2_500_000))
            let killer = WorkerThread(name: "retention-kill") {
                usleep(microseconds)
                kill(processID, SIGKILL)
            }
            listen(to: pipe.fileHandleForReading)
            killer.join()
            process.waitUntilExit()
            guard process.terminationReason == .uncaughtSignal, process.terminationStatus == SIGKILL else {
                return control.fail("the writer of life \(life) ended by itself with status \(process.terminationStatus)")
            }
            tally.add(.kill)
        }

        /// Takes whole lines until there are no more. What a kill has cut off was not said.
        private mutating func listen(to file: Foundation.FileHandle) {
            var rest: [UInt8] = []
            while true {
                let data = file.availableData
                if data.isEmpty { return }
                rest += data
                guard let end = rest.lastIndex(of: 10) else { continue }
                for line in rest[..<end].split(separator: 10) { take(String(decoding: line, as: UTF8.self)) }
                rest.removeFirst(end + 1)
            }
        }

        private mutating func take(_ line: String) {
            if let event = RetentionEvent(line: line) {
                if case .begun(let lane, let count, let byteCount, _) = event {
                    control.put(lane, records: Int(count), bytes: byteCount)
                }
                return board.say(event)
            }
            let words = line.split(separator: " ")
            if words.count == 3, words[0] == "H", let log = UInt64(words[1]), let ordinal = UInt64(words[2]) {
                return watch.keep(below: ordinal, log: log)
            }
            control.fail("the writer of life \(life): \(line)")
        }

        // MARK: Between two lives

        /// Opens the store and reads everything, sweeps and compacts, and reads again. What is wrong, or nil.
        private mutating func inspect() throws -> String? {
            guard let store = try open() else { return nil }
            watch.reopen()
            var what: String?
            for (at, id) in Self.logIDs.enumerated() where what == nil {
                what = try inspect(try store.createLog(id), at).map { "log \(id): \($0)" }
            }
            if what == nil, entropy.chance(0.5) {
                do throws(LogError) { try store.close() } catch {
                    guard case .storageFull = error, disk.isReal else { throw error }
                }
            } else {
                store.abandon()
            }
            return what
        }

        /// nil when the disk stays full.
        private func open() throws -> LogStore? {
            while !control.isFailed {
                do throws(LogError) {
                    return try LogStore(
                        at: path, create: true, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(),
                        configuration: RetentionPlan.configuration)
                } catch {
                    guard case .storageFull = error, disk.isReal else { throw error }
                    Thread.sleep(forTimeInterval: 0.05)
                }
            }
            return nil
        }

        private mutating func inspect(_ log: ShardLog, _ at: Int) throws(LogError) -> String? {
            if !log.recovery.damage.isEmpty || !log.recovery.cutOff.isEmpty { return "recovery found damage: \(log.recovery)" }
            if let what = watch.see(log.trimHorizon, log: log.id) { return what }
            let reader = RetentionReader(board: board, control: control, tally: tally)
            var whole = RetentionCheck(board, .log, lanes: at..<at + 1)
            var cursor = log.cursor(at: 0, level: .durable)
            if let what = try reader.drain(&cursor, of: log, &whole) { return what }
            if let what = whole.settle(acknowledgedAt: .written) { return what }
            cursor = log.cursor(at: positions[at], level: .durable)
            if let what = try reader.drain(&cursor, of: log, &checks[at]) { return "over lives: \(what)" }
            if let what = checks[at].missing(upTo: board.acknowledged(.durable)) { return "over lives: \(what)" }
            positions[at] = cursor.position
            let (isReal, ends) = (disk.isReal, board.acknowledged(.durable))
            let upkeep = LogUpkeep(
                log: log, lanes: at..<at + 1, board: board, plan: plan, tally: tally, entropy: entropy,
                isExcused: { isReal }, openings: Self.openingsPerPeriod)
            for _ in 0..<entropy.next(below: 6) {
                if let what = upkeep.step(&watch) { return what }
            }
            var again = RetentionCheck(board, .log, lanes: at..<at + 1)
            cursor = log.cursor(at: 0, level: .durable)
            if let what = try reader.drain(&cursor, of: log, &again) { return "after upkeep: \(what)" }
            return again.missing(upTo: ends).map { "after upkeep: \($0)" }
        }
    }
#endif
