#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

// Second names, copies and whole directories: what a backup asks of `PosixIO`.
extension PosixIO {
    /// What one call of the system is asked to copy at most, so that a signal or an error comes through in time.
    private static let greatestCopyByteCount = 64 << 20

    package func link(
        _ name: String, in directory: DirectoryHandle, as newName: String, in newDirectory: DirectoryHandle
    ) throws(IOError) {
        try check(name, .link)
        try check(newName, .link)
        let result = Syscalls.link(name, in: directory.value, to: newName, in: newDirectory.value)
        if result < 0 { throw IOError(.link, name: name, errorNumber: -result) }
    }

    package func nameCount(of file: FileHandle) throws(IOError) -> Int {
        let (status, errorNumber) = Syscalls.status(of: file.value)
        if errorNumber != 0 { throw fault(.read, file.value, errorNumber) }
        return Int(status.st_nlink)
    }

    /// The system copies by itself, sharing blocks where the file system can, else through a buffer of 1 MiB.
    package func copy(_ source: FileHandle, _ range: Range<Int>, to target: FileHandle) throws(IOError) {
        var at = range.lowerBound
        while at < range.upperBound {
            let byteCount = min(range.upperBound - at, Self.greatestCopyByteCount)
            let count = Syscalls.retrying {
                Syscalls.copyRange(source.value, to: target.value, at: at, byteCount: byteCount)
            }
            if count > 0 {
                at += count
                continue
            }
            // Nothing copied is the source's end, or a file system that does not say what it cannot: reading tells.
            guard count == 0 || Self.asksForBuffer(Int32(-count)) else { throw fault(.copy, target.value, Int32(-count)) }
            return try copyThroughBuffer(source, at..<range.upperBound, to: target)
        }
    }

    /// The two files are on different file systems, or the call is not known here.
    private static func asksForBuffer(_ errorNumber: Int32) -> Bool {
        [EXDEV, ENOSYS, EOPNOTSUPP, EINVAL, EPERM].contains(errorNumber)
    }

    package func copyThroughBuffer(
        _ source: FileHandle, _ range: Range<Int>, to target: FileHandle
    ) throws(IOError) {
        let buffer = AlignedMemory(byteCount: min(max(range.count, 1), 1 << 20))
        try buffer.withMemory { memory throws(IOError) in
            var at = range.lowerBound
            while at < range.upperBound {
                let piece = memory.slice(0, min(memory.byteCount, range.upperBound - at))
                guard try read(source, at: at, into: piece) == piece.byteCount else {
                    throw fault(.copy, source.value, 0, detail: "the file ends before byte \(range.upperBound)")
                }
                try write(target, at: at, [piece])
                at += piece.byteCount
            }
        }
    }

    package func renameDirectory(at path: String, to newPath: String) throws(IOError) {
        let (path, newPath) = (Self.withoutEndingSlash(path), Self.withoutEndingSlash(newPath))
        let result = Syscalls.rename(path, in: AT_FDCWD, to: newPath, in: AT_FDCWD)
        if result < 0 { throw IOError(.rename, name: newPath, errorNumber: -result) }
        // The caller has no handle of the parents.
        try syncParent(of: newPath)
        try syncParent(of: path)
    }

    package func removeDirectory(at path: String) throws(IOError) {
        let result = Syscalls.remove(Self.withoutEndingSlash(path), in: AT_FDCWD, flags: AT_REMOVEDIR)
        if result < 0 { throw IOError(.unlink, name: path, errorNumber: -result) }
    }

    /// A slash at the end would make the system follow a link that stands there.
    static func withoutEndingSlash(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}
