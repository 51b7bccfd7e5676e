/// The message digest of RFC 1321, which Kinesis uses to place partition keys on the hash ring.
///
/// MD5 is broken as a signature; here it only spreads keys, and it is what every Kinesis client computes.
/// The digest is a `UInt128` whose most significant byte is the digest's first byte: read as a number, it is the
/// hash key. Reference vectors: RFC 1321, appendix A.5.
public enum MD5 {
    /// The longest message, in bytes, that fits one block together with its end mark and its length.
    static let singleBlockByteCount = 55

    /// The digest of `bytes` as a big-endian number: the place of a partition key with that UTF-8 on the hash ring.
    ///
    /// - Parameter bytes: any bytes, of any count.
    /// - Complexity: one pass over 64-byte blocks; up to 55 bytes are one block. Allocates nothing.
    public static func hashKey(of bytes: RawSpan) -> UInt128 {
        var state = MD5State<UInt32>()
        let byteCount = bytes.byteCount
        var start = 0
        while byteCount &- start > singleBlockByteCount {
            // A whole block, or one that has room for the end mark and not for the length.
            state.fold(block(of: bytes, at: start, last: wordPair(of: bytes, at: start &+ 56)))
            start &+= 64
        }
        state.fold(block(of: bytes, at: start, last: UInt64(truncatingIfNeeded: byteCount) &<< 3))
        return state.digest
    }

    /// The digest of `bytes` as a big-endian number; see `hashKey(of:)` of a `RawSpan`.
    @inlinable
    public static func hashKey(of bytes: Span<UInt8>) -> UInt128 {
        // Safe because a UInt8 has no padding that would be read as a byte.
        hashKey(of: unsafe bytes.bytes)
    }

    @inline(__always)
    private static func block(of bytes: RawSpan, at start: Int, last: UInt64) -> MD5Block<UInt32> {
        let p0 = wordPair(of: bytes, at: start)
        let p1 = wordPair(of: bytes, at: start &+ 8)
        let p2 = wordPair(of: bytes, at: start &+ 16)
        let p3 = wordPair(of: bytes, at: start &+ 24)
        let p4 = wordPair(of: bytes, at: start &+ 32)
        let p5 = wordPair(of: bytes, at: start &+ 40)
        let p6 = wordPair(of: bytes, at: start &+ 48)
        return MD5Block(
            w0: low(p0), w1: high(p0), w2: low(p1), w3: high(p1), w4: low(p2), w5: high(p2), w6: low(p3), w7: high(p3),
            w8: low(p4), w9: high(p4), w10: low(p5), w11: high(p5), w12: low(p6), w13: high(p6),
            w14: low(last), w15: high(last))
    }

    @inline(__always) static func low(_ pair: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: pair) }
    @inline(__always) static func high(_ pair: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: pair &>> 32) }

    /// Eight bytes of the padded message (RFC 1321, section 3.1): the message, then one byte 0x80, then zeros.
    @inline(__always)
    static func wordPair(of bytes: RawSpan, at start: Int) -> UInt64 {
        let left = bytes.byteCount &- start
        if left >= 8 { return load(UInt64.self, from: bytes, at: start) }
        if left < 0 { return 0 }
        return partialPair(of: bytes, at: start, left: left)
    }

    /// The last `left` bytes (0...7) with the end mark behind them, read without passing the end.
    @inline(__always)
    private static func partialPair(of bytes: RawSpan, at start: Int, left: Int) -> UInt64 {
        let mark = 0x80 as UInt64 &<< UInt64(truncatingIfNeeded: left &* 8)
        if left == 0 { return mark }
        if start > 0 {
            // The eight bytes that end the message: `start` is a multiple of 8, so they exist.
            let tail = load(UInt64.self, from: bytes, at: bytes.byteCount &- 8)
            return tail &>> UInt64(truncatingIfNeeded: 64 &- left &* 8) | mark
        }
        if left >= 4 {
            let first = UInt64(load(UInt32.self, from: bytes, at: 0))
            let final = UInt64(load(UInt32.self, from: bytes, at: left &- 4))
            return first | final &<< UInt64(truncatingIfNeeded: left &* 8 &- 32) | mark
        }
        let first = UInt64(load(UInt8.self, from: bytes, at: 0))
        let middle = UInt64(load(UInt8.self, from: bytes, at: left &>> 1))
        let final = UInt64(load(UInt8.self, from: bytes, at: left &- 1))
        return first | middle &<< UInt64(truncatingIfNeeded: (left &>> 1) &* 8)
            | final &<< UInt64(truncatingIfNeeded: left &* 8 &- 8) | mark
    }

    @inline(__always)
    private static func load<Word: FixedWidthInteger & BitwiseCopyable>(
        _ type: Word.Type, from bytes: RawSpan, at start: Int
    ) -> Word {
        // Safe because the span checks the bounds and every bit pattern is an integer.
        Word(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: start, as: type))
    }
}

extension MD5State<UInt32> {
    /// The sixteen bytes of the digest as a big-endian number.
    @inline(__always)
    var digest: UInt128 {
        let high = UInt64(a.byteSwapped) &<< 32 | UInt64(b.byteSwapped)
        let low = UInt64(c.byteSwapped) &<< 32 | UInt64(d.byteSwapped)
        return UInt128(high) &<< 64 | UInt128(low)
    }
}
