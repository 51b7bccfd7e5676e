import MillraceIO
import Synchronization

/// One file for the whole store, in which one sync makes the records of many logs durable (FORMAT section 11).
///
/// What the logs have written and not synced is put into it as it stands in their segments. The segments are synced later, when half of
/// the journal is full; opening a store copies what the journal holds into the segments before anything else is read.
///
/// Invariants:
/// - A frame holds what its segment holds at that place for as long as the segment has that salt, because blocks are written once.
/// - A half is written again only when each log with frames in it has synced its own files since.
/// - One commit at a time: whoever leads the store's `CommitGroup`.
final class CommitJournal: Sendable {
    private struct State {
        var open: Open?
        /// Asked for once, however often it is missed until it is made.
        var wasWanted = false
        var isWanted = false
        /// It could not be made, or failed: not tried again before the store is opened anew.
        var isGivenUp = false
        /// The half that is written, and where its next frame goes.
        var half = 0
        var end = 0
        /// Halves that are to be made free.
        var toDrain: [Int] = []
        /// For each half the logs with frames in it.
        var gates: [[ObjectIdentifier: SyncGate]] = [[:], [:]]

        /// Logs whose segments lack what the half holds of them.
        func holders(of half: Int) -> [SyncGate] { gates[half].values.filter { $0.hasFrames(inHalf: half) } }
    }
    private struct Open {
        let handle: FileHandle
        let file: JournalFile
        var seed: UInt32 { file.seed }
    }
    private let state: Guarded<State>
    private let io: any StorageIO
    private let root: DirectoryHandle
    private let entropy: any Entropy
    private let store: StoreFile
    private let byteCount: Int
    let commitCount = Atomic<Int>(0)

    /// - Parameters:
    ///   - left: what opening the store has left of an earlier journal; its bytes are void.
    ///   - byteCount: of the file, or 0 for a store without a journal.
    init(
        io: any StorageIO, root: DirectoryHandle, entropy: any Entropy, store: StoreFile, byteCount: Int, left: (FileHandle, JournalFile)?
    ) {
        self.io = io
        self.root = root
        self.entropy = entropy
        self.store = store
        self.byteCount = byteCount
        var state = State()
        if let (handle, file) = left {
            state.open = Open(handle: handle, file: file)
            state.end = file.half(0).lowerBound
        }
        state.isGivenUp = byteCount == 0
        self.state = Guarded(state)
    }

    /// What one log may put into a commit: as much as a device writes in the time that a sync takes anyway.
    var greatestLogByteCount: Int { 256 << 10 }

    /// Asks for the file; true the first time.
    func want() -> Bool {
        state.withLock { state in
            guard state.open == nil, !state.isGivenUp, !state.wasWanted else { return false }
            state.wasWanted = true
            state.isWanted = true
            return true
        }
    }
    var hasWork: Bool { state.withLock { $0.isWanted } }

    /// Makes the file if it is asked for: zeros, so that a commit changes nothing but bytes. False when it is not asked for.
    func prepareStep() -> Bool {
        let isWanted = state.withLock { state in
            defer { state.isWanted = false }
            return state.isWanted
        }
        guard isWanted else { return false }
        let made = try? make()
        state.withLock { state in
            guard let made else {
                // The logs sync one by one, as before: nothing is lost but time.
                state.isGivenUp = true
                return
            }
            state.open = made
            state.half = 0
            state.end = made.file.half(0).lowerBound
        }
        return true
    }

    private func make() throws(IOError) -> Open {
        let space = try io.freeSpace(in: root)
        guard space.availableByteCount > 8 * byteCount else {
            throw IOError(.allocate, name: FileNames.journal, errorNumber: 28, detail: "too little is left for a commit journal")
        }
        let file = JournalFile(
            storeLow: store.storeLow, storeHigh: store.storeHigh, salt: entropy.next(), sequence: 1, byteCount: byteCount)
        let handle = try io.createFile(FileNames.journal, in: root)
        do throws(IOError) {
            try io.allocate(handle, byteCount: byteCount)
            try io.writeSyncedZeros(handle, 0..<byteCount)
            try Self.write(file, to: handle, io)
            try io.sync(root)
            return Open(handle: handle, file: file)
        } catch {
            io.close(handle)
            try? io.unlink(FileNames.journal, in: root)
            throw error
        }
    }

