import MillraceIO
import Synchronization

/// Between a log's producers and the threads that flush it: whether somebody will look at the log soon.
///
/// States: `idle`, nobody will; `queued`, a worker will or does; `lingering`, a worker saw records in an open buffer and comes back
/// when they have waited long enough. A producer pays one load when the log is queued already. Whoever leaves `queued` looks
/// once more at what there is (sequentially consistent on both sides), so no record is forgotten.
final class FlushSignal: Sendable {
    enum State: UInt8 { case idle = 0, queued = 1, lingering = 2 }

    private let state = Atomic<UInt8>(State.idle.rawValue)
    private let buffers: BufferList
    private let scheduler: Scheduler
    /// Buffers started when the log last began to linger.
    private let seenBuffers = Atomic<UInt64>(0)
    /// Set once, before any producer knows the log.
    private let log = Guarded<WeakLog>(WeakLog())
    /// Link of the scheduler's incoming list; owned by whoever moved the state to `queued`.
    private let next: Owned<Link>
    @safe private struct Link { var signal: Unmanaged<FlushSignal>? }

    struct WeakLog { weak var log: ShardLog? }

    private let waiters: AsyncWaiters

    init(buffers: BufferList, scheduler: Scheduler, waiters: AsyncWaiters) {
        self.waiters = waiters
        self.buffers = buffers
        self.scheduler = scheduler
        unsafe next = Owned(Link(signal: nil))
    }
    @unsafe func link(_ signal: Unmanaged<FlushSignal>?) { next.with { unsafe $0.signal = signal } }
    @unsafe func unlink() -> Unmanaged<FlushSignal>? { unsafe next.with { unsafe $0.signal } }
    func bind(_ log: ShardLog) { self.log.withLock { $0.log = log } }
    var target: ShardLog? { log.withLock { $0.log } }

    /// Called by the role holder after each publish.
    @inline(__always)
    func published() {
        if waiters.isWaitingForPublished { target?.settleWaiters() }
        let now = state.load(ordering: .sequentiallyConsistent)
        if now == State.queued.rawValue { return }
        if now == State.lingering.rawValue, buffers.count <= seenBuffers.load(ordering: .relaxed) { return }
        queue()
    }

    /// The same, by a producer that flushes what it appended itself right now.
    @inline(__always)
    func publishedLed() {
        if waiters.isWaitingForPublished { target?.settleWaiters() }
    }

    /// Has a worker look at the log now.
    @inline(never)
    func queue() {
        while true {
            let now = state.load(ordering: .sequentiallyConsistent)
            if now == State.queued.rawValue { return }
            if state.compareExchange(
                expected: now, desired: State.queued.rawValue, ordering: .sequentiallyConsistent
            ).exchanged {
                scheduler.enqueue(self)
                return
            }
        }
    }

    /// The worker is done with the log for now. The caller looks for work once more afterwards, and queues it again if it finds any.
    func leave(to new: State) {
        seenBuffers.store(buffers.count, ordering: .relaxed)
        state.store(new.rawValue, ordering: .sequentiallyConsistent)
    }

    /// The linger is over: true when the log was still lingering and is the caller's now.
    func endLinger() -> Bool {
        state.compareExchange(
            expected: State.lingering.rawValue, desired: State.queued.rawValue, ordering: .sequentiallyConsistent
        ).exchanged
    }
}
