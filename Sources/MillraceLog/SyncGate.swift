import MillraceIO
import Synchronization

/// Who syncs for whom: one sync at a time and log; whoever finds the gate free syncs for all who wait.
///
/// Records become durable by a sync of the log's own files, or by a frame in the store's commit journal. The latter leaves the files to
/// be synced later: they stay in the set, without the stretch that the journal holds.
final class SyncGate: Sendable {
    enum Outcome: Sendable { case synced, nothingToSync, busy }

    /// Blocks as they stand in a segment, covered by no sync.
    struct Stretch: Sendable {
        let open: OpenSegment
        let identity: SegmentIdentity
        let bytes: Range<Int>

        func followed(by next: Stretch) -> Stretch {
            precondition(next.open === open && next.bytes.lowerBound == bytes.upperBound, "blocks follow each other")
            return Stretch(open: open, identity: identity, bytes: bytes.lowerBound..<next.bytes.upperBound)
        }
    }
    /// What the journal is to hold for a log. The gate is taken until `endCommit` or `cancelCommit`.
    struct Commit: Sendable {
        let gate: SyncGate
        let target: UInt64
        let stretches: [Stretch]
        var byteCount: Int { stretches.reduce(0) { $0 + $1.bytes.count } }
    }
    enum CommitOutcome: Sendable {
        case begun(Commit)
        case nothingToCommit
        /// Names have changed that only a sync of the log's own covers, or there is so much that its own sync costs less.
        case needsSync
        /// Somebody syncs; `isFree` is called at the end of that.
        case busy
    }

    private struct Entry {
        let open: OpenSegment
        /// Blocks that neither a sync nor the journal covers; one stretch, because blocks follow each other.
        var blocks: Stretch?
    }
    private struct State {
        /// Files with bytes that no sync covers yet, in the order in which they became so.
        var entries: [Entry] = []
        /// The log's directory when names in it have changed that no sync covers yet.
        var changedNames: OpenDirectory?
        var isSyncing = false
        /// How many syncs of the log's own have begun, and which of them was the last to end well.
        var begunSync: UInt64 = 0
        var endedSync: UInt64 = 0
        /// How many syncs and commits have begun, and the end of what the last one covers.
        var round: UInt32 = 0
        var target: UInt64 = 0
        /// Whom it serves was woken.
        var hasWoken = false
        /// Somebody wanted to sync or to commit meanwhile.
        var isAwaited = false
        /// In which halves of the journal there are frames whose segments no sync covers yet: bit 0 and bit 1.
        var halves: UInt8 = 0

        mutating func entry(of open: OpenSegment) -> Int {
            if let index = entries.lastIndex(where: { $0.open === open }) { return index }
            entries.append(Entry(open: open))
            return entries.count - 1
        }
        mutating func begin(upTo target: UInt64) {
            isSyncing = true
            round &+= 1
            self.target = target
            hasWoken = false
        }
        var uncommittedByteCount: Int { entries.reduce(0) { $0 + ($1.blocks?.bytes.count ?? 0) } }
    }
    private let state = Guarded(State())
    private let io: any StorageIO
    private let poolDirectory: DirectoryHandle
    private let watermarks: Watermarks
    private let failure: LogFailure
    private let hasBegun: @Sendable () -> Void
    private let isFree: @Sendable () -> Void
    let syncCount = Atomic<Int>(0)
    /// Bytes written since the last sync took its files.
    let unsyncedByteCount = Atomic<Int>(0)

    /// - Parameters:
    ///   - hasBegun: called when a sync or a commit has begun: what is written from then on is the next one's.
    ///   - isFree: called when one has ended during which somebody wanted to sync as well.
    init(
        io: any StorageIO, poolDirectory: DirectoryHandle, watermarks: Watermarks, failure: LogFailure,
        hasBegun: @escaping @Sendable () -> Void, isFree: @escaping @Sendable () -> Void
    ) {
        self.io = io
        self.poolDirectory = poolDirectory
        self.watermarks = watermarks
        self.failure = failure
        self.hasBegun = hasBegun
        self.isFree = isFree
    }

    /// Called by the holder of the write turn when it has written, before `written` tells of it: so a file is in the set that the next
    /// sync takes whenever that sync's target counts its bytes.
    func didWrite(_ open: OpenSegment) { state.withLock { _ = $0.entry(of: open) } }
    /// The same of blocks, which the journal can hold in the file's place.
    func didWriteBlocks(_ stretch: Stretch) {
        state.withLock { state in
            let index = state.entry(of: stretch.open)
            state.entries[index].blocks = state.entries[index].blocks?.followed(by: stretch) ?? stretch
        }
    }
    func didChangeNames(in directory: OpenDirectory) { state.withLock { $0.changedNames = directory } }

    /// Forgets what no sync covers yet.
    func retire() {
        state.withLock { state in
            state.entries = []
            state.changedNames = nil
            state.halves = 0
        }
    }

    var isBusy: Bool { state.withLock { $0.isSyncing } }
    /// Whether somebody syncs just now; then `isFree` is called at the end of that.
    func isAwaitedWhileBusy() -> Bool {
        state.withLock { state in
            if state.isSyncing { state.isAwaited = true }
            return state.isSyncing
        }
    }

    // MARK: A sync of the log's own

