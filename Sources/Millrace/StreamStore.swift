package import MillraceIO
package import MillraceLog
public import MillraceModel

/// A store of streams in one directory: open it, make streams, put and read records.
///
/// A class because it is the open directory itself. One process has a store open at a time. All methods may be called
/// from any task or thread.
///
/// ```swift
/// let store = try await StreamStore.open(at: "data")
/// let orders = try await store.createStream("orders", shards: 4)
/// let number = try await orders.put("hello", partitionKey: "k1")
/// for try await record in orders.records(from: .trimHorizon) { print(record.sequenceNumber, record.data) }
/// ```
public final class StreamStore: Sendable {
    let core: StoreCore
    let catalogue: Catalogue
    private let scaler: OnDemandScaler
    /// Scales on-demand streams; nil where steps are called by hand.
    private let scaling: StepService?
    /// Takes away what has become too old; nil where that is done by hand.
    private let sweeping: StepService?
    private let compacting: StepService?

    /// Opens the store in the directory at `path`; makes the directory (its parent must exist) and the store when there is none.
    ///
    /// On return the catalogue has been read; the shards' logs are recovered when they are first used.
    ///
    /// - Throws: `KinesisError.storage` of
    ///   - `locked` when a process, which it names, has the store open,
    ///   - `notAStore` when the directory holds files and none of them is a store's,
    ///   - `newerFormat` when a later version of this library wrote it,
    ///   - `permission` when the directory is another user's, or others may write to it,
    ///   - `corrupt` when the catalogue cannot be read, `storageFull`, `io`;
    ///
    ///   `KinesisError.invalidArgument` when a number of the configuration is out of its range.
    public static func open(
        at path: String, configuration: StoreConfiguration = StoreConfiguration()
    ) async throws(KinesisError) -> StreamStore {
        let engine = try configuration.logConfiguration()
        let options = try configuration.serviceOptions()
        return try await ReaderPool.runAlone { () throws(KinesisError) in
            let store = try StreamStore(
                at: path, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(), configuration: engine,
                readerThreadCount: configuration.readerThreadCount, options: options, isScaling: true,
                isSweeping: configuration.isSweeping, isCompacting: configuration.isCompacting)
            store.wantServices()
            return store
        }
    }

    /// The same with the world passed in, on the calling thread.
    package init(
        at path: String, io: any StorageIO, clock: any Clock, entropy: any Entropy, configuration: LogConfiguration,
        readerThreadCount: Int = 2, options: ServiceOptions = ServiceOptions(),
        isScaling: Bool = false, isSweeping: Bool = false, isCompacting: Bool = false
    ) throws(KinesisError) {
        let log: LogStore
        do throws(LogError) {
            log = try LogStore(
                at: path, create: true, io: io, clock: clock, entropy: entropy, configuration: configuration)
        } catch { throw KinesisError(error, path: path) }
        core = StoreCore(
            path: path, log: log, clock: clock, entropy: entropy, readerThreadCount: readerThreadCount, options: options)
        catalogue = try Catalogue(core: core)
        let scaler = OnDemandScaler(core: core, catalogue: catalogue)
        self.scaler = scaler
        let sweep = RetentionSweep(core: core, catalogue: catalogue)
        let sweeping =
            isSweeping
            ? StepService("sweep") { _ throws(KinesisError) -> Int64? in
                let report = try sweep.run()
                // Soon again, with room for others between.
                return report.isMore ? 50_000_000 : sweep.pauseNanoseconds()
            } : nil
        let compaction = Compaction(core: core, catalogue: catalogue)
        compacting =
            isCompacting
            ? StepService("compact", isBackground: true) { service throws(KinesisError) -> Int64? in
                let pace = StepPace(clock: clock, processors: .system) { service.rest(nanoseconds: $0) }
                return compaction.pauseNanoseconds(try compaction.step(pace), pace)
            } : nil
        self.sweeping = sweeping
        scaling =
            isScaling
            ? StepService("scale") { _ throws(KinesisError) -> Int64? in
                if try scaler.step() > 0 { sweeping?.want() }
                return scaler.hasStreams ? StepService.minuteNanoseconds : nil
            } : nil
        resumeDeletions()
    }

    deinit { stopServices() }

