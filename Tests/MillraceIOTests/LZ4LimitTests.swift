import MillraceIO
import Testing

/// Aim: what the LZ4 library cannot take is refused before it is called. Method: memories that say they are longer than it takes,
/// whose bytes nobody may touch, and a target that is too short.
@Suite struct LZ4LimitTests {
    @Test func `an input longer than the library takes is refused, untouched`() {
        let owner = AlignedMemory(byteCount: 64)
        owner.withMemory { real in
            // Safe because nothing behind the first bytes is read: that is what is tested.
            let tooLong = unsafe Memory(base: real.address, byteCount: LZ4.maximumByteCount + 1)
            var encoder = LZ4Encoder()
            #expect(encoder.encode(tooLong, into: real) == nil)
            #expect(encoder.encodeHigh(tooLong, into: real) == nil)
            let longerThanAnInt32 = unsafe Memory(base: real.address, byteCount: Int(Int32.max) + 1)
            #expect(LZ4.decode(longerThanAnInt32, into: real) == nil)
        }
    }

    @Test(arguments: [100, 65_546, 65_547, 300_000])
    func `bytes that do not compress do not fit into less, and the encoder works on afterwards`(byteCount: Int) {
        let noise = AlignedMemory.random(byteCount: byteCount, SeededEntropy(seed: 3))
        let text = AlignedMemory.filled(97, byteCount: byteCount)
        let target = AlignedMemory(byteCount: byteCount - 1)
        let back = AlignedMemory(byteCount: byteCount)
        var encoder = LZ4Encoder()
        for _ in 0..<2 {
            let refused = noise.withMemory { noise in target.withMemory { encoder.encode(noise, into: $0) } }
            #expect(refused == nil)
            let stored = text.withMemory { text in target.withMemory { encoder.encode(text, into: $0) } }
            let decoded = target.withMemory { target in
                back.withMemory { LZ4.decode(target.slice(0, stored ?? 0), into: $0) }
            }
            #expect(decoded == byteCount)
            #expect(back.withMemory { back in text.withMemory { back.isEqual(to: $0) } })
        }
    }
}
