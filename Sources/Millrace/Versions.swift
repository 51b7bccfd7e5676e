import MillraceIO
import Synchronization

/// A value that many threads read with one atomic addition, and that is replaced now and then. A version lives until the last
/// reader that loaded it lets go of it.
///
/// A class because it is the shared place. A reader must not load an address and take a reference to it in two steps: in between
/// the version could be replaced and freed. So references are prepaid: the word has the newest version's address in its low 48
/// bits, and above them how many of the references that were paid for it have been handed out. One addition reads the address and
/// takes one of them, which is the reader's from then on; as many steps as loading and retaining would be, less one.
///
/// Invariant: of each version that is the newest, twice `lot` references are paid less those handed out. A reader that
/// finds a lot handed out pays another and takes it off the count.
///
/// Safe although it keeps a bare address: while the word names a version, its prepaid references keep it alive.
@safe package final class Versions<Value: AnyObject & Sendable>: Sendable {
    private let current: Atomic<UInt64>

    private static var addressBitCount: UInt64 { 48 }
    private static var addressMask: UInt64 { 1 << addressBitCount - 1 }
    /// References paid at once, and handed out before somebody pays more: a power of two, so that between them and twice as many
    /// there is room for every thread of a process that may have taken one and not paid yet.
    private static var lot: UInt64 { 1 << 14 }

    package init(_ first: Value) { current = Atomic(Self.pay(for: first)) }

    deinit {
        // Nobody else has this any more. Sequentially consistent is free here.
        Self.giveBack(current.exchange(0, ordering: .sequentiallyConsistent))
    }

    /// The newest version.
    @inline(__always)
    package var value: Value {
        // Acquire; pairs with the release in `replace`.
        let word = current.wrappingAdd(1 << Self.addressBitCount, ordering: .acquiring).oldValue
        // Safe because the addition has made one reference this caller's, which is handed on.
        let value = unsafe Self.reference(word).takeRetainedValue()
        if word >= Self.lot << Self.addressBitCount { payMore(for: value, word) }
        return value
    }

    /// Makes `next` the newest. One caller at a time.
    package func replace(with next: Value) {
        Self.giveBack(current.exchange(Self.pay(for: next), ordering: .acquiringAndReleasing))
    }

    // MARK: References

    @inline(__always)
    private static func reference(_ word: UInt64) -> Unmanaged<Value> {
        guard let pointer = unsafe UnsafeRawPointer(bitPattern: UInt(word & addressMask)) else {
            preconditionFailure("a version is always there")
        }
        // Safe because the word was made of a reference to a `Value`.
        return unsafe Unmanaged<Value>.fromOpaque(pointer)
    }

    /// A word for the version, with none handed out.
    private static func pay(for value: Value) -> UInt64 {
        let word = address(of: value)
        precondition(word & ~addressMask == 0, "an address of more than 48 bits")
        References.retain(value, Int(2 * lot))
        return word
    }

    private static func address(of value: Value) -> UInt64 {
        // Safe because only the address is taken.
        UInt64(unsafe UInt(bitPattern: Unmanaged.passUnretained(value).toOpaque()))
    }

    /// The version is the newest no more: what was not handed out goes.
    private static func giveBack(_ word: UInt64) {
        // Safe because there is one at least that was not handed out, which keeps it until the end of the call.
        let value = unsafe reference(word).takeUnretainedValue()
        References.release(value, Int(2 * lot - word >> addressBitCount))
    }

    @inline(never)
    private func payMore(for value: Value, _ word: UInt64) {
        precondition(word >> Self.addressBitCount < 2 * Self.lot, "\(Self.lot) threads took a version and did not pay")
        References.retain(value, Int(Self.lot))
        var word = current.load(ordering: .relaxed)
        while word & Self.addressMask == Self.address(of: value), word >> Self.addressBitCount >= Self.lot {
            let (isDone, found) = current.compareExchange(
                expected: word, desired: word - Self.lot << Self.addressBitCount, ordering: .acquiringAndReleasing)
            if isDone { return }
            word = found
        }
        // Another reader has paid, or the version is the newest no more.
        References.release(value, Int(Self.lot))
    }
}
