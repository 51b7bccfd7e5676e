import MillraceIO

/// The steps of opening a store that come before any log: lock, identity, generation.
struct StoreOpening {
    let io: any StorageIO
    let root: DirectoryHandle

    /// What an open store holds of its directory.
    struct Handles: Sendable {
        let root: DirectoryHandle
        let pool: DirectoryHandle
        let lock: FileHandle

        func close(_ io: any StorageIO) {
            io.close(pool)
            io.close(lock)
            io.close(root)
        }
    }

    /// Everything before the first log. On an error nothing stays open.
    static func run(
        at path: String, create: Bool, io: any StorageIO, clock: any Clock, entropy: any Entropy,
        configuration: LogConfiguration
    ) throws(LogError) -> (handles: Handles, logs: OpenDirectory, shared: StoreShared) {
        let root = try systemCall { () throws(IOError) in try io.openDirectory(at: path, create: create) }
        var undo: [() -> Void] = [{ io.close(root) }]
        do throws(LogError) {
            let opening = StoreOpening(io: io, root: root)
            let lock = try opening.takeLock()
            undo.append { io.close(lock) }
            let store = try opening.openStoreFile(create: create, clock: clock, entropy: entropy)
            let logs = try systemCall { () throws(IOError) in
                OpenDirectory(io: io, handle: try io.openDirectory(FileNames.logs, in: root, create: true))
            }
            let poolDirectory = try systemCall { () throws(IOError) in
                try io.openDirectory(FileNames.pool, in: root, create: true)
            }
            undo.append { io.close(poolDirectory) }
            try systemCall { () throws(IOError) in
                try io.sync(root)
                // A process that died may have left a log's name in memory only: what is appended to it now must stay.
                try io.sync(logs.handle)
            }
            let left = try JournalReplay.run(
                io: io, root: root, logs: logs, store: store, entropy: entropy, byteCount: configuration.commitJournalByteCount)
            let journal = CommitJournal(
                io: io, root: root, entropy: entropy, store: store, byteCount: configuration.commitJournalByteCount, left: left)
            undo.append { journal.close() }
            let reserve = SpaceReserve(io: io, directory: root, byteCount: configuration.reserveByteCount)
            let pool = try SegmentPool(
                io: io, directory: poolDirectory, reserve: reserve, configuration: configuration)
            let shared = try StoreShared(
                io: io, clock: clock, entropy: entropy, configuration: configuration, store: store,
                generations: GenerationSource(io: io, root: root, store: store), pool: pool, reserve: reserve,
                journal: journal)
            return (Handles(root: root, pool: poolDirectory, lock: lock), logs, shared)
        } catch {
            for close in undo.reversed() { close() }
            throw error
        }
    }

    /// Takes the store's lock and writes this process's id into it.
    func takeLock() throws(LogError) -> FileHandle {
        let file: FileHandle
        do {
            file = try io.createFile(FileNames.lock, in: root)
        } catch {
            guard error.isExisting else { throw .io(error) }
            file = try systemCall { () throws(IOError) in try io.openFile(FileNames.lock, in: root, writable: true) }
        }
        do throws(LogError) {
            let text = AlignedMemory(byteCount: 32)
            guard try systemCall({ () throws(IOError) in try io.lock(file) }) else {
                let count = try systemCall { () throws(IOError) in try io.read(file, at: 0, into: text.memory) }
                let digits = text.memory.slice(0, count).bytes.prefix { $0 >= 48 && $0 <= 57 }
                throw .locked(processID: String(decoding: digits, as: UTF8.self))
            }
            for (index, byte) in "\(ProcessIdentity.current)\n".utf8.prefix(32).enumerated() {
                text.memory.store(byte, at: index)
            }
            try systemCall { () throws(IOError) in try io.write(file, at: 0, [text.memory]) }
            return file
        } catch {
            io.close(file)
            throw error
        }
    }

    /// Reads identity and generation, makes the next generation durable; with `create` a new identity in an empty directory.
    func openStoreFile(
        create: Bool, clock: any Clock, entropy: any Entropy
    ) throws(LogError) -> StoreFile {
        let memory = AlignedMemory(byteCount: StoreFile.byteCount)
        let file: FileHandle
        var store: StoreFile
        do {
            file = try io.openFile(StoreFile.name, in: root, writable: true)
        } catch {
            guard error.isMissing else { throw .io(error) }
            return try createStoreFile(create: create, clock: clock, entropy: entropy)
        }
        defer { io.close(file) }
        let count = try systemCall { () throws(IOError) in try io.read(file, at: 0, into: memory.memory) }
        guard let found = try StoreFile.decode(memory.memory.slice(0, count)) else {
            // A store file that was being made when the power went: nothing can have been stored yet.
            guard create, try isEmptyStore() else {
                throw .notAStore(detail: "the file `store` holds no valid identity")
            }
            try systemCall { () throws(IOError) in try io.unlink(StoreFile.name, in: root) }
            return try createStoreFile(create: create, clock: clock, entropy: entropy)
        }
        store = found
        if StoreFile.generationStep(memory.memory.slice(0, count)) > 1 {
            // The slot that cannot be read may have held the next generation. Both are written, so that the next damage
            // to the same one hides no generation either.
            try GenerationSource.skip(&store)
            try GenerationSource.advance(&store, in: file, io)
        }
        try GenerationSource.advance(&store, in: file, io)
        return store
    }

    private func isEmptyStore() throws(LogError) -> Bool {
        try systemCall { () throws(IOError) in try io.list(root) }
            .allSatisfy { [FileNames.lock, StoreFile.name, FileNames.reserve].contains($0) }
    }

    private func createStoreFile(create: Bool, clock: any Clock, entropy: any Entropy) throws(LogError) -> StoreFile {
        guard create else { throw .notAStore(detail: "there is no file `store`") }
        guard try isEmptyStore() else {
            throw .notAStore(detail: "the directory is not empty and holds no file `store`")
        }
        var store = StoreFile(
            storeLow: entropy.next(), storeHigh: entropy.next(), sequence: 0, generation: 0,
            createdMilliseconds: UInt64(max(0, clock.wallNanoseconds() / 1_000_000)))
        let memory = AlignedMemory(byteCount: StoreFile.byteCount)
        // Both slots from the start, so that an unreadable one always means damage.
        for (sequence, generation) in [(1, 0), (2, 1)] as [(UInt64, UInt64)] {
            store.sequence = sequence
            store.generation = generation
            store.encode(
                into: memory.memory.slice(StoreFile.slotByteOffset(ofSequence: sequence), Format.pageByteCount))
        }
        do {
            let file = try io.createFile(StoreFile.name, in: root)
            defer { io.close(file) }
            try io.allocate(file, byteCount: StoreFile.byteCount)
            try io.write(file, at: 0, [memory.memory])
            try io.sync(file)
            try io.sync(root)
        } catch {
            guard error.isOutOfSpace else { throw .io(error) }
            throw .storageFull(neededByteCount: StoreFile.byteCount, availableByteCount: 0)
        }
        return store
    }
}

extension IOError {
    /// ENOENT.
    var isMissing: Bool { errorNumber == 2 }
    /// EEXIST.
    var isExisting: Bool { errorNumber == 17 }
}
