import CLZ4

/// Owner of the tables an LZ4 compression works with, so that they are allocated once. Not for two threads at once.
@safe package struct LZ4Encoder: ~Copyable {
    private let state: UnsafeMutableRawPointer
    /// The tables of the high compression, 256 KiB; made at first use.
    private var highState: UnsafeMutableRawPointer?

    package init() {
        // The library asks for 8-byte alignment; a cache line costs nothing.
        unsafe state = .allocate(byteCount: Int(LZ4_sizeofState()), alignment: 64)
        unsafe highState = nil
    }

    deinit {
        // Safe because both came from `allocate` and die with their only owner.
        unsafe state.deallocate()
        unsafe highState?.deallocate()
    }

    /// Compresses `source` into the beginning of `memory`, fast. The two must not overlap.
    ///
    /// A `memory` shorter than `LZ4.bound` says how much the result may take: the call gives up as soon as it is
    /// clear that it does not fit.
    /// - Parameter acceleration: 1 is the library's default; each more is a few percent faster and packs less.
    /// - Returns: the stored byte count, or nil when that exceeds `memory`, which may then hold anything.
    package mutating func encode(_ source: Memory, into memory: Memory, acceleration: Int32 = 1) -> Int? {
        guard source.byteCount <= LZ4.maximumByteCount else { return nil }
        // Safe because both ranges are the memories' own and the state is ours and long enough.
        let count = unsafe LZ4_compress_fast_extState(
            state, source.address.assumingMemoryBound(to: CChar.self),
            memory.address.assumingMemoryBound(to: CChar.self),
            Int32(source.byteCount), Int32(clamping: memory.byteCount), acceleration)
        return count <= 0 ? nil : Int(count)
    }

    /// The same, ten and more times slower and some 20 to 30 percent smaller; the same `LZ4.decode` reads it.
    /// - Parameter level: 2...12, the library's compression level.
    package mutating func encodeHigh(_ source: Memory, into memory: Memory, level: Int32 = 9) -> Int? {
        guard source.byteCount <= LZ4.maximumByteCount else { return nil }
        let tables = unsafe highState ?? .allocate(byteCount: Int(LZ4_sizeofStateHC()), alignment: 64)
        unsafe highState = unsafe tables
        // Safe because both ranges are the memories' own and the state is ours and long enough.
        let count = unsafe LZ4_compress_HC_extStateHC(
            tables, source.address.assumingMemoryBound(to: CChar.self),
            memory.address.assumingMemoryBound(to: CChar.self),
            Int32(source.byteCount), Int32(clamping: memory.byteCount), level)
        return count <= 0 ? nil : Int(count)
    }
}
