import MillraceIO
import MillraceLog
import MillraceModel

/// Which streams there are: a log of the engine, replayed when the store opens, one durable record for each change.
///
/// A class because it is the one writer of that log. Changes may wait for the disk; looking up never does.
final class Catalogue: Sendable {
    /// The engine's name of the catalogue's log. Shards have 1 and up.
    static let logID: UInt64 = 0

    private let core: StoreCore
    private let log: ShardLog
    private let state: Guarded<State>
    /// Held through a change, disk included.
    private let changing: Guarded<Changing>
    /// Logs that no record names any more, and that are to be removed once nothing is held.
    private let gone = Guarded<[UInt64]>([])
    /// Records that the opening read.
    let replayedCount: Int

    private struct Changing {
        /// Changes that were appended when the disk was full: they may be kept yet, and no other comes before them.
        var records: [CatalogueRecord] = []
        var endOrdinal: UInt64 = 0
        var byteCount = 0
        var policy: SnapshotPolicy
    }

    private struct State {
        var known = CatalogueState()
        var streams: [UInt64: StoredStream] = [:]
        var nextLogID: UInt64 = 1
    }

    /// Replays the catalogue of an open store; makes it when there is none yet.
    ///
    /// - Throws: `corrupt` when a change cannot be read: then it is not known which streams there are. `newerFormat`.
    init(core: StoreCore) throws(KinesisError) {
        self.core = core
        var state = State()
        let logIDs: [UInt64]
        do throws(LogError) {
            log = try core.log.createLog(Self.logID)
            if let file = log.recovery.cutOff.first {
                throw .corrupt(
                    file: file, byteOffset: 0,
                    detail: "a part of the catalogue was cut off: which streams there are is not known")
            }
            logIDs = try core.log.logIDs()
        } catch { throw core.error(error) }
        let replay = try CatalogueReplay(log, core)
        state.known = replay.state
        replayedCount = replay.recordCount
        changing = Guarded(Changing(policy: replay.policy))
        core.startTime(at: state.known.latestMilliseconds ?? core.nowMilliseconds())
        core.keep(state.known.account?.agingMilliseconds ?? 0)
        // Directories that no record names were made for what never came to be, or belonged to what is gone: they go, and
        // their names stay unused. One that cannot be removed is in nobody's way.
        let named = Set(state.known.streams.values.flatMap { $0.shards.map(\.logID) })
        _ = try? core.log.removeLogs(except: named)
        state.nextLogID = max(logIDs.last ?? 0, state.known.greatestLogID) + 1
        for stream in state.known.streams.values { state.streams[stream.streamID] = StoredStream(stream, core: core) }
        self.state = Guarded(state)
        if known.account == nil {
            try change { _ in [.accountChanged(AccountState(tokenSecret: TokenSecret(drawnFrom: core.entropy)))] }
        }
    }

    /// What the changes below an ordinal made, all of them durable: as an opening finds a catalogue that ends there.
    func state(below end: UInt64) throws(KinesisError) -> CatalogueState { try CatalogueReplay(log, core, below: end).state }

    // MARK: Looking up

    /// Everything that is known now.
    var known: CatalogueState { state.withLock { $0.known } }

    func stream(_ name: StreamName) -> StoredStream? {
        state.withLock { state in state.known.stream(name).flatMap { state.streams[$0.streamID] } }
    }

    /// nil when it was deleted meanwhile.
    func stream(_ id: UInt64) -> StoredStream? { state.withLock { $0.streams[id] } }

    // MARK: Changes

    /// Makes the changes that `decide` answers for what is known: all of them or none, durable when this returns. One at a
    /// time; `decide` may wait for the disk. No record changes nothing.
    ///
    /// - Parameter undo: called when nothing was appended after `decide` had answered.
    /// - Throws: what `decide` throws, and storage errors: then nothing has changed. After `storageFull` the change may still
    ///   be made, once there is room; when the last sync failed, reopening tells.
    func change(
        undo: () -> Void = {}, _ decide: (CatalogueState) throws(KinesisError) -> [CatalogueRecord]
    ) throws(KinesisError) {
        try core.checkOpen()
        defer { removeGone() }
        try changing.withLock { changing throws(KinesisError) in
            try core.checkCatalogue()
            try settle(&changing)
            let records = try decide(known)
            if records.isEmpty { return }
            let bytes = records.map(\.bytes)
            do throws(LogError) { changing.endOrdinal = try append(bytes) } catch {
                undo()
                throw core.error(error)
            }
            changing.records = records
            changing.byteCount = bytes.reduce(0) { $0 + $1.count }
            try settle(&changing)
            if changing.policy.isDue { writeSnapshot(&changing, isForced: false) }
        }
    }

