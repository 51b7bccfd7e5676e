import MillraceIO
import Synchronization

/// Where a batch puts its records: straight into the log, or into a node that the role holder will append.
///
/// Safe although it keeps neither alive: the writer that lends it does, for as long as the batch's closure runs, and it can be
/// neither copied nor kept.
@safe package struct RecordSink: ~Copyable {
    private let appender: Unmanaged<Owned<Appender>>
    private let node: Unmanaged<HandOffNode>?
    private let arrival: UInt64

    fileprivate init(appender: Owned<Appender>, node: HandOffNode? = nil, arrival: UInt64) {
        unsafe self.appender = Unmanaged.passUnretained(appender)
        unsafe self.node = node.map { unsafe Unmanaged.passUnretained($0) }
        self.arrival = arrival
    }

    /// Adds a record. Key at most 65,535 bytes; key and data together at most the store's record limit.
    /// - Throws: `recordTooLarge`, `keyTooLong`, `wouldBlock`: then the whole batch is taken back.
    @inline(__always)
    package func add(key: RawSpan, data: RawSpan) throws(LogError) {
        if let node = unsafe node { return unsafe Self.add(key, data, to: node) }
        let arrival = arrival
        // Safe because the writer keeps the appender alive meanwhile.
        let result: Result<Void, LogError> = unsafe appender._withUnsafeGuaranteedRef { appender in
            appender.with { appender in
                do throws(LogError) {
                    return .success(try appender.add(key: key, data: data, arrival: arrival))
                } catch {
                    return .failure(error)
                }
            }
        }
        try result.get()
    }

    @inline(never)
    private static func add(_ key: RawSpan, _ data: RawSpan, to node: Unmanaged<HandOffNode>) {
        // Safe because the writer keeps the node alive meanwhile, and the spans are valid for their counts while they are copied.
        unsafe node._withUnsafeGuaranteedRef { node in
            node.with { content in
                unsafe key.withUnsafeBytes { unsafe content.bytes.append(contentsOf: $0) }
                unsafe data.withUnsafeBytes { unsafe content.bytes.append(contentsOf: $0) }
                content.lengths.append((key.byteCount, data.byteCount))
            }
        }
    }
}

