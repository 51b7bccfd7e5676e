import MillraceIO

/// A file of final size that reads as zeros, synced: ready to become a segment.
struct PreparedFile: Sendable {
    let file: FileHandle
    let name: String
    let byteCount: Int
}

/// Prepares segment files off the append path.
///
/// For a log whose producers wait for durability the file is written whole with zeros and synced before use: a sync over
/// written pages costs the device one write, over pages only allocated two. For the others it is only allocated: writing it
/// twice took a third of the processor of a bulk load. Any thread; preparing happens outside the lock.
final class SegmentPool: Sendable {
    let directory: DirectoryHandle
    private let io: any StorageIO
    private let reserve: SpaceReserve
    private let state: Guarded<State>
    /// One for all pools: nobody writes into it.
    private static let zeros = AlignedMemory(byteCount: 1 << 20)

    private struct Wanted {
        let byteCount: Int
        let isZeroed: Bool
    }
    private struct State {
        var ready: [PreparedFile] = []
        var wanted: [Wanted] = []
        var number: UInt64 = 0
    }

    /// Removes what an earlier life of the store left: whether it was synced is not known.
    init(io: any StorageIO, directory: DirectoryHandle, reserve: SpaceReserve) throws(LogError) {
        self.io = io
        self.reserve = reserve
        self.directory = directory
        state = Guarded(State())
        for name in try systemCall({ () throws(IOError) in try io.list(directory) }) where FileNames.spare(name) != nil {
            try systemCall { () throws(IOError) in try io.unlink(name, in: directory) }
        }
        // A process that died may have moved a file from here into a log: that is durable once both directories are synced,
        // and recovery syncs the log's.
        try systemCall { () throws(IOError) in try io.sync(directory) }
    }

    func close() {
        let ready = state.withLock { state in
            defer { state.ready = [] }
            return state.ready
        }
        for prepared in ready {
            io.close(prepared.file)
            // Left behind at worst: the next open removes it.
            try? io.unlink(prepared.name, in: directory)
        }
    }

    /// A prepared file of that size: a ready one, or one made now.
    /// With `mayUseReserve` the store's reserve is given up when the disk is full.
    /// - Throws: `storageFull`, with nothing left behind; `io`.
    func take(byteCount: Int, isZeroed: Bool, mayUseReserve: Bool) throws(LogError) -> PreparedFile {
        let ready = state.withLock { state -> PreparedFile? in
            guard let index = state.ready.firstIndex(where: { $0.byteCount == byteCount }) else { return nil }
            return state.ready.remove(at: index)
        }
        if let ready { return ready }
        // Somebody waits for this one: a large file is not written first.
        let isZeroed = isZeroed && byteCount <= Self.greatestZeroedInline
        do throws(LogError) {
            return try prepare(byteCount: byteCount, isZeroed: isZeroed)
        } catch {
            guard case .storageFull = error, mayUseReserve, reserve.release() else { throw error }
            return try prepare(byteCount: byteCount, isZeroed: isZeroed)
        }
    }

    /// Asks for a file that will be needed soon. A segment asks once, for its successor.
    func want(byteCount: Int, isZeroed: Bool) {
        state.withLock { $0.wanted.append(Wanted(byteCount: byteCount, isZeroed: isZeroed)) }
    }

    var hasWork: Bool { state.withLock { !$0.wanted.isEmpty } }

    /// Prepares one wanted file. False when none is wanted.
    func prepareStep() throws(LogError) -> Bool {
        guard let wanted = state.withLock({ $0.wanted.popLast() }) else { return false }
        let prepared = try prepare(byteCount: wanted.byteCount, isZeroed: wanted.isZeroed)
        state.withLock { $0.ready.append(prepared) }
        return true
    }

    private static let greatestZeroedInline = 1 << 20

    private func prepare(byteCount: Int, isZeroed: Bool) throws(LogError) -> PreparedFile {
        let number = state.withLock { state in
            state.number += 1
            return state.number
        }
        let name = FileNames.spare(byteCount: byteCount, number: number)
        let file = try systemCall { () throws(IOError) in try io.createFile(name, in: directory) }
        do {
            try io.allocate(file, byteCount: byteCount)
            var written = 0
            while isZeroed, written < byteCount {
                let step = min(Self.zeros.memory.byteCount, byteCount - written)
                try io.write(file, at: written, [Self.zeros.memory.slice(0, step)])
                written += step
            }
            try io.sync(file)
        } catch {
            io.close(file)
            try? io.unlink(name, in: directory)
            guard error.isOutOfSpace else { throw .io(error) }
            let available = (try? io.freeSpace(in: directory).availableByteCount) ?? 0
            throw .storageFull(neededByteCount: byteCount, availableByteCount: available)
        }
        return PreparedFile(file: file, name: name, byteCount: byteCount)
    }
}

extension IOError {
    /// ENOSPC or EDQUOT: the same numbers on Linux and Darwin, the quota's apart.
    var isOutOfSpace: Bool { errorNumber == 28 || errorNumber == 122 || errorNumber == 69 }
}
