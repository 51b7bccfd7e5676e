import Foundation
import MillraceIO
import Testing

/// Aim: second names, copies and renamed directories do on the disk in memory what they do on a real one, and survive
/// power loss as other names do. Method: the same calls on both; drawn states of the former.
@Suite struct LinkTests {
    private final class Place: Sendable {
        let io: any StorageIO
        let path: String
        let directory: DirectoryHandle

        init(isReal: Bool) throws {
            io = isReal ? PosixIO() : ShadowIO()
            path = NSTemporaryDirectory() + "millrace-link-\(UUID().uuidString)"
            directory = try io.openDirectory(at: path, create: true)
        }

        deinit {
            io.close(directory)
            try? FileManager.default.removeItem(atPath: path)
        }
    }

    private static func number(_ body: () throws(IOError) -> Void) -> Int32? { fault(body)?.errorNumber }

    @Test(arguments: [true, false]) func `a file with two names is one file, and each name goes by itself`(isReal: Bool) throws {
        let place = try Place(isReal: isReal)
        let io = place.io
        let inner = try io.openDirectory("inner", in: place.directory, create: true)
        defer { io.close(inner) }
        let file = try io.createFile("a", in: place.directory)
        try io.put([1, 2, 3], file)
        #expect(try io.nameCount(of: file) == 1)
        try io.link("a", in: place.directory, as: "b", in: inner)
        #expect(try io.nameCount(of: file) == 2)
        try io.put([9], file)
        #expect(try io.contents("b", in: inner) == [9, 2, 3])
        try io.unlink("a", in: place.directory)
        #expect(try io.nameCount(of: file) == 1)
        #expect(try io.contents("b", in: inner) == [9, 2, 3])
        try io.unlink("b", in: inner)
        #expect(try io.nameCount(of: file) == 0)
        io.close(file)
    }

    @Test(arguments: [true, false]) func `names that are taken, missing or no files are refused`(isReal: Bool) throws {
        let place = try Place(isReal: isReal)
        let (io, root) = (place.io, place.directory)
        io.close(try io.createFile("a", in: root))
        io.close(try io.createFile("b", in: root))
        io.close(try io.openDirectory("inner", in: root, create: true))
        #expect(Self.number { () throws(IOError) in try io.link("a", in: root, as: "b", in: root) } == EEXIST)
        #expect(Self.number { () throws(IOError) in try io.link("none", in: root, as: "c", in: root) } == ENOENT)
        #expect(Self.number { () throws(IOError) in try io.link("inner", in: root, as: "c", in: root) } == EPERM)
        #expect(Self.number { () throws(IOError) in try io.link("a", in: root, as: "x/y", in: root) } == EINVAL)
        #expect(Self.number { () throws(IOError) in _ = try io.nameCount(of: FileHandle(value: 987_654)) } == EBADF)
        #expect(IOError(.link, name: "a", errorNumber: EXDEV).refusesEveryLink)
        #expect(IOError(.link, name: "a", errorNumber: EMLINK).refusesLink)
        #expect(!IOError(.link, name: "a", errorNumber: EIO).refusesLink)
    }

