import MillraceIO
import Testing

// Aim: the planned call fails and no other, and failures look like the disk's own.
// Method: a plan over a disk in memory.

@Suite struct FaultIOTests {
    private func file(_ io: FaultIO) throws -> FileHandle {
        try io.createFile("f", in: io.openDirectory(at: "/disk", create: true))
    }

    @Test func `the n-th call fails once`() throws {
        let io = FaultIO(ShadowIO(), [.init(.allocate, call: 2, errorNumber: 28)])
        let file = try file(io)
        try io.allocate(file, byteCount: 10)
        let error = fault { () throws(IOError) in try io.allocate(file, byteCount: 20) }
        #expect(error == IOError(.allocate, name: "", errorNumber: 28, detail: "injected, call 2"))
        #expect(try io.byteCount(of: file) == 10)
        try io.allocate(file, byteCount: 20)
        #expect(io.callCount(.allocate) == 3 && io.callCount(.createFile) == 1 && io.injectedCount == 1)
    }

    @Test func `a permanent fault lasts`() throws {
        let io = FaultIO(ShadowIO(), [.init(.sync, call: 2, errorNumber: 5, isPermanent: true)])
        let file = try file(io)
        try io.sync(file)
        for _ in 0..<3 { #expect(fault { () throws(IOError) in try io.sync(file) }?.errorNumber == 5) }
        io.setPlans([])
        try io.sync(file)
        #expect(io.callCount(.sync) == 5)
    }

    @Test func `a write may fail after its first bytes`() throws {
        let shadow = ShadowIO()
        let io = FaultIO(shadow, [.init(.write, call: 2, errorNumber: 28, writtenByteCount: 5)])
        let file = try file(io)
        try io.put([UInt8](repeating: 1, count: 8), file)
        let (first, second) = (AlignedMemory.filled(2, byteCount: 3), AlignedMemory.filled(3, byteCount: 4))
        defer { withExtendedLifetime((first, second)) {} }
        #expect(
            fault { () throws(IOError) in try io.write(file, at: 1, [first.memory, second.memory]) }?.errorNumber == 28)
        #expect(shadow.contents()["/disk/f"] == [1, 2, 2, 2, 3, 3, 1, 1])
    }

    @Test func `a failed sync loses what it covered on a disk in memory`() throws {
        let shadow = ShadowIO()
        let io = FaultIO(shadow, [.init(.sync, call: 2, errorNumber: 5)])
        let directory = try io.openDirectory(at: "/disk", create: true)
        let file = try io.createFile("f", in: directory)
        try io.allocate(file, byteCount: 100)
        try io.sync(file)
        try io.sync(directory)
        try io.put([UInt8](repeating: 1, count: 100), file)
        #expect(fault { () throws(IOError) in try io.sync(file) } != nil)
        try io.sync(file)
        let state = shadow.crash(.nothing, entropy: SeededEntropy(seed: 1)).contents()
        #expect(state["/disk/f"] == [UInt8](repeating: 0, count: 100))
    }

    @Test func `every kind of call can fail and otherwise reaches the storage below`() throws {
        let kinds: [IOError.Operation] = [
            .openDirectory, .listDirectory, .syncDirectory, .openFile, .createFile, .allocate, .read, .write, .sync,
            .rename, .unlink, .link, .copy, .map, .populate, .lock, .freeSpace,
        ]
        let untouched = FaultIO(ShadowIO())
        try everything(untouched)
        for kind in kinds {
            #expect(untouched.callCount(kind) > 0, "\(kind)")
            let io = FaultIO(ShadowIO(), [.init(kind, call: 1, errorNumber: 5)])
            #expect(fault { () throws(IOError) in try everything(io) }?.operation == kind)
        }
    }

    private func everything(_ io: FaultIO) throws(IOError) {
        let directory = try io.openDirectory(at: "/disk", create: true)
        let inner = try io.openDirectory("inner", in: directory, create: true)
        let file = try io.createFile("f", in: directory)
        _ = try io.lock(file)
        try io.allocate(file, byteCount: 100)
        let memory = AlignedMemory(byteCount: 10)
        defer { withExtendedLifetime(memory) {} }
        try io.write(file, at: 0, [memory.memory])
        io.startReading(file, at: 0, byteCount: 10)
        try io.sync(file)
        _ = try io.read(file, at: 0, into: memory.memory)
        _ = try io.readWithoutWaiting(file, at: 0, into: memory.memory)
        let mapping = try io.map(file, byteCount: 100)
        try io.populate(mapping)
        io.unmap(mapping)
        let copy = try io.createFile("copy", in: directory)
        try io.copy(file, 0..<100, to: copy)
        io.close(copy)
        io.close(file)
        try io.link("copy", in: directory, as: "again", in: directory)
        try io.unlink("again", in: directory)
        try io.unlink("copy", in: directory)
        io.close(try io.openFile("f", in: directory, writable: false))
        try io.rename("f", in: directory, to: "g", in: inner)
        try io.unlink("g", in: inner)
        try io.sync(inner)
        io.close(inner)
        try io.removeDirectory("inner", in: directory)
        _ = try io.list(directory)
        _ = try io.freeSpace(in: directory)
        io.close(directory)
    }
}
