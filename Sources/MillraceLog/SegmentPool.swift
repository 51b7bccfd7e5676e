import MillraceIO

/// A file of final size that reads as zeros, synced: ready to become a segment.
struct PreparedFile: Sendable {
    let file: FileHandle
    let name: String
    let byteCount: Int
}

/// The file of a former segment in the pool's directory, not ready yet.
struct RetiredFile: Sendable {
    let name: String
    let byteCount: Int
}

/// Prepares segment files off the append path.
///
/// For a log whose producers wait for durability the file is written whole with zeros and synced before use: a sync over
/// written pages costs the device one write, over pages only allocated two. For the others it is only allocated: writing it
/// twice took a third of the processor of a bulk load. Any thread; preparing happens outside the lock.
///
/// Files of large segments that retention has let go are kept too, as far as the limit allows: what they hold is of a former life and
/// validates in no other, since every life has its own salt.
final class SegmentPool: Sendable {
    let directory: DirectoryHandle
    private let io: any StorageIO
    private let reserve: SpaceReserve
    private let leastRecycledByteCount: Int
    private let recycledByteLimit: Int
    private let state: Guarded<State>

    private struct Wanted {
        let byteCount: Int
        let isZeroed: Bool
    }
    private struct Ready {
        let prepared: PreparedFile
        /// The log that has asked for it and has taken none since.
        var wisher: UInt64?
        var byteCount: Int { prepared.byteCount }
    }
    private struct State {
        var ready: [Ready] = []
        /// By the log that has asked, which takes its file before it asks for the next.
        var wanted: [UInt64: Wanted] = [:]
        var number: UInt64 = 0
        /// Of files that are on their way here.
        var recyclingByteCount = 0

        /// The log takes a file, of this size or another: it wishes for none any more.
        mutating func fulfil(_ logID: UInt64) {
            wanted[logID] = nil
            for index in ready.indices where ready[index].wisher == logID { ready[index].wisher = nil }
        }

        /// Those that make way for so many bytes: smaller ones that no log waits for, no more than it takes. nil when there is no room all the same.
        mutating func makeRoom(_ byteCount: Int, limit: Int) -> [PreparedFile]? {
            var missing = ready.reduce(recyclingByteCount) { $0 + $1.byteCount } + byteCount - limit
            var outgrown: [Int] = []
            for (index, file) in ready.enumerated() where missing > 0 && file.wisher == nil && file.byteCount < byteCount {
                outgrown.append(index)
                missing -= file.byteCount
            }
            guard missing <= 0 else { return nil }
            return outgrown.reversed().map { ready.remove(at: $0).prepared }
        }
    }

    /// Removes what an earlier life of the store left: whether it was synced is not known.
    init(
        io: any StorageIO, directory: DirectoryHandle, reserve: SpaceReserve, configuration: LogConfiguration
    ) throws(LogError) {
        self.io = io
        leastRecycledByteCount = configuration.leastRecycledByteCount
        recycledByteLimit = configuration.recycledByteLimit
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
        for file in ready { discard(file.prepared) }
    }

