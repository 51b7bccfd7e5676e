package import MillraceIO

/// Codec 3: independent chunks behind a table of their stored lengths (FORMAT section 7).
package enum ChunkedPayload {
    /// Packs `payload` chunk by chunk into the beginning of `memory`; nil when it does not fit.
    static func encode(
        _ payload: Memory, into memory: Memory, _ lz4: inout LZ4Encoder, acceleration: Int32
    ) -> Int? {
        let count = (payload.byteCount + Format.chunkByteCount - 1) / Format.chunkByteCount
        var at = 4 * count
        guard at <= memory.byteCount else { return nil }
        for chunk in 0..<count {
            let rawAt = chunk * Format.chunkByteCount
            let raw = payload.slice(rawAt, min(Format.chunkByteCount, payload.byteCount - rawAt))
            // One byte less than the chunk: a length equal to the raw length says that it is stored raw.
            let room = memory.slice(at, min(memory.byteCount - at, raw.byteCount - 1))
            var byteCount = raw.byteCount
            if let stored = lz4.encode(raw, into: room, acceleration: acceleration) {
                byteCount = stored
            } else {
                guard raw.byteCount <= memory.byteCount - at else { return nil }
                memory.copy(raw, at: at)
            }
            memory.store(UInt32(byteCount), at: 4 * chunk)
            at += byteCount
        }
        return at
    }

    package static func decode(_ stored: Memory, into payload: Memory) -> Bool {
        let count = (payload.byteCount + Format.chunkByteCount - 1) / Format.chunkByteCount
        guard stored.byteCount >= 4 * count else { return false }
        var at = 4 * count
        for chunk in 0..<count {
            let byteCount = Int(stored.load(UInt32.self, at: 4 * chunk))
            let rawAt = chunk * Format.chunkByteCount
            let raw = payload.slice(rawAt, min(Format.chunkByteCount, payload.byteCount - rawAt))
            guard byteCount <= stored.byteCount - at else { return false }
            let piece = stored.slice(at, byteCount)
            if byteCount == raw.byteCount {
                raw.copy(piece, at: 0)
            } else {
                guard LZ4.decode(piece, into: raw) == raw.byteCount else { return false }
            }
            at += byteCount
        }
        return at == stored.byteCount
    }
}
