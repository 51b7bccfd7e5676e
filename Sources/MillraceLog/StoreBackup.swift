package import MillraceIO

/// A backup that is being written: a store directory that opens by itself. Used by one thread.
///
/// Each log in it is a prefix of the store's, batches whole, with everything that was durable when its `copyLog` was
/// called. The store file comes last, so that its generation is not below any record's. The directory has its name only
/// when all of it is synced.
package final class StoreBackup {
    enum Source {
        /// A store that this process has open.
        case open(LogStore)
        /// One that nobody has open, and whose lock is held.
        case closed(StoreFile, boot: (UInt64, UInt64))
    }

    private let source: Source
    private let logs: OpenDirectory
    private let target: BackupTarget
    private let choices: BackupChoices
    private var isLinking: Bool
    private var contents = BackupContents()
    private var isHolding = false
    private var isOver = false

    /// Takes `target` over.
    init(_ source: Source, logs: OpenDirectory, target: BackupTarget, _ choices: BackupChoices) {
        self.source = source
        self.logs = logs
        self.target = target
        self.choices = choices
        isLinking = choices.isLinking
        if case .open(let store) = source {
            store.beginHold()
            isHolding = true
        }
    }

    deinit { discard() }

    private var identity: (low: UInt64, high: UInt64) {
        switch source {
        case .open(let store): store.storeIdentity
        case .closed(let store, _): (store.storeLow, store.storeHigh)
        }
    }

    // MARK: Logs

    /// Copies a log as far as it is durable. That place: every record below it is in the backup, unless it is damaged
    /// in the store; of a log that nobody has open it is not known, and everything that an opening would find is in the
    /// backup.
    ///
    /// Costs a name for each sealed segment where the file system can, else a copy of it, and a copy of the segment
    /// that is written.
    /// - Throws: `io`, `storageFull`, `newerFormat`, `closed`: then the backup is to be discarded.
    @discardableResult
    package func copyLog(_ id: UInt64) throws(LogError) -> UInt64? {
        precondition(!isOver, "a backup that has ended takes no logs")
        let path = "\(FileNames.logs)/\(FileNames.log(id))"
        let directory = LogDirectory(in: logs, logID: id, storeLow: identity.low, storeHigh: identity.high)
        let names: OpenDirectory
        do { names = try directory.open() } catch {
            guard error.isMissing else { throw .io(error) }
            contents.omit(.damage, path, log: id, "the directory of this log is missing")
            return nil
        }
        defer { withExtendedLifetime(names) {} }
        let made = try refusing { () throws(IOError) in try target.makeLog(id) }
        defer { target.io.close(made) }
        var copier = SegmentCopier(source: directory, target: made, path: path, isLinking: isLinking, contents: contents)
        copier.contents.addLog()
        var older: [(name: SegmentName, isFinal: Bool)] = []
        var durable: UInt64?
        do throws(LogError) {
            switch source {
            case .closed(_, let boot): older = try copyAtRest(directory, boot, path, &copier)
            case .open(let store): (durable, older) = try copyNewest(of: id, store, directory, path, &copier)
            }
            // From the newest back: retention takes the oldest first, so that behind one that is gone none is left.
            for segment in older {
                guard try copier.add(segment.name, isFinal: segment.isFinal) else { break }
            }
        } catch { throw Self.refusal(error) }
        try refusing { () throws(IOError) in try target.io.sync(made) }
        isLinking = copier.isLinking
        contents = copier.contents
        return durable
    }

    /// D, and what is left to be added: the segments before the one in which D lies, newest first.
    private func copyNewest(
        of id: UInt64, _ store: LogStore, _ directory: LogDirectory, _ path: String, _ copier: inout SegmentCopier
    ) throws(LogError) -> (durable: UInt64?, older: [(name: SegmentName, isFinal: Bool)]) {
        while true {
            var isRemoved = false
            let found = try store.withLogForCopying(id) { log throws(LogError) -> (UInt64?, [(name: SegmentName, isFinal: Bool)]) in
                guard let log else {
                    return (nil, try copyAtRest(directory, store.shared.clock.bootIdentity(), path, &copier))
                }
                // In this order: what is durable stands in segments that are in the list by then.
                let durable = log.tip(.durable)
                let segments = log.segments.segments
                // Its list may be empty for that reason. Nobody has it open any more, and its files stay.
                isRemoved = log.failure.isRemoved
                guard !isRemoved, let last = segments.lastIndex(where: { $0.baseOrdinal < durable }) else { return (durable, []) }
                let stated: UInt64
                do throws(LogError) { stated = try copier.copyNewest(segments[last], durable: durable) } catch {
                    guard case .removed = error else { throw error }
                    isRemoved = true
                    return (durable, [])
                }
                // A segment is final once the disk itself says that the next one's start was durable: no recovery goes
                // back to it then, neither the store's after a power loss nor the backup's, whose newest segment is a
                // file of its own.
                return (durable, (0..<last).reversed().map { (segments[$0].segmentName, stated >= segments[$0 + 1].baseOrdinal) })
            }
            if !isRemoved { return found }
        }
    }

    /// A log that nobody has open, as it lies there: what the next opening finds in the store, the backup's finds as
    /// well.
    private func copyAtRest(
        _ directory: LogDirectory, _ boot: (UInt64, UInt64), _ path: String, _ copier: inout SegmentCopier
    ) throws(LogError) -> [(name: SegmentName, isFinal: Bool)] {
        let found = try Recovery.run(
            directory, boot: boot, firstSegmentByteCount: Format.blocksByteOffset, isReadOnly: true)
        for damage in found.report.damage {
            copier.contents.addFault(
                "\(path)/\(damage.file)", bytes: damage.bytes, log: directory.logID, ordinals: damage.ordinals, "no block validates here")
        }
        // Recovery has those open that it may write; it never goes back to the others.
        for segment in found.segments.reversed() where segment.isOpen {
            guard try copier.add(segment.segmentName, isFinal: false) else { break }
        }
        let known = Set(found.segments.map(\.segmentName))
        let names = try directory.list().sorted()
        // What retention has taken, or another file holds, is in no opening's log.
        let superseded = Set(SegmentName.resolve(names).superseded)
        for name in names {
            guard let segment = FileNames.segmentName(name) else {
                copier.contents.omit(.warning, "\(path)/\(name)", log: directory.logID, "no segment; not in the backup")
                continue
            }
            guard !known.contains(segment), !superseded.contains(segment), segment.baseOrdinal >= found.horizon else { continue }
            switch try FoundSegment.read(segment, in: directory).content {
            // Cut off by the tail rule, or never begun: no record of the log is in it.
            case .readable, .nameless(isEmpty: true, _), .unread: continue
            case .nameless(isEmpty: false, _), .cutOff: _ = try copier.add(segment, isFinal: false)
            }
        }
        return found.segments.reversed().filter { !$0.isOpen }.map { ($0.segmentName, true) }
    }

    // MARK: The end

    /// Completes the backup, checks it if that was chosen, and gives it its name: when this returns it is there, whole
    /// and durable.
    /// - Throws: `io`, `storageFull`, `closed`: then it is discarded, unless only its name is not known durable.
    package func finish() throws(LogError) -> BackupContents {
        precondition(!isOver, "a backup ends once")
        do throws(LogError) {
            let store = try storeFile()
            try refusing { () throws(IOError) in try target.seal(store) }
            // Everything has a name of the backup's own by now.
            endHold()
            if choices.isVerifying {
                contents.take(try StoreVerification.run(at: target.partialPath, io: target.io))
            }
            // Once the store is closed another process may have written what was copied since.
            if case .open(let store) = source { _ = try store.directory() }
            isOver = true
            try refusing { () throws(IOError) in try target.publish() }
        } catch {
            isOver = false
            discard()
            throw error
        }
        return contents
    }

    /// Ends the backup and leaves nothing of it. Again, or after `finish`: does nothing.
    package func discard() {
        endHold()
        guard !isOver else { return }
        isOver = true
        target.discard()
    }

    private func endHold() {
        guard isHolding, case .open(let store) = source else { return }
        isHolding = false
        store.endHold()
    }

    private func storeFile() throws(LogError) -> StoreFile {
        switch source {
        case .open(let store): store.shared.generations.current
        case .closed(let store, _): store
        }
    }

    private func refusing<Answer>(_ body: () throws(IOError) -> Answer) throws(LogError) -> Answer {
        do { return try body() } catch { throw Self.refusal(.io(error)) }
    }

    /// A full disk under its own name.
    private static func refusal(_ error: LogError) -> LogError {
        guard case .io(let cause) = error, cause.isOutOfSpace else { return error }
        return .storageFull(neededByteCount: 0, availableByteCount: 0)
    }
}

