// Aim: our SipHash is the published one, so that what is known of it holds here. Method: values of the reference for the
// key 00 01 ... 0f and the inputs 00 01 ..., computed apart, in Python, from the paper's description, and the same with
// `openssl mac -macopt hexkey:000102030405060708090a0b0c0d0e0f -macopt size:8 SIPHASH` (and size:16), which prints
// the bytes of the integers below, the lowest first.
//
//     def sip(key, text, wide):                     # words little-endian, all sums modulo 2^64
//         v = [k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ (0xee if wide else 0),
//              k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573]
//         for m in words(text + zeros(7 - len % 8) + byte(len % 256)): v3 ^= m; 2 rounds; v0 ^= m
//         v2 ^= 0xee if wide else 0xff; 4 rounds; low = v0 ^ v1 ^ v2 ^ v3
//         v1 ^= 0xdd; 4 rounds; high = v0 ^ v1 ^ v2 ^ v3

import Millrace
import Testing

@Suite struct SipHashTests {
    static let key = SipHash.Key(low: 0x0706_0504_0302_0100, high: 0x0f0e_0d0c_0b0a_0908)

    // An expectation cannot hold a span.
    static func short(_ text: [UInt8], _ key: SipHash.Key = key) -> UInt64 { SipHash.hash64(text.span, key: key) }
    static func long(_ text: [UInt8], _ key: SipHash.Key = key) -> UInt128 { SipHash.hash128(text.span, key: key) }
    static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool { SipHash.areEqual(left.span, right.span) }

    static func input(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0) } }

    /// Fifteen bytes is the worked example in the paper's appendix.
    static let values: [(Int, UInt64, UInt128)] = [
        (0, 0x726f_db47_dd0e_0e31, 0x9302_55c7_1472_f66d_e6a8_25ba_047f_81a3),
        (1, 0x74f8_39c5_93dc_67fd, 0x45fc_229b_1159_7634_44af_996b_d8c1_87da),
        (7, 0xab02_00f5_8b01_d137, 0x3982_f01f_a64a_b8c0_53c1_dbd8_beeb_f1a1),
        (8, 0x93f5_f579_9a93_2462, 0xb497_14f3_64e2_830f_61f5_5862_baa9_623b),
        (15, 0xa129_ca61_49be_45e5, 0xd9c3_cf97_0fec_087e_11a8_b033_99e9_9354),
        (16, 0x3f2a_cc7f_57c2_9bdb, 0x7705_2385_bf15_33fd_bb54_b067_caa4_e26e),
        (63, 0x958a_324c_eb06_4572, 0x7cbd_3f97_9a06_3e50_4a83_502f_77d1_5051),
    ]

    @Test(arguments: values) func `the published values come out`(count: Int, short: UInt64, long: UInt128) {
        #expect(Self.short(Self.input(count)) == short)
        #expect(Self.long(Self.input(count)) == long)
    }

    /// Each table of 64 values, little-endian and one behind the other, hashed with the 64-bit form.
    @Test func `all 64 published inputs give the tables of the reference`() {
        var (short, long): ([UInt8], [UInt8]) = ([], [])
        for count in 0..<64 {
            let value = Self.short(Self.input(count))
            short += (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
            let wide = Self.long(Self.input(count))
            long += (0..<16).map { UInt8(truncatingIfNeeded: wide >> UInt128(8 * $0)) }
        }
        #expect(Self.short(short) == 0x505c_706b_d37f_0119)
        #expect(Self.short(long) == 0xd6d5_ba97_1f21_2a53)
    }

    @Test func `a longer text under another key, whose length has more than a byte`() {
        let key = SipHash.Key(low: 0xf8f9_fafb_fcfd_feff, high: 0xf0f1_f2f3_f4f5_f6f7)
        let text = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        #expect(Self.short(text, key) == 0x296c_9cd4_9415_e9b7)
        #expect(Self.long(text, key) == 0x1e49_a164_40b1_1595_61b3_51cd_e508_b534)
    }

    @Test func `bytes are equal only when all of them and their count are`() {
        let bytes = Self.input(16)
        #expect(Self.areEqual(bytes, Self.input(16)))
        #expect(Self.areEqual([], []))
        #expect(!Self.areEqual(bytes, Self.input(15)))
        for bit in 0..<128 {
            var other = bytes
            other[bit / 8] ^= 1 << (bit % 8)
            #expect(!Self.areEqual(bytes, other))
        }
    }
}
