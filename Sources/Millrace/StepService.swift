import MillraceIO
import MillraceLog
package import MillraceModel

/// A thread that calls a step when it is due: from when it is wanted until nothing is due any more, or it is stopped.
///
/// A class because it is the thread's identity. It is for what a store does by itself; everything it does can be called by
/// hand.
package final class StepService: Sendable {
    private struct State {
        var thread: WorkerThread?
        /// The thread has nothing to do, and only waits to be joined.
        var hasEnded = false
        /// Wanted since the last step began.
        var isWanted = false
        var isStopping = false
        var lastError: KinesisError?
    }
    private let name: String
    private let step: @Sendable (StepService) throws(KinesisError) -> Int64?
    private let state = Guarded(State())
    private let bell = EventCount()

    /// From being wanted to the first step, and from a step that failed to the next.
    private let firstNanoseconds: Int64
    /// Whether all other threads have the processor first.
    private let isBackground: Bool

    static let minuteNanoseconds: Int64 = 60_000_000_000

    /// - Parameter step: given the service, does what is due, and answers after how many nanoseconds it is to be called again; nil: not
    ///   before it is wanted again.
    package init(
        _ name: String, firstNanoseconds: Int64 = 60_000_000_000, isBackground: Bool = false,
        _ step: @escaping @Sendable (StepService) throws(KinesisError) -> Int64?
    ) {
        self.name = name
        self.firstNanoseconds = firstNanoseconds
        self.isBackground = isBackground
        self.step = step
    }

    /// Why the last step did not do everything; nil when it did. What failed is tried again a minute later.
    package var lastError: KinesisError? { state.withLock { $0.lastError } }

    /// Whether a thread waits for the next step, or does it.
    package var isRunning: Bool { state.withLock { $0.thread != nil && !$0.hasEnded } }

    /// Starts the thread unless it runs, or was stopped.
    package func want() {
        let ended: WorkerThread? = state.withLock { state in
            if state.isStopping { return nil }
            state.isWanted = true
            if state.thread != nil, !state.hasEnded { return nil }
            let ended = state.thread
            state.hasEnded = false
            state.thread = WorkerThread(name: "millrace-\(name)", isBackground: isBackground) { [self] in loop() }
            return ended
        }
        ended?.join()
    }

    private func loop() {
        var pause: Int64? = firstNanoseconds
        while let nanoseconds = pause {
            let key = bell.prepare()
            if state.withLock({ $0.isStopping }) { return bell.cancel() }
            bell.wait(key, nanoseconds: nanoseconds)
            let isOver = state.withLock { state in
                state.isWanted = false
                return state.isStopping
            }
            if isOver { return }
            let (next, failure) = attempt()
            pause = state.withLock { state in
                state.lastError = failure
                // Who wanted it meanwhile may have seen more than the step did.
                let pause = next ?? (state.isWanted ? firstNanoseconds : nil)
                state.hasEnded = pause == nil
                return pause
            }
        }
    }

    private func attempt() -> (Int64?, KinesisError?) {
        do throws(KinesisError) { return (try step(self), nil) } catch { return (firstNanoseconds, error) }
    }

    /// For a step that is long: sleeps for so many nanoseconds. Ends early, and answers false, when the service is to stop.
    package func rest(nanoseconds: Int64) -> Bool {
        let key = bell.prepare()
        if state.withLock({ $0.isStopping }) {
            bell.cancel()
            return false
        }
        bell.wait(key, nanoseconds: nanoseconds)
        return !state.withLock { $0.isStopping }
    }

    /// Returns when a step that runs has ended, and none will begin. Not on the thread itself.
    package func stop() {
        let thread = state.withLock { state in
            state.isStopping = true
            return state.thread.take()
        }
        bell.notify()
        thread?.join()
    }
}
