import MillraceIO
import Synchronization

/// The threads of a store and what they work on. They only loop over steps that anyone may call: with no threads the
/// same steps are driven by hand.
///
/// Workers cut, encode and write; sync threads sync, so that a blocked device never stalls a codec; one preparer makes segment
/// files; one thread decodes blocks ahead of readers (`ReadAhead`). Producers hand a log over without a lock (a linked list pushed by
/// compare-and-exchange, taken whole by a worker).
///
/// Safe although it links unmanaged references: each pushed signal carries one retain, which the taker releases.
@safe package final class Scheduler: Sendable {
    private let incoming: Atomic<Unmanaged<FlushSignal>?>
    private let state = Guarded(State())
    private let work = EventCount()
    private let syncWork = EventCount()
    private let prepareWork: EventCount
    private let isStopping = Atomic<Bool>(false)
    private let threads = Guarded<[WorkerThread]>([])
    private let clock: any Clock
    private let configuration: LogConfiguration

    private struct State {
        /// Logs whose turn comes, those with somebody waiting apart.
        var ready = SignalQueue()
        var awaited = SignalQueue()
        var turn = 0
        var timers = TimerHeap()
        var toSync: [ShardLog] = []
        var isStopped = false
    }

    init(clock: any Clock, configuration: LogConfiguration, prepareWork: EventCount) {
        self.prepareWork = prepareWork
        self.clock = clock
        self.configuration = configuration
        unsafe incoming = Atomic(nil)
    }

    // MARK: Handing over

    /// Called by whoever moved the signal to `queued`.
    func enqueue(_ signal: FlushSignal) {
        let reference = unsafe Unmanaged.passRetained(signal)
        var head = unsafe incoming.load(ordering: .relaxed)
        while true {
            unsafe signal.link(head)
            let (exchanged, original) = unsafe incoming.compareExchange(
                expected: head, desired: reference, ordering: .sequentiallyConsistent)
            if exchanged { break }
            unsafe head = original
        }
        // Pushed first, then looked at: whoever stops drops this signal, or it is dropped here.
        if isStopping.load(ordering: .sequentiallyConsistent) { _ = takeIncoming() }
        work.notify(count: 1)
    }

    func enqueueSync(_ log: ShardLog) {
        state.withLock { if !$0.isStopped { $0.toSync.append(log) } }
        syncWork.notify(count: 1)
    }

    func wakeSyncThread() { syncWork.notify(count: 1) }
    func wakePreparer() { prepareWork.notify() }

    /// Has the log looked at again at that time (steady clock, nanoseconds).
    func schedule(_ log: ShardLog, at nanoseconds: Int64, _ duty: TimerHeap.Duty) {
        let isFirst = state.withLock { $0.timers.insert(.init(nanoseconds: nanoseconds, duty: duty, log: log)) }
        if isFirst { work.notify(count: 1) }
    }

    // MARK: Steps

    /// One turn of work for one log: a quantum of cuts and writes, or a timer's duty. False when there was nothing to do.
    func workStep(_ encoder: inout BlockEncoder) -> Bool {
        // Timers first: a log that always has work must not keep another's lingering records waiting for ever.
        let now = clock.steadyNanoseconds()
        if let timer = state.withLock({ $0.timers.popDue(now) }) {
            timer.log?.timerFired(timer.duty, &encoder)
            return true
        }
        guard let signal = nextReady() else { return false }
        signal.target?.workTurn(&encoder)
        return true
    }

    /// One sync of the logs that are asked for, or what else there is to sync. False when there is nothing.
    func syncStep(_ shared: StoreShared) -> Bool {
        if shared.commits.leadStep() { return true }
        let logs = state.withLock { state in
            defer { state.toSync.removeAll(keepingCapacity: true) }
            return state.toSync
        }
        guard !logs.isEmpty else { return shared.journal.drainStep() }
        let group = logs.filter { $0.beginSyncTurn() }
        if !group.isEmpty { _ = shared.commits.sync(group, isAwaited: \.isSyncAwaited) }
        return true
    }

    private func nextReady() -> FlushSignal? {
        state.withLock { state in
            if unsafe incoming.load(ordering: .sequentiallyConsistent) != nil {
                for signal in takeIncoming().reversed() {
                    if signal.target?.isAwaited == true { state.awaited.append(signal) } else { state.ready.append(signal) }
                }
            }
            // Who waits comes first; every fourth turn is another's all the same, so that nobody is left out.
            state.turn &+= 1
            if state.turn % 4 == 0 { return state.ready.popFirst() ?? state.awaited.popFirst() }
            return state.awaited.popFirst() ?? state.ready.popFirst()
        }
    }

    /// Everything that was pushed, newest first.
    private func takeIncoming() -> [FlushSignal] {
        var taken: [FlushSignal] = []
        var current = unsafe incoming.exchange(nil, ordering: .sequentiallyConsistent)
        while let reference = unsafe current {
            let signal = unsafe reference.takeRetainedValue()
            unsafe current = signal.unlink()
            taken.append(signal)
        }
        return taken
    }

    // MARK: Threads

    func start(_ shared: StoreShared) {
        threads.withLock { threads in
            for number in 0..<configuration.workerCount {
                threads.append(WorkerThread(name: "millrace-work-\(number)") { [self] in workLoop(shared.scratches) })
            }
            guard configuration.workerCount > 0 else { return }
            for number in 0..<configuration.syncThreadCount {
                threads.append(WorkerThread(name: "millrace-sync-\(number)") { [self] in syncLoop(shared) })
            }
            threads.append(WorkerThread(name: "millrace-prepare") { [self] in prepareLoop(shared) })
            // With one processor nothing is gained by doing ahead what is to be done.
            guard configuration.workerCount > 1 else { return }
            let images = shared.images
            threads.append(WorkerThread(name: "millrace-read") { images.readAhead.serve { _ = images.decodeAhead($0) } })
        }
    }

    /// Ends and joins the threads. What is queued stays undone and is let go: a log refers to this scheduler, so one that stood
    /// in a queue for ever would keep itself, its files and the store's memory.
    func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        for event in [work, syncWork, prepareWork] { event.notify() }
        for thread in threads.withLock({ threads in
            defer { threads = [] }
            return threads
        }) { thread.join() }
        // Let go outside the lock: the last holder of a log closes its files.
        let queued = state.withLock { state in
            defer {
                state = State()
                state.isStopped = true
            }
            return state
        }
        _ = (queued, takeIncoming())
    }

    var hasThreads: Bool { configuration.workerCount > 0 }

    private func workLoop(_ scratches: ScratchPool) {
        var encoder = BlockEncoder(scratches: scratches)
        while !isStopping.load(ordering: .sequentiallyConsistent) {
            if workStep(&encoder) { continue }
            let key = work.prepare()
            let due = state.withLock { $0.timers.first }
            let hasWork = unsafe incoming.load(ordering: .sequentiallyConsistent) != nil
                || state.withLock { !$0.ready.isEmpty || !$0.awaited.isEmpty }
            let now = clock.steadyNanoseconds()
            if hasWork || isStopping.load(ordering: .sequentiallyConsistent) || (due ?? .max) <= now {
                work.cancel()
            } else {
                work.wait(key, nanoseconds: due.map { $0 - now } ?? -1)
            }
        }
    }

    private func syncLoop(_ shared: StoreShared) {
        while !isStopping.load(ordering: .sequentiallyConsistent) {
            if syncStep(shared) { continue }
            let key = syncWork.prepare()
            let hasWork = state.withLock { !$0.toSync.isEmpty } || shared.commits.hasWork || shared.journal.isDraining
            if hasWork || isStopping.load(ordering: .sequentiallyConsistent) {
                syncWork.cancel()
            } else {
                syncWork.wait(key)
            }
        }
    }

    private func prepareLoop(_ shared: StoreShared) {
        while !isStopping.load(ordering: .sequentiallyConsistent) {
            // A full disk shows where the file is needed: the flusher makes its own then and reports why it cannot.
            if shared.arena.populateStep() || (try? shared.pool.prepareStep()) ?? false || shared.journal.prepareStep() { continue }
            let key = prepareWork.prepare()
            if shared.arena.populateStep() || shared.pool.hasWork || shared.journal.hasWork || isStopping.load(ordering: .sequentiallyConsistent) {
                prepareWork.cancel()
            } else {
                prepareWork.wait(key)
            }
        }
    }
}

