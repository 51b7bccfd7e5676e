import Foundation
import Synchronization

/// A thread that calls a log's sync every 10 ms, or without a pause where one takes longer.
final class Synchroniser: Sendable {
    private struct State {
        var isStopping = false
        var syncCount = 0
        var failure: (any Error)?
    }

    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    /// Syncs while `body` runs: how many times.
    static func run(_ synchronise: @escaping @Sendable () throws -> Void, while body: () throws -> Void) throws -> Int {
        let synchroniser = Synchroniser(synchronise)
        do {
            try body()
        } catch {
            _ = try? synchroniser.stop()
            throw error
        }
        return try synchroniser.stop()
    }

    private init(_ synchronise: @escaping @Sendable () throws -> Void) {
        Thread.detachNewThread {
            var due = nanoseconds() + Durability.syncInterval
            while !self.state.withLock({ $0.isStopping }) {
                let now = nanoseconds()
                if now < due {
                    usleep(UInt32((due - now) / 1000 + 1))
                    continue
                }
                due = now + Durability.syncInterval
                do {
                    try synchronise()
                    self.state.withLock { $0.syncCount += 1 }
                } catch {
                    self.state.withLock {
                        $0.failure = error
                        $0.isStopping = true
                    }
                }
            }
            self.ended.signal()
        }
    }

    private func stop() throws -> Int {
        state.withLock { $0.isStopping = true }
        ended.wait()
        let (count, failure) = state.withLock { ($0.syncCount, $0.failure) }
        if let failure { throw failure }
        return count
    }
}