    /// Syncs what is written, if nobody else does, and raises `durable`. Blocks for as long as the device takes.
    /// - Throws: the error that froze the log: it is never retried.
    func sync() throws(LogError) -> Outcome {
        try failure.check()
        // Read before the files are taken: all bytes below it stand in files that are in the set by then.
        let taken: (target: UInt64, entries: [Entry], changedNames: OpenDirectory?)? = state.withLock { state in
            guard !state.isSyncing else {
                state.isAwaited = true
                return nil
            }
            let target = watermarks.value(.written)
            state.begin(upTo: target)
            state.begunSync += 1
            unsyncedByteCount.store(0, ordering: .sequentiallyConsistent)
            defer {
                state.entries = []
                state.changedNames = nil
            }
            return (target, state.entries, state.changedNames)
        }
        guard let taken else { return .busy }
        hasBegun()
        let (target, entries, changedNames) = taken
        // Who found the gate busy and waits for more than this sync gave leads the next one.
        defer { release() }
        guard !entries.isEmpty || changedNames != nil || target > watermarks.value(.durable) else {
            state.withLock { $0.endedSync = $0.begunSync }
            return .nothingToSync
        }
        if seeded(.ackBeforeSync), target > watermarks.value(.durable) { watermarks.advance(.durable, to: target) }
        do {
            for entry in entries where !seeded(.skipSync) { try sync(entry.open) }
            if let changedNames, !seeded(.namesUnsynced) {
                defer { withExtendedLifetime(changedNames) {} }
                try io.sync(changedNames.handle)
                try io.sync(poolDirectory)
            }
        } catch {
            // The halves of the journal with this log's frames are not written again: the next opening copies them once more.
            failure.set(.frozen(cause: error))
            for level in Level.allCases { watermarks.wake(level) }
            throw .frozen(cause: error)
        }
        syncCount.add(1, ordering: .relaxed)
        state.withLock { state in
            state.halves = 0
            state.endedSync = state.begunSync
        }
        raiseDurable(to: target)
        return .synced
    }

    /// The first sync of the log's own that covers everything written until now: the one that runs may have taken its files before.
    var nextSync: UInt64 { state.withLock { $0.begunSync + 1 } }
    /// Whether that sync, or one after it, has ended well.
    func hasEnded(_ sync: UInt64) -> Bool { state.withLock { $0.endedSync >= sync } }

    private func sync(_ open: OpenSegment) throws(IOError) {
        do throws(IOError) { try io.sync(open.file) } catch {
            guard seeded(.failedSyncBelieved) else { throw error }
            try io.sync(open.file)
        }
    }

    // MARK: Whom to wake

    /// A sleeper for that ordinal is woken with this bit: that of the sync which runs when it covers the ordinal, else that of the next
    /// one. So the end of a sync wakes whom it has served and not the group that has gathered meanwhile.
    func wakeBit(below ordinal: UInt64) -> UInt32 {
        state.withLock { Self.wakeBit($0.isSyncing && ordinal <= $0.target ? $0.round : $0.round &+ 1) }
    }
    private static func wakeBit(_ round: UInt32) -> UInt32 { 1 << (round & 31) }

    /// Called by the holder of the gate.
    private func raiseDurable(to target: UInt64) {
        guard target > watermarks.value(.durable) else { return }
        let round = state.withLock { state in
            state.hasWoken = true
            return state.round
        }
        watermarks.advance(.durable, to: target, waking: Self.wakeBit(round))
    }

    private func release() {
        let (isAwaited, bits) = state.withLock { state in
            state.isSyncing = false
            defer { state.isAwaited = false }
            return (state.isAwaited, state.isAwaited ? .max : state.hasWoken ? 0 : Self.wakeBit(state.round))
        }
        if bits != 0 { watermarks.wakeSleepers(.durable, bits) }
        if isAwaited { isFree() }
    }

    // MARK: By the journal

    /// Whether only a sync of the log's own will do, as `beginCommit` would say now.
    func needsSync(_ greatestByteCount: Int) -> Bool {
        state.withLock { $0.changedNames != nil || $0.uncommittedByteCount > greatestByteCount }
    }

    /// Takes the gate, and what is to stand in the journal.
    /// - Throws: the error that froze the log.
    func beginCommit(greatestByteCount: Int) throws(LogError) -> CommitOutcome {
        try failure.check()
        let outcome: CommitOutcome = state.withLock { state in
            guard !state.isSyncing else {
                state.isAwaited = true
                return .busy
            }
            // Read first, as in `sync`.
            let target = watermarks.value(.written)
            guard target > watermarks.value(.durable) else { return .nothingToCommit }
            guard state.changedNames == nil, state.uncommittedByteCount <= greatestByteCount else { return .needsSync }
            state.begin(upTo: target)
            unsyncedByteCount.store(0, ordering: .sequentiallyConsistent)
            let stretches = state.entries.compactMap(\.blocks)
            for index in state.entries.indices { state.entries[index].blocks = nil }
            return .begun(Commit(gate: self, target: target, stretches: stretches))
        }
        if case .begun = outcome { hasBegun() }
        return outcome
    }

    /// The journal holds it, and is synced.
    func endCommit(_ commit: Commit, half: Int) {
        // Of a log that was removed meanwhile the journal has nothing to keep.
        state.withLock { state in if !failure.isRemoved { state.halves |= 1 << UInt8(half) } }
        raiseDurable(to: commit.target)
        release()
    }

    /// The journal does not hold it: everything is as it was before.
    func cancelCommit(_ commit: Commit) {
        state.withLock { state in
            for stretch in commit.stretches {
                let index = state.entry(of: stretch.open)
                state.entries[index].blocks = state.entries[index].blocks.map { stretch.followed(by: $0) } ?? stretch
            }
        }
        release()
    }

    /// Whether the journal alone keeps something of this log in that half.
    func hasFrames(inHalf half: Int) -> Bool { state.withLock { $0.halves & (1 << UInt8(half)) != 0 } }
}