/// Logs in the order in which they came; taking the first costs O(1) over time.
struct SignalQueue {
    private var signals: [FlushSignal] = []
    private var first = 0

    var isEmpty: Bool { first == signals.count }
    mutating func append(_ signal: FlushSignal) { signals.append(signal) }
    mutating func popFirst() -> FlushSignal? {
        guard first < signals.count else { return nil }
        defer {
            first += 1
            if first == signals.count || first > 1024 {
                signals.removeFirst(first)
                first = 0
            }
        }
        return signals[first]
    }
}

/// When to look at which log again: a binary heap, one for the store, so that an idle log costs no timer of its own.
struct TimerHeap {
    enum Duty: Sendable { case flush, sync, idle, retry }
    struct Entry {
        let nanoseconds: Int64
        let duty: Duty
        weak var log: ShardLog?
    }
    private var entries: [Entry] = []

    var first: Int64? { entries.first?.nanoseconds }

    /// True when the new entry is the first to come due.
    mutating func insert(_ entry: Entry) -> Bool {
        entries.append(entry)
        var child = entries.count - 1
        while child > 0, entries[child].nanoseconds < entries[(child - 1) / 2].nanoseconds {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
        return child == 0
    }

    mutating func popDue(_ now: Int64) -> Entry? {
        guard let first = entries.first, first.nanoseconds <= now else { return nil }
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if entries[child].nanoseconds < entries[least].nanoseconds { least = child }
            }
            if least == parent { return first }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
