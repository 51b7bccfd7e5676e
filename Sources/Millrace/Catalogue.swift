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
    private let changing = Guarded<Void>(())

    private struct State {
        var streams: [StreamName: StreamHandle] = [:]
        var nextLogID: UInt64 = 1
    }

    /// Replays the catalogue of an open store; makes it when there is none yet.
    ///
    /// - Throws: `corrupt` when a change cannot be read: then it is not known which streams there are. `newerFormat`.
    init(core: StoreCore) throws(KinesisError) {
        self.core = core
        var state = State()
        do throws(LogError) {
            log = try core.log.createLog(Self.logID)
            if let file = log.recovery.cutOff.first {
                throw .corrupt(
                    file: file, byteOffset: 0,
                    detail: "a part of the catalogue was cut off: which streams there are is not known")
            }
            // Directories that no record names were made for a stream that never came to be; their ids stay unused.
            state.nextLogID = (try core.log.logIDs().last ?? 0) + 1
        } catch { throw core.error(error) }
        for description in try Self.replay(log, core) {
            state.nextLogID = max(state.nextLogID, (description.shards.map(\.logID).max() ?? 0) + 1)
            state.streams[description.name] = StreamHandle(description, core: core)
        }
        self.state = Guarded(state)
    }

    private static func replay(_ log: ShardLog, _ core: StoreCore) throws(KinesisError) -> [StreamDescription] {
        var streams: [StreamDescription] = []
        var refused: KinesisError?
        var cursor = log.cursor(at: 0, level: .durable)
        do throws(LogError) {
            while refused == nil {
                let more: Bool? = try cursor.withBatch { batch throws(LogError) in
                    while let view = batch.next() {
                        // Safe because the span is valid for its count while it is copied.
                        let bytes = unsafe view.data.withUnsafeBytes { unsafe [UInt8]($0) }
                        do throws(CatalogueRecord.Refusal) {
                            switch try CatalogueRecord(bytes) {
                            case .streamCreated(let stream): streams.append(stream)
                            }
                        } catch {
                            refused = Self.error(error, ordinal: view.ordinal)
                            return false
                        }
                    }
                    return true
                }
                if more == nil { break }
            }
        } catch { throw core.error(error) }
        if let refused { throw refused }
        return streams
    }

    private static func error(_ refusal: CatalogueRecord.Refusal, ordinal: UInt64) -> KinesisError {
        switch refusal {
        case .damaged(let byteOffset, let detail):
            .storage(.corrupt(file: "catalogue record \(ordinal)", byteOffset: byteOffset, detail: detail))
        case .newer:
            .storage(
                .newerFormat(
                    file: "catalogue record \(ordinal)", found: StorageError.formatVersion + 1,
                    supported: StorageError.formatVersion))
        }
    }

    // MARK: Looking up

    func stream(_ name: StreamName) -> StreamHandle? { state.withLock { $0.streams[name] } }

    /// In order of their names.
    var streamNames: [StreamName] { state.withLock { Array($0.streams.keys) }.sorted() }

    // MARK: Changes

    /// Makes the shards' logs, then the record that names them: that record is the moment in which the stream comes to be.
    ///
    /// - Throws: `resourceInUse` when the name is taken, `invalidArgument` for a count out of `Limits.shardCount`,
    ///   storage errors: then there is no such stream, or, when the last sync failed, reopening tells.
    func createStream(_ name: StreamName, shards count: Int, ack: AckLevel) throws(KinesisError) -> StreamHandle {
        let ranges = try HashKeyRange.tiling(count: count)
        try core.checkOpen()
        return try changing.withLock { _ throws(KinesisError) in try create(name, ranges, ack) }
    }

    private func create(
        _ name: StreamName, _ ranges: [HashKeyRange], _ ack: AckLevel
    ) throws(KinesisError) -> StreamHandle {
        guard stream(name) == nil else { throw .resourceInUse("Stream \(name) already exists") }
        let firstLogID = state.withLock { state in
            // Used up even when the rest fails: what is on disk then belongs to nobody.
            defer { state.nextLogID += UInt64(ranges.count) }
            return state.nextLogID
        }
        let now = core.nowMilliseconds()
        let description = StreamDescription(
            name: name, streamID: core.entropy.next(),
            creationSecond: min(now / 1000, SequenceNumber.maximumSecond), ackLevel: ack,
            shards: ranges.enumerated().map { index, range in
                ShardDescription(
                    shardID: ShardID(index: UInt32(index)), logID: firstLogID + UInt64(index), hashKeyRange: range)
            })
        do throws(LogError) {
            for shard in description.shards { _ = try core.log.createLog(shard.logID) }
            let bytes = CatalogueRecord.streamCreated(description).bytes
            let ordinal = try append(bytes, arrival: now)
            if !seeded(.catalogueUnsynced) { try log.wait(.durable, below: ordinal + 1) }
        } catch { throw core.error(error) }
        let handle = StreamHandle(description, core: core)
        state.withLock { $0.streams[name] = handle }
        return handle
    }

    private func append(_ bytes: [UInt8], arrival: UInt64) throws(LogError) -> UInt64 {
        while true {
            do throws(LogError) {
                let none: [UInt8] = []
                return try log.append(key: unsafe none.span.bytes, data: unsafe bytes.span.bytes, arrival: arrival)
            } catch {
                guard case .wouldBlock = error else { throw error }
                log.waitForRoom(nanoseconds: 10_000_000)
            }
        }
    }
}
