import MillraceIO

/// Puts what one disk holds onto another one, for example a disk in memory onto a real one.
enum DiskCopy {
    /// Copies the tree below `from` of one disk to the directory `to` of another, which must not exist; its parent must. Syncs nothing.
    static func copy(_ disk: any StorageIO, _ from: String, onto other: any StorageIO, _ to: String) throws(IOError) {
        let source = try disk.openDirectory(at: from, create: false)
        defer { disk.close(source) }
        let target = try other.openDirectory(at: to, create: true)
        defer { other.close(target) }
        try copy(disk, source, onto: other, target)
    }

    private static func copy(
        _ disk: any StorageIO, _ source: DirectoryHandle, onto other: any StorageIO, _ target: DirectoryHandle
    ) throws(IOError) {
        for name in try disk.list(source) {
            let file: FileHandle
            do { file = try disk.openFile(name, in: source, writable: false) } catch {
                let below = try disk.openDirectory(name, in: source, create: false)
                defer { disk.close(below) }
                let made = try other.openDirectory(name, in: target, create: true)
                defer { other.close(made) }
                try copy(disk, below, onto: other, made)
                continue
            }
            defer { disk.close(file) }
            let bytes = AlignedMemory(byteCount: try disk.byteCount(of: file))
            let count = try disk.read(file, at: 0, into: bytes.memory)
            let made = try other.createFile(name, in: target)
            defer { other.close(made) }
            if count > 0 { try other.write(made, at: 0, [bytes.memory.slice(0, count)]) }
        }
    }
}
