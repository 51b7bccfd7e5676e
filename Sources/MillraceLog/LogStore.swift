package import MillraceIO
import Synchronization

/// What the logs of one store share.
final class StoreShared: Sendable {
    let io: any StorageIO
    let clock: any Clock
    let entropy: any Entropy
    let configuration: LogConfiguration
    let storeLow: UInt64
    let storeHigh: UInt64
    /// The generation of this opening; a log whose counter is full takes a later one.
    let generation: UInt64
    let generations: GenerationSource
    let arena: Arena
    let bufferLimits: BufferLimits
    let pool: SegmentPool
    let scratches: ScratchPool
    let images: BlockImages
    let openSegments: OpenSegments
    let scheduler: Scheduler
    /// Notified when memory for records was freed, or the disk has space again.
    let space = EventCount()
    let holds = FileHolds()
    let journal: CommitJournal
    let commits: CommitGroup
    let lastDurabilityWait = LastWait()
    private let encoders = Guarded<[Owned<BlockEncoder>]>([])
    private let reserve: SpaceReserve

    init(
        io: any StorageIO, clock: any Clock, entropy: any Entropy, configuration: LogConfiguration, store: StoreFile,
        generations: GenerationSource, pool: SegmentPool, reserve: SpaceReserve, journal: CommitJournal
    ) throws(LogError) {
        self.io = io
        self.clock = clock
        self.entropy = entropy
        self.configuration = configuration
        self.pool = pool
        self.generations = generations
        self.reserve = reserve
        storeLow = store.storeLow
        storeHigh = store.storeHigh
        generation = store.generation
        // An ordinary slot has a third more than its payload for the entries: room for records from 32 bytes on.
        let ordinary = Format.alignPage(configuration.bufferByteCount * 4 / 3)
        var classes = [8192, ordinary]
        let greatest = BufferLayout.slotByteCount(
            payload: max(configuration.greatestRecordByteCount, 1 << 20), records: 1 << 14)
        let prepareWork = EventCount()
        while classes.last! < greatest { classes.append(classes.last! * 2) }
        arena = try systemCall { () throws(IOError) in
            try Arena(
                classByteCounts: classes, budgetByteCount: configuration.memoryByteCount,
                writeShareByteCount: configuration.writeShareByteCount,
                cacheTargetByteCount: configuration.cacheByteCount, needsPages: prepareWork)
        }
        bufferLimits = BufferLimits(
            bufferByteCount: configuration.bufferByteCount,
            greatestRecordByteCount: configuration.greatestRecordByteCount, firstClass: 0, ordinaryClass: 1)
        scratches = ScratchPool(limit: 64, ordinaryByteCount: ordinary * 2)
        images = BlockImages(arena: arena)
        openSegments = OpenSegments(limit: configuration.openSegmentLimit)
        scheduler = Scheduler(clock: clock, configuration: configuration, prepareWork: prepareWork)
        self.journal = journal
        commits = CommitGroup(journal: journal, scheduler: scheduler)
    }

    /// Lends one of the encoders kept for callers who work themselves.
    func withEncoder<Result>(_ body: (inout BlockEncoder) -> Result) -> Result {
        let encoder = encoders.withLock { $0.popLast() } ?? Owned(BlockEncoder(scratches: scratches))
        defer { encoders.withLock { $0.append(encoder) } }
        return encoder.with(body)
    }

    /// Gives the reserve up on a full disk. True when there was one.
    func giveUpReserve() -> Bool { reserve.release() }

    /// There is space again: the reserve is kept anew.
    func spaceReturned() { reserve.restore() }
}

