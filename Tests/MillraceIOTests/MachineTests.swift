import Foundation
import MillraceIO
import Testing

// Aim: clocks, chance, owned memory and sleeping threads do what their docstrings say.
// Method: the real machine for the system's; exact values for the test doubles.

@Suite struct MachineTests {
    // MARK: Clocks

    @Test func `the system's clocks run and the boot has a name`() {
        let clock = SystemClock()
        let wall = clock.wallNanoseconds()
        #expect(wall > 1_735_689_600_000_000_000)
        let before = clock.steadyNanoseconds()
        #expect(clock.steadyNanoseconds() >= before)
        #expect(clock.bootIdentity() == SystemClock().bootIdentity())
        #if os(Linux)
            #expect(clock.bootIdentity() != (0, 0))
        #endif
    }

    @Test func `a manual clock stands until it is moved, and steps back when told`() {
        let clock = ManualClock(wallNanoseconds: 100, steadyNanoseconds: 50)
        #expect(clock.wallNanoseconds() == 100 && clock.steadyNanoseconds() == 50)
        clock.advance(milliseconds: 2)
        #expect(clock.wallNanoseconds() == 2_000_100 && clock.steadyNanoseconds() == 2_000_050)
        clock.setWall(nanoseconds: 7)
        #expect(clock.wallNanoseconds() == 7 && clock.steadyNanoseconds() == 2_000_050)
        clock.restart(bootIdentity: (3, 4))
        #expect(clock.bootIdentity() == (3, 4) && clock.steadyNanoseconds() == 0)
    }

    // MARK: Chance

    @Test func `the same seed draws the same numbers and they are those of SplitMix64`() {
        let dice = SeededEntropy(seed: 1_234_567)
        // Vectors of the generator's reference implementation for this seed.
        #expect(dice.next() == 6_457_827_717_110_365_317)
        #expect(dice.next() == 3_203_168_211_198_807_973)
        let again = SeededEntropy(seed: 1_234_567)
        #expect(again.next() == 6_457_827_717_110_365_317)
    }

    @Test func `numbers below a bound stay below it and chance keeps its odds`() {
        let dice = SeededEntropy(seed: 5)
        #expect((0..<1_000).allSatisfy { _ in (0..<7).contains(dice.next(below: 7)) })
        let hits = (0..<10_000).count { _ in dice.chance(0.25) }
        #expect((2_200...2_800).contains(hits))
        #expect(SystemEntropy().next() != SystemEntropy().next())
    }

    // MARK: Memory

    @Test func `aligned memory is aligned and zero at first`() {
        let owner = AlignedMemory(byteCount: 10_000)
        #expect(owner.memory.byteCount == 10_000)
        #expect(owner.withMemory { $0.bytes.allSatisfy { $0 == 0 } })
        #expect(AlignedMemory(byteCount: 0).memory.byteCount == 0)
        let copy = AlignedMemory([1, 2, 3]).withMemory { AlignedMemory(copying: $0) }
        #expect(copy.withMemory(\.bytes) == [1, 2, 3])
    }

    @Test func `populating a region changes no byte and giving back makes it zero`() throws {
        let page = AlignedMemory.pageByteCount
        let region = try AnonymousRegion(byteCount: 16 * page)
        region.memory.store(77 as UInt64, at: 3 * page)
        try region.populate(0..<16 * page)
        try region.populate(5..<6)
        #expect(region.memory.load(UInt64.self, at: 3 * page) == 77)
        try region.giveBack(2 * page..<4 * page)
        #expect(region.memory.load(UInt64.self, at: 3 * page) == 0)
        try region.giveBack(0..<0)
    }

    @Test func `address space is not memory`() throws {
        let region = try AnonymousRegion(byteCount: 64 << 30)
        region.memory.store(1 as UInt8, at: 63 << 30)
        #expect(region.memory.load(UInt8.self, at: 63 << 30) == 1)
    }

    @Test func `more address space than there is throws`() {
        #expect(fault { () throws(IOError) in try AnonymousRegion(byteCount: 1 << 56) }?.operation == .map)
    }

    // MARK: Futex

    @Test func `a wait on a word that differs does not sleep`() {
        let word = AlignedMemory(byteCount: 8)
        #expect(Futex.wait(word.memory, at: 4, expected: 1) == .differed)
    }

    @Test func `a wait ends by itself when its time is up`() {
        let word = AlignedMemory(byteCount: 8)
        #expect(Futex.wait(word.memory, at: 0, expected: 0, nanoseconds: 1_000_000) == .timedOut)
    }

    @Test func `a sleeper is woken after the word changed`() async {
        let word = AlignedMemory(byteCount: 8)
        let sleeper = Thread {
            while word.memory.load32Acquire(at: 0) == 0 { Futex.wait(word.memory, at: 0, expected: 0) }
            word.memory.add32(1, at: 4)
            Futex.wake(word.memory, at: 4, count: .max)
        }
        sleeper.start()
        #expect(word.memory.add32(1, at: 0) == 0)
        Futex.wake(word.memory, at: 0, count: 1)
        while word.memory.load32Acquire(at: 4) == 0 {
            Futex.wait(word.memory, at: 4, expected: 0, nanoseconds: 5_000_000_000)
        }
        #expect(word.memory.load32Acquire(at: 4) == 1)
        #expect(Futex.wake(word.memory, at: 0, count: 1) == 0)
    }

    #if os(Linux)
        @Test func `a wake passes a sleeper by who has none of its bits`() {
            let word = AlignedMemory(byteCount: 8)
            let sleeper = Thread { Futex.wait(word.memory, at: 0, expected: 0, nanoseconds: 20_000_000_000, bits: 0b0110) }
            sleeper.start()
            Thread.sleep(forTimeInterval: 0.05)
            #expect(Futex.wake(word.memory, at: 0, count: .max, bits: 0b1001) == 0)
            // It may not have slept yet.
            while Futex.wake(word.memory, at: 0, count: .max, bits: 0b0011) == 0, !sleeper.isFinished {}
            while !sleeper.isFinished {}
            #expect(Futex.wake(word.memory, at: 0, count: .max) == 0)
        }
    #endif
}