    /// A prepared file of that size: a ready one, or one made now.
    /// With `mayUseReserve` the store's reserve is given up when the disk is full.
    /// - Throws: `storageFull`, with nothing left behind; `io`.
    func take(byteCount: Int, isZeroed: Bool, for logID: UInt64, mayUseReserve: Bool) throws(LogError) -> PreparedFile {
        let ready = state.withLock { state -> PreparedFile? in
            // What it asked for and is not begun would come when nobody needs it any more.
            state.fulfil(logID)
            let fitting = state.ready.indices.filter { state.ready[$0].byteCount == byteCount }
            guard let index = fitting.first(where: { state.ready[$0].wisher == nil }) ?? fitting.first else { return nil }
            return state.ready.remove(at: index).prepared
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

    /// Lets go of a file that was taken and will not become a segment.
    func discard(_ prepared: PreparedFile) {
        io.close(prepared.file)
        // Left behind at worst: the next open removes it.
        try? io.unlink(prepared.name, in: directory)
    }

    /// Asks for a file that will be needed soon. A segment asks once, for its successor.
    func want(byteCount: Int, isZeroed: Bool, for logID: UInt64) {
        state.withLock { state in
            let fitting = state.ready.indices.filter { state.ready[$0].byteCount == byteCount }
            if let index = fitting.first(where: { state.ready[$0].wisher == nil }) { state.ready[index].wisher = logID }
            guard fitting.isEmpty else { return }
            state.wanted[logID] = Wanted(byteCount: byteCount, isZeroed: isZeroed)
        }
    }

    // MARK: Recycling

    /// Moves the file of a retired segment here from its log's directory, for a later one: when nobody else has it open, and it is
    /// of a size that is worth keeping and that logs ask for: none that compaction made has one. nil: it stays where it is, and is to
    /// be unlinked. `give` has to follow.
    /// - Throws: `io`, with the file where it was.
    func takeOver(_ segment: Segment, from directory: OpenDirectory) throws(LogError) -> RetiredFile? {
        guard segment.letGo() else { return nil }
        let byteCount = try segment.byteCount()
        guard byteCount >= leastRecycledByteCount, segment.segmentName.round == 0 else { return nil }
        let room: (number: UInt64, outgrown: [PreparedFile])? = state.withLock { state in
            guard let outgrown = state.makeRoom(byteCount, limit: recycledByteLimit) else { return nil }
            state.recyclingByteCount += byteCount
            state.number += 1
            return (state.number, outgrown)
        }
        guard let (number, outgrown) = room else { return nil }
        for prepared in outgrown { discard(prepared) }
        let name = FileNames.spare(byteCount: byteCount, number: number)
        do throws(IOError) {
            try io.rename(segment.name, in: directory.handle, to: name, in: self.directory)
        } catch {
            state.withLock { $0.recyclingByteCount -= byteCount }
            throw .io(error)
        }
        return RetiredFile(name: name, byteCount: byteCount)
    }

    /// Makes the files ready that were moved here from one directory: first their old names are gone for good, then their first
    /// pages are zeros, so that neither is ever taken for a segment of its former life. How many are kept; the others are removed.
    /// - Throws: `io`; then none is kept.
    func give(_ files: [RetiredFile], from directory: OpenDirectory, _ holds: FileHolds) throws(LogError) -> Int {
        guard !files.isEmpty else { return 0 }
        let byteCount = files.reduce(0) { $0 + $1.byteCount }
        defer { state.withLock { $0.recyclingByteCount -= byteCount } }
        var ready: [PreparedFile] = []
        do throws(IOError) {
            try io.sync(directory.handle)
            try io.sync(self.directory)
            for file in files { if let prepared = try renew(file, holds) { ready.append(prepared) } }
        } catch {
            for prepared in ready { io.close(prepared.file) }
            for file in files { try? io.unlink(file.name, in: self.directory) }
            throw .io(error)
        }
        state.withLock { $0.ready += ready.map { Ready(prepared: $0, wisher: nil) } }
        return ready.count
    }

    /// nil, and the file is removed, when a backup has it under another name, or may be giving it one.
    private func renew(_ retired: RetiredFile, _ holds: FileHolds) throws(IOError) -> PreparedFile? {
        let file = try io.openFile(retired.name, in: directory, writable: true)
        do throws(IOError) {
            guard !holds.isHeld, try io.nameCount(of: file) == 1 else {
                io.close(file)
                try io.unlink(retired.name, in: directory)
                return nil
            }
            try io.allocate(file, byteCount: retired.byteCount)
            try io.writeSyncedZeros(file, 0..<Format.blocksByteOffset)
        } catch {
            io.close(file)
            // Without room to make it whole it is of no use, and its space is wanted.
            guard error.isOutOfSpace else { throw error }
            try io.unlink(retired.name, in: directory)
            return nil
        }
        return PreparedFile(file: file, name: retired.name, byteCount: retired.byteCount)
    }

    var hasWork: Bool { state.withLock { !$0.wanted.isEmpty } }

    /// Prepares one wanted file. False when none is wanted.
    func prepareStep() throws(LogError) -> Bool {
        guard let (logID, wanted) = state.withLock({ $0.wanted.popFirst() }) else { return false }
        let prepared = try prepare(byteCount: wanted.byteCount, isZeroed: wanted.isZeroed)
        state.withLock { $0.ready.append(Ready(prepared: prepared, wisher: logID)) }
        return true
    }

    private static let greatestZeroedInline = 1 << 20

    /// A new file that reads as zeros, synced.
    /// - Throws: `storageFull`, with nothing left behind; `io`.
    func prepare(byteCount: Int, isZeroed: Bool) throws(LogError) -> PreparedFile {
        let number = state.withLock { state in
            state.number += 1
            return state.number
        }
        let name = FileNames.spare(byteCount: byteCount, number: number)
        let file: FileHandle
        do { file = try io.createFile(name, in: directory) } catch { throw refusal(error, byteCount: byteCount) }
        do {
            try io.allocate(file, byteCount: byteCount)
            if isZeroed { try io.writeSyncedZeros(file, 0..<byteCount) } else { try io.sync(file) }
        } catch {
            io.close(file)
            try? io.unlink(name, in: directory)
            throw refusal(error, byteCount: byteCount)
        }
        return PreparedFile(file: file, name: name, byteCount: byteCount)
    }

    /// `storageFull` when a file of that size could not be made for want of space, or of room for its name.
    func refusal(_ error: IOError, byteCount: Int) -> LogError {
        guard error.isOutOfSpace else { return .io(error) }
        let available = (try? io.freeSpace(in: directory).availableByteCount) ?? 0
        return .storageFull(neededByteCount: byteCount, availableByteCount: available)
    }
}

extension IOError {
    /// ENFILE or EMFILE: the same numbers everywhere. Met before a segment is touched, since all that is opened for it is opened first.
    var isWantOfDescriptors: Bool { errorNumber == 23 || errorNumber == 24 }
    /// ENOSPC or EDQUOT: the same numbers on Linux and Darwin, the quota's apart.
    var isOutOfSpace: Bool { errorNumber == 28 || errorNumber == 122 || errorNumber == 69 }
}
