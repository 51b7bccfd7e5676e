import MillraceIO
import Synchronization

/// A value that many threads read with one load, and that is replaced now and then.
///
/// A class because it is the shared place. Every version lives as long as this does, so a reader needs no lock and no count
/// to keep the one it loaded: replacing is for what changes by somebody's decision, a reshard or a setting, never for traffic.
///
/// Safe although it keeps a bare reference: what it refers to is in `kept`, which only grows.
@safe package final class Versions<Value: AnyObject & Sendable>: Sendable {
    private let current: Atomic<UInt>
    private let kept: Guarded<[Value]>

    package init(_ first: Value) {
        current = Atomic(Self.bits(first))
        kept = Guarded([first])
    }

    /// The newest version.
    @inline(__always)
    package var value: Value {
        // Acquire; pairs with the release in `replace`. Safe because the reference is one that `kept` holds.
        let bits = current.load(ordering: .acquiring)
        guard let pointer = unsafe UnsafeRawPointer(bitPattern: bits) else {
            preconditionFailure("a version is always there")
        }
        return unsafe Unmanaged<Value>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Makes `next` the newest. One caller at a time.
    package func replace(with next: Value) {
        kept.withLock { $0.append(next) }
        current.store(Self.bits(next), ordering: .releasing)
    }

    private static func bits(_ value: Value) -> UInt {
        // Safe because only the address is taken.
        unsafe UInt(bitPattern: Unmanaged.passUnretained(value).toOpaque())
    }
}
