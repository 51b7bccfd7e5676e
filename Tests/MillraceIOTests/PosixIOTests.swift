import Foundation
import MillraceIO
import Testing

// Aim: the real storage keeps the seam's promises, and refuses what is unsafe.
// Method: a temporary directory per test, looked at with Foundation, so that nothing checks itself.

@Suite struct PosixIOTests {
    /// A directory that goes away with the test.
    private final class Place {
        let path = NSTemporaryDirectory() + "millrace-io-\(UUID().uuidString)"
        let io = PosixIO()
        let directory: DirectoryHandle

        init() throws { directory = try io.openDirectory(at: path, create: true) }

        deinit {
            io.close(directory)
            try? FileManager.default.removeItem(atPath: path)
        }

        func mode(_ name: String = "") throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
            return try #require(attributes[.posixPermissions] as? Int)
        }
    }

    // MARK: Directories

    @Test func `directories are made for their owner alone`() throws {
        let place = try Place()
        #expect(try place.mode() == 0o700)
        let inner = try place.io.openDirectory("inner", in: place.directory, create: true)
        #expect(try place.mode("inner") == 0o700)
        place.io.close(inner)
        place.io.close(try place.io.openDirectory("inner", in: place.directory, create: true))
        try place.io.removeDirectory("inner", in: place.directory)
        #expect(try place.io.list(place.directory) == [])
    }

    @Test(arguments: [0o770, 0o702, 0o722]) func `a directory others may write to is refused`(mode: Int) throws {
        let place = try Place()
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: place.path)
        let error = fault { () throws(IOError) in try place.io.openDirectory(at: place.path, create: false) }
        #expect(error?.operation == .permissions)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: place.path)
        place.io.close(try place.io.openDirectory(at: place.path, create: false))
    }

    @Test func `another user's directory is refused`() throws {
        let isRoot = geteuid() == 0
        let path = isRoot ? NSTemporaryDirectory() + "millrace-io-\(UUID().uuidString)" : "/usr"
        if isRoot {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            // Safe because the string outlives the call.
            try unsafe #require(chown(path, 12_345, 12_345) == 0)
        }
        defer { if isRoot { try? FileManager.default.removeItem(atPath: path) } }
        let error = fault { () throws(IOError) in try PosixIO().openDirectory(at: path, create: false) }
        #expect(error?.operation == .permissions)
        #expect(error?.detail.contains("belongs to user") == true)
    }

    @Test func `a directory that is missing is an error unless it may be made`() throws {
        let place = try Place()
        let error = fault { () throws(IOError) in try place.io.openDirectory("no", in: place.directory, create: false) }
        #expect(error == IOError(.openDirectory, name: "no", errorNumber: ENOENT))
    }

    @Test func `a link is followed neither as a directory nor as a file`() throws {
        let place = try Place()
        let other = try Place()
        try FileManager.default.createSymbolicLink(atPath: place.path + "/link", withDestinationPath: other.path)
        for path in [place.path + "/link", place.path + "/link/"] {
            #expect(fault { () throws(IOError) in try place.io.openDirectory(at: path, create: false) } != nil)
        }
        #expect(
            fault { () throws(IOError) in try place.io.openDirectory("link", in: place.directory, create: true) } != nil
        )
        other.io.close(try other.io.createFile("real", in: other.directory))
        try FileManager.default.createSymbolicLink(
            atPath: place.path + "/file", withDestinationPath: other.path + "/real")
        let error = fault { () throws(IOError) in try place.io.openFile("file", in: place.directory, writable: false) }
        #expect(error == IOError(.openFile, name: "file", errorNumber: ELOOP))
    }

    @Test(arguments: ["", ".", "..", "a/b", "/etc"]) func `a name that is a path is refused`(name: String) throws {
        let place = try Place()
        #expect(
            fault { () throws(IOError) in try place.io.createFile(name, in: place.directory) }?.errorNumber == EINVAL)
        #expect(fault { () throws(IOError) in try place.io.unlink(name, in: place.directory) }?.errorNumber == EINVAL)
    }

    // MARK: Files

    @Test func `files are made for their owner alone, and only once`() throws {
        let place = try Place()
        let file = try place.io.createFile("f", in: place.directory)
        #expect(try place.mode("f") == 0o600)
        let error = fault { () throws(IOError) in try place.io.createFile("f", in: place.directory) }
        #expect(error == IOError(.createFile, name: "f", errorNumber: EEXIST))
        place.io.close(file)
    }

    @Test func `a pipe is not a file`() throws {
        let place = try Place()
        // Safe because the string outlives the call.
        try unsafe #require(mkfifo(place.path + "/pipe", 0o600) == 0)
        let error = fault { () throws(IOError) in try place.io.openFile("pipe", in: place.directory, writable: false) }
        #expect(error?.detail == "not a regular file")
    }

    @Test func `more pieces than one call takes are written in order`() throws {
        let place = try Place()
        let file = try place.io.createFile("f", in: place.directory)
        let pieces = (0..<3_000).map { number in
            AlignedMemory([UInt8](repeating: UInt8(number % 251), count: number % 3))
        }
        // Pieces of 0, 1 and 2 bytes, far more than IOV_MAX.
        try place.io.write(file, at: 5, pieces.map(\.memory))
        defer { withExtendedLifetime(pieces) {} }
        let expected: [UInt8] = [0, 0, 0, 0, 0] + pieces.flatMap(\.memory.bytes)
        #expect(try place.io.contents("f", in: place.directory) == expected)
        try place.io.write(file, at: 0, [])
        try place.io.sync(file)
        try place.io.sync(place.directory)
        place.io.startReading(file, at: 0, byteCount: 100)
        place.io.close(file)
    }

    @Test func `a short write goes on with the piece it ended in`() {
        let owners = [2, 0, 3, 0].map { AlignedMemory.filled(7, byteCount: $0) }
        defer { withExtendedLifetime(owners) {} }
        let pieces = owners.map(\.memory)[...]
        let lefts = (0...5).map { PosixIO.remaining(pieces, after: $0).map(\.byteCount) }
        #expect(lefts == [[2, 0, 3, 0], [1, 0, 3, 0], [3, 0], [2, 0], [1, 0], []])
        #expect(PosixIO.remaining(pieces[1...], after: 0).map(\.byteCount) == [3, 0])
    }

    @Test func `zeros are written where space cannot be reserved`() throws {
        let place = try Place()
        let file = try place.io.createFile("f", in: place.directory)
        try place.io.put([9, 9], file)
        try place.io.writeZeros(file, 2..<1_500_000)
        let content = try #require(try place.io.contents("f", in: place.directory))
        #expect(content.count == 1_500_000 && content[1] == 9 && content[2...].allSatisfy { $0 == 0 })
        place.io.close(file)
    }

    @Test func `a directory that cannot be made says why`() throws {
        let path = NSTemporaryDirectory() + "millrace-io-missing/inner"
        let error = fault { () throws(IOError) in try PosixIO().openDirectory(at: path, create: true) }
        #expect(error == IOError(.openDirectory, name: path, errorNumber: ENOENT))
        let inFile = fault { () throws(IOError) in try PosixIO().openDirectory(at: "/proc/millrace", create: true) }
        #expect(inFile?.operation == .openDirectory)
    }

    @Test func `a read ends at the end of the file, and cached bytes need no waiting`() throws {
        let place = try Place()
        let file = try place.io.createFile("f", in: place.directory)
        try place.io.put(Array("hello".utf8), file, at: 0)
        let memory = AlignedMemory(byteCount: 10)
        #expect(try place.io.read(file, at: 2, into: memory.memory) == 3)
        #expect(memory.memory.slice(0, 3).bytes == Array("llo".utf8))
        #expect(try place.io.read(file, at: 9, into: memory.memory) == 0)
        let count = try place.io.readWithoutWaiting(file, at: 0, into: memory.memory)
        // nil where the file system cannot tell.
        #expect(count == nil || count == 5)
        place.io.close(file)
    }

    @Test func `allocating sets the length and keeps what was written`() throws {
        let place = try Place()
        let file = try place.io.createFile("f", in: place.directory)
        try place.io.put(Array("abc".utf8), file, at: 0)
        try place.io.allocate(file, byteCount: 100_000)
        #expect(try place.io.byteCount(of: file) == 100_000)
        let content = try #require(try place.io.contents("f", in: place.directory))
        #expect(content.prefix(4) == [97, 98, 99, 0])
        try place.io.allocate(file, byteCount: 2)
        #expect(try place.io.contents("f", in: place.directory) == [97, 98])
        place.io.close(file)
    }

    @Test func `a mapping shows later writes and never reaches behind the file`() throws {
        let place = try Place()
        let file = try place.io.createFile("f", in: place.directory)
        try place.io.allocate(file, byteCount: 10_000)
        let memory = try place.io.map(file, byteCount: 10_000)
        try place.io.put(Array("later".utf8), file, at: 9_000)
        try place.io.populate(memory)
        try place.io.populate(memory.slice(8_999, 3))
        #expect(memory.slice(9_000, 5).bytes == Array("later".utf8))
        place.io.unmap(memory)
        let error = fault { () throws(IOError) in try place.io.map(file, byteCount: 10_001) }
        #expect(error == IOError(.map, name: "f", errorNumber: 0, detail: "file has 10000 bytes, 10001 asked for"))
        place.io.close(file)
    }

    @Test func `populating what the file no longer has is an error and no signal`() throws {
        let place = try Place()
        let file = try place.io.createFile("f", in: place.directory)
        try place.io.allocate(file, byteCount: 1 << 16)
        let memory = try place.io.map(file, byteCount: 1 << 16)
        try place.io.allocate(file, byteCount: 1)
        #expect(fault { () throws(IOError) in try place.io.populate(memory) }?.operation == .populate)
        place.io.unmap(memory)
        place.io.close(file)
    }

    @Test func `a rename replaces, and an unlinked file is gone`() throws {
        let place = try Place()
        let inner = try place.io.openDirectory("inner", in: place.directory, create: true)
        for name in ["a", "b"] {
            let file = try place.io.createFile(name, in: place.directory)
            try place.io.put(Array(name.utf8), file, at: 0)
            place.io.close(file)
        }
        try place.io.rename("a", in: place.directory, to: "b", in: place.directory)
        #expect(try place.io.contents("b", in: place.directory) == [97])
        try place.io.rename("b", in: place.directory, to: "c", in: inner)
        #expect(try place.io.list(inner) == ["c"])
        try place.io.unlink("c", in: inner)
        #expect(try place.io.list(inner) == [])
        #expect(fault { () throws(IOError) in try place.io.unlink("c", in: inner) }?.errorNumber == ENOENT)
        place.io.close(inner)
    }

    @Test func `a lock has one holder until its file is closed`() throws {
        let place = try Place()
        let first = try place.io.createFile("lock", in: place.directory)
        let second = try place.io.openFile("lock", in: place.directory, writable: true)
        #expect(try place.io.lock(first))
        #expect(try place.io.lock(second) == false)
        place.io.close(first)
        #expect(try place.io.lock(second))
        place.io.close(second)
    }

    @Test func `free space is within the file system's size`() throws {
        let place = try Place()
        let (available, total) = try place.io.freeSpace(in: place.directory)
        #expect(available >= 0 && available <= total && total > 0)
    }

    @Test func `a read-only file does not take writes, and says its name`() throws {
        let place = try Place()
        place.io.close(try place.io.createFile("f", in: place.directory))
        let file = try place.io.openFile("f", in: place.directory, writable: false)
        let error = fault { () throws(IOError) in try place.io.put(Array("x".utf8), file, at: 0) }
        #expect(error == IOError(.write, name: "f", errorNumber: EBADF))
        place.io.close(file)
    }
}
