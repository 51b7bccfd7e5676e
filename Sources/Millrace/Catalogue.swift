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
    private let changing = Guarded(Pending())

    /// Changes that were appended when the disk was full: they may be kept yet, and no other comes before them.
    private struct Pending {
        var records: [CatalogueRecord] = []
        var endOrdinal: UInt64 = 0
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
        state.known = try Self.replay(log, core)
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
    func state(below end: UInt64) throws(KinesisError) -> CatalogueState { try Self.replay(log, core, below: end) }

    private static func replay(
        _ log: ShardLog, _ core: StoreCore, below end: UInt64 = .max
    ) throws(KinesisError) -> CatalogueState {
        var state = CatalogueState()
        var refused: KinesisError?
        var isAtEnd = false
        var cursor = log.cursor(at: 0, level: .durable)
        do throws(LogError) {
            while refused == nil, !isAtEnd {
                let more: Bool? = try cursor.withBatch { batch throws(LogError) in
                    while let view = batch.next() {
                        isAtEnd = view.ordinal >= end
                        if isAtEnd { return false }
                        // Safe because the span is valid for its count while it is copied.
                        let bytes = unsafe view.data.withUnsafeBytes { unsafe [UInt8]($0) }
                        refused = apply(bytes, to: &state, ordinal: view.ordinal)
                        if refused != nil { return false }
                    }
                    return true
                }
                if more == nil { break }
            }
        } catch { throw core.error(error) }
        if let refused { throw refused }
        return state
    }

    private static func apply(_ bytes: [UInt8], to state: inout CatalogueState, ordinal: UInt64) -> KinesisError? {
        let file = "catalogue record \(ordinal)"
        let record: CatalogueRecord
        do throws(CatalogueRecord.Refusal) { record = try CatalogueRecord(bytes) } catch {
            switch error {
            case .damaged(let byteOffset, let detail):
                return .storage(.corrupt(file: file, byteOffset: byteOffset, detail: detail))
            case .newer:
                return .storage(
                    .newerFormat(
                        file: file, found: StorageError.formatVersion + 1, supported: StorageError.formatVersion))
            }
        }
        do throws(CatalogueState.Misfit) { try state.apply(record) } catch {
            return .storage(.corrupt(file: file, byteOffset: 0, detail: error.detail))
        }
        return nil
    }

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
        try changing.withLock { pending throws(KinesisError) in
            try core.checkCatalogue()
            try settle(&pending)
            let records = try decide(known)
            if records.isEmpty { return }
            do throws(LogError) {
                pending = Pending(records: records, endOrdinal: try append(records.map(\.bytes)))
            } catch {
                undo()
                throw core.error(error)
            }
            try settle(&pending)
        }
    }

    /// Names of the engine for so many logs, which nothing else has had or will have.
    func newLogIDs(_ count: Int) -> Range<UInt64> {
        state.withLock { state in
            // Used up even when the rest fails: what is on disk then belongs to nobody.
            defer { state.nextLogID += UInt64(count) }
            return state.nextLogID..<(state.nextLogID + UInt64(count))
        }
    }

    /// Waits for the pending changes to be durable, and takes them.
    private func settle(_ pending: inout Pending) throws(KinesisError) {
        if pending.records.isEmpty { return }
        do throws(LogError) {
            if !seeded(.catalogueUnsynced) { try log.wait(.durable, below: pending.endOrdinal) }
        } catch {
            if case .storageFull = error {
                // Shards that the change closes take no records until it is made: whoever waits there tries it again.
                core.holdUp { [weak self] () throws(KinesisError) in try self?.settleAgain() }
                throw core.error(error)
            }
            // Perhaps kept, perhaps not: nobody can say before the next opening, so no other change may follow.
            core.catalogueFailed(core.error(error))
            throw core.error(error)
        }
        take(pending.records)
        pending = Pending()
        core.holdUp(nil)
    }

    private func settleAgain() throws(KinesisError) {
        try changing.withLock { pending throws(KinesisError) in
            try core.checkCatalogue()
            try settle(&pending)
        }
    }

    /// One batch. The ordinal behind it.
    private func append(_ batch: [[UInt8]]) throws(LogError) -> UInt64 {
        let arrival = core.nowMilliseconds()
        while true {
            do throws(LogError) {
                return try log.append(arrival: arrival) { sink throws(LogError) in
                    let none: [UInt8] = []
                    for bytes in batch { try sink.add(key: unsafe none.span.bytes, data: unsafe bytes.span.bytes) }
                }.upperBound
            } catch {
                guard case .wouldBlock = error else { throw error }
                log.waitForRoom(nanoseconds: 10_000_000)
            }
        }
    }

    /// What became durable holds from here on.
    private func take(_ records: [CatalogueRecord]) {
        let changed: [(StoredStream, StreamDescription?)] = state.withLock { state in
            var changed: [(StoredStream, StreamDescription?)] = []
            // On a copy: what readers were given is theirs without a lock, and never changed in place.
            var known = state.known
            defer { state.known = known }
            for record in records {
                do throws(CatalogueState.Misfit) { try known.apply(record) } catch {
                    preconditionFailure("a change was decided that does not fit: \(error.detail)")
                }
                switch record {
                case .streamCreated(let stream): state.streams[stream.streamID] = StoredStream(stream, core: core)
                case .streamDeleted(let id):
                    if let stream = state.streams.removeValue(forKey: id) { changed.append((stream, nil)) }
                case .settingsChanged(let id, _), .resharded(let id, _):
                    if let stream = state.streams[id], let now = known.streams[id] { changed.append((stream, now)) }
                case .consumerSet, .consumerRemoved, .accountChanged: break
                }
            }
            return changed
        }
        for (stream, description) in changed {
            if let description { stream.take(description) } else { stream.end() }
        }
    }
}
