import MillraceLog
public import MillraceModel
import Synchronization

/// One shard of a stream: its own order, its own part of the hash ring.
///
/// A class because it is the shared identity of the shard's log, which it recovers when it is first used.
public final class Shard: Sendable {
    /// The shard's name within its stream.
    public let id: ShardID
    /// The places of the ring whose records the shard takes.
    public let hashKeyRange: HashKeyRange
    /// When it was created, in seconds since 1970 UTC: part of its records' sequence numbers.
    public let creationSecond: UInt64
    /// The shards it was made of by a split or a merge, which hold the older records of its keys.
    public let parents: [ShardID]
    let ackLevel: AckLevel
    let core: StoreCore
    let terms: StreamTerms
    /// The engine's name of the shard's log.
    package let logID: UInt64
    /// AWS's budgets; nil where limits are off.
    let throttle: Throttle?
    private let opened = SetOnce<OpenShard>()
    private let measured = SetOnce<TrafficMeter>()
    private let closed = SetOnce<Closed>()
    private let gone = Atomic<Bool>(false)

    /// A class because that is what can be set once, atomically.
    private final class Closed: Sendable {
        let closing: ShardClosing
        init(_ closing: ShardClosing) { self.closing = closing }
    }

    init(_ description: ShardDescription, ackLevel: AckLevel, terms: StreamTerms, core: StoreCore) {
        id = description.shardID
        hashKeyRange = description.hashKeyRange
        logID = description.logID
        creationSecond = description.creationSecond
        parents = description.parents
        self.ackLevel = ackLevel
        self.terms = terms
        self.core = core
        let enforcement = core.options.capacity
        throttle =
            enforcement == .off
            ? nil
            : Throttle(
                enforcement, greatestRecordByteCount: terms.maximumRecordByteCount,
                nanoseconds: core.steadyNanoseconds())
        if let closing = description.closing { close(closing) }
    }

    /// The number at which the shard starts, not above any of its records'.
    public var startingSequenceNumber: SequenceNumber { .starting(id, creationSecond: creationSecond) }

    /// The number at which the shard ends, above all its records'; nil while it takes records.
    public var endingSequenceNumber: SequenceNumber? {
        closing.map { .ending(id, creationSecond: creationSecond, closingSecond: $0.second) }
    }

    /// Whether a split or a merge ended it: it takes no more records, and keeps those it has.
    public var isClosed: Bool { closing != nil }

    /// What the scaling of an on-demand stream goes by; made when it is first used.
    package var meter: TrafficMeter { measured.value ?? measured.set(TrafficMeter()) }

    var closing: ShardClosing? { closed.value?.closing }

    /// Notes that the shard takes no more records, and lets those go on who wait for one.
    func close(_ closing: ShardClosing) {
        _ = closed.set(Closed(closing))
        opened.value?.log.wakeReaders()
    }

    /// Whether it is closed, and everything in it too old to be seen: then it is none of the stream's shards any more.
    var isExpired: Bool { closing.map { $0.lastMillisecond < horizonMilliseconds } ?? false }

    /// It is no shard of the stream any more, and its log goes. What reads it learns of it.
    func expire() {
        gone.store(true, ordering: .releasing)
        opened.value?.log.wakeReaders()
    }

    /// Whether `expire` was called.
    var isGone: Bool { gone.load(ordering: .acquiring) }

    /// What users are told of an error of the shard's log.
    func error(_ error: LogError) -> KinesisError {
        switch error {
        case .removed, .unknownLog: isGone ? core.words.shardNotFound("\(id)", terms.streamName) : core.error(error)
        default: core.error(error)
        }
    }

    /// Whether nothing will ever be read at this place.
    func isEnd(_ ordinal: UInt64) -> Bool { closing.map { ordinal >= $0.endOrdinal } ?? false }

