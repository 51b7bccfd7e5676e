import MillraceIO
import Synchronization

/// The logs of a store that are to become durable together.
///
/// Whoever finds nobody leading leads: it takes all logs that were asked for meanwhile and makes them durable, by one sync of the commit
/// journal where there are several. What comes while it works gathers for the next group, so that groups grow with the load by
/// themselves. A leader that has what it came for leaves the next group to a sync thread, which leads for as long as there is one: leading
/// by turns would have each group wait until its leader is given a processor.
final class CommitGroup: Sendable {
    enum Outcome: Sendable {
        /// A group with the logs has ended; what is not durable now has failed, or is in somebody else's hands.
        case led
        /// Somebody else leads: the logs are in the next group.
        case gathered
    }

    private struct State {
        var pending: [ObjectIdentifier: Member] = [:]
        var isLed = false
        /// The next group waits for a sync thread.
        var isOffered = false

        mutating func take() -> [Member] {
            defer { pending.removeAll(keepingCapacity: true) }
            return pending.count < 2 ? Array(pending.values) : pending.values.sorted { $0.log.id < $1.log.id }
        }
    }
    private struct Member {
        let log: ShardLog
        /// Somebody waits for all that was published when he came: the leader writes it. What nobody waits for it leaves to the workers,
        /// however much there is: the other members would wait for it.
        var isAwaited: Bool
    }
    private let state = Guarded(State())
    private let journal: CommitJournal
    private let scheduler: Scheduler

    init(journal: CommitJournal, scheduler: Scheduler) {
        self.journal = journal
        self.scheduler = scheduler
    }

    /// Somebody is at it, or is about to be.
    var isLed: Bool { state.withLock { $0.isLed } }

    /// Makes durable what the logs have written, or leaves it to whoever leads. Errors are the logs' own: they say so by their failure.
    /// - Parameter isAwaited: for each log, whether what it has published is to be written first.
    func sync(_ logs: [ShardLog], isAwaited: (ShardLog) -> Bool = { _ in true }) -> Outcome {
        let group: [Member]? = state.withLock { state in
            for log in logs {
                let isKnown = state.pending[ObjectIdentifier(log)]?.isAwaited ?? false
                state.pending[ObjectIdentifier(log)] = Member(log: log, isAwaited: isKnown || isAwaited(log))
            }
            if state.isLed { return nil }
            state.isLed = true
            return state.take()
        }
        guard let group else { return .gathered }
        run(group)
        guard scheduler.hasThreads else {
            leadOn()
            return .led
        }
        let isMore = state.withLock { state in
            state.isLed = !state.pending.isEmpty
            state.isOffered = state.isLed
            return state.isLed
        }
        if isMore { scheduler.wakeSyncThread() }
        return .led
    }

    /// Leads until nothing is asked for any more.
    private func leadOn() {
        while true {
            let group = state.withLock { state in
                state.isLed = !state.pending.isEmpty
                return state.take()
            }
            if group.isEmpty { return }
            run(group)
        }
    }

    /// Whether the log is in the next group of somebody who leads already: then what it has published is written and synced with that one's.
    func joins(_ log: ShardLog) -> Bool {
        state.withLock { state in
            guard state.isLed, state.pending[ObjectIdentifier(log)] != nil else { return false }
            state.pending[ObjectIdentifier(log)]?.isAwaited = true
            return true
        }
    }

    /// Leads the group that somebody left, and those after it. False when there is none.
    func leadStep() -> Bool {
        let isMine = state.withLock { state in
            defer { state.isOffered = false }
            return state.isOffered
        }
        if isMine { leadOn() }
        return isMine
    }
    var hasWork: Bool { state.withLock { $0.isOffered } }

    /// Lets go of the logs that nobody will lead any more.
    func retire() {
        let pending = state.withLock { state in
            defer { state = State() }
            return state.pending
        }
        withExtendedLifetime(pending) {}
    }

    private func run(_ group: [Member]) {
        defer { for member in group { member.log.didSync() } }
        // Those who came to a log of the group after the first have left the writing to this.
        for member in group where member.isAwaited { member.log.writePublished() }
        guard group.count > 1 else {
            for member in group { _ = try? member.log.gate.sync() }
            return
        }
        var commits: [SyncGate.Commit] = [], alone: [ShardLog] = []
        for log in group.map(\.log) {
            switch try? log.gate.beginCommit(greatestByteCount: journal.greatestLogByteCount) {
            case .begun(let commit): commits.append(commit)
            case .needsSync: alone.append(log)
            case .nothingToCommit, .busy, nil: break
            }
        }
        if commits.count > 1, let half = journal.commit(commits) {
            for commit in commits { commit.gate.endCommit(commit, half: half) }
        } else {
            for commit in commits { commit.gate.cancelCommit(commit) }
            for commit in commits { _ = try? commit.gate.sync() }
        }
        for log in alone { _ = try? log.gate.sync() }
        if commits.count + alone.count > 1, journal.want() { scheduler.wakePreparer() }
        if journal.isDraining { if scheduler.hasThreads { scheduler.wakeSyncThread() } else { _ = journal.drainStep() } }
    }
}