    // MARK: Snapshots

    /// Writes down how everything stands, as one batch, so that an opening begins there. For tests; changes do so by themselves.
    /// Whether it was written.
    func writeSnapshot() -> Bool {
        changing.withLock { changing in
            guard changing.records.isEmpty else { return false }
            return writeSnapshot(&changing, isForced: true)
        }
    }

    /// Nothing depends on it, so what fails of it is nobody's error but the next change's, if the log takes no more.
    @discardableResult
    private func writeSnapshot(_ changing: inout Changing, isForced: Bool) -> Bool {
        let batch = known.snapshotRecords.map(\.bytes)
        let byteCount = batch.reduce(0) { $0 + $1.count }
        guard changing.policy.writes(byteCount: byteCount) || isForced else { return false }
        // The last room of a disk is for changes.
        guard let space = try? core.log.spaceState(), space == .ok || isForced, let end = try? appendOnce(batch) else { return false }
        do throws(LogError) { try log.wait(.durable, below: end) } catch {
            if error.isPassing { return false }
            core.catalogueFailed(core.error(error))
            return false
        }
        changing.policy.wrote()
        return true
    }

    // MARK: Time

    /// Keeps the time by which records grow old, durable when this returns: no later opening goes by an earlier one. To be
    /// called before anything goes because of its age.
    ///
    /// - Parameter now: `believedMilliseconds`.
    /// - Throws: as `change`.
    func noteTime(_ now: UInt64) throws(KinesisError) {
        keep(now)
        try change { noting(now, in: $0) }
    }

    /// A change of what goes because of its age at the time `now`, which is kept with it.
    ///
    /// - Throws: as `change`.
    func change(
        byAgeAt now: UInt64, _ decide: (CatalogueState) throws(KinesisError) -> [CatalogueRecord]
    ) throws(KinesisError) {
        keep(now)
        try change { known throws(KinesisError) in
            let records = try decide(known)
            return records.isEmpty ? [] : noting(now, in: known) + records
        }
    }

    /// Goes by the time in this opening, before it is kept for the next: no record that is put while the clock is behind may be
    /// too old then.
    private func keep(_ now: UInt64) {
        core.keep(now)
        // A stream that is made meanwhile is made under the same lock, and finds the time in `core`.
        state.withLock { state in for stream in state.streams.values { stream.terms.keep(now) } }
    }

    /// Changes that keep the time, and of streams that have let less be seen than it says, what that was: a clock was ahead for a
    /// while. Records were put to other streams since, so the time itself must not be as late.
    private func noting(_ now: UInt64, in known: CatalogueState) -> [CatalogueRecord] {
        guard var account = known.account else { return [] }
        var records: [CatalogueRecord] = []
        if account.agingMilliseconds < now {
            account.agingMilliseconds = now
            records.append(.accountChanged(account))
        }
        let horizons = state.withLock { $0.streams.mapValues(\.terms.floor) }
        let greatest = core.believableMilliseconds
        for (id, stream) in known.streams {
            guard let horizon = horizons[id], horizon > stream.settings.horizon(at: account.agingMilliseconds),
                horizon + UInt64(stream.settings.retention.milliseconds) <= greatest
            else { continue }
            var settings = stream.settings
            settings.horizonFloorMilliseconds = horizon
            records.append(.settingsChanged(streamID: id, settings))
        }
        return records
    }

    /// The last change, made when the store is closed: what is kept for the next opening and was promised to nobody, so that
    /// nothing is said when it fails.
    ///
    /// - Parameter more: what else is to be kept.
    /// - Returns: false when it was appended and is not durable: then the log ends with what may be lost.
    func close(_ more: (CatalogueState) -> [CatalogueRecord]) -> Bool {
        let now = core.believedMilliseconds()
        keep(now)
        return changing.withLock { pending in
            let records = noting(now, in: known) + more(known)
            do throws(KinesisError) {
                try core.checkOpen()
                try core.checkCatalogue()
            } catch { return true }
            // A full disk holds a change up that somebody waits for: closing says so.
            guard !records.isEmpty, pending.records.isEmpty else { return true }
            do throws(LogError) {
                let end = try appendOnce(records.map(\.bytes))
                do throws(LogError) { try log.wait(.durable, below: end) } catch { return false }
            } catch { return true }
            take(records)
            return true
        }
    }

