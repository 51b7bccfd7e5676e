import MillraceIO
import MillraceModel

/// Streams that are not ACTIVE for a while: what a service of many machines needs time for, this store does at once, so it
/// only shows it for as long as it was told to. In memory: a store that is opened anew shows every stream ACTIVE, but those
/// that were being deleted (`StreamSettings.isDeleting`).
///
/// A class because operations share it.
final class StreamTransitions: Sendable {
    private let until = Guarded<[UInt64: Transition]>([:])

    private struct Transition {
        let status: StreamStatus
        let endMilliseconds: UInt64
    }

    /// ACTIVE unless a transition is under way.
    func status(of streamID: UInt64, at nowMilliseconds: UInt64) -> StreamStatus {
        until.withLock { until in
            guard let transition = until[streamID] else { return .active }
            // A stream that is being deleted stays so until that was carried out.
            if transition.status == .deleting || nowMilliseconds < transition.endMilliseconds { return transition.status }
            until[streamID] = nil
            return .active
        }
    }

    func begin(_ status: StreamStatus, _ streamID: UInt64, until endMilliseconds: UInt64) {
        until.withLock { $0[streamID] = Transition(status: status, endMilliseconds: endMilliseconds) }
    }

    func end(_ streamID: UInt64) { until.withLock { $0[streamID] = nil } }

    /// Streams whose deletion is due.
    func due(at nowMilliseconds: UInt64) -> [UInt64] {
        until.withLock { until in
            if until.isEmpty { return [] }
            return until.filter { $0.value.status == .deleting && nowMilliseconds >= $0.value.endMilliseconds }.map(\.key)
        }
    }
}
