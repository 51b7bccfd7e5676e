public import Millrace
import MillraceIO
import MillraceLog
public import MillraceModel

/// A disk in memory with a store on it, for tests of programs that embed Millrace: it loses power, fails and fills up when told,
/// and its clock goes as told.
///
/// The store is the real one: the same code appends, recovers and reads as on files. A class because it is the shared
/// identity of disk, clock and the store that is open at the moment. One task at a time may call it; streams
/// of its store may be used from any.
///
/// ```swift
/// let disk = try TestDisk()
/// let orders = try await disk.store.createStream("orders", shards: 1)
/// try await orders.put("hello", partitionKey: "k1", ack: .durable)
/// try await disk.crash(seed: 1)
/// let again = try disk.store.stream("orders")
/// ```
public final class TestDisk {
    /// What the disk is asked to do; see `fail`.
    public enum Operation: Sendable, CaseIterable {
        case createFile, read, write, sync, syncDirectory, rename, allocate
    }

    /// How a call of the disk fails.
    public enum Failure: Sendable {
        /// EIO: the device answered with an error. A failed sync forgets what it covered, as real ones do.
        case device
        /// ENOSPC.
        case full
    }

    /// The store that is open on the disk now; another one after every `crash`, `kill` and `reopen`.
    public private(set) var store: StreamStore

    private let configuration: LogConfiguration
    private var disk: ShadowIO
    private let clock: ManualClock
    private var boot: UInt64 = 0
    private var openings: UInt64 = 0

    /// An empty disk, and a store made on it. The clock stands at 2025-01-01 UTC.
    ///
    /// - Parameter configuration: as for a store on files; memory is reserved for it, and resident as far as it is used.
    /// - Throws: `invalidArgument` when a number of the configuration is out of its range.
    public init(configuration: StoreConfiguration = StoreConfiguration()) throws(KinesisError) {
        self.configuration = try configuration.logConfiguration()
        disk = ShadowIO()
        clock = ManualClock()
        store = try TestDisk.open(disk, clock, 0, self.configuration)
    }

    deinit { store.abandon() }

    private static func open(
        _ disk: ShadowIO, _ clock: ManualClock, _ opening: UInt64, _ configuration: LogConfiguration
    ) throws(KinesisError) -> StreamStore {
        try StreamStore(
            at: "/store", io: disk, clock: clock, entropy: SeededEntropy(seed: opening), configuration: configuration)
    }

    private func openAgain() throws(KinesisError) {
        openings += 1
        disk.fault = nil
        disk.capacityByteCount = 1 << 40
        store = try TestDisk.open(disk, clock, openings, configuration)
    }

    // MARK: Ends and beginnings

    /// The power fails, and the store is opened on what that left.
    ///
    /// What was synced is there. Of everything since, the seed decides what survived: any pages, torn at 8 bytes, any names.
    /// Records acknowledged as durable are there afterwards, others may be.
    /// - Throws: as opening a store: a failure here is a bug of Millrace.
    public func crash(seed: UInt64) async throws(KinesisError) {
        store.abandon()
        disk = disk.crash(entropy: SeededEntropy(seed: seed))
        boot += 1
        clock.restart(bootIdentity: (1000 + boot, boot))
        try openAgain()
    }

    /// The process dies, the machine goes on, and the store is opened by the next process. Records acknowledged as written are there
    /// afterwards.
    /// - Throws: as `crash`.
    public func kill() async throws(KinesisError) {
        store.abandon()
        disk = disk.kill()
        try openAgain()
    }

    /// The store is closed and opened again.
    /// - Throws: as `StreamStore.close` and `crash`.
    public func reopen() async throws(KinesisError) {
        try await store.close()
        try openAgain()
    }

    // MARK: Trouble

    /// Lets a call of the disk fail: the `call`-th of that kind from now on (1 is the next), and with `isPermanent` all later ones.
    /// One such plan at a time; it ends with the next `crash`, `kill` or `reopen`.
    public func fail(_ operation: Operation, call: Int = 1, with failure: Failure = .device, isPermanent: Bool = false) {
        let kind: IOError.Operation =
            switch operation {
            case .createFile: .createFile
            case .read: .read
            case .write: .write
            case .sync: .sync
            case .syncDirectory: .syncDirectory
            case .rename: .rename
            case .allocate: .allocate
            }
        let first = disk.callCount(kind) + max(1, call)
        // ENOSPC and EIO have the same numbers on Linux and Darwin.
        let errorNumber: Int32 = failure == .full ? 28 : 5
        disk.fault = { asked, _, number in
            asked == kind && (number == first || isPermanent && number > first) ? errorNumber : nil
        }
    }

    /// How many bytes of files the disk has room for besides those there are; nil for as many as anybody needs.
    public func setRoom(byteCount: Int?) {
        disk.capacityByteCount = byteCount.map { disk.allocatedByteCount + $0 } ?? 1 << 40
    }

    // MARK: Time

    /// Lets time pass, in milliseconds, 0 or more. What a store does by itself after a while (writing records that nobody waits for,
    /// looking whether a full disk has room again) it does only as its clock goes on.
    public func advanceClock(milliseconds: Int64) { clock.advance(milliseconds: milliseconds) }

    /// Sets the time of day, in milliseconds since 1970 UTC, forwards or back, as an administrator may.
    public func setClock(millisecondsSince1970: Int64) { clock.setWall(nanoseconds: millisecondsSince1970 * 1_000_000) }

    // MARK: What verification says

    /// Whether every byte of the store on the disk is as it was written; see `millrace verify`. The store stays open.
    /// - Throws: `storage` when it cannot be read at all.
    public func isIntact() throws(KinesisError) -> Bool {
        do throws(LogError) {
            return !(try StoreVerification.run(at: "/store", io: disk)).findings.contains { $0.severity == .damage }
        } catch { throw KinesisError(error, path: "/store") }
    }
}
