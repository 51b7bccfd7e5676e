import MillraceIO
import Synchronization

/// Who syncs for whom: one sync at a time and log; whoever finds the gate free syncs for all who wait.
///
/// While a sync runs the next group gathers, so the group grows with the load by itself.
final class SyncGate: Sendable {
    enum Outcome: Sendable { case synced, nothingToSync, busy }

    private struct State {
        /// Files with bytes that no sync covers yet, in the order in which they became so.
        var files: [OpenSegment] = []
        /// The log's directory when names in it have changed that no sync covers yet.
        var changedNames: OpenDirectory?
        var isSyncing = false
    }
    private let state = Guarded(State())
    private let io: any StorageIO
    private let poolDirectory: DirectoryHandle
    private let watermarks: Watermarks
    private let failure: LogFailure
    let syncCount = Atomic<Int>(0)
    /// Bytes written since the last sync took its files.
    let unsyncedByteCount = Atomic<Int>(0)

    init(io: any StorageIO, poolDirectory: DirectoryHandle, watermarks: Watermarks, failure: LogFailure) {
        self.io = io
        self.poolDirectory = poolDirectory
        self.watermarks = watermarks
        self.failure = failure
    }

    /// Called by the holder of the write turn when it has written, before `written` tells of it: so a file is in the set that the next
    /// sync takes whenever that sync's target counts its bytes.
    func didWrite(_ open: OpenSegment) {
        state.withLock { state in
            if !state.files.contains(where: { $0 === open }) { state.files.append(open) }
        }
    }
    func didChangeNames(in directory: OpenDirectory) { state.withLock { $0.changedNames = directory } }

    /// Forgets what no sync covers yet.
    func retire() {
        state.withLock { state in
            state.files = []
            state.changedNames = nil
        }
    }

    var isBusy: Bool { state.withLock { $0.isSyncing } }

    /// Syncs what is written, if nobody else does, and raises `durable`. Blocks for as long as the device takes.
    /// - Throws: the error that froze the log: it is never retried.
    func sync() throws(LogError) -> Outcome {
        try failure.check()
        // Read before the files are taken: all bytes below it stand in files that are in the set by then.
        let taken: (target: UInt64, files: [OpenSegment], changedNames: OpenDirectory?)? = state.withLock { state in
            guard !state.isSyncing else { return nil }
            state.isSyncing = true
            let target = watermarks.value(.written)
            unsyncedByteCount.store(0, ordering: .relaxed)
            defer {
                state.files = []
                state.changedNames = nil
            }
            return (target, state.files, state.changedNames)
        }
        guard let taken else { return .busy }
        let (target, files, changedNames) = taken
        defer {
            state.withLock { $0.isSyncing = false }
            // Who found the gate busy and waits for more than this sync gave leads the next one.
            watermarks.wakeSleepers(.durable)
        }
        guard !files.isEmpty || changedNames != nil || target > watermarks.value(.durable) else { return .nothingToSync }
        if seeded(.ackBeforeSync), target > watermarks.value(.durable) { watermarks.advance(.durable, to: target) }
        do {
            for open in files where !seeded(.skipSync) { try sync(open) }
            if let changedNames, !seeded(.namesUnsynced) {
                defer { withExtendedLifetime(changedNames) {} }
                try io.sync(changedNames.handle)
                try io.sync(poolDirectory)
            }
        } catch {
            failure.set(.frozen(cause: error))
            for level in Level.allCases { watermarks.wake(level) }
            throw .frozen(cause: error)
        }
        syncCount.add(1, ordering: .relaxed)
        if target > watermarks.value(.durable) { watermarks.advance(.durable, to: target) }
        return .synced
    }

    private func sync(_ open: OpenSegment) throws(IOError) {
        do throws(IOError) { try io.sync(open.file) } catch {
            guard seeded(.failedSyncBelieved) else { throw error }
            try io.sync(open.file)
        }
    }
}
