import MillraceIO
import Synchronization

/// Tasks that wait for a watermark. Registered first, settled after each advance; nobody is resumed under the lock.
final class AsyncWaiters: Sendable {
    private struct Waiter {
        let level: Level
        let ordinal: UInt64
        /// Of one that waits for records to come, not for its own to be kept: a full disk is no answer to it, and it may give up.
        let reader: UInt64?
        let continuation: CheckedContinuation<Result<Void, LogError>, Never>
    }
    private let waiters = Guarded<[Waiter]>([])
    private let count = Atomic<Int>(0)
    private let publishedCount = Atomic<Int>(0)
    private let lastReader = Atomic<UInt64>(0)

    var isWaiting: Bool { count.load(ordering: .sequentiallyConsistent) > 0 }
    /// Somebody waits for the very next publish.
    var isWaitingForPublished: Bool { publishedCount.load(ordering: .sequentiallyConsistent) > 0 }

    /// A name for a reader's wait, by which it can be given up.
    func newReader() -> UInt64 { lastReader.add(1, ordering: .relaxed).newValue }

    /// - Parameter reader: the name of a reader's wait; nil when the task waits for its own records.
    func add(
        _ level: Level, _ ordinal: UInt64, reader: UInt64? = nil,
        _ continuation: CheckedContinuation<Result<Void, LogError>, Never>
    ) {
        // Counted first: a count that lags behind would hide this waiter, or the next one, from who settles.
        if level == .published { publishedCount.add(1, ordering: .sequentiallyConsistent) }
        count.add(1, ordering: .sequentiallyConsistent)
        waiters.withLock {
            $0.append(Waiter(level: level, ordinal: ordinal, reader: reader, continuation: continuation))
        }
    }

    /// Resumes the reader, if it still waits, as if its record had come.
    func cancel(_ reader: UInt64) {
        let found: Waiter? = waiters.withLock { waiters in
            guard let at = waiters.firstIndex(where: { $0.reader == reader }) else { return nil }
            return waiters.remove(at: at)
        }
        guard let found else { return }
        if found.level == .published { publishedCount.subtract(1, ordering: .sequentiallyConsistent) }
        count.subtract(1, ordering: .sequentiallyConsistent)
        found.continuation.resume(returning: .success(()))
    }

    /// Resumes those whose level is reached, and readers of what comes at or above `ended`; with `failure` everybody, with
    /// `blocked` those who wait for their own records.
    func settle(watermarks: Watermarks, ended: UInt64?, failure: LogError?, blocked: LogError?) {
        var done: [(Waiter, Result<Void, LogError>)] = []
        waiters.withLock { waiters in
            waiters.removeAll { waiter in
                let isBehindEnd = waiter.reader != nil && waiter.ordinal > ended ?? .max
                if watermarks.value(waiter.level) >= waiter.ordinal || isBehindEnd {
                    done.append((waiter, .success(())))
                } else if let error = failure ?? (waiter.reader != nil ? nil : blocked) {
                    done.append((waiter, .failure(error)))
                } else {
                    return false
                }
                return true
            }
        }
        resume(done)
    }

    /// Resumes every reader, as if its record had come.
    func wakeReaders() {
        var woken: [(Waiter, Result<Void, LogError>)] = []
        waiters.withLock { waiters in
            waiters.removeAll { waiter in
                guard waiter.reader != nil else { return false }
                woken.append((waiter, .success(())))
                return true
            }
        }
        resume(woken)
    }

    private func resume(_ done: [(Waiter, Result<Void, LogError>)]) {
        guard !done.isEmpty else { return }
        let published = done.count { $0.0.level == .published }
        publishedCount.subtract(published, ordering: .sequentiallyConsistent)
        count.subtract(done.count, ordering: .sequentiallyConsistent)
        for (waiter, result) in done { waiter.continuation.resume(returning: result) }
    }
}
