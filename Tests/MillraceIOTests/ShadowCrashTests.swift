import MillraceIO
import Testing

// Aim: power loss keeps exactly what was synced, may keep or lose the rest in every way a disk may, and nothing else.
// Method: small disks, many drawn states, and for the smallest all states; each test says which states it allows.

@Suite struct ShadowCrashTests {
    private let disk = SmallDisk()

    // MARK: Bytes

    @Test func `synced bytes survive in every state`() throws {
        let file = try disk.durableFile("f", byteCount: 20_000)
        try disk.fill(file, 0..<9_000, 1)
        try disk.io.sync(file)
        try disk.fill(file, 12_000..<13_000, 2)
        for state in disk.states(300) {
            let bytes = try #require(state["f"])
            #expect(bytes.count == 20_000)
            #expect(bytes[..<9_000].allSatisfy { $0 == 1 } && bytes[9_000..<12_000].allSatisfy { $0 == 0 })
            #expect(bytes[12_000..<13_000].allSatisfy { $0 == 0 || $0 == 2 })
        }
    }

    @Test func `unsynced bytes survive in some states and are lost in others`() throws {
        let file = try disk.durableFile("f", byteCount: 4_096)
        try disk.fill(file, 0..<512, 1)
        let firsts = Set(disk.states(100).map { $0["f"]![0] })
        #expect(firsts == [0, 1])
    }

    @Test func `a unit survives as after any of the writes since the last sync`() throws {
        let file = try disk.durableFile("f", byteCount: 4_096)
        for version in 1...4 as ClosedRange<UInt8> { try disk.fill(file, 0..<512, version) }
        let options = CrashOptions(unitByteCount: 512, keepProbability: 0.8, tearProbability: 0)
        let firsts = disk.states(300, options).map { $0["f"]! }
        #expect(Set(firsts.map { $0[0] }) == [0, 1, 2, 3, 4])
        #expect(firsts.allSatisfy { Set($0[..<512]).count == 1 })
    }

    @Test func `units are lost one by one`() throws {
        let file = try disk.durableFile("f", byteCount: 4_096)
        try disk.fill(file, 0..<2_048, 1)
        let options = CrashOptions(unitByteCount: 512, keepProbability: 0.5, tearProbability: 0)
        let patterns = Set(disk.states(500, options).map { state in (0..<4).map { state["f"]![$0 * 512] } })
        #expect(patterns.count == 16)
        let pages = CrashOptions(unitByteCount: 4_096, keepProbability: 0.5, tearProbability: 0)
        #expect(Set(disk.states(100, pages).map { state in (0..<4).map { state["f"]![$0 * 512] } }).count == 2)
    }

    @Test func `some states keep the first writes of a file and nothing after them`() throws {
        let file = try disk.durableFile("f", byteCount: 64 << 10)
        for unit in 0..<16 { try disk.fill(file, unit * 4_096..<unit * 4_096 + 100, 1) }
        let patterns = disk.states(600, CrashOptions(unitByteCount: 4_096, tearProbability: 0)).map { state in
            (0..<16).map { state["f"]![$0 * 4_096] }
        }
        let prefixes = (0...16).map { kept in (0..<16).map { $0 < kept ? 1 as UInt8 : 0 } }
        #expect(prefixes.allSatisfy { patterns.contains($0) })
    }

    @Test func `a torn unit mixes old and new at multiples of 8 bytes only`() throws {
        let file = try disk.durableFile("f", byteCount: 8_192)
        try disk.fill(file, 0..<8_192, 1)
        try disk.io.sync(file)
        try disk.fill(file, 100..<5_000, 2)
        var tornCount = 0
        for state in disk.states(200, CrashOptions(keepProbability: 1, newestProbability: 1, tearProbability: 1)) {
            let bytes = state["f"]!
            for word in 0..<1_024 {
                let isWritten = (word * 8..<word * 8 + 8).map { (100..<5_000).contains($0) }
                let old = [UInt8](repeating: 1, count: 8)
                let new = isWritten.map { $0 ? 2 as UInt8 : 1 }
                let found = Array(bytes[word * 8..<word * 8 + 8])
                #expect(found == old || found == new)
            }
            if Set(bytes[104..<4_096]).count == 2 { tornCount += 1 }
        }
        #expect(tornCount > 100)
    }

