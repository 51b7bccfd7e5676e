import MillraceIO

/// By which whoever has news for one waiting task wakes it.
///
/// A class because both sides share it. Any thread may ring; one task at a time waits. A ring that nobody waits for is
/// kept, once, for the next wait.
final class Doorbell: Sendable {
    private struct State {
        var isRung = false
        var waiter: CheckedContinuation<Void, Never>?
    }
    private let state = Guarded(State())

    func ring() {
        let waiter = state.withLock { state in
            state.isRung = true
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// Suspends until somebody rings, or has since the last wait, or the task is cancelled.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { $0.waiter = continuation }
                // Registered first: a ring or a cancellation finds the waiter, or came before and is seen here.
                if Task.isCancelled || state.withLock({ $0.isRung }) { wake() }
            }
        } onCancel: {
            wake()
        }
        state.withLock { $0.isRung = false }
    }

    private func wake() { state.withLock { $0.waiter.take() }?.resume() }
}
