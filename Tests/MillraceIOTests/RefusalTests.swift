import Foundation
import MillraceIO
import Testing

/// Aim: the disk in memory refuses what the real one refuses, with the same error number, so that tests on it mean something.
/// Method: the same wrong calls on both.
@Suite struct RefusalTests {
    /// A directory of either disk, gone with the test.
    private final class Place: Sendable {
        let io: any StorageIO
        let directory: DirectoryHandle
        private let path: String

        init(isReal: Bool) throws {
            io = isReal ? PosixIO() : ShadowIO()
            path = NSTemporaryDirectory() + "millrace-refusal-\(UUID().uuidString)"
            directory = try io.openDirectory(at: path, create: true)
        }

        deinit {
            io.close(directory)
            try? FileManager.default.removeItem(atPath: path)
        }
    }

    @Test(arguments: [true, false]) func `names that are not there, or of the wrong kind, are refused`(isReal: Bool) throws {
        let place = try Place(isReal: isReal)
        let (io, root) = (place.io, place.directory)
        io.close(try io.createFile("file", in: root))
        let inner = try io.openDirectory("inner", in: root, create: true)
        io.close(try io.createFile("leaf", in: inner))
        func number(_ body: () throws(IOError) -> Void) -> Int32? { fault(body)?.errorNumber }
        #expect(number { () throws(IOError) in try io.unlink("none", in: root) } == ENOENT)
        #expect(number { () throws(IOError) in try io.rename("none", in: root, to: "x", in: root) } == ENOENT)
        #expect(number { () throws(IOError) in try io.removeDirectory("none", in: root) } == ENOENT)
        #expect(number { () throws(IOError) in try io.removeDirectory("file", in: root) } == ENOTDIR)
        #expect(number { () throws(IOError) in try io.removeDirectory("inner", in: root) } == ENOTEMPTY)
        #expect(number { () throws(IOError) in try io.unlink("inner", in: root) } == EISDIR)
        #expect(number { () throws(IOError) in io.close(try io.openFile("none", in: root, writable: false)) } == ENOENT)
        #expect(number { () throws(IOError) in io.close(try io.openFile("inner", in: root, writable: false)) } == 0)
        #expect(number { () throws(IOError) in io.close(try io.openDirectory("file", in: root, create: false)) } == ENOTDIR)
        #expect(number { () throws(IOError) in io.close(try io.openDirectory("none", in: root, create: false)) } == ENOENT)
        #expect(number { () throws(IOError) in io.close(try io.createFile("file", in: root)) } == EEXIST)
        #expect(number { () throws(IOError) in try io.rename("file", in: root, to: "inner", in: root) } == EISDIR)
        #expect(number { () throws(IOError) in try io.rename("inner", in: root, to: "file", in: root) } == ENOTDIR)
        let other = try io.openDirectory("other", in: root, create: true)
        #expect(number { () throws(IOError) in try io.rename("other", in: root, to: "inner", in: root) } == ENOTEMPTY)
        // Nothing of that has happened; onto itself is no change.
        try io.rename("file", in: root, to: "file", in: root)
        #expect(Set(try io.list(root)) == ["file", "inner", "other"])
        io.close(other)
        io.close(inner)
    }

    @Test(arguments: [true, false]) func `calls on what is not open say so`(isReal: Bool) throws {
        let place = try Place(isReal: isReal)
        let io = place.io
        let (file, directory) = (FileHandle(value: 987_654), DirectoryHandle(value: 987_654))
        let owner = AlignedMemory(byteCount: 4096)
        owner.withMemory { memory in
            let calls: [(String, () throws(IOError) -> Void)] = [
                ("length", { () throws(IOError) in _ = try io.byteCount(of: file) }),
                ("allocate", { () throws(IOError) in try io.allocate(file, byteCount: 4096) }),
                ("read", { () throws(IOError) in _ = try io.read(file, at: 0, into: memory) }),
                ("read at once", { () throws(IOError) in _ = try io.readWithoutWaiting(file, at: 0, into: memory) }),
                ("write", { () throws(IOError) in try io.write(file, at: 0, [memory]) }),
                ("sync", { () throws(IOError) in try io.sync(file) }),
                ("map", { () throws(IOError) in io.unmap(try io.map(file, byteCount: 4096)) }),
                ("lock", { () throws(IOError) in _ = try io.lock(file) }),
                ("list", { () throws(IOError) in _ = try io.list(directory) }),
                ("sync directory", { () throws(IOError) in try io.sync(directory) }),
                ("create", { () throws(IOError) in io.close(try io.createFile("x", in: directory)) }),
            ]
            for (name, call) in calls { #expect(fault(call)?.errorNumber == EBADF, "\(name)") }
        }
        if isReal {
            #expect(fault { () throws(IOError) in _ = try io.freeSpace(in: directory) }?.errorNumber == EBADF)
        }
        // Letting go twice is no harm.
        let open = try io.createFile("once", in: place.directory)
        io.close(open)
        if !isReal { io.close(open) }
    }

    @Test(arguments: [true, false]) func `a file opened for reading is not written, and maps only what it has`(isReal: Bool) throws {
        let place = try Place(isReal: isReal)
        let io = place.io
        let made = try io.createFile("f", in: place.directory)
        try io.put([9, 9, 9, 9], made)
        try io.allocate(made, byteCount: 0)
        #expect(try io.byteCount(of: made) == 0)
        try io.put([1, 2, 3], made)
        io.close(made)
        let file = try io.openFile("f", in: place.directory, writable: false)
        defer { io.close(file) }
        #expect(fault { () throws(IOError) in try io.put([4], file) }?.operation == .write)
        #expect(fault { () throws(IOError) in try io.allocate(file, byteCount: 9000) }?.operation == .allocate)
        #expect(fault { () throws(IOError) in io.unmap(try io.map(file, byteCount: 0)) }?.errorNumber == EINVAL)
        #expect(fault { () throws(IOError) in io.unmap(try io.map(file, byteCount: 9000)) }?.operation == .map)
        #expect(try io.contents("f", in: place.directory) == [1, 2, 3])
    }

    @Test func `a new directory's name is synced wherever it stands, and a missing parent is named`() throws {
        let io = PosixIO()
        let name = "millrace-refusal-\(UUID().uuidString)"
        // Right below the root, where this user may.
        if geteuid() == 0 {
            io.close(try io.openDirectory(at: "/\(name)", create: true))
            try FileManager.default.removeItem(atPath: "/\(name)")
        }
        // Beside the process, without a slash.
        io.close(try io.openDirectory(at: name, create: true))
        try FileManager.default.removeItem(atPath: name)
        let missing = NSTemporaryDirectory() + "\(name)/none"
        #expect(fault { () throws(IOError) in io.close(try io.openDirectory(at: missing, create: true)) }?.errorNumber == ENOENT)
        #expect(fault { () throws(IOError) in io.close(try io.openDirectory(at: "/dev/null", create: false)) }?.errorNumber == ENOTDIR)
    }
}
