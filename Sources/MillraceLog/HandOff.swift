import MillraceIO
import Synchronization

/// Records of a producer that found the writer role taken, on their way to whoever holds it.
///
/// A class: the producer waits for it while the role holder fills in its outcome. Its records do not change once it is queued.
final class HandOffNode: Sendable {
    enum State: UInt32 { case waiting = 0, done = 1, holdsRole = 2 }

    private let word = AlignedMemory(byteCount: 64, alignment: 64)
    private let content: Owned<Content>
    @safe struct Content: ~Copyable {
        var bytes: [UInt8] = []
        var lengths: [(key: Int, data: Int)] = []
        var arrival: UInt64
        var outcome: Result<UInt64, LogError>?
        /// In place of records: what the role holder is to do between two batches.
        var work: (@Sendable (inout Appender) -> Void)?
        /// The node pushed before, never followed before the whole chain was taken: it may be gone by then.
        var next: Unmanaged<HandOffNode>?
    }
    let byteCount = Atomic<Int>(0)

    init(arrival: UInt64) { unsafe content = Owned(Content(arrival: arrival)) }

    /// The producer's before it is queued, the role holder's until it is done, the producer's again after.
    @inline(__always)
    func with<T, Failure: Error>(_ body: (inout Content) throws(Failure) -> T) throws(Failure) -> T { try content.with(body) }

    var state: State { State(rawValue: word.memory.load32Acquire(at: 0))! }

    /// Ends the wait. Called once by the role holder, which does not touch the node afterwards.
    func finish(_ state: State) {
        _ = word.memory.add32(state.rawValue, at: 0)
        Futex.wake(word.memory, at: 0, count: 1)
    }

    /// Waits for `finish`: a short spin, since the holder is usually at work, then asleep.
    func wait() -> State {
        for _ in 0..<200 {
            let state = self.state
            if state != .waiting { return state }
            spinHint()
        }
        while true {
            let state = self.state
            if state != .waiting { return state }
            Futex.wait(word.memory, at: 0, expected: 0)
        }
    }
}

/// Nodes of waiting producers: pushed by any thread, taken all at once by the role holder.
///
/// Safe although it links unmanaged references: each pushed node carries one retain, which the taker releases.
@safe final class HandOffQueue: Sendable {
    private let head: Atomic<Unmanaged<HandOffNode>?>
    private let queued = Atomic<Int>(0)
    let limitByteCount: Int

    init(limitByteCount: Int) {
        self.limitByteCount = limitByteCount
        unsafe head = Atomic(nil)
    }
    deinit { _ = takeAll() }

    /// False when the queue holds too many bytes already; a node without bytes is always taken.
    func push(_ node: HandOffNode, byteCount: Int) -> Bool {
        let before = queued.add(byteCount, ordering: .relaxed).oldValue
        guard before == 0 || byteCount == 0 || before + byteCount <= limitByteCount else {
            queued.subtract(byteCount, ordering: .relaxed)
            return false
        }
        node.byteCount.store(byteCount, ordering: .relaxed)
        // Safe: balanced by the release in `takeAll`.
        let reference = unsafe Unmanaged.passRetained(node)
        var expected = unsafe head.load(ordering: .relaxed)
        while true {
            node.with { unsafe $0.next = expected }
            let (exchanged, original) = unsafe head.compareExchange(
                expected: expected, desired: reference, ordering: .sequentiallyConsistent)
            if exchanged { return true }
            unsafe expected = original
        }
    }

    /// Sequentially consistent: read after the role was given up, it sees every node pushed by someone who found it taken.
    var isEmpty: Bool { unsafe head.load(ordering: .sequentiallyConsistent) == nil }

    /// Oldest first.
    func takeAll() -> [HandOffNode] {
        var nodes: [HandOffNode] = []
        var current = unsafe head.exchange(nil, ordering: .sequentiallyConsistent)
        while let reference = unsafe current {
            let node = unsafe reference.takeRetainedValue()
            queued.subtract(node.byteCount.load(ordering: .relaxed), ordering: .relaxed)
            nodes.append(node)
            // Safe because everything in the chain was pushed with a retain, and the chain is taken whole.
            unsafe current = node.with { content in unsafe content.next }
        }
        nodes.reverse()
        return nodes
    }
}
