import MillraceIO
import Synchronization

/// The first failed write or sync of a log: after it nothing is written, acknowledged or retried until the log is opened again.
///
/// A sync that failed may answer 0 the next time and have lost the bytes: so there is no next time.
final class LogFailure: Sendable {
    private let isSet = Atomic<Bool>(false)
    private let cause = Guarded<LogError?>(nil)

    var error: LogError? { isSet.load(ordering: .acquiring) ? cause.withLock { $0 } : nil }
    var isFailed: Bool { isSet.load(ordering: .acquiring) }

    /// Keeps the first error; later ones follow from it.
    func set(_ error: LogError) {
        cause.withLock { if $0 == nil { $0 = error } }
        isSet.store(true, ordering: .releasing)
    }
    func check() throws(LogError) { if let error { throw error } }
}

/// A value that only the holder of a role touches (the writer role, the write turn): the role is the exclusion.
///
/// Safe because every call stands between taking and releasing that role, and those are sequentially consistent.
@safe final class Owned<Value: ~Copyable>: @unchecked Sendable {
    /// Not checked for overlapping accesses at run time: the role excludes them, and the check costs more than a record's store.
    @exclusivity(unchecked) private var value: Value
    init(_ value: consuming Value) { unsafe self.value = value }
    @inline(__always)
    func with<Result: ~Copyable, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // Safe because the role has one holder at a time, and no body enters the same value again.
        try unsafe body(&value)
    }
}
