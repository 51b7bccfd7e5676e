import MillraceIO

/// What a store's commit journal holds, read without changing anything: for those who look at a store as its next opening will find it.
/// A class because it keeps the file mapped.
final class JournalContents {
    let file: JournalFile?
    private let io: any StorageIO
    private let memory: Memory
    private var frames: [UInt64: [UInt64: [JournalFrame]]] = [:]

    /// nil when there is no journal.
    /// - Throws: `io`, `newerFormat`.
    init?(in root: DirectoryHandle, _ store: StoreFile, _ io: any StorageIO) throws(LogError) {
        let handle: FileHandle
        do { handle = try io.openFile(FileNames.journal, in: root, writable: false) } catch {
            if error.isMissing { return nil }
            throw .io(error)
        }
        defer { io.close(handle) }
        self.io = io
        let memory = try systemCall { () throws(IOError) in try io.map(handle, byteCount: try io.byteCount(of: handle)) }
        do throws(LogError) {
            try systemCall { () throws(IOError) in try io.populate(memory) }
            file = try JournalFile.decode(memory).flatMap { $0.storeLow == store.storeLow && $0.storeHigh == store.storeHigh ? $0 : nil }
        } catch {
            io.unmap(memory)
            throw error
        }
        self.memory = memory
        for frame in file.map({ JournalFrame.all(in: memory, of: $0) }) ?? [] {
            frames[frame.logID, default: [:]][frame.baseOrdinal, default: []].append(frame)
        }
    }

    deinit { io.unmap(memory) }

    /// The segment's bytes as they are with what the journal holds of them; nil when it holds nothing that they do not.
    func copy(of open: OpenSegment, baseOrdinal: UInt64, in directory: LogDirectory) throws(LogError) -> AlignedMemory? {
        guard let candidates = frames[directory.logID]?[baseOrdinal] else { return nil }
        let differing = try JournalFrame.belonging(candidates, to: open, baseOrdinal: baseOrdinal, in: directory).filter { frame in
            !memory.slice(frame.dataByteOffset, frame.byteCount).isEqual(to: open.memory.slice(frame.byteOffset, frame.byteCount))
        }
        guard !differing.isEmpty else { return nil }
        let copy = AlignedMemory(byteCount: open.memory.byteCount)
        copy.memory.copy(try open.resident(0, open.memory.byteCount), at: 0)
        for frame in differing { copy.memory.copy(memory.slice(frame.dataByteOffset, frame.byteCount), at: frame.byteOffset) }
        return copy
    }
}