    @Test(arguments: [true, false]) func `a copy has the range's bytes in their place, and a range that is not there is refused`(
        isReal: Bool
    ) throws {
        let place = try Place(isReal: isReal)
        let (io, root) = (place.io, place.directory)
        let dice = SeededEntropy(seed: 3)
        // More than one buffer, no whole pages.
        let bytes = AlignedMemory.random(byteCount: 2_500_001, dice)
        let source = try io.createFile("source", in: root)
        try bytes.withMemory { memory throws(IOError) in try io.write(source, at: 0, [memory]) }
        let target = try io.createFile("target", in: root)
        try io.allocate(target, byteCount: 2_500_001)
        try io.copy(source, 4096..<2_400_007, to: target)
        let found = try #require(try io.contents("target", in: root))
        bytes.withMemory { memory in
            #expect(found.count == memory.byteCount)
            #expect(found[..<4096].allSatisfy { $0 == 0 } && found[2_400_007...].allSatisfy { $0 == 0 })
            #expect(Array(found[4096..<2_400_007]) == memory.slice(4096, 2_400_007 - 4096).bytes)
        }
        let error = fault { () throws(IOError) in try io.copy(source, 0..<2_500_002, to: target) }
        #expect(error?.operation == .copy)
        try io.copy(source, 5..<5, to: target)
        if let posix = io as? PosixIO {
            // The slow way gives the same.
            let slow = try io.createFile("slow", in: root)
            try posix.copyThroughBuffer(source, 0..<2_500_001, to: slow)
            let all = try #require(try io.contents("slow", in: root))
            bytes.withMemory { memory in #expect(all == memory.bytes) }
            io.close(slow)
        }
        io.close(source)
        io.close(target)
    }

    @Test func `a copy to another file system goes through a buffer`() throws {
        let place = try Place(isReal: true)
        let other = "/dev/shm/millrace-link-\(UUID().uuidString)"
        guard let there = try? place.io.openDirectory(at: other, create: true) else { return }
        defer {
            place.io.close(there)
            try? FileManager.default.removeItem(atPath: other)
        }
        let source = try place.io.createFile("a", in: place.directory)
        try place.io.put([1, 2, 3, 4], source)
        let target = try place.io.createFile("a", in: there)
        try place.io.copy(source, 0..<4, to: target)
        #expect(try place.io.contents("a", in: there) == [1, 2, 3, 4])
        let error = fault { () throws(IOError) in try place.io.link("a", in: place.directory, as: "b", in: there) }
        // One file system for both is nothing to be refused.
        #expect(error == nil || error?.errorNumber == EXDEV)
        place.io.close(source)
        place.io.close(target)
    }

    @Test(arguments: [true, false]) func `a directory gets a path where nothing stands, or nothing is in`(isReal: Bool) throws {
        let place = try Place(isReal: isReal)
        let io = place.io
        let (old, new) = (place.path + "-old/", place.path + "-new")
        let trimmed = String(old.dropLast())
        defer {
            try? FileManager.default.removeItem(atPath: trimmed)
            try? FileManager.default.removeItem(atPath: new)
        }
        func make(_ path: String, _ name: String?) throws {
            let directory = try io.openDirectory(at: path, create: true)
            if let name { io.close(try io.createFile(name, in: directory)) }
            io.close(directory)
        }
        try make(trimmed, "a")
        try io.renameDirectory(at: isReal ? old : trimmed, to: new)
        #expect(Self.number { () throws(IOError) in _ = try io.openDirectory(at: trimmed, create: false) } == ENOENT)
        try make(trimmed, "b")
        let refused = Self.number { () throws(IOError) in try io.renameDirectory(at: trimmed, to: new) }
        #expect(refused == ENOTEMPTY || refused == EEXIST)
        let directory = try io.openDirectory(at: new, create: false)
        #expect(try io.list(directory) == ["a"])
        try io.unlink("a", in: directory)
        io.close(directory)
        try io.renameDirectory(at: trimmed, to: new)
        let again = try io.openDirectory(at: new, create: false)
        #expect(try io.list(again) == ["b"])
        #expect(Self.number { () throws(IOError) in try io.removeDirectory(at: new) } == ENOTEMPTY)
        try io.unlink("b", in: again)
        io.close(again)
        try io.removeDirectory(at: new)
        #expect(Self.number { () throws(IOError) in try io.removeDirectory(at: new) } == ENOENT)
        #expect(Self.number { () throws(IOError) in try io.renameDirectory(at: new, to: trimmed) } == ENOENT)
    }

    @Test func `a second name survives power loss once its directory is synced, and the file is one`() throws {
        let disk = SmallDisk()
        let file = try disk.durableFile("a", byteCount: 100)
        let inner = try disk.io.openDirectory("inner", in: disk.directory, create: true)
        try disk.io.sync(disk.directory)
        try disk.io.link("a", in: disk.directory, as: "b", in: inner)
        #expect(Set(disk.states(60).map { Set($0.keys) }) == [["a"], ["a", "inner/b"]])
        try disk.io.sync(inner)
        #expect(Set(disk.states(60).map { Set($0.keys) }) == [["a", "inner/b"]])
        // What is written and not synced survives under both names or none.
        try disk.fill(file, 0..<100, 5)
        for state in disk.states(60) { #expect(state["a"] == state["inner/b"]) }
        // One file takes its room once, before and after a loss.
        #expect(disk.io.allocatedByteCount == 100)
        let after = disk.io.crash(entropy: SeededEntropy(seed: 1))
        #expect(after.allocatedByteCount == 100)
        let directory = try after.openDirectory(at: "/disk", create: false)
        try after.unlink("a", in: directory)
        #expect(after.allocatedByteCount == 100)
        #expect(disk.io.kill().allocatedByteCount == 100)
    }
}
