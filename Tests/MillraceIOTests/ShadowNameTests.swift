import MillraceIO
import Testing

// Aim: names survive power loss as a real directory's do: synced ones for certain, a rename wholly or not at all.
// Method: many drawn states of small directories; each test says which states it allows.

@Suite struct ShadowNameTests {
    private let disk = SmallDisk()

    @Test func `a file is gone when its name did not survive, whatever was synced in it`() throws {
        let file = try disk.io.createFile("f", in: disk.directory)
        try disk.fill(file, 0..<100, 1)
        try disk.io.sync(file)
        #expect(Set(disk.states(50).map { $0["f"]?.count }) == [nil, 100])
        try disk.io.sync(disk.directory)
        #expect(Set(disk.states(50).map { $0["f"]?.count }) == [100])
    }

    @Test func `a named file that was never synced has any of its lengths`() throws {
        let file = try disk.io.createFile("f", in: disk.directory)
        try disk.io.sync(disk.directory)
        try disk.io.allocate(file, byteCount: 700)
        try disk.fill(file, 700..<900, 1)
        #expect(Set(disk.states(300).map { $0["f"]!.count }) == [0, 700, 900])
    }

    @Test func `a rename shows the file under one of its names, never both and never none`() throws {
        let old = try disk.durableFile("target", byteCount: 10)
        disk.io.close(old)
        let new = try disk.durableFile("fresh", byteCount: 20)
        disk.io.close(new)
        try disk.io.rename("fresh", in: disk.directory, to: "target", in: disk.directory)
        let seen = Set(disk.states(100).map { $0.mapValues(\.count) })
        #expect(seen == [["target": 10, "fresh": 20], ["target": 20]])
        try disk.io.sync(disk.directory)
        #expect(Set(disk.states(50).map { $0.mapValues(\.count) }) == [["target": 20]])
    }

    @Test func `a rename between directories is durable when both are synced`() throws {
        _ = try disk.durableFile("f", byteCount: 10)
        let inner = try disk.io.openDirectory("inner", in: disk.directory, create: true)
        try disk.io.sync(disk.directory)
        try disk.io.rename("f", in: disk.directory, to: "g", in: inner)
        let both: Set<[String: Int]> = [["f": 10], ["inner/g": 10]]
        #expect(Set(disk.states(100).map { $0.mapValues(\.count) }) == both)
        try disk.io.sync(disk.directory)
        #expect(Set(disk.states(100).map { $0.mapValues(\.count) }) == both)
        try disk.io.sync(inner)
        #expect(Set(disk.states(100).map { $0.mapValues(\.count) }) == [["inner/g": 10]])
    }

    @Test func `an unlinked file may come back until its directory is synced`() throws {
        let file = try disk.durableFile("f", byteCount: 10)
        try disk.fill(file, 0..<10, 3)
        try disk.io.sync(file)
        disk.io.close(file)
        try disk.io.unlink("f", in: disk.directory)
        #expect(Set(disk.states(50).map { $0["f"] }) == [nil, [UInt8](repeating: 3, count: 10)])
        try disk.io.sync(disk.directory)
        #expect(Set(disk.states(50).map { $0["f"] }) == [nil])
    }

    @Test func `everything below a directory whose name is lost is lost`() throws {
        let inner = try disk.io.openDirectory("inner", in: disk.directory, create: true)
        let file = try disk.io.createFile("f", in: inner)
        try disk.fill(file, 0..<10, 3)
        try disk.io.sync(file)
        try disk.io.sync(inner)
        #expect(Set(disk.states(50).map { $0["inner/f"]?.count }) == [nil, 10])
        #expect(disk.state(.nothing) == [:])
    }

    @Test func `a journal keeps a prefix, without one any subset survives`() throws {
        for name in ["a", "b", "c"] { _ = try disk.io.createFile(name, in: disk.directory) }
        let prefixes = Set(disk.states(200, CrashOptions(names: .prefix)).map { $0.keys.sorted() })
        #expect(prefixes == [[], ["a"], ["a", "b"], ["a", "b", "c"]])
        let subsets = Set(disk.states(500, CrashOptions(names: .subset)).map { $0.keys.sorted() })
        #expect(subsets.count == 8)
    }

    @Test func `changes of one name keep their order`() throws {
        _ = try disk.durableFile("f", byteCount: 1)
        try disk.io.rename("f", in: disk.directory, to: "g", in: disk.directory)
        _ = try disk.io.createFile("f", in: disk.directory)
        let seen = Set(disk.states(300, CrashOptions(names: .subset)).map { $0.mapValues(\.count) })
        #expect(seen == [["f": 1], ["g": 1], ["g": 1, "f": 0]])
    }

    @Test func `space is charged for what survived`() throws {
        _ = try disk.durableFile("f", byteCount: 1_000)
        _ = try disk.io.createFile("g", in: disk.directory)
        let next = SmallDisk(disk.io.crash(.nothing, entropy: SeededEntropy(seed: 1)))
        next.io.capacityByteCount = 1_500
        #expect(try next.io.freeSpace(in: next.directory).availableByteCount == 500)
    }
}
