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
    private let encoders = Guarded<[Owned<BlockEncoder>]>([])
    private let reserve: SpaceReserve

    init(
        io: any StorageIO, clock: any Clock, entropy: any Entropy, configuration: LogConfiguration, store: StoreFile,
        generations: GenerationSource, pool: SegmentPool, reserve: SpaceReserve
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
    }

    /// Lends one of the encoders kept for callers who work themselves.
    func withEncoder<Result>(_ body: (inout BlockEncoder) -> Result) -> Result {
        let encoder = encoders.withLock { $0.popLast() } ?? Owned(BlockEncoder(scratches: scratches))
        defer { encoders.withLock { $0.append(encoder) } }
        return encoder.with(body)
    }

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
    private let logs = Guarded<[UInt64: ShardLog]>([:])
    private let isClosed = Atomic<Bool>(false)

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
        if openLogs.contains(where: { $0.isRefusingForSpace }) { return .full(availableByteCount: space.availableByteCount) }
        return space.availableByteCount < 4 * shared.configuration.greatestSegmentByteCount
            ? .low(availableByteCount: space.availableByteCount) : .ok
    }

    /// Ids of all logs there are, in order.
    package func logIDs() throws(LogError) -> [UInt64] {
        try systemCall { () throws(IOError) in try shared.io.list(handles.logs) }.compactMap(FileNames.logID).sorted()
    }

    /// Makes an empty log, durable when this returns. Making one that exists opens it.
    package func createLog(_ id: UInt64) throws(LogError) -> ShardLog { try openLog(id, create: true) }

    /// The log, recovered now if nobody has used it since the store was opened.
    /// - Throws: `unknownLog`, `newerFormat`, `io`.
    package func log(_ id: UInt64) throws(LogError) -> ShardLog { try openLog(id, create: false) }

    private func openLog(_ id: UInt64, create: Bool) throws(LogError) -> ShardLog {
        if isClosed.load(ordering: .acquiring) { throw .closed }
        // Recovery of one log holds up the opening of others, never their appends or reads.
        let result: Result<ShardLog, LogError> = logs.withLock { logs in
            if let open = logs[id] { return .success(open) }
            do throws(LogError) {
                let opened = try recover(id, create: create)
                logs[id] = opened
                return .success(opened)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func recover(_ id: UInt64, create: Bool) throws(LogError) -> ShardLog {
        let name = FileNames.log(id)
        let handle: DirectoryHandle
        do {
            handle = try shared.io.openDirectory(name, in: handles.logs, create: create)
        } catch {
            if error.isMissing { throw .unknownLog(id) }
            throw .io(error)
        }
        if create {
            do { try shared.io.sync(handles.logs) } catch {
                shared.io.close(handle)
                throw .io(error)
            }
        }
        return try ShardLog(id: id, shared: shared, handle: handle)
    }

    package var openLogs: [ShardLog] { logs.withLock { Array($0.values) }.sorted { $0.id < $1.id } }

    /// Blocks decoded since the store was opened: with several readers of one shard, at most once a block.
    package var decodeCount: Int { shared.images.decodeCount.load(ordering: .relaxed) }
    package var residentByteCount: Int { shared.arena.residentByteCount }
    package var heldForReadingByteCount: Int { shared.arena.heldForReadingByteCount }
    package var heldForWritingByteCount: Int { shared.arena.heldForWritingByteCount }
    /// Drops every cached image nobody holds; how many bytes. Readers go to the segments then.
    @discardableResult
    package func dropCache() -> Int { shared.arena.dropCache() }

    /// Prepares one wanted segment file. For who drives the store by hand.
    package func prepareStep() throws(LogError) -> Bool { try shared.pool.prepareStep() }

    /// Makes everything durable, notes the clean end and lets go of the directory. Cursors that are still held may read on in
    /// what they hold. Closing twice does nothing.
    /// - Throws: the first log's error; the others are closed all the same.
    package func close() throws(LogError) {
        guard isClosed.claim() else { return }
        var first: LogError?
        for open in openLogs {
            do throws(LogError) { try open.close() } catch { first = first ?? error }
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
        shared.scheduler.stop()
        for open in openLogs { open.duties.refuse(.closed) }
        shared.pool.close()
        handles.close(shared.io)
    }
}
