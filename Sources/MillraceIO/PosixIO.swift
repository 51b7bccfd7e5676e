
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The operating system's files. A class because open files are shared identity; stateless but for their names.
///
/// Directories are made 0700 and files 0600. No symbolic link is followed in the last component of a path or
/// in a name. Calls that a signal interrupted are made again, except syncs: a sync that failed, for whatever
/// reason, is reported once and never repeated here, because the system may have dropped the bytes by then.
package final class PosixIO: StorageIO {
    /// What each open descriptor was opened as, for the text of errors only.
    private let names = Guarded<[Int32: String]>([:])

    package init() {}

    // MARK: Directories

    package func openDirectory(at path: String, create: Bool) throws(IOError) -> DirectoryHandle {
        let path = Self.withoutEndingSlash(path)
        let made = create ? Syscalls.makeDirectory(path, in: AT_FDCWD, mode: 0o700) : -EEXIST
        let handle = try openDirectory(path, below: AT_FDCWD, made: made)
        // The caller has no handle of the parent, so the new name is made durable here.
        if made == 0 {
            do throws(IOError) { try syncParent(of: path) } catch {
                close(handle)
                throw error
            }
        }
        return handle
    }

    package func openDirectory(
        _ name: String, in directory: DirectoryHandle, create: Bool
    ) throws(IOError) -> DirectoryHandle {
        try check(name, .openDirectory)
        let made = create ? Syscalls.makeDirectory(name, in: directory.value, mode: 0o700) : -EEXIST
        return try openDirectory(name, below: directory.value, made: made)
    }

    /// Opens a directory after the attempt to make it, which answered `made`. What already exists was not to be made;
    /// what is missing is so because of that answer.
    private func openDirectory(
        _ path: String, below directory: Int32, made: Int32
    ) throws(IOError) -> DirectoryHandle {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        let file = Syscalls.retrying { Syscalls.open(path, in: directory, flags: flags) }
        guard file >= 0 else {
            let errorNumber = file == -ENOENT && made != -EEXIST && made != 0 ? -made : -file
            throw IOError(.openDirectory, name: path, errorNumber: errorNumber)
        }
        let (status, errorNumber) = Syscalls.status(of: file)
        let fault: IOError? =
            if errorNumber != 0 {
                IOError(.openDirectory, name: path, errorNumber: errorNumber)
            } else if status.st_uid != geteuid() {
                IOError(
                    .permissions, name: path, errorNumber: 0,
                    detail: "directory belongs to user \(status.st_uid), this process runs as user \(geteuid())")
            } else if status.st_mode & 0o022 != 0 {
                IOError(.permissions, name: path, errorNumber: 0, detail: "directory is writable by group or others")
            } else {
                nil
            }
        if let fault {
            _ = Syscalls.close(file)
            throw fault
        }
        return DirectoryHandle(value: remember(file, path))
    }

    func syncParent(of path: String) throws(IOError) {
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let file = Syscalls.retrying { Syscalls.open(parent, in: AT_FDCWD, flags: O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard file >= 0 else { throw IOError(.syncDirectory, name: parent, errorNumber: -file) }
        let result = Syscalls.syncDirectory(file)
        _ = Syscalls.close(file)
        if result < 0 { throw IOError(.syncDirectory, name: parent, errorNumber: -result) }
    }

    package func list(_ directory: DirectoryHandle) throws(IOError) -> [String] {
        // A descriptor of its own, because reading moves its position.
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
        let file = Syscalls.retrying { Syscalls.open(".", in: directory.value, flags: flags) }
        guard file >= 0 else { throw fault(.listDirectory, directory.value, -file) }
        let (names, errorNumber) = Syscalls.names(takingOver: file)
        if errorNumber != 0 { throw fault(.listDirectory, directory.value, errorNumber) }
        return names.filter { $0 != "." && $0 != ".." }
    }

    package func sync(_ directory: DirectoryHandle) throws(IOError) {
        let result = Syscalls.syncDirectory(directory.value)
        if result < 0 { throw fault(.syncDirectory, directory.value, -result) }
    }

    package func close(_ directory: DirectoryHandle) { forget(directory.value) }

    package func removeDirectory(_ name: String, in directory: DirectoryHandle) throws(IOError) {
        try check(name, .unlink)
        let result = Syscalls.remove(name, in: directory.value, flags: AT_REMOVEDIR)
        if result < 0 { throw IOError(.unlink, name: name, errorNumber: -result) }
    }

    package func rename(
        _ name: String, in directory: DirectoryHandle, to newName: String, in newDirectory: DirectoryHandle
    ) throws(IOError) {
        try check(name, .rename)
        try check(newName, .rename)
        let result = Syscalls.rename(name, in: directory.value, to: newName, in: newDirectory.value)
        if result < 0 { throw IOError(.rename, name: name, errorNumber: -result) }
    }

    package func unlink(_ name: String, in directory: DirectoryHandle) throws(IOError) {
        try check(name, .unlink)
        let result = Syscalls.remove(name, in: directory.value, flags: 0)
        if result < 0 { throw IOError(.unlink, name: name, errorNumber: -result) }
    }

    package func freeSpace(
        in directory: DirectoryHandle
    ) throws(IOError) -> (availableByteCount: Int, totalByteCount: Int) {
        let (available, total, errorNumber) = Syscalls.freeSpace(directory.value)
        if errorNumber != 0 { throw fault(.freeSpace, directory.value, errorNumber) }
        return (available, total)
    }

    // MARK: Open files

    package func openFile(_ name: String, in directory: DirectoryHandle, writable: Bool) throws(IOError) -> FileHandle {
        try check(name, .openFile)
        // Without O_NONBLOCK a pipe under this name would hold the call until somebody writes to it.
        let flags = (writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
        let file = Syscalls.retrying { Syscalls.open(name, in: directory.value, flags: flags) }
        guard file >= 0 else { throw IOError(.openFile, name: name, errorNumber: -file) }
        let (status, errorNumber) = Syscalls.status(of: file)
        guard errorNumber == 0, status.st_mode & S_IFMT == S_IFREG else {
            _ = Syscalls.close(file)
            let detail = errorNumber == 0 ? "not a regular file" : ""
            throw IOError(.openFile, name: name, errorNumber: errorNumber, detail: detail)
        }
        return FileHandle(value: remember(file, name))
    }

    package func createFile(_ name: String, in directory: DirectoryHandle) throws(IOError) -> FileHandle {
        try check(name, .createFile)
        let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = Syscalls.retrying { Syscalls.open(name, in: directory.value, flags: flags, mode: 0o600) }
        guard file >= 0 else { throw IOError(.createFile, name: name, errorNumber: -file) }
        return FileHandle(value: remember(file, name))
    }

    package func close(_ file: FileHandle) { forget(file.value) }

    // MARK: Names

    func check(_ name: String, _ operation: IOError.Operation) throws(IOError) {
        if name.isEmpty || name == "." || name == ".." || name.utf8.contains(where: { $0 == 0x2F || $0 == 0 }) {
            throw IOError(operation, name: name, errorNumber: EINVAL, detail: "not a single path component")
        }
    }

    private func remember(_ file: Int32, _ name: String) -> Int32 {
        names.withLock { $0[file] = name }
        return file
    }

    private func forget(_ file: Int32) {
        // Before the close: the system may hand the number out again at once.
        names.withLock { $0[file] = nil }
        _ = Syscalls.close(file)
    }

    /// An error of a call on an open descriptor, with the name it was opened under.
    func fault(
        _ operation: IOError.Operation, _ file: Int32, _ errorNumber: Int32, detail: String = ""
    ) -> IOError {
        IOError(operation, name: names.withLock { $0[file] } ?? "", errorNumber: errorNumber, detail: detail)
    }
}
