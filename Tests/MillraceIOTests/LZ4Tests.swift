import MillraceIO
import Testing

// Aim: what LZ4 packs comes back; what does not fit is said so; no malformed block harms.
// Method: round trips of random and repetitive bytes; every truncation and random damage of a block.

@Suite struct LZ4Tests {
    private func repetitive(_ byteCount: Int) -> AlignedMemory {
        let text = Array("the quick brown fox jumps over the lazy dog ".utf8)
        return AlignedMemory((0..<byteCount).map { text[$0 % text.count] &+ UInt8($0 / 997 % 3) })
    }

    @Test(arguments: [0, 1, 12, 13, 100, 4_096, 65_536, 300_000])
    func `bytes come back through both encoders`(byteCount: Int) throws {
        var encoder = LZ4Encoder()
        for raw in [repetitive(byteCount), .random(byteCount: byteCount, SeededEntropy(seed: 3))] {
            let packed = AlignedMemory(byteCount: LZ4.bound(byteCount))
            let back = AlignedMemory(byteCount: byteCount)
            for isHigh in [false, true] {
                let stored =
                    isHigh
                    ? encoder.encodeHigh(raw.memory, into: packed.memory)
                    : encoder.encode(raw.memory, into: packed.memory)
                let count = try #require(stored)
                #expect(LZ4.decode(packed.memory.slice(0, count), into: back.memory) == byteCount)
                #expect(back.memory.isEqual(to: raw.memory))
            }
        }
    }

    @Test func `a result larger than the destination is refused`() {
        var encoder = LZ4Encoder()
        let raw = AlignedMemory.random(byteCount: 10_000, SeededEntropy(seed: 4))
        let target = AlignedMemory(byteCount: 7_500)
        let easy = repetitive(10_000)
        let answers = [
            encoder.encode(raw.memory, into: target.memory), encoder.encodeHigh(raw.memory, into: target.memory),
            encoder.encode(easy.memory, into: target.memory), encoder.encodeHigh(easy.memory, into: target.memory),
        ]
        #expect(answers.map { $0 == nil } == [true, true, false, false])
    }

    @Test func `the high encoder packs tighter`() throws {
        var encoder = LZ4Encoder()
        let dice = SeededEntropy(seed: 9)
        let raw = AlignedMemory((0..<60_000).map { _ in UInt8(97 + dice.next(below: 4)) })
        let packed = AlignedMemory(byteCount: LZ4.bound(60_000))
        let fast = encoder.encode(raw.memory, into: packed.memory)
        let high = encoder.encodeHigh(raw.memory, into: packed.memory)
        #expect(try #require(high) < #require(fast))
    }

    @Test func `the library has a version`() { #expect(LZ4.version.split(separator: ".").count == 3) }

    // MARK: Malformed input

    @Test func `every truncation of a block is refused`() throws {
        var encoder = LZ4Encoder()
        let raw = repetitive(3_000)
        let packed = AlignedMemory(byteCount: LZ4.bound(3_000))
        let stored = encoder.encode(raw.memory, into: packed.memory)
        let count = try #require(stored)
        let back = AlignedMemory(byteCount: 3_000)
        for cut in 0..<count {
            let short = AlignedMemory(copying: packed.memory.slice(0, cut))
            let decoded = short.withMemory { LZ4.decode($0, into: back.memory) }
            #expect(decoded == nil || decoded! < 3_000)
        }
    }

    @Test func `a destination that is too short is refused`() throws {
        var encoder = LZ4Encoder()
        let packed = AlignedMemory(byteCount: LZ4.bound(3_000))
        let stored = repetitive(3_000).withMemory { encoder.encode($0, into: packed.memory) }
        let count = try #require(stored)
        let back = AlignedMemory(byteCount: 2_999)
        let decoded = back.withMemory { LZ4.decode(packed.memory.slice(0, count), into: $0) }
        #expect(decoded == nil)
    }

    @Test func `random bytes never write outside the destination`() {
        let dice = SeededEntropy(seed: 11)
        let target = AlignedMemory.filled(0xA5, byteCount: 4_096)
        for round in 0..<5_000 {
            let source = AlignedMemory.random(byteCount: 1 + dice.next(below: 100), dice)
            let count = source.withMemory { LZ4.decode($0, into: target.memory.slice(1_000, 2_000)) }
            #expect(count ?? 0 <= 2_000, "seed 11, round \(round)")
        }
        #expect(target.memory.slice(0, 1_000).bytes.allSatisfy { $0 == 0xA5 })
        #expect(target.memory.slice(3_000, 1_096).bytes.allSatisfy { $0 == 0xA5 })
    }
}