    @Test func `nothing and everything are the two ends`() throws {
        let file = try disk.durableFile("f", byteCount: 10_000)
        try disk.fill(file, 0..<10_000, 7)
        try disk.io.allocate(file, byteCount: 12_000)
        let new = try disk.io.createFile("g", in: disk.directory)
        try disk.fill(new, 0..<10, 8)
        let nothing = disk.state(.nothing)
        #expect(nothing == ["f": [UInt8](repeating: 0, count: 10_000)])
        let everything = disk.state(.everything)
        #expect(everything["f"] == [UInt8](repeating: 7, count: 10_000) + [UInt8](repeating: 0, count: 2_000))
        #expect(everything["g"] == [UInt8](repeating: 8, count: 10))
    }

    @Test func `an unsynced length is old or new, and zeros stand in what nobody kept`() throws {
        let file = try disk.durableFile("f", byteCount: 1_000)
        try disk.fill(file, 0..<1_000, 1)
        try disk.io.sync(file)
        try disk.io.allocate(file, byteCount: 6_000)
        try disk.fill(file, 5_000..<6_000, 2)
        let states = disk.states(200)
        #expect(Set(states.map { $0["f"]!.count }) == [1_000, 6_000])
        for state in states where state["f"]!.count == 6_000 {
            #expect(state["f"]![..<1_000].allSatisfy { $0 == 1 } && state["f"]![1_000..<5_000].allSatisfy { $0 == 0 })
        }
    }

