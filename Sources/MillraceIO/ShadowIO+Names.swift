#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

// Directories and names of a `ShadowIO`.
extension ShadowIO {
    /// Every path is a disk of its own whose root is durable: paths are not taken apart.
    package func openDirectory(at path: String, create: Bool) throws(IOError) -> DirectoryHandle {
        try enter(.openDirectory, path)
        return try locked { () throws(IOError) in
            if roots[path] == nil {
                if !create { throw IOError(.openDirectory, name: path, errorNumber: ENOENT) }
                roots[path] = ShadowDirectory()
            }
            return open(roots[path]!, path)
        }
    }

    package func openDirectory(
        _ name: String, in directory: DirectoryHandle, create: Bool
    ) throws(IOError) -> DirectoryHandle {
        try enter(.openDirectory, name)
        return try locked { () throws(IOError) in
            let parent = try self.directory(directory, .openDirectory)
            switch parent.current[name] {
            case .directory(let found): return open(found, name)
            case .file: throw IOError(.openDirectory, name: name, errorNumber: ENOTDIR)
            case nil:
                if !create { throw IOError(.openDirectory, name: name, errorNumber: ENOENT) }
                try check(name, .openDirectory)
                let made = ShadowDirectory()
                changes.apply([.init(directory: parent, name: name, node: .directory(made))])
                return open(made, name)
            }
        }
    }

    package func list(_ directory: DirectoryHandle) throws(IOError) -> [String] {
        try enter(.listDirectory, name(of: directory))
        return try locked { () throws(IOError) in
            // Sorted, so that the same seed gives the same run.
            try self.directory(directory, .listDirectory).current.keys.sorted()
        }
    }

    package func sync(_ directory: DirectoryHandle) throws(IOError) {
        try enter(.syncDirectory, name(of: directory))
        try locked { () throws(IOError) in changes.sync(try self.directory(directory, .syncDirectory)) }
    }

    package func close(_ directory: DirectoryHandle) { locked { directories[directory.value] = nil } }

    package func removeDirectory(_ name: String, in directory: DirectoryHandle) throws(IOError) {
        try enter(.unlink, name)
        try locked { () throws(IOError) in
            let parent = try self.directory(directory, .unlink)
            switch parent.current[name] {
            case .directory(let found) where found.current.isEmpty:
                changes.apply([.init(directory: parent, name: name, node: nil)])
            case .directory: throw IOError(.unlink, name: name, errorNumber: ENOTEMPTY)
            case .file: throw IOError(.unlink, name: name, errorNumber: ENOTDIR)
            case nil: throw IOError(.unlink, name: name, errorNumber: ENOENT)
            }
        }
    }

    package func openFile(_ name: String, in directory: DirectoryHandle, writable: Bool) throws(IOError) -> FileHandle {
        try enter(.openFile, name)
        return try locked { () throws(IOError) in
            switch try self.directory(directory, .openFile).current[name] {
            case .file(let file): return open(file, name, isWritable: writable)
            case .directory: throw IOError(.openFile, name: name, errorNumber: 0, detail: "not a regular file")
            case nil: throw IOError(.openFile, name: name, errorNumber: ENOENT)
            }
        }
    }

    package func createFile(_ name: String, in directory: DirectoryHandle) throws(IOError) -> FileHandle {
        try enter(.createFile, name)
        return try locked { () throws(IOError) in
            let parent = try self.directory(directory, .createFile)
            try check(name, .createFile)
            if parent.current[name] != nil { throw IOError(.createFile, name: name, errorNumber: EEXIST) }
            fileCount += 1
            let file = ShadowFile(number: fileCount)
            changes.apply([.init(directory: parent, name: name, node: .file(file))])
            return open(file, name, isWritable: true)
        }
    }

    package func rename(
        _ name: String, in directory: DirectoryHandle, to newName: String, in newDirectory: DirectoryHandle
    ) throws(IOError) {
        try enter(.rename, name)
        try locked { () throws(IOError) in
            let source = try self.directory(directory, .rename)
            let target = try self.directory(newDirectory, .rename)
            guard let node = source.current[name] else { throw IOError(.rename, name: name, errorNumber: ENOENT) }
            try check(newName, .rename)
            if source === target, name == newName { return }
            let replaced = target.current[newName]
            switch (node, replaced) {
            case (.file, .directory): throw IOError(.rename, name: newName, errorNumber: EISDIR)
            case (.directory, .file): throw IOError(.rename, name: newName, errorNumber: ENOTDIR)
            case (_, .directory(let old)) where !old.current.isEmpty:
                throw IOError(.rename, name: newName, errorNumber: ENOTEMPTY)
            default: break
            }
            changes.apply([
                .init(directory: source, name: name, node: nil),
                .init(directory: target, name: newName, node: node),
            ])
            if let file = replaced?.file { unname(file) }
        }
    }

