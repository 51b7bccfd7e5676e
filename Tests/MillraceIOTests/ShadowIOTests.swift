import Foundation
import MillraceIO
import Testing

// Aim: while no power fails, the disk in memory answers as a real one would.
// Method: one operation at a time, looked at through another; errors by number.

@Suite struct ShadowIOTests {
    private let io = ShadowIO()
    private let directory: DirectoryHandle

    init() throws { directory = try io.openDirectory(at: "/disk", create: true) }

    @Test func `what was written is read, and a read ends at the end of the file`() throws {
        let file = try io.createFile("f", in: directory)
        let (first, second) = (AlignedMemory([1, 2]), AlignedMemory([3, 4, 5]))
        defer { withExtendedLifetime((first, second)) {} }
        try io.write(file, at: 3, [first.memory, second.memory])
        #expect(try io.contents("f", in: directory) == [0, 0, 0, 1, 2, 3, 4, 5])
        let memory = AlignedMemory(byteCount: 10)
        #expect(try io.read(file, at: 6, into: memory.memory) == 2)
        #expect(try io.read(file, at: 60, into: memory.memory) == 0)
        #expect(try io.readWithoutWaiting(file, at: 0, into: memory.memory) == 8)
        io.readsWait = true
        #expect(try io.readWithoutWaiting(file, at: 0, into: memory.memory) == nil)
    }

    @Test func `a shortened file forgets its end`() throws {
        let file = try io.createFile("f", in: directory)
        try io.put(Array("abcdef".utf8), file)
        try io.allocate(file, byteCount: 2)
        try io.allocate(file, byteCount: 4)
        #expect(try io.contents("f", in: directory) == [97, 98, 0, 0])
        #expect(try io.byteCount(of: file) == 4)
    }

