import MillraceIO
import MillraceLog
import MillraceModel
import Synchronization

/// What the streams of one store share: the engine, the clock, the threads for slow reads.
///
/// A class because it is the open store itself; `StreamStore` and every `Shard` hold it. When the last of them lets go
/// without `close`, the store is closed then, and nobody learns of an error.
final class StoreCore: Sendable {
    let path: String
    let log: LogStore
    let readers: ReaderPool
    let entropy: any Entropy
    let options: ServiceOptions
    let transitions = StreamTransitions()
    let calls: CallLimits
    let subscriptions: SubscriptionRegistry
    let retention = RetentionState()
    let compaction = CompactionCounter()
    private let clock: any Clock
    /// What the two clocks said when the store was opened: wall and steady, in nanoseconds.
    private let opened: (wall: Int64, steady: Int64)
    private let isClosing = Atomic<Bool>(false)
    /// Why the catalogue takes no more changes; set once.
    private let catalogueFailure = Guarded<KinesisError?>(nil)
    private let heldUp = Guarded<Settling?>(nil)
    /// No time by which records grow old is before it; milliseconds since 1970 UTC. Relaxed: it only rises, and nothing else is
    /// ordered by it.
    private let agingFloor = Atomic<UInt64>(0)
    private let startMilliseconds = Atomic<UInt64>(0)

    init(
        path: String, log: LogStore, clock: any Clock, entropy: any Entropy, readerThreadCount: Int,
        options: ServiceOptions
    ) {
        self.path = path
        self.log = log
        self.clock = clock
        opened = (clock.wallNanoseconds(), clock.steadyNanoseconds())
        self.entropy = entropy
        self.options = options
        calls = CallLimits(options.capacity)
        subscriptions = SubscriptionRegistry(clock: clock)
        readers = ReaderPool(limit: readerThreadCount)
    }

    deinit {
        // A job may have held the store last.
        readers.stop(waiting: !ReaderPool.isOnReader)
        try? log.close()
    }

    /// The time of arrival, in milliseconds since 1970 UTC.
    @inline(__always)
    func nowMilliseconds() -> UInt64 { UInt64(max(0, clock.wallNanoseconds() / 1_000_000)) }

    /// Never goes back; for rates and deadlines.
    @inline(__always)
    func steadyNanoseconds() -> Int64 { clock.steadyNanoseconds() }

    /// The time by which records grow old, in milliseconds since 1970 UTC: the wall's, unless that has run ahead of the steady
    /// clock by more than an hour since the store was opened. A clock that is set wrong for a moment must not put records out
    /// of sight. Not before `keptMilliseconds`.
    func agingMilliseconds() -> UInt64 {
        let wall = clock.wallNanoseconds()
        let (elapsed, isOver) = clock.steadyNanoseconds().subtractingReportingOverflow(opened.steady)
        let (bound, isBeyond) = opened.wall.addingReportingOverflow((isOver ? 0 : elapsed) + Self.aheadNanoseconds)
        return max(keptMilliseconds, UInt64(max(0, (isBeyond ? wall : min(wall, bound)) / 1_000_000)))
    }

    /// The latest time by which records have grown old that was to be kept, in this opening or an earlier one.
    var keptMilliseconds: UInt64 { agingFloor.load(ordering: .relaxed) }

    /// From here on `agingMilliseconds` is not before that time, whatever the clock does.
    func keep(_ milliseconds: UInt64) { _ = agingFloor.max(milliseconds, ordering: .relaxed) }

    private static let aheadNanoseconds: Int64 = 3_600_000_000_000

    /// The last time that the store knew of when it was opened; milliseconds since 1970 UTC. Called before anything is kept.
    func startTime(at milliseconds: UInt64) { startMilliseconds.store(milliseconds, ordering: .relaxed) }

    /// Up to when a time is believed, so that it is kept and what is too old by it goes for good: a year from the last time that
    /// the store knew, and any once it has been open for a day. A store that is opened with a clock far ahead shows nothing old, and
    /// shows it again when the clock is right.
    var believableMilliseconds: UInt64 {
        let elapsed = UInt64(max(0, clock.steadyNanoseconds().subtractingReportingOverflow(opened.steady).partialValue) / 1_000_000)
        return elapsed >= Self.dayMilliseconds
            ? .max : startMilliseconds.load(ordering: .relaxed) + elapsed + Self.yearMilliseconds
    }

    /// `agingMilliseconds` if that is believed; else the last time that the store knew, and what has passed since it was opened.
    func believedMilliseconds() -> UInt64 {
        let (now, greatest) = (agingMilliseconds(), believableMilliseconds)
        return now <= greatest ? now : max(keptMilliseconds, greatest - Self.yearMilliseconds)
    }

    private static let dayMilliseconds: UInt64 = 86_400_000
    private static let yearMilliseconds: UInt64 = 365 * dayMilliseconds

    /// - Throws: `closed` from the moment that closing began.
    func checkOpen() throws(KinesisError) {
        if isClosing.load(ordering: .acquiring) { throw .storage(.closed) }
    }

    /// - Throws: what made the catalogue fail: then no change of a stream will be finished before the store is opened anew.
    func checkCatalogue() throws(KinesisError) {
        if let error = catalogueFailure.withLock({ $0 }) { throw error }
    }

    /// Tries again what a full disk has held up of the catalogue's last change; nothing to do when there is none. May wait for
    /// the disk.
    ///
    /// - Throws: `storageFull` while there is no room; as `checkCatalogue`.
    func settleCatalogue() throws(KinesisError) {
        try checkCatalogue()
        if let settle = heldUp.withLock({ $0 }) { try settle() }
    }

    /// The same for a task.
    func settleCatalogueAsync() async throws(KinesisError) {
        guard heldUp.withLock({ $0 != nil }) else { return }
        try await readers.run { [self] () throws(KinesisError) in try settleCatalogue() }
    }

    /// How to try the change again that a full disk holds up; nil when it was made.
    func holdUp(_ settle: Settling?) { heldUp.withLock { $0 = settle } }

    typealias Settling = @Sendable () throws(KinesisError) -> Void

    func catalogueFailed(_ error: KinesisError) { catalogueFailure.withLock { $0 = $0 ?? error } }

    var words: ServiceWords { ServiceWords(options: options) }

    func error(_ error: LogError) -> KinesisError { KinesisError(error, path: path) }

    /// Removes what is on disk of logs that no stream has any more. What cannot be removed now is removed when the store opens.
    func remove(_ logIDs: [UInt64]) {
        retention.forget(logIDs)
        for id in logIDs { _ = try? log.removeLog(id) }
    }

    /// Makes everything durable and lets go of the directory. Not on a thread of `readers`.
    ///
    /// - Parameter isCatalogueWhole: false when its log ends with what nobody was promised: then an error is one only if another
    ///   log has records that are not durable.
    func close(isCatalogueWhole: Bool) throws(KinesisError) {
        isClosing.store(true, ordering: .releasing)
        readers.stop(waiting: true)
        do throws(LogError) { try log.close() } catch {
            let isLost = log.openLogs.contains { $0.id != Catalogue.logID && $0.tip(.durable) < $0.tip(.published) }
            if isCatalogueWhole || isLost { throw self.error(error) }
        }
    }

    /// Ends the store as a dying process would: nothing is flushed, synced or noted.
    func abandon() {
        isClosing.store(true, ordering: .releasing)
        readers.stop(waiting: true)
        log.abandon()
    }
}
