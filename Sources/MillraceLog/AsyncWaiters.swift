import MillraceIO
import Synchronization

/// Tasks that wait for a watermark. Registered first, settled after each advance; nobody is resumed under the lock.
final class AsyncWaiters: Sendable {
    private struct Waiter {
        let level: Level
        let ordinal: UInt64
        /// Waits for records to come, not for its own to be kept: a full disk is no answer to it.
        let isReader: Bool
        let continuation: CheckedContinuation<Result<Void, LogError>, Never>
    }
    private let waiters = Guarded<[Waiter]>([])
    private let count = Atomic<Int>(0)
    private let publishedCount = Atomic<Int>(0)

    var isWaiting: Bool { count.load(ordering: .sequentiallyConsistent) > 0 }
    /// Somebody waits for the very next publish.
    var isWaitingForPublished: Bool { publishedCount.load(ordering: .sequentiallyConsistent) > 0 }

    func add(
        _ level: Level, _ ordinal: UInt64, isReader: Bool, _ continuation: CheckedContinuation<Result<Void, LogError>, Never>
    ) {
        waiters.withLock {
            $0.append(Waiter(level: level, ordinal: ordinal, isReader: isReader, continuation: continuation))
        }
        if level == .published { publishedCount.add(1, ordering: .sequentiallyConsistent) }
        count.add(1, ordering: .sequentiallyConsistent)
    }

    /// Resumes those whose level is reached, and, with `failure`, everybody; with `blocked` those who wait for their own records.
    func settle(watermarks: Watermarks, failure: LogError?, blocked: LogError?) {
        var done: [(Waiter, Result<Void, LogError>)] = []
        waiters.withLock { waiters in
            waiters.removeAll { waiter in
                if watermarks.value(waiter.level) >= waiter.ordinal {
                    done.append((waiter, .success(())))
                } else if let error = failure ?? (waiter.isReader ? nil : blocked) {
                    done.append((waiter, .failure(error)))
                } else {
                    return false
                }
                return true
            }
        }
        guard !done.isEmpty else { return }
        let published = done.count { $0.0.level == .published }
        publishedCount.subtract(published, ordering: .sequentiallyConsistent)
        count.subtract(done.count, ordering: .sequentiallyConsistent)
        for (waiter, result) in done { waiter.continuation.resume(returning: result) }
    }
}