    @Test func `names are made, replaced and removed with the errors of a real disk`() throws {
        let file = try io.createFile("f", in: directory)
        let inner = try io.openDirectory("inner", in: directory, create: true)
        try io.put(Array("old".utf8), try io.createFile("g", in: inner))
        try io.put(Array("new".utf8), file)
        #expect(fault { () throws(IOError) in try io.createFile("f", in: directory) }?.errorNumber == EEXIST)
        #expect(
            fault { () throws(IOError) in try io.openFile("x", in: directory, writable: true) }?.errorNumber == ENOENT)
        #expect(fault { () throws(IOError) in try io.unlink("inner", in: directory) }?.errorNumber == EISDIR)
        #expect(
            fault { () throws(IOError) in try io.removeDirectory("inner", in: directory) }?.errorNumber == ENOTEMPTY)
        #expect(fault { () throws(IOError) in try io.createFile("a/b", in: directory) }?.errorNumber == EINVAL)
        #expect(
            fault { () throws(IOError) in try io.openDirectory(at: "/other", create: false) }?.errorNumber == ENOENT)
        try io.rename("f", in: directory, to: "g", in: inner)
        #expect(try io.list(directory) == ["inner"])
        #expect(try io.contents("g", in: inner) == Array("new".utf8))
        try io.unlink("g", in: inner)
        try io.removeDirectory("inner", in: directory)
        #expect(try io.list(directory) == [])
    }

    @Test func `a mapping keeps its place and sees later writes, even of an unlinked file that outgrew it`() throws {
        let file = try io.createFile("f", in: directory)
        try io.allocate(file, byteCount: 5_000)
        let memory = try io.map(file, byteCount: 5_000)
        try io.put(Array("one".utf8), file, at: 4_000)
        #expect(memory.slice(4_000, 3).bytes == Array("one".utf8))
        try io.unlink("f", in: directory)
        try io.allocate(file, byteCount: 50_000)
        try io.put(Array("two".utf8), file, at: 4_000)
        io.close(file)
        #expect(memory.slice(4_000, 3).bytes == Array("two".utf8))
        io.unmap(memory)
    }

    @Test func `a lock has one holder until its file is closed`() throws {
        let first = try io.createFile("lock", in: directory)
        let second = try io.openFile("lock", in: directory, writable: true)
        #expect(try io.lock(first))
        #expect(try io.lock(second) == false)
        io.close(first)
        #expect(try io.lock(second))
    }

    // MARK: Want of space

    @Test func `a full disk refuses growth, takes writes in place and frees what is unlinked and closed`() throws {
        io.capacityByteCount = 10_000
        let file = try io.createFile("f", in: directory)
        try io.allocate(file, byteCount: 8_000)
        #expect(try io.freeSpace(in: directory) == (2_000, 10_000))
        #expect(fault { () throws(IOError) in try io.allocate(file, byteCount: 10_001) }?.errorNumber == ENOSPC)
        io.capacityByteCount = 5_000
        #expect(try io.freeSpace(in: directory) == (0, 5_000))
        try io.put(Array("in place".utf8), file, at: 7_000)
        #expect(throws: IOError(.write, name: "f", errorNumber: ENOSPC)) {
            try io.put(Array("longer".utf8), file, at: 7_999)
        }
        try io.unlink("f", in: directory)
        #expect(try io.freeSpace(in: directory).availableByteCount == 0)
        io.close(file)
        #expect(try io.freeSpace(in: directory).availableByteCount == 5_000)
    }

    // MARK: Faults

    @Test func `the hook fails the call it chooses and all calls are counted`() throws {
        io.fault = { operation, name, count in operation == .write && name == "f" && count == 2 ? EIO : nil }
        let file = try io.createFile("f", in: directory)
        try io.put(Array("1".utf8), file)
        #expect(throws: IOError(.write, name: "f", errorNumber: EIO, detail: "injected, call 2")) {
            try io.put(Array("2".utf8), file)
        }
        try io.put(Array("3".utf8), file)
        #expect(io.callCount(.write) == 3 && io.callCount(.sync) == 0)
        #expect(try io.contents("f", in: directory) == Array("3".utf8))
    }

    @Test func `the hook may take a crash state itself`() throws {
        let file = try io.createFile("f", in: directory)
        let disk = io
        io.fault = { operation, _, _ in
            operation == .sync && disk.crash(.everything, entropy: SeededEntropy(seed: 1)).contents().isEmpty
                ? EIO : nil
        }
        try io.sync(file)
        io.fault = nil
    }

    @Test func `a closed handle is refused`() throws {
        let file = try io.createFile("f", in: directory)
        io.close(file)
        #expect(throws: IOError(.sync, name: "", errorNumber: EBADF)) { try io.sync(file) }
    }

    @Test func `populate is counted under the mapped file's name`() throws {
        let file = try io.createFile("f", in: directory)
        try io.allocate(file, byteCount: 5_000)
        let memory = try io.map(file, byteCount: 5_000)
        io.fault = { operation, name, _ in operation == .populate && name == "f" ? EIO : nil }
        #expect(fault { () throws(IOError) in try io.populate(memory.slice(4_096, 10)) }?.errorNumber == EIO)
        io.unmap(memory)
    }

    @Test func `zeros that are to be synced are synced by pieces, so that another sync waits for one of them`() throws {
        let io = ShadowIO()
        let directory = try io.openDirectory(at: "/d", create: true)
        let file = try io.createFile("f", in: directory)
        let calls = Guarded<[IOError.Operation]>([])
        io.fault = { operation, _, _ in
            calls.withLock { $0.append(operation) }
            return nil
        }
        try io.writeSyncedZeros(file, 0..<(9 << 20))
        io.fault = nil
        let writeCounts = calls.withLock { $0 }.split(separator: .sync).map(\.count)
        #expect(writeCounts == [64, 64, 16])
        #expect(calls.withLock { $0 }.last == .sync)
        #expect(try io.byteCount(of: file) == 9 << 20)
    }
}