/// Many shard logs in one directory, with one writer process: the engine that `StreamStore` stands on.
///
/// A class because logs, cursors and threads share it. All methods from any thread, opening and closing apart.
package final class LogStore: Sendable {
    package let storeIdentity: (low: UInt64, high: UInt64)
    package let generation: UInt64
    let shared: StoreShared
    private let handles: StoreOpening.Handles
    /// nil after the end.
    private let logsDirectory: Guarded<OpenDirectory?>
    let logs = Guarded(Logs())
    /// Notified when a log that nobody had open was copied.
    let copied = EventCount()
    private let isClosed = Atomic<Bool>(false)
    /// Logs whose making failed: their names may be there and not be durable. They are not opened.
    private let halfMade = Guarded<[UInt64: LogError]>([:])

    struct Logs {
        /// Those in use.
        var open: [UInt64: ShardLog] = [:]
        /// Those whose removal has begun and is not finished.
        var removing: Set<UInt64> = []
        /// Those that are copied while nobody has them open: whoever opens one waits until that is over.
        var copying: Set<UInt64> = []
        /// Those of `removing` whose files stay as long as a backup runs.
        var held: Set<UInt64> = []
    }

    /// Opens the store at `path` for writing; with `create` makes it first when the directory is missing or empty.
    ///
    /// On return a new generation of ordinals is durable. Logs are recovered when they are first opened.
    /// - Throws: `locked` with the other writer's process id, `notAStore`, `newerFormat`, `io`, `storageFull`.
    package init(
        at path: String, create: Bool, io: any StorageIO, clock: any Clock, entropy: any Entropy,
        configuration: LogConfiguration = LogConfiguration()
    ) throws(LogError) {
        let opened = try StoreOpening.run(
            at: path, create: create, io: io, clock: clock, entropy: entropy, configuration: configuration)
        handles = opened.handles
        logsDirectory = Guarded(opened.logs)
        shared = opened.shared
        storeIdentity = (shared.storeLow, shared.storeHigh)
        generation = shared.generation
        shared.scheduler.start(shared)
    }

    /// The log that belongs to the store itself; it alone may use the reserve when the disk is full.
    package static let catalogueLogID: UInt64 = 0

    /// How much room there is. One system call.
    package func spaceState() throws(LogError) -> SpaceState {
        let space = try systemCall { () throws(IOError) in try shared.io.freeSpace(in: handles.root) }
        if logs.withLock({ logs in logs.open.values.contains { $0.isRefusingForSpace } }) { return .full(availableByteCount: space.availableByteCount) }
        return space.availableByteCount < 4 * shared.configuration.greatestSegmentByteCount
            ? .low(availableByteCount: space.availableByteCount) : .ok
    }

    /// The directory of the logs.
    /// - Throws: `closed`.
    func directory() throws(LogError) -> OpenDirectory {
        guard let directory = logsDirectory.withLock({ $0 }) else { throw .closed }
        return directory
    }

    /// Ids of all logs there are, in order. O(logs).
    package func logIDs() throws(LogError) -> [UInt64] {
        let logs = try directory()
        defer { withExtendedLifetime(logs) {} }
        return try systemCall { () throws(IOError) in try shared.io.list(logs.handle) }.compactMap(FileNames.logID).sorted()
    }

    /// Makes an empty log, durable when this returns. Making one that exists opens it.
    package func createLog(_ id: UInt64) throws(LogError) -> ShardLog { try openLog(id, create: true) }

    /// Makes empty logs, all of them durable when this returns: what `createLog` promises for each, for one sync.
    ///
    /// None of them is opened, and none costs memory, descriptors or threads before `log` is called for it. Those that exist
    /// already stay what they are.
    /// - Throws: `io`, `removed`, `closed`: then some may have been made, and none is opened before it was made again without an
    ///   error, or the store was opened anew; removing them is in order too.
    package func createLogs(_ ids: [UInt64]) throws(LogError) {
        guard !ids.isEmpty else { return }
        if self.logs.withLock({ logs in !logs.removing.isEmpty && ids.contains { logs.removing.contains($0) } }) {
            throw .removed
        }
        try makeDirectories(ids)
    }

    private func makeDirectories(_ ids: [UInt64]) throws(LogError) {
        let logs = try directory()
        defer { withExtendedLifetime(logs) {} }
        do throws(LogError) {
            try systemCall { () throws(IOError) in
                for id in ids {
                    shared.io.close(try shared.io.openDirectory(FileNames.log(id), in: logs.handle, create: true))
                }
                try shared.io.sync(logs.handle)
            }
            halfMade.withLock { halfMade in for id in ids { halfMade[id] = nil } }
        } catch {
            halfMade.withLock { halfMade in for id in ids { halfMade[id] = error } }
            throw error
        }
    }

    /// The log, recovered now if nobody has used it since the store was opened.
    /// - Throws: `unknownLog`, `removed` while its removal is not finished, `newerFormat`, `io`, also when its making failed so.
    package func log(_ id: UInt64) throws(LogError) -> ShardLog { try openLog(id, create: false) }

    private func openLog(_ id: UInt64, create: Bool) throws(LogError) -> ShardLog {
        while true {
            if isClosed.load(ordering: .acquiring) { throw .closed }
            let key = copied.prepare()
            if let opened = tryToOpen(id, create: create) {
                copied.cancel()
                return try opened.get()
            }
            copied.wait(key)
        }
    }

    /// nil while somebody copies the log.
    private func tryToOpen(_ id: UInt64, create: Bool) -> Result<ShardLog, LogError>? {
        // Recovery of one log holds up the opening of others, never their appends or reads.
        logs.withLock { logs in
            if let open = logs.open[id] { return .success(open) }
            if logs.removing.contains(id) { return .failure(.removed) }
            if logs.copying.contains(id) { return nil }
            do throws(LogError) {
                let opened = try recover(id, create: create)
                logs.open[id] = opened
                return .success(opened)
            } catch {
                return .failure(error)
            }
        }
    }

    // MARK: Removing

    /// Removes a log with everything in it, as for a stream that was deleted. Its id must never be used again.
    ///
    /// At once its appends, waits and readings answer `removed`; views that were lent stay valid until they are given back. Its
    /// memory is free then, and its files go, oldest first, with their directory; while a backup runs they stay until it has
    /// ended. A crash in between leaves a part of them,
    /// which nobody may open: whoever keeps the list of logs takes this one off it, durably, before, and calls
    /// `removeLogs(except:)` when the store is opened. Works on a full disk, and with a log that is not there. Other logs go on
    /// meanwhile. Waits for batches and writes of this log that run; not to be called from within one.
    /// - Parameter limit: how many files and directories are removed at most, for who spreads the work.
    /// - Returns: true when nothing is left.
    /// - Throws: `io`, `closed`: then the same call goes on where it ended.
    @discardableResult
    package func removeLog(_ id: UInt64, limit: Int = .max) throws(LogError) -> Bool {
        var limit = limit
        return try remove(id, limit: &limit)
    }

    private func remove(_ id: UInt64, limit: inout Int) throws(LogError) -> Bool {
        precondition(id != Self.catalogueLogID, "the store's own log stays as long as the store")
        let directory = try directory()
        let open = logs.withLock { logs in
            logs.removing.insert(id)
            return logs.open.removeValue(forKey: id)
        }
        open?.retire()
        if holdsFiles(of: id) { return false }
        var gaveUpReserve = false
        let removal = LogRemoval(io: shared.io, logs: directory) { [shared] in
            gaveUpReserve = shared.giveUpReserve() || gaveUpReserve
            return gaveUpReserve
        }
        let isDone = try removal.run(id, limit: &limit)
        if isDone {
            halfMade.withLock { $0[id] = nil }
            logs.withLock { _ = $0.removing.remove(id) }
        }
        if gaveUpReserve { shared.spaceReturned() }
        return isDone
    }

    /// Ids of logs that are on the disk and in no list of the caller's: what a crash left of a creation that was not committed,
    /// or of a removal. In order. O(logs on the disk).
    package func orphans(except known: Set<UInt64>) throws(LogError) -> [UInt64] {
        try logIDs().filter { $0 != Self.catalogueLogID && !known.contains($0) }
    }

    /// Removes every log that is not among these, as `removeLog` does; the store's own stays. For a store that was just opened:
    /// a log that is being made meanwhile is not on the caller's list yet.
    /// - Returns: true when none is left.
    /// - Throws: the first error; the others are removed all the same.
    @discardableResult
    package func removeLogs(except known: Set<UInt64>, limit: Int = .max) throws(LogError) -> Bool {
        var first: LogError?
        var isDone = true
        var limit = limit
        for id in try orphans(except: known) {
            do throws(LogError) {
                isDone = try remove(id, limit: &limit) && isDone
            } catch { first = first ?? error }
            if limit <= 0 { break }
        }
        if let first { throw first }
        return limit > 0 && isDone
    }

    private func recover(_ id: UInt64, create: Bool) throws(LogError) -> ShardLog {
        let logs = try directory()
        if create { try makeDirectories([id]) } else if let error = halfMade.withLock({ $0[id] }) { throw error }
        do throws(LogError) {
            return try ShardLog(id: id, shared: shared, logs: logs)
        } catch {
            if case .io(let cause) = error, cause.operation == .openDirectory, cause.isMissing { throw .unknownLog(id) }
            throw error
        }
    }

    /// The log if it is in use since the store was opened; nil otherwise, and nothing is opened.
    package func openedLog(_ id: UInt64) -> ShardLog? { logs.withLock { $0.open[id] } }

    package var openLogs: [ShardLog] { logs.withLock { Array($0.open.values) }.sorted { $0.id < $1.id } }

    /// Blocks decoded since the store was opened: with several readers of one shard, at most once a block.
    package var decodeCount: Int { shared.images.decodeCount.load(ordering: .relaxed) }
    package var residentByteCount: Int { shared.arena.residentByteCount }
    package var heldForReadingByteCount: Int { shared.arena.heldForReadingByteCount }
    package var heldForWritingByteCount: Int { shared.arena.heldForWritingByteCount }
    /// Drops every cached image nobody holds; how many bytes. Readers go to the segments then.
    @discardableResult
    package func dropCache() -> Int { shared.arena.dropCache() }

    /// Prepares one wanted segment file. For who drives the store by hand.
    package func prepareStep() throws(LogError) -> Bool {
        if shared.journal.prepareStep() { return true }
        return try shared.pool.prepareStep()
    }

    /// Syncs the logs together, as threads do it for those that wait. For who drives the store by hand.
    package func commitStep(_ logs: [ShardLog], isAwaited: Bool = true) { _ = shared.commits.sync(logs) { _ in isAwaited } }

    /// How often the commit journal took the place of the logs' own syncs since the store was opened.
    package var commitCount: Int { shared.journal.commitCount.load(ordering: .relaxed) }

    /// Makes everything durable, notes the clean end and lets go of the directory. Cursors that are still held may read on in
    /// what they hold. Closing twice does nothing.
    /// - Throws: the first log's error; the others are closed all the same.
    package func close() throws(LogError) {
        guard isClosed.claim() else { return }
        var first: LogError?
        for open in openLogs {
            do throws(LogError) { try open.close() } catch { first = first ?? error }
        }
        if first == nil {
            do throws(LogError) {
                try systemCall { () throws(IOError) in try shared.journal.clear() }
            } catch { first = error }
        }
        letGo()
        if let first { throw first }
    }

    deinit { abandon() }

    /// Ends threads and lets go of the directory as a dying process would: nothing is flushed, synced or noted.
    package func abandon() {
        if isClosed.claim() { letGo() }
    }

    private func letGo() {
        shared.images.readAhead.stop()
        shared.scheduler.stop()
        shared.commits.retire()
        for open in openLogs { open.duties.refuse(.closed) }
        shared.pool.close()
        logsDirectory.withLock { $0 = nil }
        shared.journal.close()
        handles.close(shared.io)
    }
}
