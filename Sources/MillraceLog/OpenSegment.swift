package import MillraceIO

/// A segment file that is open and mapped. Closes when the last holder lets go, so a lent view stays valid whatever
/// becomes of the file's name. A class because cursors, the cache of open files and the writer share it.
package final class OpenSegment: Sendable {
    package let io: any StorageIO
    package let file: FileHandle
    package let name: String
    /// The whole file, mapped for reading. Later writes show through.
    package let memory: Memory

    init(io: any StorageIO, file: FileHandle, name: String, byteCount: Int) throws(LogError) {
        self.io = io
        self.file = file
        self.name = name
        do {
            memory = try io.map(file, byteCount: byteCount)
        } catch {
            io.close(file)
            throw .io(error)
        }
    }

    /// Opens and maps an existing segment of a log.
    convenience init(in directory: LogDirectory, name: String, writable: Bool) throws(LogError) {
        let open = try systemCall { () throws(IOError) in try directory.open() }
        defer { withExtendedLifetime(open) {} }
        try self.init(io: directory.io, directory: open.handle, name: name, writable: writable)
    }

    /// Opens and maps an existing segment.
    convenience init(io: any StorageIO, directory: DirectoryHandle, name: String, writable: Bool) throws(LogError) {
        let file = try systemCall { () throws(IOError) in try io.openFile(name, in: directory, writable: writable) }
        let byteCount: Int
        do {
            byteCount = try io.byteCount(of: file)
        } catch {
            io.close(file)
            throw .io(error)
        }
        guard byteCount >= Format.blocksByteOffset else {
            io.close(file)
            throw .corrupt(file: name, byteOffset: byteCount, detail: "the file is too short for a segment")
        }
        try self.init(io: io, file: file, name: name, byteCount: byteCount)
    }

    deinit {
        io.unmap(memory)
        io.close(file)
    }

    /// The bytes of a range, made resident first: afterwards a read does not wait for a device.
    /// - Parameter isAlone: what stands around it is not needed soon.
    func resident(_ byteOffset: Int, _ byteCount: Int, isAlone: Bool = false) throws(LogError) -> Memory {
        if isAlone, byteCount > 0 { io.startReading(file, at: byteOffset, byteCount: byteCount) }
        let slice = memory.slice(byteOffset, byteCount)
        do {
            try io.populate(slice)
        } catch {
            throw .io(IOError(.populate, name: name, errorNumber: error.errorNumber, detail: "bytes \(byteOffset)..<\(byteOffset + byteCount)"))
        }
        return slice
    }
}