    /// Writes the header pages and syncs: what stood in the journal under another salt is void then.
    static func write(_ file: JournalFile, to handle: FileHandle, _ io: any StorageIO) throws(IOError) {
        let pages = AlignedMemory(byteCount: Format.framesByteOffset)
        file.encode(into: pages.memory)
        try io.write(handle, at: 0, [pages.memory])
        try io.sync(handle)
    }

    // MARK: Committing

    /// Puts everything into the journal and syncs it. The half it stands in; nil when it is in none, durably: there is no journal or
    /// no room, or it has failed, which nobody loses anything by.
    func commit(_ commits: [SyncGate.Commit]) -> Int? {
        let byteCount = commits.reduce(0) { $1.stretches.reduce($0) { $0 + Format.frameHeaderByteCount + $1.bytes.count } }
        guard let (open, half, start) = place(byteCount, commits) else { return nil }
        let headers = AlignedMemory(byteCount: Format.frameHeaderByteCount * commits.reduce(0) { $0 + $1.stretches.count })
        var pieces: [Memory] = []
        var at = start
        for commit in commits {
            for stretch in commit.stretches {
                let data = stretch.open.memory.slice(stretch.bytes.lowerBound, stretch.bytes.count)
                let header = headers.memory.slice(pieces.count / 2 * Format.frameHeaderByteCount, Format.frameHeaderByteCount)
                JournalFrame.encode(
                    stretch.identity, at: stretch.bytes.lowerBound, data, into: header, standingAt: at, seed: open.seed)
                pieces += [header, data]
                at += header.byteCount + data.byteCount
            }
        }
        do throws(IOError) {
            try io.write(open.handle, at: start, pieces)
            if !seeded(.journalUnsynced) { try io.sync(open.handle) }
        } catch {
            // What stands in it from earlier commits stays, and is copied at the next opening.
            state.withLock { $0.isGivenUp = true }
            return nil
        }
        withExtendedLifetime(headers) {}
        commitCount.add(1, ordering: .relaxed)
        return half
    }

    /// Where so many bytes go: in the half that is written, or at the start of one that is free, the other one first. Where a log that
    /// failed holds one for ever, the other serves alone.
    private func place(_ byteCount: Int, _ commits: [SyncGate.Commit]) -> (Open, half: Int, start: Int)? {
        state.withLock { state in
            guard let open = state.open, !state.isGivenUp, byteCount <= open.file.half(0).count else { return nil }
            if state.end + byteCount > open.file.half(state.half).upperBound {
                let full = state.half
                guard let free = [1 - full, full].first(where: { seeded(.journalReused) || state.holders(of: $0).isEmpty }) else {
                    state.toDrain = [0, 1]
                    return nil
                }
                if free != full, !seeded(.journalReused) { state.toDrain = [full] }
                state.gates[free] = [:]
                state.half = free
                state.end = open.file.half(free).lowerBound
            }
            defer { state.end += byteCount }
            // Known before they are written: a half without frames of a log may be written again.
            for commit in commits { state.gates[state.half][ObjectIdentifier(commit.gate)] = commit.gate }
            return (open, state.half, state.end)
        }
    }

    var isDraining: Bool { state.withLock { !$0.toDrain.isEmpty } }

    /// Syncs the files of the logs that keep a half from being written again. False when there is no need to.
    func drainStep() -> Bool {
        let holders: [SyncGate]? = state.withLock { state in
            guard !state.toDrain.isEmpty else { return nil }
            defer { state.toDrain = [] }
            return state.toDrain.flatMap { state.holders(of: $0) }
        }
        guard let holders else { return false }
        // One that is busy just now, or has failed, is looked at again when the half is needed.
        for gate in holders { _ = try? gate.sync() }
        return true
    }

    // MARK: The end

    /// Nobody commits any more: what the journal holds is void, unless it alone keeps something of a log that failed.
    func clear() throws(IOError) {
        let isHeld = state.withLock { state in (0..<2).contains { !state.holders(of: $0).isEmpty } }
        guard commitCount.load(ordering: .relaxed) > 0, !isHeld || seeded(.journalClearedHeld), let open = state.withLock({ $0.open }) else { return }
        try Self.write(open.file.followed(by: entropy.next()), to: open.handle, io)
    }

    func close() {
        let open = state.withLock { state in
            defer { state = State() }
            return state.open
        }
        if let open { io.close(open.handle) }
    }
}

extension JournalFile {
    /// The same with another salt.
    func followed(by salt: UInt64) -> JournalFile {
        JournalFile(storeLow: storeLow, storeHigh: storeHigh, salt: salt, sequence: sequence + 1, byteCount: byteCount)
    }
}