    // MARK: Steps of a change

    /// Names of the engine for so many logs, which nothing else has had or will have.
    func newLogIDs(_ count: Int) -> Range<UInt64> {
        state.withLock { state in
            // Used up even when the rest fails: what is on disk then belongs to nobody.
            defer { state.nextLogID += UInt64(count) }
            return state.nextLogID..<(state.nextLogID + UInt64(count))
        }
    }

    /// Waits for the pending changes to be durable, and takes them.
    private func settle(_ pending: inout Changing) throws(KinesisError) {
        if pending.records.isEmpty { return }
        do throws(LogError) {
            if !seeded(.catalogueUnsynced) { try log.wait(.durable, below: pending.endOrdinal) }
        } catch {
            if error.isPassing {
                // Shards that the change closes take no records until it is made: whoever waits there tries it again.
                core.holdUp { [weak self] () throws(KinesisError) in try self?.settleAgain() }
                throw core.error(error)
            }
            // Perhaps kept, perhaps not: nobody can say before the next opening, so no other change may follow.
            core.catalogueFailed(core.error(error))
            throw core.error(error)
        }
        take(pending.records)
        pending.policy.add(recordCount: pending.records.count, byteCount: pending.byteCount)
        pending.records = []
        core.holdUp(nil)
    }

    private func settleAgain() throws(KinesisError) {
        defer { removeGone() }
        try changing.withLock { pending throws(KinesisError) in
            try core.checkCatalogue()
            try settle(&pending)
        }
    }

    /// One batch. The ordinal behind it.
    private func append(_ batch: [[UInt8]]) throws(LogError) -> UInt64 {
        while true {
            do throws(LogError) { return try appendOnce(batch) } catch {
                guard case .wouldBlock = error else { throw error }
                log.waitForRoom(nanoseconds: 10_000_000)
            }
        }
    }

    /// The same, without waiting for memory.
    private func appendOnce(_ batch: [[UInt8]]) throws(LogError) -> UInt64 {
        try log.append(arrival: core.nowMilliseconds()) { sink throws(LogError) in
            let none: [UInt8] = []
            // Safe because bytes have no padding.
            for bytes in batch { try sink.add(key: unsafe none.span.bytes, data: unsafe bytes.span.bytes) }
        }.upperBound
    }

    /// What cannot be removed now goes when the store opens.
    private func removeGone() {
        let logIDs = gone.withLock { gone in
            defer { gone = [] }
            return gone
        }
        core.remove(logIDs)
    }

    /// What became durable holds from here on.
    private func take(_ records: [CatalogueRecord]) {
        let changed: [(StoredStream, StreamDescription?)] = state.withLock { state in
            var changed: [(StoredStream, StreamDescription?)] = []
            // On a copy: what readers were given is theirs without a lock, and never changed in place.
            var known = state.known
            defer { state.known = known }
            for record in records {
                gone.withLock { $0 += record.logIDsThatGo(known) }
                do throws(CatalogueState.Misfit) { try known.apply(record) } catch {
                    preconditionFailure("a change was decided that does not fit: \(error.detail)")
                }
                switch record {
                case .streamCreated(let stream): state.streams[stream.streamID] = StoredStream(stream, core: core)
                case .streamDeleted(let id):
                    if let stream = state.streams.removeValue(forKey: id) { changed.append((stream, nil)) }
                case .settingsChanged(let id, _), .resharded(let id, _), .shardsExpired(let id, _):
                    if let stream = state.streams[id], let now = known.streams[id] { changed.append((stream, now)) }
                case .consumerSet, .consumerRemoved, .accountChanged, .peaksKept: break
                case .snapshotBegan, .streamStands, .shardsStand, .nameRetired:
                    preconditionFailure("a snapshot is no change")
                }
            }
            return changed
        }
        for (stream, description) in changed {
            if let description { stream.take(description) } else { stream.end() }
            if description == nil { core.subscriptions.end(streamID: stream.streamID) }
        }
    }
}

extension CatalogueRecord {
    /// The logs of shards that are no stream's any more with this change.
    fileprivate func logIDsThatGo(_ known: CatalogueState) -> [UInt64] {
        switch self {
        case .streamDeleted(let id): known.streams[id]?.shards.map(\.logID) ?? []
        case .shardsExpired(let id, let shards): shards.compactMap { known.streams[id]?.shard($0)?.logID }
        default: []
        }
    }
}