extension StoreBackup {
    /// Backs up the store at `path`, which nobody has open, into a directory at `destination`, which must not exist or
    /// be empty. Takes the store's lock meanwhile, and changes nothing else of it.
    /// - Throws: `locked` with the process id of whoever has it open, `notAStore`, `newerFormat`, `io`, `storageFull`:
    ///   then nothing is left.
    package static func run(
        at path: String, to destination: String, io: any StorageIO, clock: any Clock, entropy: any Entropy,
        _ choices: BackupChoices = BackupChoices()
    ) throws(LogError) -> BackupContents {
        let root = try systemCall { () throws(IOError) in try io.openDirectory(at: path, create: false) }
        defer { io.close(root) }
        // Before the lock, whose file would be made where no store is.
        _ = try readStoreFile(root, io)
        let lock = try StoreOpening(io: io, root: root).takeLock()
        defer { io.close(lock) }
        let store = try readStoreFile(root, io)
        let handle = try systemCall { () throws(IOError) in try io.openDirectory(FileNames.logs, in: root, create: false) }
        let logs = OpenDirectory(io: io, handle: handle)
        defer { withExtendedLifetime(logs) {} }
        let names = try systemCall { () throws(IOError) in try io.list(handle) }
        let target = try BackupTarget(path: destination, io: io, entropy: entropy)
        let backup = StoreBackup(.closed(store, boot: clock.bootIdentity()), logs: logs, target: target, choices)
        do throws(LogError) {
            for id in names.compactMap(FileNames.logID).sorted() { try backup.copyLog(id) }
            return try backup.finish()
        } catch {
            backup.discard()
            throw error
        }
    }

    private static func readStoreFile(_ root: DirectoryHandle, _ io: any StorageIO) throws(LogError) -> StoreFile {
        let bytes = AlignedMemory(byteCount: StoreFile.byteCount)
        let count: Int
        do throws(IOError) {
            let file = try io.openFile(StoreFile.name, in: root, writable: false)
            defer { io.close(file) }
            count = try io.read(file, at: 0, into: bytes.memory)
        } catch {
            if error.isMissing { throw .notAStore(detail: "there is no file `store`") }
            throw .io(error)
        }
        let content = bytes.memory.slice(0, count)
        guard var store = try StoreFile.decode(content) else {
            throw .notAStore(detail: "the file `store` holds no valid identity")
        }
        // The slot that cannot be read may have held the next generation.
        if StoreFile.generationStep(content) > 1 { try GenerationSource.skip(&store) }
        withExtendedLifetime(bytes) {}
        return store
    }
}
