import MillraceIO

/// A file of zeros that is given up when the disk is full, so that the store's own records (trims, deletes) still find room.
final class SpaceReserve: Sendable {
    private let io: any StorageIO
    private let directory: DirectoryHandle
    private let byteCount: Int

    /// Makes the file if there is room for it; without room the store opens all the same.
    init(io: any StorageIO, directory: DirectoryHandle, byteCount: Int) {
        self.io = io
        self.directory = directory
        self.byteCount = byteCount
        restore()
    }

    /// Makes the file again, once there is space: when the store is opened, and when a full disk has space again.
    func restore() {
        guard byteCount > 0, let file = try? io.createFile(FileNames.reserve, in: directory) else { return }
        defer { io.close(file) }
        do { try io.allocate(file, byteCount: byteCount) } catch { _ = release() }
    }

    /// True when there was something to give up.
    func release() -> Bool {
        do {
            try io.unlink(FileNames.reserve, in: directory)
            return true
        } catch {
            return false
        }
    }
}

/// How much room there is on the disk.
package enum SpaceState: Sendable, Equatable {
    case ok
    /// Less than four of the largest segments are left: retention and compaction should hurry.
    case low(availableByteCount: Int)
    /// Some log is refusing appends for want of space; reads, trims and deletes go on.
    case full(availableByteCount: Int)
}
