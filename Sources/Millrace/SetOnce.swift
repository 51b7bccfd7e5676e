import Synchronization

/// A reference that is set once, by whoever comes first, and read without a lock.
///
/// `AtomicLazyReference` does the same, and looks up its type's metadata at each reading, which was a sixth of a put (decision 0018).
///
/// Safe although it keeps an unmanaged reference: it holds one retain from when it is set to its end.
@safe package struct SetOnce<Value: AnyObject & Sendable>: ~Copyable, Sendable {
    private let reference = unsafe Atomic<Unmanaged<Value>?>(nil)

    package init() {}

    /// nil until it is set.
    @inline(__always)
    package var value: Value? {
        guard let reference = unsafe reference.load(ordering: .acquiring) else { return nil }
        return unsafe reference.takeUnretainedValue()
    }

    /// Sets it unless that was done before; what stays.
    package func set(_ new: Value) -> Value {
        let retained = unsafe Unmanaged.passRetained(new)
        let (isFirst, original) = unsafe reference.compareExchange(expected: nil, desired: retained, ordering: .acquiringAndReleasing)
        if isFirst { return new }
        unsafe retained.release()
        guard let original = unsafe original else { preconditionFailure("a reference that is not nil stays") }
        return unsafe original.takeUnretainedValue()
    }

    deinit { unsafe reference.load(ordering: .acquiring)?.release() }
}
