public import CMillrace
#if canImport(Glibc)
    public import Glibc
#else
    public import Darwin
#endif

/// A stretch of raw memory that somebody else owns, with every access checked against its bounds.
///
/// The engine's bytes (arena slots, mappings, staging) are handed around as this. It does not keep its
/// owner alive: who lends one says how long it is good for (a pinned slot, an open mapping).
/// All integers are little-endian and need no alignment, except the atomic accesses (8-byte aligned).
@safe @frozen @usableFromInline
package struct Memory: @unchecked Sendable {
    @usableFromInline let base: UnsafeMutableRawPointer
    @usableFromInline package let byteCount: Int

    /// The memory at `base`; the caller answers for its lifetime.
    @inlinable
    package init(base: UnsafeMutableRawPointer, byteCount: Int) {
        precondition(byteCount >= 0)
        unsafe self.base = unsafe base
        self.byteCount = byteCount
    }

    /// The address, for a system call or a C routine.
    @unsafe @inlinable package var address: UnsafeMutableRawPointer { unsafe base }

    @inlinable @inline(__always)
    func check(_ byteOffset: Int, _ count: Int) {
        // One comparison each: a negative offset or count is huge as unsigned.
        precondition(
            UInt(bitPattern: byteOffset) <= UInt(bitPattern: byteCount)
                && UInt(bitPattern: count) <= UInt(bitPattern: byteCount &- byteOffset),
            "memory access out of bounds")
    }

    /// The part from `byteOffset` on, `byteCount` bytes long.
    @inlinable @inline(__always)
    package func slice(_ byteOffset: Int, _ count: Int) -> Memory {
        check(byteOffset, count)
        // Safe because the range was checked to lie inside.
        return unsafe Memory(base: base + byteOffset, byteCount: count)
    }

    @inlinable @inline(__always)
    package func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type = T.self, at byteOffset: Int) -> T {
        check(byteOffset, MemoryLayout<T>.size)
        // Safe because the range was checked; unaligned by design.
        return T(littleEndian: unsafe base.loadUnaligned(fromByteOffset: byteOffset, as: T.self))
    }

    @inlinable @inline(__always)
    package func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at byteOffset: Int) {
        check(byteOffset, MemoryLayout<T>.size)
        // Safe because the range was checked; unaligned by design.
        unsafe base.storeBytes(of: value.littleEndian, toByteOffset: byteOffset, as: T.self)
    }

    /// Copies all of `source` to `byteOffset`. The two must not overlap.
    @inlinable @inline(__always)
    package func copy(_ source: Memory, at byteOffset: Int) {
        check(byteOffset, source.byteCount)
        // Safe because the destination was checked and a Memory's own range is valid.
        unsafe memcpy(base + byteOffset, source.base, source.byteCount)
    }

    /// Has the processor fetch a line that is written soon; a hint, wherever `byteOffset` lies.
    @inlinable @inline(__always)
    package func prefetchForWriting(at byteOffset: Int) {
        // Safe because nothing is read or written.
        unsafe millrace_prefetch_for_writing(UnsafeRawPointer(bitPattern: UInt(bitPattern: base) &+ UInt(bitPattern: byteOffset)))
    }

    /// Copies all of `source` to `byteOffset`.
    @inlinable @inline(__always)
    package func copy(_ source: RawSpan, at byteOffset: Int) {
        check(byteOffset, source.byteCount)
        if source.byteCount == 0 { return }
        // Safe because the destination was checked and the span is valid for its count.
        unsafe source.withUnsafeBytes { bytes in
            unsafe _ = memcpy(base + byteOffset, bytes.baseAddress!, bytes.count)
        }
    }

    @inlinable
    package func fill(_ byte: UInt8 = 0) {
        // Safe because the range is the memory's own.
        unsafe _ = memset(base, Int32(byte), byteCount)
    }

    @inlinable
    package func isEqual(to other: Memory) -> Bool {
        // Safe because both ranges are the memories' own and as long as each other.
        unsafe byteCount == other.byteCount && memcmp(base, other.base, byteCount) == 0
    }

    /// The bytes as a span that depends on `owner`, who keeps them alive and unchanged while it is borrowed.
    @inlinable @inline(__always)
    @_lifetime(borrow owner)
    package func span<Owner: ~Copyable & ~Escapable>(borrowing owner: borrowing Owner) -> RawSpan {
        // Safe because the caller names the owner that keeps these bytes.
        let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(base), byteCount: byteCount)
        return unsafe _overrideLifetime(span, borrowing: owner)
    }

    /// A copy of the bytes.
    package var bytes: [UInt8] {
        // Safe because the range is the memory's own.
        unsafe [UInt8](UnsafeRawBufferPointer(start: base, count: byteCount))
    }

    // MARK: Atomic words (8-byte aligned; the C shim documents each ordering)

    @inlinable @inline(__always)
    func word(_ byteOffset: Int) -> UnsafeMutableRawPointer {
        check(byteOffset, 8)
        // Safe because the word was checked to lie inside.
        let pointer = unsafe base + byteOffset
        assert(UInt(bitPattern: pointer) & 7 == 0, "atomic word must be aligned")
        return unsafe pointer
    }

    @inlinable @inline(__always)
    package func loadRelaxed(at byteOffset: Int) -> UInt64 { unsafe millrace_load_relaxed(word(byteOffset)) }
    @inlinable @inline(__always)
    package func loadAcquire(at byteOffset: Int) -> UInt64 { unsafe millrace_load_acquire(word(byteOffset)) }
    /// Sequentially consistent load.
    @inlinable @inline(__always)
    package func loadOrdered(at byteOffset: Int) -> UInt64 { unsafe millrace_load_ordered(word(byteOffset)) }
    @inlinable @inline(__always)
    package func storeRelaxed(_ value: UInt64, at byteOffset: Int) {
        unsafe millrace_store_relaxed(word(byteOffset), value)
    }
    @inlinable @inline(__always)
    package func storeRelease(_ value: UInt64, at byteOffset: Int) {
        unsafe millrace_store_release(word(byteOffset), value)
    }
    /// Sequentially consistent store, done as one exchange; returns what stood there.
    @inlinable @inline(__always) @discardableResult
    package func exchange(_ value: UInt64, at byteOffset: Int) -> UInt64 {
        unsafe millrace_exchange(word(byteOffset), value)
    }
    /// Sequentially consistent; returns the value before.
    @inlinable @inline(__always) @discardableResult
    package func add(_ value: UInt64, at byteOffset: Int) -> UInt64 { unsafe millrace_add(word(byteOffset), value) }
    /// Sequentially consistent; returns the value before.
    @inlinable @inline(__always) @discardableResult
    package func subtract(_ value: UInt64, at byteOffset: Int) -> UInt64 {
        unsafe millrace_subtract(word(byteOffset), value)
    }
    /// Sequentially consistent; true when `expected` stood there and `desired` does now.
    @inlinable @inline(__always)
    package func compareExchange(expected: UInt64, desired: UInt64, at byteOffset: Int) -> Bool {
        unsafe millrace_compare_exchange(word(byteOffset), expected, desired)
    }
}
