import MillraceIO
import MillraceLog
import MillraceModel

/// A thread that calls a step once a minute, from when it is first wanted until it is stopped.
///
/// A class because it is the thread's identity. It is for what a store does by itself; everything it does can be called by
/// hand.
final class MinuteService: Sendable {
    private struct State {
        var thread: WorkerThread?
        var isStopping = false
        var lastError: KinesisError?
    }
    private let step: @Sendable () throws(KinesisError) -> Void
    private let state = Guarded(State())
    private let bell = EventCount()
    private static let nanoseconds: Int64 = 60_000_000_000

    init(_ step: @escaping @Sendable () throws(KinesisError) -> Void) { self.step = step }

    /// Why the last step did not do everything; nil when it did. What failed is tried again a minute later.
    var lastError: KinesisError? { state.withLock { $0.lastError } }

    /// Starts the thread unless it runs, or was stopped.
    func want() {
        state.withLock { state in
            if state.thread != nil || state.isStopping { return }
            state.thread = WorkerThread(name: "millrace-minute") { [self] in loop() }
        }
    }

    private func loop() {
        while true {
            let key = bell.prepare()
            if state.withLock({ $0.isStopping }) { return bell.cancel() }
            bell.wait(key, nanoseconds: Self.nanoseconds)
            if state.withLock({ $0.isStopping }) { return }
            var failure: KinesisError?
            do throws(KinesisError) { try step() } catch { failure = error }
            state.withLock { $0.lastError = failure }
        }
    }

    /// Returns when a step that runs has ended, and none will begin. Not on the thread itself.
    func stop() {
        let thread = state.withLock { state in
            state.isStopping = true
            return state.thread.take()
        }
        bell.notify()
        thread?.join()
    }
}
