#if Tools
    import CLZ4
    import MillraceIO

    /// LZ4 of independent blocks with one kept state.
    ///
    /// liblz4 compresses inputs shorter than 65,547 bytes with small tables and 4-byte hashes, longer ones and streams
    /// with 5-byte hashes. A stream that is fresh for every block is still independent of other blocks.
    @safe
    final class LZ4Probe {
        private let state: UnsafeMutablePointer<LZ4_stream_t>
        private let stream: Bool

        init(stream: Bool) {
            self.stream = stream
            // Safe because the library allocates the state; no memory for it ends the program here.
            unsafe state = LZ4_createStream()!
        }

        deinit { unsafe _ = LZ4_freeStream(state) }

        /// The bytes written to the front of `target`.
        func encode(_ source: Memory, into target: Memory) throws -> Int {
            // Safe because both ranges are Memory's own, and the routine keeps to the counts given.
            let count: Int32
            if stream {
                unsafe LZ4_resetStream_fast(state)
                count = unsafe LZ4_compress_fast_continue(
                    state, source.address, target.address, Int32(source.byteCount), Int32(clamping: target.byteCount), 1
                )
            } else {
                count = unsafe LZ4_compress_fast_extState(
                    state, source.address, target.address, Int32(source.byteCount), Int32(clamping: target.byteCount), 1
                )
            }
            guard count > 0 else { throw BenchError("LZ4 had no room for \(source.byteCount) bytes") }
            return Int(count)
        }
    }
#endif