    /// Starts the threads that there is something to do for: streams to be scaled, shards that will expire.
    package func wantServices() {
        wantScaling()
        if sweeping != nil, retention.pauseNanoseconds() != nil { wantSweeping() }
        if !catalogue.known.streams.isEmpty { compacting?.want() }
    }
    func wantScaling() {
        if scaling != nil, scaler.hasStreams { scaling?.want() }
    }
    func wantSweeping() { sweeping?.want() }
    /// A stream was made: what is put in it will grow old.
    func wantUpkeep() {
        sweeping?.want()
        compacting?.want()
    }

    private func stopServices() {
        // The first may want the second.
        scaling?.stop()
        sweeping?.stop()
        compacting?.stop()
    }

    private var retention: RetentionSweep { RetentionSweep(core: core, catalogue: catalogue) }

    /// Whether a thread waits to scale streams, and one to take away what becomes too old.
    package var runningServices: (scaling: Bool, sweeping: Bool) {
        (scaling?.isRunning ?? false, sweeping?.isRunning ?? false)
    }

    /// Takes from the disk what no reader will ever see again: segments whose records are all older than their stream keeps records,
    /// and closed shards whose last one is. The store does so by itself unless `StoreConfiguration.isSweeping` says otherwise.
    ///
    /// On return those shards are listed no more, durably, and their iterators are refused; their children name them still. Readers are
    /// not waited for, and what was lent to them stays valid.
    /// - Returns: what went.
    /// - Throws: `storage`: the first error; what else could go went all the same, and the next call goes on.
    @discardableResult
    public func sweep() async throws(KinesisError) -> SweepReport {
        try await core.readers.run { [retention] () throws(KinesisError) in try retention.run() }
    }

    /// In how many nanoseconds a sweep is due; nil while there is no stream.
    package var sweepPauseNanoseconds: Int64? { retention.pauseNanoseconds() }

    /// `sweep` on the calling thread.
    @discardableResult
    package func sweepBlocking() throws(KinesisError) -> SweepReport { try retention.run() }

    /// Does one piece of compaction, if any shard that is in use has one: neighbouring segments with small blocks or unused room
    /// become one, and cold ones are compressed better. The store does so by itself unless `StoreConfiguration.isCompacting` says
    /// otherwise. Readers and producers are not disturbed; costs reading and encoding up to 32 MiB of records.
    /// - Returns: what was done.
    /// - Throws: `storage`: nothing has changed then.
    @discardableResult
    public func compact() async throws(KinesisError) -> CompactionReport {
        try await core.readers.run { [core, catalogue] () throws(KinesisError) in
            try Compaction(core: core, catalogue: catalogue).step()
        }
    }

    /// `compact` on the calling thread.
    @discardableResult
    package func compactBlocking() throws(KinesisError) -> CompactionReport {
        try Compaction(core: core, catalogue: catalogue).step()
    }

    /// What compaction has done since the store was opened.
    public var compactionTotals: CompactionTotals { core.compaction.totals }

    /// What compaction has to do now, in shards that are in use: how many of them have a job, and the bytes of records in the
    /// next job of each. O(segments), and a look into those that nobody has asked about yet.
    /// - Throws: `storage`.
    public func pendingCompaction() async throws(KinesisError) -> (shardCount: Int, recordByteCount: Int) {
        try await core.readers.run { [core, catalogue] () throws(KinesisError) in
            try Compaction(core: core, catalogue: catalogue).pending()
        }
    }

    /// Why the store could not compact when it last tried; nil when it could. It tries again each minute.
    public var compactionError: KinesisError? { compacting?.lastError }

    /// Why the store could not take away everything that was too old when it last tried; nil when it could. It tries again each
    /// minute.
    public var sweepingError: KinesisError? { sweeping?.lastError }

    /// Makes a stream. When this returns it is durable, and empty.
    ///
    /// - Parameters:
    ///   - name: 1 to 128 of `[a-zA-Z0-9_.-]`; case counts.
    ///   - shards: how many shards, 1 to 10,000, that divide the partition keys evenly. Each has a directory of its own, made
    ///     and synced one after the other.
    ///   - ack: how far a put waits unless it says otherwise, and from when on readers see a record unless they ask for more.
    /// - Throws: `validation` for the name, `invalidArgument` for the count, `resourceInUse` when there is a stream of that
    ///   name, `storage`: then there is no such stream, unless the last sync failed (`frozen`): then reopening tells.
    public func createStream(
        _ name: String, shards: Int = Limits.defaultShardCount, ack: AckLevel = .durable
    ) async throws(KinesisError) -> StoredStream {
        let request = CreateStreamRequest(streamName: name, shardCount: shards)
        return try await core.readers.run { [self] () throws(KinesisError) in
            try begin(request)
            return try create(request, ack)
        }
    }