    /// A cursor there.
    ///
    /// Opening a shard recovers its log, and a time is looked up in it: both may wait for the disk.
    /// - Parameters:
    ///   - start: where reading begins. `latest` is behind the last record visible now.
    ///   - level: how far a record must have come to be seen; the stream's ack level unless told.
    /// - Throws: `invalidArgument` when the number is of another shard; `storage`: `closed`, `corrupt`, `newerFormat`, `io`.
    public func cursor(
        at start: StartingPosition, level: AckLevel? = nil
    ) async throws(KinesisError) -> ShardCursor {
        let position = try await core.readers.run { [self] () throws(KinesisError) -> UInt64 in
            try self.position(of: start, level: level)
        }
        return ShardCursor(self, try open(), position: position, level: level ?? ackLevel)
    }

    /// The same on the calling thread.
    public func cursorBlocking(
        at start: StartingPosition, level: AckLevel? = nil
    ) throws(KinesisError) -> ShardCursor {
        let position = try self.position(of: start, level: level)
        return ShardCursor(self, try open(), position: position, level: level ?? ackLevel)
    }

    /// The log, recovered now if this is its first use: that may wait for the disk.
    func open() throws(KinesisError) -> OpenShard {
        if let open = opened.value { return open }
        try core.checkOpen()
        do throws(LogError) {
            let log = try core.log.log(logID)
            if isClosed { _ = log.endAppends() } else if hashKeyRange != .whole { log.setTakesTurns() }
            // Of several that come at once one stays; nothing was appended through the others.
            log.setSegmentAge(milliseconds: RetentionSweep.segmentMilliseconds(terms.period))
            let open = opened.set(OpenShard(log, shardID: id, creationSecond: creationSecond))
            takeMark()
            return open
        } catch { throw self.error(error) }
    }

    /// Records put from now on are marked as the stream's settings say. Called after those have changed, and after opening:
    /// whichever comes last sees both.
    func takeMark() {
        guard let open = opened.value, terms.mark != 0 || open.isMarked.load(ordering: .sequentiallyConsistent) else { return }
        open.isMarked.store(true, ordering: .sequentiallyConsistent)
        open.log.setMark { [terms] in terms.mark }
    }

    /// The same without waiting for the disk in a task.
    func openAsync() async throws(KinesisError) -> OpenShard {
        if let open = opened.value { return open }
        return try await core.readers.run { [self] () throws(KinesisError) in try self.open() }
    }

    /// The ordinal at which reading begins. May wait for the disk.
    func position(of start: StartingPosition, level: AckLevel?) throws(KinesisError) -> UInt64 {
        let log = try open().log
        let level = Level(level ?? ackLevel)
        switch start {
        case .trimHorizon: return try horizonOrdinal(log, level)
        case .latest: return log.tip(level)
        case .at(let number): return place(try check(number).ordinal, log)
        case .after(let number): return place(try check(number).ordinal + 1, log)
        case .atTimestamp(let milliseconds):
            return try ordinal(arrivingFrom: max(UInt64(max(0, milliseconds)), horizonMilliseconds), log, level)
        }
    }

    /// A number that no record has yet stands for the place behind the last: whoever begins there misses nothing.
    private func place(_ ordinal: UInt64, _ log: ShardLog) -> UInt64 {
        min(ordinal, closing?.endOrdinal ?? log.tip(.published))
    }

    /// Records that arrived earlier are not to be seen; milliseconds since 1970 UTC.
    var horizonMilliseconds: UInt64 { terms.horizon(at: core.agingMilliseconds()) }

    /// The oldest record that may be seen now.
    private func horizonOrdinal(_ log: ShardLog, _ level: Level) throws(KinesisError) -> UInt64 {
        let horizon = horizonMilliseconds
        return horizon == 0 ? log.trimHorizon : try ordinal(arrivingFrom: horizon, log, level)
    }

    /// The first record that arrived at the time or later, or the place behind the last visible one.
    func ordinal(arrivingFrom milliseconds: UInt64, _ log: ShardLog, _ level: Level) throws(KinesisError) -> UInt64 {
        var cursor = log.cursor(at: 0, level: level)
        do throws(LogError) { try cursor.seek(toArrival: milliseconds) } catch { throw self.error(error) }
        return cursor.position
    }

    private func check(_ number: SequenceNumber) throws(KinesisError) -> SequenceNumber {
        guard number.shardID == id, number.shardCreationSecond == creationSecond else {
            throw .invalidArgument("Sequence number \(number) is not one of \(id)")
        }
        return number
    }
}
