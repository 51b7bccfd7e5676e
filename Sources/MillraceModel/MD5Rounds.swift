/// The arithmetic of MD5 on one 32-bit word, or on the same word of several messages at once.
///
/// `UInt32` and `SIMD8<UInt32>` conform, so the 64 steps below are written once. Everything that is generic over
/// this protocol is internal and inlined into a concrete caller; nothing is dispatched at run time.
protocol MD5Word {
    static func &+ (left: Self, right: Self) -> Self
    static func & (left: Self, right: Self) -> Self
    static func | (left: Self, right: Self) -> Self
    static func ^ (left: Self, right: Self) -> Self
    static prefix func ~ (word: Self) -> Self
    static func constant(_ value: UInt32) -> Self
    func turned(_ bitCount: UInt32, plus other: Self) -> Self
}

extension UInt32: MD5Word {
    @inline(__always) static func constant(_ value: UInt32) -> UInt32 { value }
    @inline(__always) func turned(_ bitCount: UInt32, plus other: UInt32) -> UInt32 {
        ((self &<< bitCount) | (self &>> (32 &- bitCount))) &+ other
    }
}

/// The sixteen words of one 64-byte block (RFC 1321, section 3.4), little-endian.
struct MD5Block<Word: MD5Word> {
    var w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15: Word
}

/// The four chaining words A, B, C, D (RFC 1321, section 3.3).
struct MD5State<Word: MD5Word> {
    var a, b, c, d: Word

    @inline(__always)
    init() {
        a = .constant(0x6745_2301)
        b = .constant(0xefcd_ab89)
        c = .constant(0x98ba_dcfe)
        d = .constant(0x1032_5476)
    }

    // The step functions F, G, H, I. `b` is the word the previous step has just made, so the terms are ordered to
    // put as little as possible behind it; G adds its two halves, which have no bit in common, instead of joining them.

    @inline(__always)
    static func f(_ a: Word, _ b: Word, _ c: Word, _ d: Word, _ m: Word, _ turn: UInt32, _ k: UInt32) -> Word {
        ((a &+ m &+ .constant(k)) &+ (d ^ (b & (c ^ d)))).turned(turn, plus: b)
    }

    @inline(__always)
    static func g(_ a: Word, _ b: Word, _ c: Word, _ d: Word, _ m: Word, _ turn: UInt32, _ k: UInt32) -> Word {
        ((a &+ m &+ .constant(k) &+ (c & ~d)) &+ (b & d)).turned(turn, plus: b)
    }

    @inline(__always)
    static func h(_ a: Word, _ b: Word, _ c: Word, _ d: Word, _ m: Word, _ turn: UInt32, _ k: UInt32) -> Word {
        ((a &+ m &+ .constant(k)) &+ (b ^ (c ^ d))).turned(turn, plus: b)
    }

    @inline(__always)
    static func i(_ a: Word, _ b: Word, _ c: Word, _ d: Word, _ m: Word, _ turn: UInt32, _ k: UInt32) -> Word {
        ((a &+ m &+ .constant(k)) &+ (c ^ (b | ~d))).turned(turn, plus: b)
    }

