import CLZ4

/// Owner of the tables an LZ4 compression works with, so that they are allocated once. Not for two threads at once.
@safe package struct LZ4Encoder: ~Copyable {
    private let state: UnsafeMutableRawPointer
    /// The tables of short inputs.
    private let stream: UnsafeMutablePointer<LZ4_stream_t>
    /// The tables of the high compression, 256 KiB; made at first use.
    private var highState: UnsafeMutableRawPointer?

    package init() {
        // The library asks for 8-byte alignment; a cache line costs nothing.
        unsafe state = .allocate(byteCount: Int(LZ4_sizeofState()), alignment: 64)
        unsafe stream = .allocate(capacity: 1)
        unsafe LZ4_initStream(stream, MemoryLayout<LZ4_stream_t>.size)
        unsafe highState = nil
    }

    /// Below it the library's one-shot call works with half-size tables and four-byte hashes, which find 17 % less in JSON
    /// records; a stream started afresh for each input does not, at 95 % of the speed (docs/decisions/0002).
    private static let shortByteCount = 65_547

    deinit {
        // Safe because all came from `allocate` and die with their only owner.
        unsafe state.deallocate()
        unsafe stream.deallocate()
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
        if source.byteCount < Self.shortByteCount { return encodeShort(source, into: memory, acceleration) }
        // Safe because both ranges are the memories' own and the state is ours and long enough.
        let count = unsafe LZ4_compress_fast_extState(
            state, source.address.assumingMemoryBound(to: CChar.self),
            memory.address.assumingMemoryBound(to: CChar.self),
            Int32(source.byteCount), Int32(clamping: memory.byteCount), acceleration)
        return count <= 0 ? nil : Int(count)
    }

    private mutating func encodeShort(_ source: Memory, into memory: Memory, _ acceleration: Int32) -> Int? {
        // Safe because both ranges are the memories' own; the stream forgets the input before the next one.
        unsafe LZ4_resetStream_fast(stream)
        let count = unsafe LZ4_compress_fast_continue(
            stream, source.address.assumingMemoryBound(to: CChar.self),
            memory.address.assumingMemoryBound(to: CChar.self),
            Int32(source.byteCount), Int32(clamping: memory.byteCount), acceleration)
        if count > 0 { return Int(count) }
        // An input that did not fit leaves the tables undefined.
        unsafe LZ4_initStream(stream, MemoryLayout<LZ4_stream_t>.size)
        return nil
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
