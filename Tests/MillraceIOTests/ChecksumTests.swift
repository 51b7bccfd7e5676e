import MillraceIO
import Testing

// Aim: CRC32C gives the published values, and the hardware routine is the portable one, whatever the place, length and start.
// Method: the vectors of RFC 3720 B.4; random stretches against the tables.

@Suite struct ChecksumTests {
    private func crc(_ bytes: [UInt8]) -> UInt32 { AlignedMemory(bytes).withMemory { CRC32C.of($0) } }

    @Test func `the published vectors come out`() {
        #expect(crc(Array("123456789".utf8)) == 0xE306_9283)
        #expect(crc(Array(repeating: 0x00, count: 32)) == 0x8A91_36AA)
        #expect(crc(Array(repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(crc(Array(0..<32)) == 0x46DD_794E)
        #expect(crc(Array((0..<32).reversed())) == 0x113F_DB5C)
        #expect(crc([]) == 0)
    }

    @Test func `the portable routine gives the published vectors too`() {
        #expect(AlignedMemory(Array("123456789".utf8)).withMemory { CRC32C.portable($0) } == 0xE306_9283)
        #expect(AlignedMemory(Array(repeating: 0xFF, count: 32)).withMemory { CRC32C.portable($0) } == 0x62A8_AB43)
    }

    @Test(arguments: [0, 1, 7, 64, 191, 192, 193, 1535, 1536, 12_287, 12_288, 12_289, 40_000])
    func `hardware equals tables at the edges of each stretch`(byteCount: Int) {
        let dice = SeededEntropy(seed: UInt64(byteCount))
        AlignedMemory.random(byteCount: byteCount, dice).withMemory { memory in
            for start in [0, 1, 0xFFFF_FFFF, 0x82F6_3B78] as [UInt32] {
                #expect(CRC32C.of(memory, continuing: start) == CRC32C.portable(memory, continuing: start))
            }
        }
    }

    @Test func `hardware equals tables on random lengths, places and starts`() {
        let dice = SeededEntropy(seed: 20_260_730)
        let owner = AlignedMemory.random(byteCount: 1 << 16, dice)
        defer { withExtendedLifetime(owner) {} }
        for round in 0..<3_000 {
            let byteOffset = dice.next(below: 64)
            let part = owner.memory.slice(byteOffset, dice.next(below: round % 20 == 0 ? 60_000 : 800))
            let start = UInt32(truncatingIfNeeded: dice.next())
            #expect(
                CRC32C.of(part, continuing: start) == CRC32C.portable(part, continuing: start),
                "seed \(dice.seed), round \(round), byte \(byteOffset), \(part.byteCount) bytes")
        }
    }

    @Test func `a checksum of two parts continues from the first to the second`() {
        AlignedMemory.random(byteCount: 5_000, SeededEntropy(seed: 1)).withMemory { memory in
            for cut in [0, 1, 8, 100, 4_096, 5_000] {
                let first = CRC32C.of(memory.slice(0, cut))
                #expect(CRC32C.of(memory.slice(cut, 5_000 - cut), continuing: first) == CRC32C.of(memory))
            }
        }
    }

    @Test func `a span has the checksum of its bytes and an integer that of its little-endian bytes`() {
        let owner = AlignedMemory([0x78, 0x56, 0x34, 0x12])
        let expected = owner.withMemory { CRC32C.of($0, continuing: 7) }
        let ofSpan = CRC32C.of(owner.memory.span(borrowing: owner), continuing: 7)
        #expect(ofSpan == expected)
        #expect(CRC32C.mixing(0x1234_5678 as UInt32, into: 7) == expected)
    }

    @Test func `this processor's routine has a name`() {
        #expect(["sse4.2", "armv8-crc", "portable"].contains(CRC32C.routineName))
    }
}