    /// Folds one block into the state: the four rounds of sixteen steps of RFC 1321, section 3.4.
    @inline(__always)
    mutating func fold(_ m: MD5Block<Word>) {
        var (a, b, c, d) = (self.a, self.b, self.c, self.d)
        a = Self.f(a, b, c, d, m.w0, 7, 0xd76a_a478)
        d = Self.f(d, a, b, c, m.w1, 12, 0xe8c7_b756)
        c = Self.f(c, d, a, b, m.w2, 17, 0x2420_70db)
        b = Self.f(b, c, d, a, m.w3, 22, 0xc1bd_ceee)
        a = Self.f(a, b, c, d, m.w4, 7, 0xf57c_0faf)
        d = Self.f(d, a, b, c, m.w5, 12, 0x4787_c62a)
        c = Self.f(c, d, a, b, m.w6, 17, 0xa830_4613)
        b = Self.f(b, c, d, a, m.w7, 22, 0xfd46_9501)
        a = Self.f(a, b, c, d, m.w8, 7, 0x6980_98d8)
        d = Self.f(d, a, b, c, m.w9, 12, 0x8b44_f7af)
        c = Self.f(c, d, a, b, m.w10, 17, 0xffff_5bb1)
        b = Self.f(b, c, d, a, m.w11, 22, 0x895c_d7be)
        a = Self.f(a, b, c, d, m.w12, 7, 0x6b90_1122)
        d = Self.f(d, a, b, c, m.w13, 12, 0xfd98_7193)
        c = Self.f(c, d, a, b, m.w14, 17, 0xa679_438e)
        b = Self.f(b, c, d, a, m.w15, 22, 0x49b4_0821)

        a = Self.g(a, b, c, d, m.w1, 5, 0xf61e_2562)
        d = Self.g(d, a, b, c, m.w6, 9, 0xc040_b340)
        c = Self.g(c, d, a, b, m.w11, 14, 0x265e_5a51)
        b = Self.g(b, c, d, a, m.w0, 20, 0xe9b6_c7aa)
        a = Self.g(a, b, c, d, m.w5, 5, 0xd62f_105d)
        d = Self.g(d, a, b, c, m.w10, 9, 0x0244_1453)
        c = Self.g(c, d, a, b, m.w15, 14, 0xd8a1_e681)
        b = Self.g(b, c, d, a, m.w4, 20, 0xe7d3_fbc8)
        a = Self.g(a, b, c, d, m.w9, 5, 0x21e1_cde6)
        d = Self.g(d, a, b, c, m.w14, 9, 0xc337_07d6)
        c = Self.g(c, d, a, b, m.w3, 14, 0xf4d5_0d87)
        b = Self.g(b, c, d, a, m.w8, 20, 0x455a_14ed)
        a = Self.g(a, b, c, d, m.w13, 5, 0xa9e3_e905)
        d = Self.g(d, a, b, c, m.w2, 9, 0xfcef_a3f8)
        c = Self.g(c, d, a, b, m.w7, 14, 0x676f_02d9)
        b = Self.g(b, c, d, a, m.w12, 20, 0x8d2a_4c8a)

        a = Self.h(a, b, c, d, m.w5, 4, 0xfffa_3942)
        d = Self.h(d, a, b, c, m.w8, 11, 0x8771_f681)
        c = Self.h(c, d, a, b, m.w11, 16, 0x6d9d_6122)
        b = Self.h(b, c, d, a, m.w14, 23, 0xfde5_380c)
        a = Self.h(a, b, c, d, m.w1, 4, 0xa4be_ea44)
        d = Self.h(d, a, b, c, m.w4, 11, 0x4bde_cfa9)
        c = Self.h(c, d, a, b, m.w7, 16, 0xf6bb_4b60)
        b = Self.h(b, c, d, a, m.w10, 23, 0xbebf_bc70)
        a = Self.h(a, b, c, d, m.w13, 4, 0x289b_7ec6)
        d = Self.h(d, a, b, c, m.w0, 11, 0xeaa1_27fa)
        c = Self.h(c, d, a, b, m.w3, 16, 0xd4ef_3085)
        b = Self.h(b, c, d, a, m.w6, 23, 0x0488_1d05)
        a = Self.h(a, b, c, d, m.w9, 4, 0xd9d4_d039)
        d = Self.h(d, a, b, c, m.w12, 11, 0xe6db_99e5)
        c = Self.h(c, d, a, b, m.w15, 16, 0x1fa2_7cf8)
        b = Self.h(b, c, d, a, m.w2, 23, 0xc4ac_5665)

        a = Self.i(a, b, c, d, m.w0, 6, 0xf429_2244)
        d = Self.i(d, a, b, c, m.w7, 10, 0x432a_ff97)
        c = Self.i(c, d, a, b, m.w14, 15, 0xab94_23a7)
        b = Self.i(b, c, d, a, m.w5, 21, 0xfc93_a039)
        a = Self.i(a, b, c, d, m.w12, 6, 0x655b_59c3)
        d = Self.i(d, a, b, c, m.w3, 10, 0x8f0c_cc92)
        c = Self.i(c, d, a, b, m.w10, 15, 0xffef_f47d)
        b = Self.i(b, c, d, a, m.w1, 21, 0x8584_5dd1)
        a = Self.i(a, b, c, d, m.w8, 6, 0x6fa8_7e4f)
        d = Self.i(d, a, b, c, m.w15, 10, 0xfe2c_e6e0)
        c = Self.i(c, d, a, b, m.w6, 15, 0xa301_4314)
        b = Self.i(b, c, d, a, m.w13, 21, 0x4e08_11a1)
        a = Self.i(a, b, c, d, m.w4, 6, 0xf753_7e82)
        d = Self.i(d, a, b, c, m.w11, 10, 0xbd3a_f235)
        c = Self.i(c, d, a, b, m.w2, 15, 0x2ad7_d2bb)
        b = Self.i(b, c, d, a, m.w9, 21, 0xeb86_d391)

        self.a = self.a &+ a
        self.b = self.b &+ b
        self.c = self.c &+ c
        self.d = self.d &+ d
    }
}