/// Many producers, one writer: whoever finds the writer role free takes it with one compare-and-exchange and appends; the
/// others leave their records in a queue, and the holder appends those too before it goes.
///
/// No lock, no thread switch while there is no contention. The holder drains a bounded number of records, ending between
/// batches, then hands the role to the longest waiting producer, so nobody works for the others without end.
package final class ShardWriter: Sendable {
    private let role = Atomic<Bool>(false)
    private let queue: HandOffQueue
    private let appender: Owned<Appender>
    /// Taken from the queue but not appended yet. The role holder's.
    private let backlog = Owned<[HandOffNode]>([])
    private let failure: LogFailure
    /// Told after each publish, by the role holder.
    private let signal: FlushSignal

    private static let spinCount = 64
    private static let greatestDrain = 256

    init(
        appender: consuming Appender, handOffByteLimit: Int, failure: LogFailure, signal: FlushSignal
    ) {
        self.appender = Owned(appender)
        queue = HandOffQueue(limitByteCount: handOffByteLimit)
        self.failure = failure
        self.signal = signal
    }

    /// Appends one record and makes it visible; returns its ordinal. With `isLed` the caller flushes it at once itself, and no
    /// worker is called for it.
    @inline(__always)
    package func append(key: RawSpan, data: RawSpan, arrival: UInt64, isLed: Bool = false) throws(LogError) -> UInt64 {
        if takeRole() {
            defer { finishRole(isLed: isLed) }
            try failure.checkAppend()
            return try appender.with { appender throws(LogError) in
                try appender.begin()
                do throws(LogError) {
                    try appender.add(key: key, data: data, arrival: arrival)
                } catch {
                    appender.rollBack()
                    throw error
                }
                appender.publish()
                return appender.nextOrdinal - 1
            }
        }
        return try appendQueued(arrival: arrival) { sink throws(LogError) in try sink.add(key: key, data: data) }
    }

    /// Appends what `body` adds as one batch: all of it becomes visible at once, or nothing when `body` throws.
    /// Returns the first and the last ordinal plus one. A batch without records changes nothing.
    package func append(
        arrival: UInt64, isLed: Bool = false, _ body: (borrowing RecordSink) throws(LogError) -> Void
    ) throws(LogError) -> Range<UInt64> {
        if takeRole() {
            defer { finishRole(isLed: isLed) }
            try failure.checkAppend()
            return try appendDirectly(arrival: arrival, body)
        }
        var count = 0
        let end = try appendQueued(arrival: arrival, body, count: &count) + 1
        return end - UInt64(count)..<end
    }

    private func appendDirectly(
        arrival: UInt64, _ body: (borrowing RecordSink) throws(LogError) -> Void
    ) throws(LogError) -> Range<UInt64> {
        let first = try appender.with { appender throws(LogError) in
            try appender.begin()
            return appender.nextOrdinal
        }
        do throws(LogError) {
            try body(RecordSink(appender: appender, arrival: arrival))
        } catch {
            appender.with { $0.rollBack() }
            throw error
        }
        return appender.with { appender in
            appender.publish()
            return first..<appender.nextOrdinal
        }
    }

    /// Takes the role if it is free, for work between appends (closing the idle buffer, say).
    func withRoleIfFree(_ body: (inout Appender) -> Void) -> Bool {
        guard takeRole() else { return false }
        appender.with(body)
        finishRole()
        return true
    }

    /// Does `body` between two batches, and waits for its turn where the role is taken: behind what is queued, so that no
    /// stream of producers can hold it off for ever. Not from within a batch.
    func withRole(_ body: @escaping @Sendable (inout Appender) -> Void) {
        if takeRole() {
            appender.with(body)
            finishRole()
            return
        }
        let node = HandOffNode(arrival: 0)
        node.with { $0.work = body }
        let isQueued = queue.push(node, byteCount: 0)
        precondition(isQueued, "a node without bytes is always taken")
        handOff(node)
    }

    // MARK: The role

    @inline(__always)
    private func takeRole() -> Bool {
        if role.compareExchange(expected: false, desired: true, ordering: .sequentiallyConsistent).exchanged { return true }
        // A record takes some 30 ns: the role is usually free again at once.
        for _ in 0..<Self.spinCount {
            spinHint()
            if !role.load(ordering: .relaxed),
                role.compareExchange(expected: false, desired: true, ordering: .sequentiallyConsistent).exchanged
            {
                return true
            }
        }
        return false
    }

    /// Appends what others queued, gives up the role, and looks once more: a producer that queued while the role was held
    /// either is seen here or saw the role free.
    @inline(__always)
    private func finishRole(isLed: Bool = false) {
        if isLed { signal.publishedLed() } else { signal.published() }
        if queue.isEmpty && backlog.with({ $0.isEmpty }) {
            role.store(false, ordering: .sequentiallyConsistent)
            if queue.isEmpty { return }
            guard role.compareExchange(expected: false, desired: true, ordering: .sequentiallyConsistent).exchanged
            else { return }
        }
        drain()
    }

    private func drain() {
        var drained = 0
        while true {
            backlog.with { backlog in backlog += queue.takeAll() }
            while drained < Self.greatestDrain, let node = backlog.with({ $0.isEmpty ? nil : $0.removeFirst() }) {
                drained += node.with { $0.lengths.count }
                append(node)
                node.finish(.done)
            }
            signal.published()
            if let heir = backlog.with({ $0.isEmpty ? nil : $0.removeFirst() }) {
                // The role goes on to the longest waiting producer, which appends its own records first.
                heir.finish(.holdsRole)
                return
            }
            if !queue.isEmpty { continue }
            role.store(false, ordering: .sequentiallyConsistent)
            if queue.isEmpty { return }
            guard role.compareExchange(expected: false, desired: true, ordering: .sequentiallyConsistent).exchanged
            else { return }
        }
    }

    /// Appends a queued batch. Called by the role holder.
    private func append(_ node: HandOffNode) {
        node.with { content in
            if let work = content.work.take() {
                appender.with(work)
                content.outcome = .success(0)
                return
            }
            guard !content.lengths.isEmpty else {
                content.outcome = .success(appender.with { $0.nextOrdinal } - 1)
                return
            }
            do throws(LogError) {
                try failure.checkAppend()
                let range = try appendDirectly(arrival: content.arrival) { sink throws(LogError) in
                    // Safe because the array's bytes are initialized and stay in place while it is borrowed.
                    let bytes = unsafe content.bytes.span.bytes
                    var at = 0
                    for (key, data) in content.lengths {
                        try sink.add(
                            key: bytes.extracting(at..<at + key), data: bytes.extracting(at + key..<at + key + data))
                        at += key + data
                    }
                }
                content.outcome = .success(range.upperBound - 1)
            } catch {
                content.outcome = .failure(error)
            }
        }
    }

    private func appendQueued(
        arrival: UInt64, _ body: (borrowing RecordSink) throws(LogError) -> Void
    ) throws(LogError) -> UInt64 {
        var count = 0
        return try appendQueued(arrival: arrival, body, count: &count)
    }

    /// Returns the ordinal of the last record.
    @inline(never)
    private func appendQueued(
        arrival: UInt64, _ body: (borrowing RecordSink) throws(LogError) -> Void, count: inout Int
    ) throws(LogError) -> UInt64 {
        let node = HandOffNode(arrival: arrival)
        try body(RecordSink(appender: appender, node: node, arrival: arrival))
        let byteCount = node.with { $0.bytes.count }
        count = node.with { $0.lengths.count }
        guard queue.push(node, byteCount: byteCount) else {
            throw .wouldBlock(unwrittenByteCount: queue.limitByteCount, limitByteCount: queue.limitByteCount)
        }
        handOff(node)
        guard let outcome = node.with({ $0.outcome.take() }) else {
            preconditionFailure("a finished hand-off has an outcome")
        }
        return try outcome.get()
    }

    /// Waits until the queued node is done, by the role holder or by the caller as one.
    private func handOff(_ node: HandOffNode) {
        // Queued first, then the role is tried: the holder that gave it up looks at the queue after that.
        if role.compareExchange(expected: false, desired: true, ordering: .sequentiallyConsistent).exchanged {
            drain()
        }
        if node.wait() == .holdsRole {
            append(node)
            drain()
        }
    }
}
