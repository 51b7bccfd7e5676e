import MillraceIO
import Synchronization

/// The first failed write or sync of a log: after it nothing is written, acknowledged or retried until the log is opened again.
/// And whether its appends were ended, so that the writer asks one word for both.
///
/// A sync that failed may answer 0 the next time and have lost the bytes: so there is no next time.
final class LogFailure: Sendable {
    private static let failed: UInt8 = 1, ended: UInt8 = 2, removed: UInt8 = 4

    private let bits = Atomic<UInt8>(0)
    private let cause = Guarded<LogError?>(nil)

    var error: LogError? { isFailed ? cause.withLock { $0 } : nil }
    var isFailed: Bool { bits.load(ordering: .acquiring) & Self.failed != 0 }

    /// Keeps the first error; later ones follow from it.
    func set(_ error: LogError) {
        cause.withLock { if $0 == nil { $0 = error } }
        _ = bits.bitwiseOr(Self.failed, ordering: .sequentiallyConsistent)
    }
    func check() throws(LogError) { if let error { throw error } }

    var isRemoved: Bool { bits.load(ordering: .acquiring) & Self.removed != 0 }

    /// As a failure that nothing comes behind, whatever came before: nothing is written, synced or answered any more.
    /// Called by the holder of the writer role.
    func remove() {
        cause.withLock { $0 = .removed }
        _ = bits.bitwiseOr(Self.failed | Self.removed, ordering: .sequentiallyConsistent)
    }

    // MARK: The end of appends

    /// Sequentially consistent: a reader registers, then looks here; who ends the log sets it, then looks for readers.
    var isEnded: Bool { bits.load(ordering: .sequentiallyConsistent) & Self.ended != 0 }

    /// Called by the holder of the writer role alone, so that no append stands between its check and its publish.
    func end() { _ = bits.bitwiseOr(Self.ended, ordering: .sequentiallyConsistent) }
    func resume() { _ = bits.bitwiseAnd(~Self.ended, ordering: .sequentiallyConsistent) }

    /// What the holder of the writer role asks before each batch. One load.
    /// - Throws: `removed`; `ended`, also of a log that failed: its records belong elsewhere; `frozen`.
    @inline(__always)
    func checkAppend() throws(LogError) {
        if bits.load(ordering: .acquiring) != 0 { try refuseAppend() }
    }

    @inline(never)
    private func refuseAppend() throws(LogError) {
        if isRemoved { throw .removed }
        if isEnded { throw .ended }
        try check()
    }
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