    /// The stream of that name. The same handle every time.
    ///
    /// - Throws: `resourceNotFound`; `validation` when no stream may have that name; `storage(.closed)`.
    public func stream(_ name: String) throws(KinesisError) -> StoredStream {
        let name = try StreamName(name)
        try core.checkOpen()
        guard let stream = catalogue.stream(name) else { throw core.words.streamNotFound(name.text) }
        return stream
    }

    /// The names of all streams, in order of their bytes.
    public func listStreams() -> [StreamName] { catalogue.known.names }

    /// Measures the on-demand streams and scales those that need it; to be called once a minute. How many shards were split or
    /// merged.
    ///
    /// - Throws: storage errors of a reshard; what failed is tried again by the next step.
    @discardableResult
    package func scaleStep() throws(KinesisError) -> Int { try scaler.step() }

    /// The busiest minutes of the stream's last days, which it is scaled by.
    package func peaks(of stream: StoredStream) -> PeakHistory {
        catalogue.known.streams[stream.streamID].map(scaler.peaks) ?? PeakHistory()
    }

    /// Busy shards of an on-demand stream that no split would help, because one key has most of their traffic, as of the last
    /// minute. Spreading that key over several is the producers' to do.
    public func hotShards(of stream: StoredStream) -> [HotShard] {
        scaler.hotKeys(of: stream.streamID).map { HotShard(shardID: $0.shard, hashKey: $0.hashKey, share: $0.share) }
    }

    /// Why the store could not scale every on-demand stream in the last minute that needed it; nil when it could. It tries
    /// again each minute.
    public var scalingError: KinesisError? { scaling?.lastError }

    /// Makes everything that was put durable, and lets go of the directory.
    ///
    /// On return another process may open the store; calls on this one and its streams throw `closed`, and so do waits
    /// that are under way. Closing twice does nothing.
    /// - Throws: `storage` when some records could not be made durable; the store is closed all the same.
    public func close() async throws(KinesisError) {
        let (core, catalogue, scaler, scaling, sweeping) = (core, catalogue, scaler, scaling, sweeping)
        let compacting = compacting
        try await ReaderPool.runAlone { () throws(KinesisError) in
            scaling?.stop()
            sweeping?.stop()
            compacting?.stop()
            try core.close(isCatalogueWhole: catalogue.close(scaler.unkeptPeaks))
        }
    }

    /// `createStream` on the calling thread.
    package func createStreamBlocking(
        _ name: String, shards: Int = Limits.defaultShardCount, ack: AckLevel = .durable
    ) throws(KinesisError) -> StoredStream {
        let request = CreateStreamRequest(streamName: name, shardCount: shards)
        try begin(request)
        return try create(request, ack)
    }

    /// `close` on the calling thread, which is none of the store's own.
    package func closeBlocking() throws(KinesisError) {
        stopServices()
        try core.close(isCatalogueWhole: catalogue.close(scaler.unkeptPeaks))
    }

    /// Ends the store as a dying process would: nothing is flushed, synced or noted.
    package func abandon() {
        stopServices()
        core.abandon()
    }

    /// Keeps the time by which records grow old, durable when this returns: what is too old now stays out of sight in later
    /// openings, though their clock be behind. `close` does so too.
    ///
    /// - Throws: storage errors; `closed`.
    package func noteTime() throws(KinesisError) { try catalogue.noteTime(core.believedMilliseconds()) }

    /// The latest time that is kept, milliseconds since 1970 UTC; 0 before the first.
    package var keptMilliseconds: UInt64 { core.keptMilliseconds }

    /// Everything the catalogue knows now.
    package var catalogueState: CatalogueState { catalogue.known }
    /// Records of the catalogue that this opening read.
    package var replayedCount: Int { catalogue.replayedCount }
    /// Writes a snapshot of the catalogue, which changes do by themselves when there were many. Whether it was written.
    @discardableResult
    package func writeCatalogueSnapshot() -> Bool { catalogue.writeSnapshot() }

    /// The engine underneath.
    package var engine: LogStore { core.log }
}
