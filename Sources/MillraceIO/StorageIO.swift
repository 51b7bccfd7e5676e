/// The seam between the engine and the world: every file, mapping and lock the engine touches goes through here.
///
/// `PosixIO` is the real one, `ShadowIO` a disk in memory that can crash, `FaultIO` makes any of them fail.
/// The seam stands outside the byte path: one call per block run, sync or file, never per record, so that
/// production and simulation run the same append, recovery and read code.
///
/// Directories and files are named by handles, names are single path components (no `/`, not `.` or `..`);
/// nothing follows a symbolic link. All methods may be called from any thread. Offsets and counts are bytes.
package protocol StorageIO: AnyObject, Sendable {
    /// Opens the directory at `path`; with `create` makes it (0700) when it is missing, parents excluded.
    /// - Throws: `.permissions` when it belongs to another user or is writable by group or others.
    func openDirectory(at path: String, create: Bool) throws(IOError) -> DirectoryHandle
    /// The same for a name inside an open directory.
    func openDirectory(_ name: String, in directory: DirectoryHandle, create: Bool) throws(IOError) -> DirectoryHandle
    /// The names in a directory, without `.` and `..`, in no particular order. O(names).
    func list(_ directory: DirectoryHandle) throws(IOError) -> [String]
    /// Makes every name created, renamed or removed in the directory so far survive power loss.
    func sync(_ directory: DirectoryHandle) throws(IOError)
    func close(_ directory: DirectoryHandle)
    /// Removes an empty directory.
    func removeDirectory(_ name: String, in directory: DirectoryHandle) throws(IOError)

    /// Opens an existing regular file. ENOENT when there is none.
    func openFile(_ name: String, in directory: DirectoryHandle, writable: Bool) throws(IOError) -> FileHandle
    /// Creates a file (0600) that must not exist. EEXIST when it does.
    func createFile(_ name: String, in directory: DirectoryHandle) throws(IOError) -> FileHandle
    func close(_ file: FileHandle)
    /// The file's length in bytes.
    func byteCount(of file: FileHandle) throws(IOError) -> Int
    /// Sets the length and reserves the space: afterwards no write inside it fails for want of space. ENOSPC otherwise.
    func allocate(_ file: FileHandle, byteCount: Int) throws(IOError)
    /// Fills `memory` from `byteOffset` on; fewer bytes only at the end of the file. Returns how many.
    func read(_ file: FileHandle, at byteOffset: Int, into memory: Memory) throws(IOError) -> Int
    /// The same, but only if no device has to be waited for; nil otherwise.
    func readWithoutWaiting(_ file: FileHandle, at byteOffset: Int, into memory: Memory) throws(IOError) -> Int?
    /// Writes the pieces one after the other from `byteOffset` on, all of them or an error.
    func write(_ file: FileHandle, at byteOffset: Int, _ pieces: [Memory]) throws(IOError)
    /// Makes all bytes written so far, and the length they need, survive power loss (fdatasync).
    func sync(_ file: FileHandle) throws(IOError)
    /// Has the range brought into memory while the caller goes on, and nothing around it: where a mapping is touched first, the kernel reads
    /// as much around as the device's read-ahead says, up to some MiB. A hint.
    func startReading(_ file: FileHandle, at byteOffset: Int, byteCount: Int)

    /// Renames within or between directories, replacing what stood there. Atomic; durable after both are synced.
    func rename(_ name: String, in directory: DirectoryHandle, to newName: String, in newDirectory: DirectoryHandle) throws(IOError)
    func unlink(_ name: String, in directory: DirectoryHandle) throws(IOError)
    /// Renames a directory to a path where nothing stands, or an empty directory. Atomic, and durable when this returns. After an
    /// error it may have happened all the same.
    /// - Throws: ENOTEMPTY or EEXIST when something stands there, EXDEV for another file system.
    func renameDirectory(at path: String, to newPath: String) throws(IOError)
    /// Removes an empty directory by its path. Syncs nothing.
    func removeDirectory(at path: String) throws(IOError)

    /// Gives a file one more name on its file system: both are names of the same bytes from then on. Durable once the new name's
    /// directory is synced.
    /// - Throws: EEXIST when the name is taken; EXDEV for another file system; EPERM, EOPNOTSUPP or EMLINK where the file system
    ///   gives no file another name, or this one no more.
    func link(
        _ name: String, in directory: DirectoryHandle, as newName: String, in newDirectory: DirectoryHandle
    ) throws(IOError)
    /// How many names an open file has at this moment; 0 when only those who have it open keep it.
    func nameCount(of file: FileHandle) throws(IOError) -> Int
    /// Copies a range to the same place of another file, which may be on another file system. All of it, or an error.
    func copy(_ source: FileHandle, _ range: Range<Int>, to target: FileHandle) throws(IOError)

    /// Maps the first `byteCount` bytes of the file for reading; later writes to the file show through.
    func map(_ file: FileHandle, byteCount: Int) throws(IOError) -> Memory
    func unmap(_ memory: Memory)
    /// Brings a stretch of a mapping into memory; an unreadable page is an error, not a signal.
    func populate(_ memory: Memory) throws(IOError)

    /// Takes the file's exclusive lock for as long as it is open; false when someone else holds it.
    func lock(_ file: FileHandle) throws(IOError) -> Bool
    /// Bytes that an unprivileged writer can still allocate, and the file system's size.
    func freeSpace(in directory: DirectoryHandle) throws(IOError) -> (availableByteCount: Int, totalByteCount: Int)
}

extension StorageIO {
    /// Writes zeros over a range, in pieces of 64 KiB.
    ///
    /// The page cache of a file system with large folios (ext4 since Linux 6.16) keeps what one call wrote in one folio, and each later
    /// write into that walks over all its blocks: a small one costs 4.8 us in a file that was zeroed by calls of 1 MiB, and
    /// 1.1 us here. Smaller pieces gain nothing more, and slow down large writes and reads (decision 0018).
    package func writeZeros(_ file: FileHandle, _ range: Range<Int>) throws(IOError) {
        var at = range.lowerBound
        while at < range.upperBound {
            let piece = zeros.memory.slice(0, min(zeros.memory.byteCount, range.upperBound - at))
            try write(file, at: at, [piece])
            at += piece.byteCount
        }
    }

    /// The same, synced: each piece of 4 MiB before the next is written, so that a sync of somebody else waits for one of them and not for all.
    package func writeSyncedZeros(_ file: FileHandle, _ range: Range<Int>) throws(IOError) {
        var at = range.lowerBound
        repeat {
            let end = min(at + (4 << 20), range.upperBound)
            try writeZeros(file, at..<end)
            try sync(file)
            at = end
        } while at < range.upperBound
    }
}
/// Nobody writes into it.
private let zeros = AlignedMemory(byteCount: 64 << 10)

/// An open directory of one `StorageIO`.
package struct DirectoryHandle: Hashable, Sendable {
    package let value: Int32
    package init(value: Int32) { self.value = value }
}

/// An open file of one `StorageIO`.
package struct FileHandle: Hashable, Sendable {
    package let value: Int32
    package init(value: Int32) { self.value = value }
}
