import MillraceIO
import Synchronization

/// The buffers of one log: a ring that grows, read without locks.
///
/// `count` is the number of buffers ever started; its store (release) follows the entry's, and pairs with the acquire in
/// readers. Grown rings stay alive as long as the list, so a reader that still looks at an old one reads valid memory;
/// at worst it finds a stale entry, which the pin refuses.
///
/// Safe although it stores unmanaged references: each of them is in `kept`.
@safe final class BufferList: Sendable {
    /// The ring grows to so many entries for the sake of cached buffers, beyond it only for unwritten ones.
    private static let cachedCapacity = 1024

    private let ring: Atomic<Unmanaged<BufferRing>>
    private let kept: Guarded<[BufferRing]>
    private let started = Atomic<UInt64>(0)

    init() {
        let first = BufferRing(capacity: 16)
        unsafe ring = Atomic(Unmanaged.passUnretained(first))
        kept = Guarded([first])
    }

    var count: UInt64 { started.load(ordering: .acquiring) }
    private var current: BufferRing {
        // Safe because every ring ever published stays in `kept` as long as this list.
        unsafe ring.load(ordering: .acquiring).takeUnretainedValue()
    }

    /// Called by the role holder alone. `oldestNeeded` is the first buffer that is not yet written.
    func append(baseOrdinal: UInt64, slot: SlotReference, oldestNeeded: UInt64) {
        let index = started.load(ordering: .relaxed)
        var ring = current
        let wraps = index >= UInt64(ring.capacity)
        if index - oldestNeeded >= UInt64(ring.capacity) || wraps && ring.capacity < Self.cachedCapacity {
            let larger = BufferRing(capacity: ring.capacity * 2)
            let oldest = index < UInt64(ring.capacity) ? 0 : index - UInt64(ring.capacity)
            for i in oldest..<index { larger.set(i, baseOrdinal: ring.baseOrdinal(i), slot: ring.slot(i)) }
            kept.withLock { $0.append(larger) }
            unsafe self.ring.store(Unmanaged.passUnretained(larger), ordering: .releasing)
            ring = larger
        }
        ring.set(index, baseOrdinal: baseOrdinal, slot: slot)
        started.store(index + 1, ordering: .releasing)
    }

    /// Takes back buffers that nothing was published in. Called by the role holder alone.
    func removeLast(downTo count: UInt64) { started.store(count, ordering: .releasing) }

    func entry(_ index: UInt64) -> (baseOrdinal: UInt64, slot: SlotReference) {
        let ring = current
        return (ring.baseOrdinal(index), ring.slot(index))
    }

    /// The slots of all buffers that are listed; some have other lives by now.
    var slots: [SlotReference] {
        let ring = current
        let count = self.count
        let oldest = count < UInt64(ring.capacity) ? 0 : count - UInt64(ring.capacity)
        return (oldest..<count).map { ring.slot($0) }
    }

    /// The newest buffer whose base is at most `ordinal`, if its entry is still there. O(log buffers).
    func find(_ ordinal: UInt64) -> (index: UInt64, slot: SlotReference)? {
        let ring = current
        let count = self.count
        var low = count < UInt64(ring.capacity) ? 0 : count - UInt64(ring.capacity)
        var high = count
        // Invariant: every entry below `low` has base <= ordinal, or is not looked at; every one from `high` on is above it.
        let oldest = low
        while low < high {
            let middle = (low + high) / 2
            if ring.baseOrdinal(middle) <= ordinal { low = middle + 1 } else { high = middle }
        }
        guard low > oldest else { return nil }
        return (low - 1, ring.slot(low - 1))
    }
}

