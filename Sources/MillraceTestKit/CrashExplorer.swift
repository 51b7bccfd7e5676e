import MillraceIO
import Synchronization

/// Lives many lives, on several threads, until enough states were checked or one promise was broken.
package struct CrashExplorer: Sendable {
    package struct Report: Sendable {
        package var lifeCount = 0
        package var stateCount = 0
        package var nanoseconds: Int64 = 0
        /// The broken promise in the smallest life that still breaks it.
        package var failure: CrashFailure?
    }

    package var firstSeed: UInt64 = 1
    package var threadCount = 1
    /// Ends after so many states, or so many nanoseconds, whichever comes first.
    package var stateLimit = Int.max
    package var nanosecondLimit = Int64.max
    /// Only the life of `firstSeed`.
    package var isSingle = false
    /// Where on a real disk each state is put and recovered; nil: in memory.
    package var directory: String?
    /// How many lives shrinking may try.
    package var shrinkLimit = 400

    package init() {}

    /// Blocks until done. Told now and then how far it came, from any thread.
    package func run(progress: @escaping @Sendable (Report) -> Void = { _ in }) -> Report {
        let clock = SystemClock(), start = clock.steadyNanoseconds()
        let state = Guarded(Report())
        let shared = Shared(next: firstSeed)
        let threads = (0..<max(1, threadCount)).map { number in
            WorkerThread(name: "millrace-crash-\(number)") {
                while true {
                    let seed = shared.next()
                    var life = CrashLife(CrashPlan(seed: seed), directory: directory)
                    var failure: CrashFailure?
                    do throws(CrashFailure) { try life.run() } catch { failure = error }
                    let count = life.stateCount
                    let (isOver, report) = state.withLock { report in
                        report.lifeCount += 1
                        report.stateCount += count
                        report.nanoseconds = clock.steadyNanoseconds() - start
                        if let failure, report.failure.map({ $0.seed > failure.seed }) ?? true {
                            report.failure = failure
                        }
                        let isOver = report.failure != nil || isSingle || report.stateCount >= stateLimit
                            || report.nanoseconds >= nanosecondLimit
                        return (isOver, report)
                    }
                    if isOver { return }
                    progress(report)
                }
            }
        }
        for thread in threads { thread.join() }
        var report = state.withLock { $0 }
        if let failure = report.failure { report.failure = shrink(failure) }
        return report
    }

    private final class Shared: Sendable {
        private let seed: Atomic<UInt64>
        init(next: UInt64) { seed = Atomic(next) }
        func next() -> UInt64 { seed.wrappingAdd(1, ordering: .relaxed).oldValue }
    }

    /// Leaves out steps, many at first, as long as the same promise is broken.
    private func shrink(_ failure: CrashFailure) -> CrashFailure {
        var plan = CrashPlan(seed: failure.seed)
        plan.steps.removeLast(plan.steps.count - 1 - min(failure.step, plan.steps.count - 1))
        var best = failure
        var triesLeft = shrinkLimit
        var size = max(1, plan.steps.count / 2)
        while triesLeft > 0 {
            var at = 0
            var hasShrunk = false
            while at < plan.steps.count, triesLeft > 0 {
                var smaller = plan
                smaller.steps.removeSubrange(at..<min(at + size, plan.steps.count))
                triesLeft -= 1
                var life = CrashLife(smaller, directory: directory)
                do throws(CrashFailure) {
                    try life.run()
                    at += size
                } catch {
                    guard error.invariant == failure.invariant else {
                        at += size
                        continue
                    }
                    best = error
                    plan = smaller
                    plan.steps.removeLast(plan.steps.count - 1 - min(error.step, plan.steps.count - 1))
                    hasShrunk = true
                }
            }
            if size == 1, !hasShrunk { break }
            size = max(1, size / 2)
        }
        return best
    }
}