    @Test func `a shortened file that grew again shows old bytes only as long as the old length`() throws {
        let file = try disk.durableFile("f", byteCount: 3_000)
        try disk.fill(file, 0..<3_000, 1)
        try disk.io.sync(file)
        try disk.io.allocate(file, byteCount: 1_000)
        let lengths = disk.states(100).map { $0["f"]!.count }
        #expect(Set(lengths) == [1_000, 3_000])
        try disk.io.sync(file)
        try disk.io.allocate(file, byteCount: 3_000)
        for state in disk.states(100) { #expect(state["f"]!.dropFirst(1_000).allSatisfy { $0 == 0 }) }
    }

    @Test func `what survived is durable and independent of the disk it came from`() throws {
        let file = try disk.durableFile("f", byteCount: 4_096)
        try disk.fill(file, 0..<100, 1)
        let after = disk.io.crash(.everything, entropy: SeededEntropy(seed: 1))
        try disk.fill(file, 0..<100, 9)
        let next = SmallDisk(after)
        #expect(after.pendingUnitCount() == 0)
        let opened = try after.openFile("f", in: next.directory, writable: true)
        try next.fill(opened, 50..<60, 2)
        #expect(next.state(.nothing)["f"]!.prefix(100).allSatisfy { $0 == 1 })
        #expect(next.state(.everything)["f"]![50] == 2)
        #expect(disk.state(.everything)["f"]![50] == 9)
    }

    @Test func `a killed process leaves everything readable and the unsynced unsynced`() throws {
        let file = try disk.durableFile("f", byteCount: 4_096)
        #expect(try disk.io.lock(file))
        try disk.fill(file, 0..<100, 1)
        let new = try disk.io.createFile("g", in: disk.directory)
        try disk.fill(new, 0..<10, 3)
        let next = SmallDisk(disk.io.kill())
        #expect(next.now()["f"]!.prefix(100).allSatisfy { $0 == 1 })
        #expect(next.now()["g"] == [UInt8](repeating: 3, count: 10))
        #expect(next.state(.nothing) == ["f": [UInt8](repeating: 0, count: 4_096)])
        let opened = try next.io.openFile("f", in: next.directory, writable: true)
        #expect(try next.io.lock(opened))
        try next.io.sync(opened)
        #expect(next.state(.nothing)["f"]![0] == 1)
        try next.io.sync(next.directory)
        #expect(next.state(.nothing)["g"] == [])
    }

    // MARK: A failed sync

    @Test func `after a failed sync a later one does not make the lost bytes durable`() throws {
        let file = try disk.durableFile("f", byteCount: 12_288)
        try disk.fill(file, 0..<8_192, 1)
        disk.io.fault = { operation, _, _ in operation == .sync ? 5 : nil }
        #expect(throws: IOError.self) { try disk.io.sync(file) }
        disk.io.fault = nil
        try disk.io.sync(file)
        #expect(disk.state(.nothing)["f"]!.allSatisfy { $0 == 0 })
        // The first page is written again: it becomes durable as a whole, the second stays open.
        try disk.fill(file, 10..<20, 2)
        try disk.io.sync(file)
        let nothing = disk.state(.nothing)["f"]!
        #expect(nothing[0] == 1 && nothing[10] == 2 && nothing[4_096..<8_192].allSatisfy { $0 == 0 })
        #expect(disk.state(.everything)["f"]![4_096..<8_192].allSatisfy { $0 == 1 })
    }

    // MARK: All states, and the same state

    @Test func `a mask names each state of a small disk`() throws {
        let file = try disk.durableFile("f", byteCount: 1_024)
        try disk.fill(file, 0..<512, 1)
        try disk.fill(file, 512..<1_024, 2)
        _ = try disk.io.createFile("g", in: disk.directory)
        #expect(disk.io.pendingUnitCount(unitByteCount: 512) == 3)
        #expect(disk.io.pendingUnitCount(unitByteCount: 4_096) == 2)
        var seen: Set<[String: [UInt8]]> = []
        for mask in 0..<8 as Range<UInt64> {
            let state = SmallDisk(disk.io.crash(mask: mask, unitByteCount: 512)).now()
            #expect((state["g"] != nil) == (mask & 1 == 1))
            #expect(state["f"]![0] == (mask & 2 == 2 ? 1 : 0) && state["f"]![512] == (mask & 4 == 4 ? 2 : 0))
            seen.insert(state)
        }
        #expect(seen.count == 8)
    }

    @Test func `the same seed gives the same state`() throws {
        let file = try disk.durableFile("f", byteCount: 40_000)
        for at in 0..<30 { try disk.fill(file, at * 1_111..<at * 1_111 + 2_000, UInt8(at + 1)) }
        for name in ["a", "b", "c"] { _ = try disk.io.createFile(name, in: disk.directory) }
        for seed in 0..<50 as Range<UInt64> {
            let first = disk.io.crash(entropy: SeededEntropy(seed: seed)).contents()
            #expect(disk.io.crash(entropy: SeededEntropy(seed: seed)).contents() == first)
        }
    }

    @Test func `a returned copy is brought up to date however deep the states nest`() throws {
        // The same states with and without spare copies: holding all states back means that no copy returns.
        let dice = SeededEntropy(seed: 77)
        let file = try disk.durableFile("f", byteCount: 100_000)
        var held: [ShadowIO] = []
        for round in 0..<200 {
            let at = dice.next(below: 90_000)
            try disk.fill(file, at..<at + 1 + dice.next(below: 9_000), UInt8(round % 251))
            if dice.chance(0.2) { try disk.io.sync(file) }
            if dice.chance(0.05) { try disk.io.allocate(file, byteCount: 90_000 + dice.next(below: 20_000)) }
            let seed = dice.next()
            let fresh = disk.io.crash(entropy: SeededEntropy(seed: seed))
            held.append(fresh)
            for depth in 0..<3 as Range<UInt64> {
                let again = SmallDisk(disk.io.crash(entropy: SeededEntropy(seed: seed)))
                #expect(again.io.contents() == fresh.contents(), "seed 77, round \(round), depth \(depth)")
                let opened = try again.io.openFile("f", in: again.directory, writable: true)
                try again.fill(opened, Int(depth) * 5_000..<Int(depth) * 5_000 + 7_000, 255)
                let inner = SmallDisk(again.io.crash(entropy: SeededEntropy(seed: seed &+ depth)))
                try inner.fill(try inner.io.openFile("f", in: inner.directory, writable: true), 40_000..<41_000, 254)
            }
        }
    }
}
