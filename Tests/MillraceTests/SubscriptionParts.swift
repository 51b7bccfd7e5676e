import Millrace
import MillraceIO
import MillraceModel
import Testing

/// Time by hand for what reads a clock and sleeps by it.
final class HandTime: Sendable {
    let clock = ManualClock()
    private struct Sleeper {
        let id: Int
        let due: Int64
        let continuation: CheckedContinuation<Void, Never>
    }
    private struct State {
        var sleepers: [Sleeper] = []
        var lastID = 0
        var cancelled: Set<Int> = []
    }
    private let state = Guarded(State())

    /// To be handed to what sleeps.
    var sleep: Sleep { { [self] in await rest($0) } }
    var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    private func rest(_ nanoseconds: Int64) async {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDone = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return true }
                    let due = clock.steadyNanoseconds() + nanoseconds
                    state.sleepers.append(Sleeper(id: id, due: due, continuation: continuation))
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                guard let at = state.sleepers.firstIndex(where: { $0.id == id }) else {
                    state.cancelled.insert(id)
                    return nil
                }
                return state.sleepers.remove(at: at)
            }
            sleeper?.continuation.resume()
        }
    }

    func advance(milliseconds: Int64) {
        let due = state.withLock { state in
            clock.advance(milliseconds: milliseconds)
            let now = clock.steadyNanoseconds()
            let due = state.sleepers.filter { $0.due <= now }
            state.sleepers.removeAll { $0.due <= now }
            return due
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// Until so many sleep: then an `advance` reaches them.
    func waitForSleepers(_ count: Int) async {
        while sleeperCount < count { await Task.yield() }
    }
}

/// A shard as a list of records, which can be closed and can have holes.
final class FakeShard: SubscribedShard {
    private struct State {
        var records: [Record] = []
        var first: UInt64 = 1 << 40
        var damages: [UInt64: (to: UInt64, error: KinesisError)] = [:]
        var children: [ChildShard]?
        var error: KinesisError?
        var waiterCount = 0
        var fetchCount = 0
    }
    private let state = Guarded(State())
    let shardID = ShardID(index: 0)
    let creationSecond: UInt64 = 1_735_689_600
    static let first: UInt64 = 1 << 40

    var waiterCount: Int { state.withLock { $0.waiterCount } }
    var fetchCount: Int { state.withLock { $0.fetchCount } }

    func put(_ text: String, arrival: Int64 = 1_735_689_600_000) throws {
        let key = try PartitionKey("k")
        state.withLock { state in
            let ordinal = state.first + UInt64(state.records.count)
            state.records.append(
                Record(
                    sequenceNumber: SequenceNumber(
                        shardCreationSecond: creationSecond, shardID: shardID, ordinal: ordinal,
                        recordSecond: UInt64(arrival / 1000)),
                    approximateArrivalMilliseconds: arrival, partitionKey: key, data: Array(text.utf8)))
        }
    }

    func close(_ children: [ChildShard]) { state.withLock { $0.children = children } }
    func fail(_ error: KinesisError) { state.withLock { $0.error = error } }
    func damage(from: UInt64, to: UInt64, _ error: KinesisError) { state.withLock { $0.damages[from] = (to, error) } }

    func fetch(
        from ordinal: UInt64, recordCount: Int, byteCount: Int, isWarm: Bool
    ) async throws(KinesisError) -> SubscribedRecords {
        try fetchBlocking(from: ordinal, recordCount: recordCount, byteCount: byteCount)
    }

    func fetchBlocking(
        from ordinal: UInt64, recordCount: Int, byteCount: Int
    ) throws(KinesisError) -> SubscribedRecords {
        try state.withLock { state throws(KinesisError) in
            state.fetchCount += 1
            if let error = state.error { throw error }
            if let damage = state.damages[ordinal] {
                return SubscribedRecords(records: [], nextOrdinal: damage.to, isAtTip: false, damage: damage.error)
            }
            let start = Int(max(ordinal, state.first) - state.first)
            let nextDamage = state.damages.keys.filter { $0 > ordinal }.min().map { Int($0 - state.first) }
            let end = min(state.records.count, start + recordCount, nextDamage ?? .max)
            let records = start < end ? Array(state.records[start..<end]) : []
            let next = records.last.map { $0.sequenceNumber.ordinal + 1 } ?? ordinal
            return SubscribedRecords(
                records: records, nextOrdinal: next, isAtTip: next >= state.first + UInt64(state.records.count))
        }
    }

    /// Looks again and again: what is tested is what the subscription does, not this.
    func waitForRecord(from ordinal: UInt64) async throws(KinesisError) {
        state.withLock { $0.waiterCount += 1 }
        defer { state.withLock { $0.waiterCount -= 1 } }
        while !Task.isCancelled {
            let isThere = try state.withLock { state throws(KinesisError) in
                if let error = state.error { throw error }
                return state.children != nil || state.first + UInt64(state.records.count) > ordinal
            }
            if isThere { return }
            await Task.yield()
        }
    }

    func childShards(at ordinal: UInt64) throws(KinesisError) -> [ChildShard]? {
        state.withLock { state in
            ordinal >= state.first + UInt64(state.records.count) ? state.children : nil
        }
    }
}

extension SubscribeToShardEvent {
    var texts: [String] { records.map(\.text) }
}

extension Subscription {
    /// The texts of the next events until there are so many records.
    func take(_ count: Int) async throws(KinesisError) -> [String] {
        var texts: [String] = []
        while texts.count < count, let event = try await next() { texts += event.texts }
        return texts
    }
}
