package import MillraceIO
package import MillraceLog

/// One life of a store, decided in full by its seed: sizes, and what is done step by step. A value.
///
/// Every step draws its own chances from its own number, so that a life with steps left out does the same in the others:
/// that is what makes a failing life small.
package struct CrashPlan: Sendable {
    package enum Operation: Sendable, Equatable, CustomStringConvertible {
        case createLog
        case append(log: Int)
        case batch(log: Int, count: Int)
        case flush(log: Int, partial: Bool)
        case sync(log: Int)
        /// Some logs get a batch, everything that was put to any is written, and they are synced together.
        case commit
        /// Waits until everything published has reached the level: a put with that ack level.
        case wait(log: Int, Level)
        case idle(log: Int)
        /// Holds a lent view from then on.
        case pin(log: Int)
        case dropCache
        case scan(log: Int)
        case close
        case kill
        case powerLoss
        /// One bit of what is durable turns over while the store is closed.
        case rot(log: Int)
        /// The n-th call from now on fails, and with `isPermanent` all later ones of its kind until the process ends.
        case fault(IOError.Operation, call: Int, errorNumber: Int32, isPermanent: Bool)
        /// So many bytes are left on the disk; nil: plenty.
        case room(Int?)
        case setClock(hours: Int)
        /// Retention takes so many hundredths of the log's records, or as much of that as it can.
        case sweep(log: Int, percent: Int)
        /// Segments that are neighbours become one.
        case compact(log: Int)

        package var description: String {
            switch self {
            case .createLog: "create log"
            case .append(let log): "append to \(log)"
            case .batch(let log, let count): "batch of \(count) to \(log)"
            case .flush(let log, let partial): partial ? "flush \(log)" : "flush full buffers of \(log)"
            case .sync(let log): "sync \(log)"
            case .commit: "commit"
            case .wait(let log, let level): "wait for \(log) \(level)"
            case .idle(let log): "idle \(log)"
            case .pin(let log): "pin in \(log)"
            case .dropCache: "drop cache"
            case .scan(let log): "scan \(log)"
            case .close: "close and reopen"
            case .kill: "kill and reopen"
            case .powerLoss: "lose power and reopen"
            case .rot(let log): "turn a bit of \(log)"
            case .fault(let operation, let call, let errorNumber, let isPermanent):
                "fail \(operation) \(call) calls on with \(errorNumber)\(isPermanent ? " for ever" : "")"
            case .room(let byteCount): byteCount.map { "leave \($0) bytes of room" } ?? "leave all room"
            case .compact(let log): "compact \(log)"
            case .sweep(let log, let percent): "sweep \(percent) % of \(log)"
            case .setClock(let hours): "move the clock by \(hours) h"
            }
        }
    }

    package struct Step: Sendable {
        package var operation: Operation
        package var draw: UInt64
    }

    package let seed: UInt64
    /// Whether logs are a stream's shards, with the catalogue; else bare logs.
    package let hasStreams: Bool
    package let configuration: LogConfiguration
    package var steps: [Step]

    package static let stepCount = 60

    package init(seed: UInt64) {
        self.seed = seed
        let entropy = SeededEntropy(seed: seed &* 0x9E37_79B9_7F4A_7C15 &+ 1)
        var configuration = Harness.smallConfiguration
        configuration.memoryByteCount = 4 << 20
        configuration.writeShareByteCount = 2 << 20
        configuration.cacheByteCount = entropy.chance(0.5) ? 8 << 10 : 64 << 10
        configuration.unwrittenByteLimit = 2 << 20
        configuration.greatestRecordByteCount = 64 << 10
        configuration.bufferByteCount = [512, 1024, 4096][entropy.next(below: 3)]
        configuration.isCompressing = entropy.chance(0.7)
        if entropy.chance(0.2) { configuration.ordinalsPerGeneration = 50 }
        if entropy.chance(0.2) { configuration.openSegmentLimit = 1 }
        configuration.leastRecycledByteCount = entropy.chance(0.7) ? 32 << 10 : 64 << 10
        configuration.recycledByteLimit = 128 << 10
        // Halves of one page, or of sixteen.
        configuration.commitJournalByteCount = [0, 16 << 10, 136 << 10][entropy.next(below: 3)]
        self.configuration = configuration
        hasStreams = entropy.chance(0.15)
        let logCount = hasStreams || entropy.chance(0.4) ? 3 : 1
        // Lives in which several logs become durable together, again and again: from the beginning there are all of them.
        let isCommitting = logCount > 1 && configuration.commitJournalByteCount > 0 && entropy.chance(0.6)
        // Some lives have trouble of a kind, or compact a lot, most do not: trouble in all of them would hide what happens without.
        let trouble = entropy.next(below: 8)
        steps = (0..<(isCommitting && !hasStreams ? logCount : 1)).map { _ in Step(operation: .createLog, draw: entropy.next()) }
        while steps.count < Self.stepCount {
            let log = entropy.next(below: logCount)
            if isCommitting, entropy.chance(0.35) {
                var operations = [Operation.commit]
                // A log's own sync fails while the journal alone keeps what was committed, and the store is closed or dies.
                if entropy.chance(0.15) {
                    operations += [
                        .fault(.sync, call: 1, errorNumber: 5, isPermanent: false), .sync(log: log), entropy.chance(0.5) ? .close : .kill,
                    ]
                }
                steps += operations.map { Step(operation: $0, draw: entropy.next()) }
                continue
            }
            let operation: Operation
            switch entropy.next(below: 64) {
            case 0...11: operation = .append(log: log)
            case 12: operation = .sweep(log: log, percent: entropy.chance(0.4) ? 100 : 1 + entropy.next(below: 100))
            case 13: operation = .compact(log: log)
            case 14...27: operation = .batch(log: log, count: 1 + entropy.next(below: entropy.chance(0.25) ? 60 : 12))
            case 28...35: operation = .flush(log: log, partial: entropy.chance(0.5))
            case 36...38: operation = .sync(log: log)
            case 39...41: operation = logCount > 1 ? .commit : .sync(log: log)
            case 42, 43: operation = .wait(log: log, entropy.chance(0.5) ? .durable : .written)
            case 44, 45: operation = .idle(log: log)
            case 46...48: operation = .pin(log: log)
            case 49, 50: operation = .compact(log: log)
            case 51: operation = entropy.chance(0.5) ? .scan(log: log) : .dropCache
            case 52: operation = .close
            case 53: operation = .kill
            case 54: operation = .powerLoss
            case 55: operation = logCount > 1 ? .createLog : .append(log: log)
            case 56: operation = .setClock(hours: entropy.next(below: 200_000) - 100_000)
            default:
                switch trouble {
                case 0, 1: operation = .rot(log: log)
                case 2, 3: operation = entropy.chance(0.6) ? Self.fault(entropy) : .kill
                case 4: operation = .room(entropy.chance(0.6) ? entropy.next(below: 100_000) : nil)
                case 5, 6: operation = .compact(log: log)
                default: operation = .batch(log: log, count: 1 + entropy.next(below: 6))
                }
            }
            steps.append(Step(operation: operation, draw: entropy.next()))
        }
    }

    private static func fault(_ entropy: SeededEntropy) -> Operation {
        let kinds: [IOError.Operation] = [.sync, .sync, .sync, .sync, .write, .syncDirectory, .rename, .createFile, .allocate, .read]
        return .fault(
            kinds[entropy.next(below: kinds.count)], call: 1 + entropy.next(below: 4),
            errorNumber: entropy.chance(0.7) ? 5 : 28, isPermanent: entropy.chance(0.3))
    }
}
