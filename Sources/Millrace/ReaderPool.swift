import MillraceIO
import MillraceLog
import MillraceModel

/// A few threads for work that may wait for the disk, so that no task's thread ever does.
///
/// A class because it is the shared identity of its threads. They start when there is work, one after the other up
/// to the limit, and end with `stop`.
final class ReaderPool: Sendable {
    private let limit: Int
    private let work = EventCount()
    private let state = Guarded(State())

    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var firstJob = 0
        var idleCount = 0
        var threads: [WorkerThread] = []
        var isStopping = false

        var hasJob: Bool { firstJob < jobs.count }

        mutating func takeJob() -> (@Sendable () -> Void)? {
            guard hasJob else { return nil }
            defer {
                firstJob += 1
                if firstJob == jobs.count { (jobs, firstJob) = ([], 0) }
            }
            return jobs[firstJob]
        }
    }

    /// True on a reader thread of any store, which must not wait for its own end.
    @TaskLocal static var isOnReader = false

    /// - Parameter limit: threads, at least 1.
    init(limit: Int) { self.limit = limit }

    /// Runs `body` on one of the threads while the task is suspended; cancellation does not cut it short.
    ///
    /// - Throws: what `body` throws; `closed` when the pool was stopped.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(KinesisError) -> Value
    ) async throws(KinesisError) -> Value {
        // The result goes through a lock, not through the continuation, whose order the thread sanitizer does not see.
        // Both are emptied before the task goes on: what `body` holds and answers, the store perhaps, is the task's alone then.
        let result = Guarded<Result<Value, KinesisError>?>(nil)
        let work = Guarded<(@Sendable () throws(KinesisError) -> Value)?>(body)
        await withCheckedContinuation { continuation in
            let isQueued = add {
                Self.run(work, into: result)
                continuation.resume()
            }
            if !isQueued { continuation.resume() }
        }
        guard let outcome = result.withLock({ $0.take() }) else { throw .storage(.closed) }
        return try outcome.get()
    }

    /// A call of its own, so that on its return nothing here holds the work or its answer any more.
    @inline(never)
    private static func run<Value>(
        _ work: Guarded<(@Sendable () throws(KinesisError) -> Value)?>, into result: Guarded<Result<Value, KinesisError>?>
    ) {
        guard let body = work.withLock({ $0.take() }) else { preconditionFailure("a job runs once") }
        let outcome: Result<Value, KinesisError>
        do throws(KinesisError) { outcome = .success(try body()) } catch { outcome = .failure(error) }
        result.withLock { $0 = outcome }
    }

    private func add(_ job: @escaping @Sendable () -> Void) -> Bool {
        let isQueued = state.withLock { state in
            if state.isStopping { return false }
            state.jobs.append(job)
            if state.idleCount < state.jobs.count - state.firstJob, state.threads.count < limit {
                state.threads.append(
                    WorkerThread(name: "millrace-read-\(state.threads.count)") { [self] in
                        Self.$isOnReader.withValue(true) { loop() }
                    })
            }
            return true
        }
        work.notify(count: 1)
        return isQueued
    }

    private func loop() {
        while true {
            if let job = state.withLock({ $0.takeJob() }) {
                job()
                continue
            }
            // Registered first, then looked at once more: whoever adds a job after that wakes this thread.
            let key = work.prepare()
            let (hasJob, isStopping) = state.withLock { state in
                if !state.hasJob && !state.isStopping { state.idleCount += 1 }
                return (state.hasJob, state.isStopping)
            }
            if hasJob || isStopping {
                work.cancel()
                if !hasJob { return }
            } else {
                work.wait(key)
                state.withLock { $0.idleCount -= 1 }
            }
        }
    }

    /// Lets the threads finish what is queued and end. With `waiting` they have ended on return; then the caller must be
    /// none of them.
    func stop(waiting: Bool) {
        let threads = state.withLock { state in
            state.isStopping = true
            defer { state.threads = [] }
            return state.threads
        }
        work.notify()
        if waiting { for thread in threads { thread.join() } }
    }

    /// Runs `body` on a thread of its own, which has ended on return: for opening and closing, which outlive the pool.
    static func runAlone<Value: Sendable>(
        _ body: @escaping @Sendable () throws(KinesisError) -> Value
    ) async throws(KinesisError) -> Value {
        let thread = Guarded<WorkerThread?>(nil)
        let result: Result<Value, KinesisError> = await withCheckedContinuation { continuation in
            let started = WorkerThread(name: "millrace-open") {
                do throws(KinesisError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            thread.withLock { $0 = started }
        }
        thread.withLock { $0.take() }?.join()
        return try result.get()
    }
}