    package func unlink(_ name: String, in directory: DirectoryHandle) throws(IOError) {
        try enter(.unlink, name)
        try locked { () throws(IOError) in
            let parent = try self.directory(directory, .unlink)
            switch parent.current[name] {
            case .file(let file):
                changes.apply([.init(directory: parent, name: name, node: nil)])
                unname(file)
            case .directory: throw IOError(.unlink, name: name, errorNumber: EISDIR)
            case nil: throw IOError(.unlink, name: name, errorNumber: ENOENT)
            }
        }
    }

    package func link(
        _ name: String, in directory: DirectoryHandle, as newName: String, in newDirectory: DirectoryHandle
    ) throws(IOError) {
        try enter(.link, name)
        try locked { () throws(IOError) in
            let source = try self.directory(directory, .link)
            let target = try self.directory(newDirectory, .link)
            try check(newName, .link)
            switch source.current[name] {
            case .file(let file):
                if target.current[newName] != nil { throw IOError(.link, name: newName, errorNumber: EEXIST) }
                changes.apply([.init(directory: target, name: newName, node: .file(file))])
                file.nameCount += 1
            case .directory: throw IOError(.link, name: name, errorNumber: EPERM)
            case nil: throw IOError(.link, name: name, errorNumber: ENOENT)
            }
        }
    }

    /// Durable at once, as a path's root is.
    package func renameDirectory(at path: String, to newPath: String) throws(IOError) {
        try enter(.rename, path)
        try locked { () throws(IOError) in
            guard let root = roots[path] else { throw IOError(.rename, name: path, errorNumber: ENOENT) }
            if let other = roots[newPath], !other.current.isEmpty {
                throw IOError(.rename, name: newPath, errorNumber: ENOTEMPTY)
            }
            roots[path] = nil
            roots[newPath] = root
        }
    }

    package func removeDirectory(at path: String) throws(IOError) {
        try enter(.unlink, path)
        try locked { () throws(IOError) in
            guard let root = roots[path] else { throw IOError(.unlink, name: path, errorNumber: ENOENT) }
            if !root.current.isEmpty { throw IOError(.unlink, name: path, errorNumber: ENOTEMPTY) }
            roots[path] = nil
        }
    }

    package func freeSpace(
        in directory: DirectoryHandle
    ) throws(IOError) -> (availableByteCount: Int, totalByteCount: Int) {
        try enter(.freeSpace, name(of: directory))
        let capacity = capacityByteCount
        return locked { (max(0, capacity - usedByteCount), capacity) }
    }

    // MARK: Handles and names

    private func open(_ directory: ShadowDirectory, _ name: String) -> DirectoryHandle {
        let handle = newHandle()
        directories[handle] = (directory, name)
        return DirectoryHandle(value: handle)
    }

    private func open(_ file: ShadowFile, _ name: String, isWritable: Bool) -> FileHandle {
        let handle = newHandle()
        file.openCount += 1
        files[handle] = (file, name, isWritable)
        return FileHandle(value: handle)
    }

    private func unname(_ file: ShadowFile) {
        file.nameCount -= 1
        release(file)
    }

    private func directory(_ handle: DirectoryHandle, _ operation: IOError.Operation) throws(IOError) -> ShadowDirectory
    {
        guard let found = directories[handle.value] else { throw IOError(operation, name: "", errorNumber: EBADF) }
        return found.directory
    }

    private func name(of handle: DirectoryHandle) -> String { locked { directories[handle.value]?.name ?? "" } }

    private func check(_ name: String, _ operation: IOError.Operation) throws(IOError) {
        if name.isEmpty || name == "." || name == ".." || name.utf8.contains(where: { $0 == 0x2F || $0 == 0 }) {
            throw IOError(operation, name: name, errorNumber: EINVAL, detail: "not a single path component")
        }
    }
}
