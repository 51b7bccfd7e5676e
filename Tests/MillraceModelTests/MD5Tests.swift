// Aim: the digest is the one every other Kinesis client computes, alone and eight at a time.
// Method: the vectors of RFC 1321; every length across the edges of one and two blocks against Python's hashlib,
// folded into one digest of digests; the lanes against the scalar form, which the former two have settled.

import MillraceModel
import Testing

private func hex(_ value: UInt128) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 32 - digits.count) + digits
}

private func bytes(_ value: UInt128) -> [UInt8] {
    (0..<16).map { UInt8(truncatingIfNeeded: value >> UInt128(120 - 8 * $0)) }
}

private func md5(_ message: [UInt8]) -> UInt128 { MD5.hashKey(of: message.span) }

@Suite struct MD5Tests {
    @Test(arguments: [
        ("", "d41d8cd98f00b204e9800998ecf8427e"),
        ("a", "0cc175b9c0f1b6a831c399e269772661"),
        ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
        (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            "d174ab98d277d9f5a5611c2c9f419d9f"
        ),
        (
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            "57edf4a22be3c955ac49da2e2107b67a"
        ),
    ])
    func `the digests of RFC 1321, appendix A.5, come out`(message: String, digest: String) {
        #expect(hex(md5(Array(message.utf8))) == digest)
    }

    /// Python: `h = md5(); for n in range(201): h.update(md5(bytes((i*131 + n*7 + 3) & 255 for i in range(n))).digest())`
    @Test func `every length from 0 to 200 bytes agrees with Python's hashlib`() {
        var digests: [UInt8] = []
        for length in 0...200 {
            let message = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 131 + length * 7 + 3) }
            digests += bytes(md5(message))
        }
        #expect(hex(md5(digests)) == "5b6c90b65dfe9a819c859a0478322e1d")
    }

    @Test func `a slice in the middle of an array hashes as the same bytes at its start`() {
        let array = (0..<300).map { UInt8(truncatingIfNeeded: $0 * 37) }
        for start in 0..<9 {
            for length in [0, 1, 7, 8, 13, 55, 56, 64, 119, 120] {
                let span = array.span.extracting(start..<start + length)
                #expect(MD5.hashKey(of: span) == md5(Array(array[start..<start + length])))
            }
        }
    }

    @Test(arguments: [0, 1, 7, 8, 9, 16, 23, 500])
    func `lanes give what the scalar form gives`(count: Int) throws {
        // Lengths 1...70 in no order, so that groups of eight mix short keys, long ones, and ones of two blocks.
        let keys = try (0..<count).map { index in
            try PartitionKey(String(repeating: "k", count: index * 29 % 70) + String(index % 10))
        }
        #expect(hashKeys(keys) == keys.map { $0.hashKey.value })
    }

    @Test(arguments: 1...56)
    func `eight keys of one length give what the scalar form gives`(length: Int) throws {
        let keys = try (0..<8).map { lane in
            try PartitionKey(String(repeating: "x", count: length - 1) + String(lane))
        }
        #expect(hashKeys(keys) == keys.map { md5(Array($0.text.utf8)) })
    }

    /// Those of keys in one stretch, with something between them.
    private func hashKeys(_ keys: [PartitionKey]) -> [UInt128] {
        var bytes: [UInt8] = [], places: [Range<Int>] = []
        for key in keys {
            bytes.append(7)
            places.append(bytes.count..<bytes.count + key.byteCount)
            bytes += key.text.utf8
        }
        return unsafe MD5.hashKeys(in: bytes.span.bytes, count: keys.count) { places[$0] }
    }
}
