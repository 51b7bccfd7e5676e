#if canImport(Glibc)
    public import Glibc
#else
    public import Darwin
#endif

/// A value behind a lock of the system's thread library: at most one thread at a time sees it, through `withLock`.
///
/// In place of the standard library's `Mutex`, whose locking the thread sanitizer does not see on Linux: with this one
/// every test runs under it without a suppression. Not for the path of a record; 20 ns when nobody contends.
/// Do not wait for anything inside `withLock`, and do not lock the same one again.
@safe @usableFromInline
package final class Guarded<Value>: @unchecked Sendable {
    @usableFromInline let lock: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline var value: Value

    @inlinable
    package init(_ value: sending Value) {
        self.value = value
        // Safe because the lock lives at one address, from here to `deinit`.
        unsafe lock = .allocate(capacity: 1)
        unsafe lock.initialize(to: pthread_mutex_t())
        let result = unsafe pthread_mutex_init(lock, nil)
        precondition(result == 0, "no lock (error \(result))")
    }

    deinit {
        unsafe pthread_mutex_destroy(lock)
        unsafe lock.deallocate()
    }

    @inlinable @inline(__always)
    package func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        return try body(&value)
    }
}
