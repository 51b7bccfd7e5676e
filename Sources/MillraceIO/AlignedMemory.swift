#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Owner of page-aligned heap memory, zeroed at first. A class because several parties may keep it alive.
///
/// Safe to send: it only owns; who may touch which bytes when is agreed by those who share `memory`.
@safe package final class AlignedMemory: @unchecked Sendable {
    /// The bytes; good for as long as this object lives. Keep the object itself: `AlignedMemory(...).memory` is gone
    /// before it is used.
    package let memory: Memory

    /// Lends the bytes for the call, during which this object certainly lives.
    package func withMemory<Result, Failure: Error>(
        _ body: (Memory) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(memory)
    }

    /// - Parameters:
    ///   - byteCount: 0 or more bytes; no rounding is visible.
    ///   - alignment: a power of two, at least 8; the page size unless told.
    /// Traps when the heap is exhausted, as every Swift allocation does.
    package init(byteCount: Int, alignment: Int = AlignedMemory.pageByteCount) {
        precondition(byteCount >= 0 && alignment >= 8 && alignment & (alignment - 1) == 0)
        // Safe because the memory is at least as long as what is initialized and owned by this object alone.
        let base = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: alignment)
        memory = unsafe Memory(base: base, byteCount: byteCount)
        memory.fill(0)
    }

    /// A copy of `source`.
    package convenience init(copying source: Memory) {
        self.init(byteCount: source.byteCount)
        memory.copy(source, at: 0)
    }

    deinit {
        // Safe because the base came from `allocate` and dies with its only owner.
        unsafe memory.address.deallocate()
    }

    /// Bytes in a page of this system, a power of two.
    package static let pageByteCount = Syscalls.pageByteCount
}

extension Memory {
    /// The memory grown on both sides to whole pages, for calls that take nothing else; nil when empty.
    var wholePages: Memory? {
        if byteCount == 0 { return nil }
        let page = AlignedMemory.pageByteCount
        // Safe because only page-granular system calls use it, and a mapping consists of whole pages.
        let before = unsafe Int(bitPattern: address) & (page - 1)
        let count = (before + byteCount + page - 1) & ~(page - 1)
        return unsafe Memory(base: address - before, byteCount: count)
    }
}
