import MillraceIO
import MillraceModel

/// By which the watchers of many shards wake the one task that reads them all.
///
/// A class because it is their meeting place. Any thread may ring; one task at a time waits.
final class Bell: Sendable {
    /// That there are records in a lane, or why none will come.
    struct Ring: Sendable {
        let lane: Int
        let error: KinesisError?
    }

    private struct State {
        var rings: [Ring] = []
        var waiter: CheckedContinuation<Void, Never>?
    }
    private let state = Guarded(State())

    func ring(_ ring: Ring) {
        let waiter = state.withLock { state in
            state.rings.append(ring)
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// Everything rung since the last call, oldest first.
    func takeRings() -> [Ring] {
        state.withLock { state in
            defer { state.rings = [] }
            return state.rings
        }
    }

    /// Suspends until somebody rings, or has since `takeRings`, or the task is cancelled.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { $0.waiter = continuation }
                // Registered first: a ring or a cancellation finds the waiter, or came before and is seen here.
                if Task.isCancelled || state.withLock({ !$0.rings.isEmpty }) { wake() }
            }
        } onCancel: {
            wake()
        }
    }

    private func wake() { state.withLock { $0.waiter.take() }?.resume() }
}
