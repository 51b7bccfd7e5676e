import MillraceIO

/// Brings into the segments what the commit journal holds, before anything else of a store is read (FORMAT section 11).
///
/// Idempotent, like recovery: a frame is copied to where it belongs and where it stood before; the segments are synced before the
/// journal becomes void.
struct JournalReplay {
    private let io: any StorageIO
    private let root: DirectoryHandle
    private let logs: OpenDirectory
    private let store: StoreFile
    private let entropy: any Entropy

    /// The journal as it may be used again: void. nil when there is none.
    /// - Parameter byteCount: how large a journal the store is to have; one of another size is removed.
    /// - Throws: `io`, `newerFormat`: then everything is as it was, or copied in part.
    static func run(
        io: any StorageIO, root: DirectoryHandle, logs: OpenDirectory, store: StoreFile, entropy: any Entropy, byteCount: Int
    ) throws(LogError) -> (FileHandle, JournalFile)? {
        let handle: FileHandle
        do { handle = try io.openFile(FileNames.journal, in: root, writable: true) } catch {
            if error.isMissing { return nil }
            throw .io(error)
        }
        var isKept = false
        defer { if !isKept { io.close(handle) } }
        let replay = JournalReplay(io: io, root: root, logs: logs, store: store, entropy: entropy)
        let file = try replay.run(handle)
        let isWhole = try systemCall { () throws(IOError) in try io.byteCount(of: handle) == byteCount }
        if let file, file.byteCount == byteCount, isWhole {
            isKept = true
            return (handle, file)
        }
        try systemCall { () throws(IOError) in
            if file == nil, try replay.holdsSomething(handle) {
                // Neither header page validates, which no crash leaves behind: nobody can read it, and it is not destroyed.
                try io.rename(FileNames.journal, in: root, to: FileNames.journal + FileNames.damagedSuffix, in: root)
            } else {
                try io.unlink(FileNames.journal, in: root)
            }
            try io.sync(root)
        }
        return nil
    }

    /// nil when neither header page is valid, or the journal is another store's.
    private func run(_ handle: FileHandle) throws(LogError) -> JournalFile? {
        let byteCount = try systemCall { () throws(IOError) in try io.byteCount(of: handle) }
        guard byteCount >= Format.framesByteOffset else { return nil }
        let memory = try systemCall { () throws(IOError) in try io.map(handle, byteCount: byteCount) }
        defer { io.unmap(memory) }
        try systemCall { () throws(IOError) in try io.populate(memory) }
        guard let file = try JournalFile.decode(memory), file.storeLow == store.storeLow, file.storeHigh == store.storeHigh
        else { return nil }
        let frames = JournalFrame.all(in: memory, of: file)
        if !seeded(.journalClearedEarly) { try copy(frames, from: memory) }
        let next = file.followed(by: entropy.next())
        try systemCall { () throws(IOError) in try CommitJournal.write(next, to: handle, io) }
        if seeded(.journalClearedEarly) { try copy(frames, from: memory) }
        return next
    }

    /// A file that was being made when the power went is zeros, or its first page.
    private func holdsSomething(_ handle: FileHandle) throws(IOError) -> Bool {
        let buffer = AlignedMemory(byteCount: 1 << 20)
        var at = Format.framesByteOffset
        while true {
            let count = try io.read(handle, at: at, into: buffer.memory)
            if count == 0 { return false }
            for place in stride(from: 0, to: count / 8 * 8, by: 8) where buffer.memory.load(UInt64.self, at: place) != 0 { return true }
            at += count
        }
    }

    private func copy(_ frames: [JournalFrame], from memory: Memory) throws(LogError) {
        let byLog = Dictionary(grouping: frames, by: \.logID)
        for (logID, frames) in byLog.sorted(by: { $0.key < $1.key }) {
            let directory = LogDirectory(in: logs, logID: logID, storeLow: store.storeLow, storeHigh: store.storeHigh)
            let bySegment = Dictionary(grouping: frames, by: \.baseOrdinal)
            for (baseOrdinal, frames) in bySegment.sorted(by: { $0.key < $1.key }) {
                try copy(frames, to: SegmentName(baseOrdinal), in: directory, from: memory)
            }
        }
    }

    private func copy(
        _ frames: [JournalFrame], to name: SegmentName, in directory: LogDirectory, from memory: Memory
    ) throws(LogError) {
        let open: OpenSegment
        do throws(LogError) {
            open = try OpenSegment(in: directory, name: name.text, writable: true)
        } catch {
            switch error {
            // The log was removed since, or its segment retired; or the file is too short to be a segment: recovery judges that.
            case .io(let cause) where cause.isMissing: return
            case .corrupt: return
            default: throw error
            }
        }
        let own = try JournalFrame.belonging(frames, to: open, baseOrdinal: name.baseOrdinal, in: directory)
        guard !own.isEmpty else { return }
        try systemCall { () throws(IOError) in
            let buffer = AlignedMemory(byteCount: 1 << 18)
            for frame in own {
                var done = 0
                while done < frame.byteCount {
                    let piece = buffer.memory.slice(0, min(buffer.memory.byteCount, frame.byteCount - done))
                    piece.copy(memory.slice(frame.dataByteOffset + done, piece.byteCount), at: 0)
                    try io.write(open.file, at: frame.byteOffset + done, [piece])
                    done += piece.byteCount
                }
            }
            try io.sync(open.file)
        }
    }
}

extension JournalFrame {
    /// Those that the segment has a place for: in the same life of the file, between its first block and its last page.
    static func belonging(
        _ frames: [JournalFrame], to open: OpenSegment, baseOrdinal: UInt64, in directory: LogDirectory
    ) throws(LogError) -> [JournalFrame] {
        guard let head = try SegmentHead.read(open, in: directory, baseOrdinal: baseOrdinal) else { return [] }
        let salt = head.header.identity.salt, end = open.memory.byteCount - Format.pageByteCount
        return frames.filter { $0.salt == salt && $0.byteOffset + $0.byteCount <= end }
    }
}
