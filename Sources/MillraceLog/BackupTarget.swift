import MillraceIO

/// The directory that a backup is written into, under a name of its own until it is whole. Used by one thread.
///
/// It is `<path>.partial-<16 hex digits>` beside the place where the backup will stand, and becomes that by one rename,
/// when everything in it is synced. A crash leaves it under the first name, which nobody takes for a backup.
final class BackupTarget {
    let io: any StorageIO
    let path: String
    let partialPath: String
    private let root: DirectoryHandle
    private let logs: DirectoryHandle
    private var isOpen = true

    /// - Throws: `io` when something stands at `path` that is no empty directory, or the new directory cannot be made:
    ///   then nothing is left.
    init(path: String, io: any StorageIO, entropy: any Entropy) throws(LogError) {
        // Behind a slash at the end the other name would be one inside.
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.io = io
        self.path = path
        try Self.requireNothing(at: path, io)
        (partialPath, root) = try Self.makePartial(path, io, entropy)
        do {
            logs = try io.openDirectory(FileNames.logs, in: root, create: true)
        } catch {
            io.close(root)
            try? io.removeDirectory(at: partialPath)
            throw .io(error)
        }
    }

    private static func requireNothing(at path: String, _ io: any StorageIO) throws(LogError) {
        let handle: DirectoryHandle
        do { handle = try io.openDirectory(at: path, create: false) } catch {
            if error.isMissing { return }
            throw .io(error)
        }
        defer { io.close(handle) }
        guard try systemCall({ () throws(IOError) in try io.list(handle) }).isEmpty else {
            throw .io(IOError(.openDirectory, name: path, errorNumber: 0, detail: "the destination of a backup exists and is not empty"))
        }
    }

    /// A name that nothing has yet: one from chance may be taken only where chance repeats itself.
    private static func makePartial(
        _ path: String, _ io: any StorageIO, _ entropy: any Entropy
    ) throws(LogError) -> (String, DirectoryHandle) {
        for _ in 0..<16 {
            let partial = "\(path).partial-\(FileNames.log(entropy.next()))"
            let handle = try systemCall { () throws(IOError) in try io.openDirectory(at: partial, create: true) }
            do {
                if try io.list(handle).isEmpty { return (partial, handle) }
            } catch {
                io.close(handle)
                try? io.removeDirectory(at: partial)
                throw .io(error)
            }
            io.close(handle)
        }
        throw .io(IOError(.openDirectory, name: path, errorNumber: 0, detail: "every name tried for an unfinished backup is taken"))
    }

    /// The directory of one log, empty; the caller closes it.
    func makeLog(_ id: UInt64) throws(IOError) -> DirectoryHandle {
        try io.openDirectory(FileNames.log(id), in: logs, create: true)
    }

    /// Writes the store file, with which the directory is a store, and syncs every directory that is not synced yet.
    func seal(_ store: StoreFile) throws(IOError) {
        let pages = AlignedMemory(byteCount: StoreFile.byteCount)
        for sequence in [store.sequence, store.sequence + 1] {
            var slot = store
            slot.sequence = sequence
            slot.encode(into: pages.memory.slice(StoreFile.slotByteOffset(ofSequence: sequence), Format.pageByteCount))
        }
        try io.sync(logs)
        let file = try io.createFile(StoreFile.name, in: root)
        defer { io.close(file) }
        try io.allocate(file, byteCount: StoreFile.byteCount)
        try io.write(file, at: 0, [pages.memory])
        try io.sync(file)
        try io.sync(root)
    }

    /// Gives the directory its name, durable when this returns.
    func publish() throws(IOError) {
        letGo()
        try io.renameDirectory(at: partialPath, to: path)
    }

    /// Removes what was written. What cannot be removed is left under the name that nobody takes for a backup. Where it
    /// has its final name already, and only that is not known durable, it stays.
    func discard() {
        letGo()
        guard let root = try? io.openDirectory(at: partialPath, create: false) else { return }
        if let logs = try? io.openDirectory(FileNames.logs, in: root, create: false) {
            for name in (try? io.list(logs)) ?? [] {
                guard let log = try? io.openDirectory(name, in: logs, create: false) else { continue }
                for file in (try? io.list(log)) ?? [] { try? io.unlink(file, in: log) }
                io.close(log)
                try? io.removeDirectory(name, in: logs)
            }
            io.close(logs)
            try? io.removeDirectory(FileNames.logs, in: root)
        }
        try? io.unlink(StoreFile.name, in: root)
        io.close(root)
        try? io.removeDirectory(at: partialPath)
    }

    private func letGo() {
        guard isOpen else { return }
        isOpen = false
        io.close(logs)
        io.close(root)
    }

    deinit { letGo() }
}
