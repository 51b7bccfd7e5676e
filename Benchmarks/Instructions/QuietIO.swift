import MillraceIO

/// A disk in memory whose calls cost next to nothing, so that what is counted is the engine. With `isDropping` no bytes are
/// kept: for scenarios that never read them back.
final class QuietIO: StorageIO {
    private let base: any StorageIO
    private let isDropping: Bool

    init(_ base: any StorageIO, isDropping: Bool) {
        self.base = base
        self.isDropping = isDropping
    }

    func write(_ file: FileHandle, at byteOffset: Int, _ pieces: [Memory]) throws(IOError) {
        if !isDropping { try base.write(file, at: byteOffset, pieces) }
    }
    func sync(_ file: FileHandle) throws(IOError) { if !isDropping { try base.sync(file) } }

    func openDirectory(at path: String, create: Bool) throws(IOError) -> DirectoryHandle {
        try base.openDirectory(at: path, create: create)
    }
    func openDirectory(_ name: String, in directory: DirectoryHandle, create: Bool) throws(IOError) -> DirectoryHandle {
        try base.openDirectory(name, in: directory, create: create)
    }
    func list(_ directory: DirectoryHandle) throws(IOError) -> [String] { try base.list(directory) }
    func sync(_ directory: DirectoryHandle) throws(IOError) { try base.sync(directory) }
    func close(_ directory: DirectoryHandle) { base.close(directory) }
    func removeDirectory(_ name: String, in directory: DirectoryHandle) throws(IOError) {
        try base.removeDirectory(name, in: directory)
    }
    func openFile(_ name: String, in directory: DirectoryHandle, writable: Bool) throws(IOError) -> FileHandle {
        try base.openFile(name, in: directory, writable: writable)
    }
    func createFile(_ name: String, in directory: DirectoryHandle) throws(IOError) -> FileHandle {
        try base.createFile(name, in: directory)
    }
    func close(_ file: FileHandle) { base.close(file) }
    func byteCount(of file: FileHandle) throws(IOError) -> Int { try base.byteCount(of: file) }
    func allocate(_ file: FileHandle, byteCount: Int) throws(IOError) { try base.allocate(file, byteCount: byteCount) }
    func read(_ file: FileHandle, at byteOffset: Int, into memory: Memory) throws(IOError) -> Int {
        try base.read(file, at: byteOffset, into: memory)
    }
    func readWithoutWaiting(_ file: FileHandle, at byteOffset: Int, into memory: Memory) throws(IOError) -> Int? {
        try base.readWithoutWaiting(file, at: byteOffset, into: memory)
    }
    func startReading(_ file: FileHandle, at byteOffset: Int, byteCount: Int) {}
    func rename(
        _ name: String, in directory: DirectoryHandle, to newName: String, in newDirectory: DirectoryHandle
    ) throws(IOError) { try base.rename(name, in: directory, to: newName, in: newDirectory) }
    func unlink(_ name: String, in directory: DirectoryHandle) throws(IOError) { try base.unlink(name, in: directory) }
    func renameDirectory(at path: String, to newPath: String) throws(IOError) {
        try base.renameDirectory(at: path, to: newPath)
    }
    func removeDirectory(at path: String) throws(IOError) { try base.removeDirectory(at: path) }
    func link(
        _ name: String, in directory: DirectoryHandle, as newName: String, in newDirectory: DirectoryHandle
    ) throws(IOError) { try base.link(name, in: directory, as: newName, in: newDirectory) }
    func nameCount(of file: FileHandle) throws(IOError) -> Int { try base.nameCount(of: file) }
    func copy(_ source: FileHandle, _ range: Range<Int>, to target: FileHandle) throws(IOError) {
        try base.copy(source, range, to: target)
    }
    func map(_ file: FileHandle, byteCount: Int) throws(IOError) -> Memory { try base.map(file, byteCount: byteCount) }
    func unmap(_ memory: Memory) { base.unmap(memory) }
    func populate(_ memory: Memory) throws(IOError) { try base.populate(memory) }
    func lock(_ file: FileHandle) throws(IOError) -> Bool { try base.lock(file) }
    func freeSpace(in directory: DirectoryHandle) throws(IOError) -> (availableByteCount: Int, totalByteCount: Int) {
        try base.freeSpace(in: directory)
    }
}
