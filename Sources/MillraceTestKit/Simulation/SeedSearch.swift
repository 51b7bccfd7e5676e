import MillraceIO
import Synchronization

/// Runs one seed after the other, on several threads, until enough were run or one failed.
package struct SeedSearch: Sendable {
    package struct Outcome: Sendable {
        package var actionCount = 0
        package var tally = StreamTally()
        /// How far the clocks moved.
        package var virtualMilliseconds: Int64 = 0
        package var restartCount = 0
        package var failure: SimulationFailure?
        package init() {}
    }

    package struct Report: Sendable {
        package var seedCount = 0
        package var actionCount = 0
        package var tally = StreamTally()
        package var virtualMilliseconds: Int64 = 0
        package var restartCount = 0
        package var nanoseconds: Int64 = 0
        package var failure: SimulationFailure?

        package var seconds: Double { Double(nanoseconds) / 1e9 }
        package var virtualYears: Int64 { virtualMilliseconds / 31_557_600_000 }
    }

    package var firstSeed: UInt64 = 1
    package var threadCount = 1
    /// Ends after so many seeds, or so many nanoseconds, whichever comes first.
    package var seedLimit = Int.max
    package var nanosecondLimit = Int64.max

    package init() {}

    /// Blocks until done.
    package func run(_ body: @escaping @Sendable (UInt64) -> Outcome) -> Report {
        let clock = SystemClock(), start = clock.steadyNanoseconds()
        let state = Guarded(Report())
        let counter = Counter(next: firstSeed)
        let end = firstSeed &+ UInt64(min(seedLimit, Int.max - 1))
        let threads = (0..<max(1, threadCount)).map { number in
            WorkerThread(name: "millrace-seeds-\(number)") {
                while true {
                    let seed = counter.next()
                    if seed >= end { return }
                    let outcome = body(seed)
                    let isOver = state.withLock { report in
                        report.seedCount += 1
                        report.actionCount += outcome.actionCount
                        report.tally += outcome.tally
                        report.virtualMilliseconds += outcome.virtualMilliseconds
                        report.restartCount += outcome.restartCount
                        report.nanoseconds = clock.steadyNanoseconds() - start
                        if let failure = outcome.failure, report.failure.map({ $0.seed > failure.seed }) ?? true {
                            report.failure = failure
                        }
                        return report.failure != nil || report.nanoseconds >= nanosecondLimit
                    }
                    if isOver { return }
                }
            }
        }
        for thread in threads { thread.join() }
        return state.withLock { $0 }
    }

    private final class Counter: Sendable {
        private let seed: Atomic<UInt64>
        init(next: UInt64) { seed = Atomic(next) }
        func next() -> UInt64 { seed.wrappingAdd(1, ordering: .relaxed).oldValue }
    }
}

extension SeedSearch {
    /// Runs lists of actions against the model; a failing one is made small.
    package func runModel(length: Int = ModelSequence.length) -> Report {
        run { seed in
            let sequence = ModelSequence(seed: seed, length: length)
            var outcome = Outcome()
            outcome.actionCount = length
            do throws(SimulationFailure) {
                outcome.tally = try sequence.run().tally
            } catch { outcome.failure = sequence.shrunk(error) }
            return outcome
        }
    }
}
