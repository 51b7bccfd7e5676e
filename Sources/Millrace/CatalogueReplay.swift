import MillraceLog
import MillraceModel

/// What the catalogue's log says, read when the store opens: from its newest snapshot on, or from its beginning when there is none.
/// A value.
///
/// The snapshot is looked for among all records, by their kind alone: that costs as much as reading their bytes, a hundredth of taking
/// them in. Older segments may be gone or damaged; nothing in front of the newest snapshot counts.
struct CatalogueReplay {
    private(set) var state = CatalogueState()
    /// Records that were taken in.
    private(set) var recordCount = 0
    /// Knows how much that was.
    private(set) var policy = SnapshotPolicy()

    /// - Parameter end: records from there on do not count.
    /// - Throws: `corrupt` when a change cannot be read: then it is not known which streams there are. `newerFormat`.
    init(_ log: ShardLog, _ core: StoreCore, below end: UInt64 = .max) throws(KinesisError) {
        var refused: KinesisError?
        do throws(LogError) {
            let start = try Self.newestSnapshot(log, below: end) ?? 0
            var cursor = log.cursor(at: start, level: .durable)
            var isAtEnd = false
            while refused == nil, !isAtEnd {
                let more: Bool? = try cursor.withBatch { batch throws(LogError) in
                    while let view = batch.next() {
                        isAtEnd = view.ordinal >= end
                        if isAtEnd { return false }
                        // Safe because the span is valid for its count while it is copied.
                        let bytes = unsafe view.data.withUnsafeBytes { unsafe [UInt8]($0) }
                        refused = take(bytes, ordinal: view.ordinal)
                        if refused != nil { return false }
                    }
                    return true
                }
                if more == nil { break }
            }
        } catch { throw core.error(error) }
        if let refused { throw refused }
        if state.isCut {
            throw .storage(.corrupt(file: "catalogue", byteOffset: 0, detail: "a snapshot of the catalogue is not whole"))
        }
    }

    /// Where the newest snapshot begins; nil when there is none.
    private static func newestSnapshot(_ log: ShardLog, below end: UInt64) throws(LogError) -> UInt64? {
        var newest: UInt64?
        var cursor = log.cursor(at: 0, level: .durable)
        while true {
            do throws(LogError) {
                let more: Bool? = try cursor.withBatch { batch throws(LogError) in
                    while let view = batch.next() {
                        if view.ordinal < end, CatalogueRecord.isSnapshot(view.data) { newest = view.ordinal }
                    }
                    return true
                }
                if more == nil { return newest }
            } catch {
                // What is missing in front of a snapshot does not matter, and what is missing behind it is met again.
                guard case .gap = error else { throw error }
            }
        }
    }

    private mutating func take(_ bytes: [UInt8], ordinal: UInt64) -> KinesisError? {
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
        recordCount += 1
        policy.add(recordCount: 1, byteCount: bytes.count)
        // What was read of a snapshot is not to be read again by the next one.
        if !state.isCut, isReadingSnapshot { policy.wrote() }
        isReadingSnapshot = state.isCut
        return nil
    }

    private var isReadingSnapshot = false
}
