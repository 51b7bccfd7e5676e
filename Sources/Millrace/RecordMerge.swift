import MillraceIO
import MillraceModel

/// A reading of all shards of a stream by one task: whichever shard has records is next, in turn. The children of a split or
/// a merge begin when their parents were read to the end, so that the records of one key stay in order.
///
/// A class because the iterators of a sequence share it. A shard at its tip is watched by a task of its own, which rings the
/// bell, so that nothing is polled however many shards there are; with a single shard the reading task waits itself.
final class RecordMerge: Sendable {
    private let stream: StoredStream
    private let level: AckLevel
    private let start: StreamPosition
    private let bell = Bell()
    private let state = Guarded(State())

    private struct State {
        var hasBegun = false
        /// By a number that is never used again.
        var lanes: [Int: ShardLane] = [:]
        var nextLane = 0
        /// Of each shard that was begun or is not to be read, the ordinal behind its last record handed out.
        var ordinals: [ShardID: UInt64] = [:]
        /// Shards that have nothing more to be handed out: their children may begin.
        var finished: Set<ShardID> = []
        /// Lanes that may have records, longest unread first.
        var ready: [Turn] = []
        var watchers: [Int: Task<Void, Never>] = [:]
        /// Copied from lane `bufferedLane`; those from `bufferedAt` on are not handed out yet.
        var buffered: [Record] = []
        var bufferedAt = 0
        var bufferedLane = 0
        var isBusy = false

        mutating func add(_ lane: ShardLane) {
            lanes[nextLane] = lane
            ordinals[lane.shardID] = lane.ordinal
            ready.append(Turn(lane: nextLane, isWarm: false))
            nextLane += 1
        }
    }

    private struct Turn {
        let lane: Int
        /// Its records were put a moment ago, so they are in memory and need no thread that may wait for the disk.
        let isWarm: Bool
    }

    init(_ stream: StoredStream, from start: StreamPosition, level: AckLevel) {
        self.stream = stream
        self.start = start
        self.level = level
    }

    deinit { state.withLock { for watcher in $0.watchers.values { watcher.cancel() } } }

    var position: StreamPosition {
        state.withLock { state in
            if !state.hasBegun { return start }
            // A shard that is not named was not begun: it is a descendant of those that are, or was made since.
            var position = start.ofDescendants
            position.ordinals = state.ordinals
            return position
        }
    }

    /// A record that was copied already.
    func take() -> Record? {
        state.withLock { state in
            guard state.bufferedAt < state.buffered.count else { return nil }
            let record = state.buffered[state.bufferedAt]
            state.bufferedAt += 1
            if let lane = state.lanes[state.bufferedLane] {
                state.ordinals[lane.shardID] = record.sequenceNumber.ordinal + 1
            }
            return record
        }
    }

    /// The next record, once there is one; nil when the task is cancelled.
    func next() async throws(KinesisError) -> Record? {
        state.withLock { state in
            precondition(!state.isBusy, "one task at a time iterates over a RecordSequence")
            state.isBusy = true
        }
        defer { state.withLock { $0.isBusy = false } }
        do throws(KinesisError) { return try await read() } catch { throw stream.failure(error) }
    }

    private func read() async throws(KinesisError) -> Record? {
        if !state.withLock({ $0.hasBegun }) { try await begin() }
        while !Task.isCancelled {
            guard let turn = state.withLock({ $0.ready.isEmpty ? nil : $0.ready.removeFirst() }) else {
                try await waitForRecords()
                continue
            }
            if let record = try await fetch(turn) { return record }
        }
        return nil
    }

    // MARK: Which shards

    /// Opens the shards that come first and finds where each begins.
    private func begin() async throws(KinesisError) {
        while try await !tryToBegin() {}
    }

    /// False when a shard went between the look at the stream and its opening: its children may be the first by now.
    private func tryToBegin() async throws(KinesisError) -> Bool {
        let version = stream.version
        try stream.check(version)
        var finished: Set<ShardID> = []
        // What was read of shards that are gone tells nothing about the others.
        var ordinals = start.ordinals.filter { version.shard($0.key) != nil }
        let horizon = stream.terms.horizon(at: stream.core.agingMilliseconds())
        for shard in version.shards {
            guard let closing = shard.closing else { continue }
            // Read to its end before, all too old to be seen, or closed before reading begins behind what there is.
            let isPast = closing.second * 1000 + 999 < horizon || start.start == .latest && ordinals[shard.id] == nil
            if isPast { ordinals[shard.id] = closing.endOrdinal }
            if let ordinal = ordinals[shard.id], shard.isEnd(ordinal) { finished.insert(shard.id) }
        }
        let first = Self.next(of: version.shards, in: version, finished: finished, begun: [])
        guard let lanes = try await open(first, from: start) else { return false }
        state.withLock { state in
            state.hasBegun = true
            state.finished = finished
            state.ordinals = ordinals
            for lane in lanes { state.add(lane) }
        }
        return true
    }

    /// The shards that may begin: not begun yet, and nothing is left to be read of their parents.
    private static func next(
        of shards: [Shard], in version: StreamVersion, finished: Set<ShardID>, begun: Set<ShardID>
    ) -> [Shard] {
        shards.filter { shard in
            !finished.contains(shard.id) && !begun.contains(shard.id)
                && shard.parents.allSatisfy { finished.contains($0) || version.shard($0) == nil }
        }
    }

    /// nil when one of them is gone: then the stream is without it already.
    private func open(_ shards: [Shard], from start: StreamPosition) async throws(KinesisError) -> [ShardLane]? {
        do throws(KinesisError) {
            return try await stream.core.readers.run { [stream, level] () throws(KinesisError) in
                var lanes: [ShardLane] = []
                for shard in shards {
                    let ordinal = try start.ordinal(in: shard, of: stream, level: level)
                    lanes.append(try ShardLane(shard, from: ordinal, level: level))
                }
                return lanes
            }
        } catch {
            if shards.contains(where: \.isGone) { return nil }
            throw error
        }
    }

    /// The lane's shard has been read to its end: its children begin, unless another parent is still being read.
    private func finish(_ index: Int, _ lane: ShardLane) async throws(KinesisError) {
        let (finished, begun) = state.withLock { state in
            state.lanes[index] = nil
            state.finished.insert(lane.shardID)
            state.ordinals[lane.shardID] = lane.endOrdinal ?? lane.ordinal
            return (state.finished, Set(state.lanes.values.map(\.shardID)))
        }
        do throws(KinesisError) {
            while true {
                let version = stream.version
                // A child may have gone before it was begun: then its own children are next.
                let candidates = version.hasLostShards ? version.shards : version.children(of: lane.shardID)
                let children = Self.next(of: candidates, in: version, finished: finished, begun: begun)
                if children.isEmpty { return }
                guard let lanes = try await open(children, from: start.ofDescendants) else { continue }
                return state.withLock { state in for lane in lanes { state.add(lane) } }
            }
        } catch {
            // Iterated again, this is tried again.
            state.withLock { state in
                state.finished.remove(lane.shardID)
                state.lanes[index] = lane
                state.ready.append(Turn(lane: index, isWarm: false))
            }
            throw error
        }
    }

    /// The lane's shard is gone with what was not read of it, which is said once; its children begin.
    private func pass(_ index: Int, _ lane: ShardLane) async throws(KinesisError) -> Record? {
        let from = lane.ordinal
        try await finish(index, lane)
        if let end = lane.endOrdinal, from < end { throw .storage(.trimmed(from: from, to: end)) }
        return nil
    }

    // MARK: Their records

    private func fetch(_ turn: Turn) async throws(KinesisError) -> Record? {
        guard let lane = state.withLock({ $0.lanes[turn.lane] }) else { return nil }
        if lane.isFinished {
            try await finish(turn.lane, lane)
            return nil
        }
        if lane.isAtTip {
            watch(turn.lane, lane)
            return nil
        }
        let records: [Record]?
        do throws(KinesisError) {
            records =
                turn.isWarm
                ? try lane.fetch() : try await stream.core.readers.run { () throws(KinesisError) in try lane.fetch() }
        } catch {
            if lane.isGone { return try await pass(turn.lane, lane) }
            state.withLock { $0.ready.append(Turn(lane: turn.lane, isWarm: false)) }
            throw error
        }
        state.withLock { state in
            state.ready.append(Turn(lane: turn.lane, isWarm: false))
            if let records { (state.buffered, state.bufferedAt, state.bufferedLane) = (records, 0, turn.lane) }
        }
        return take()
    }

    /// Has the bell rung when the lane has records again, or has ended.
    private func watch(_ index: Int, _ lane: ShardLane) {
        state.withLock { state in
            if state.lanes.count == 1 { return }
            state.watchers[index] = Task { [bell] in
                do throws(KinesisError) {
                    try await lane.wait()
                    bell.ring(Bell.Ring(lane: index, error: nil))
                } catch {
                    bell.ring(Bell.Ring(lane: index, error: error))
                }
            }
        }
    }

    /// Suspends until a lane has records, or the task is cancelled. No lane is ready.
    private func waitForRecords() async throws(KinesisError) {
        try stream.check(stream.version)
        let single = state.withLock { $0.lanes.count == 1 && $0.watchers.isEmpty ? $0.lanes.first : nil }
        if let single {
            defer { state.withLock { $0.ready.append(Turn(lane: single.key, isWarm: true)) } }
            try await single.value.wait()
            return
        }
        await bell.wait()
        var first: KinesisError?
        for ring in bell.takeRings() {
            state.withLock { state in
                state.watchers[ring.lane] = nil
                state.ready.append(Turn(lane: ring.lane, isWarm: ring.error == nil))
            }
            first = first ?? ring.error
        }
        if let first { throw first }
    }
}

extension StreamPosition {
    /// Where a shard begins whose parents were read to the end: at its oldest record, or at the time or the number
    /// that all begin at.
    fileprivate var ofDescendants: StreamPosition {
        var position = self
        switch start {
        case .trimHorizon, .latest: position.start = .trimHorizon
        // The shard of a number may itself be a descendant.
        case .atTimestamp, .at, .after: break
        }
        return position
    }

    /// The ordinal at which the shard begins. May wait for the disk.
    fileprivate func ordinal(
        in shard: Shard, of stream: StoredStream, level: AckLevel
    ) throws(KinesisError) -> UInt64 {
        if let ordinal = ordinals[shard.id] { return ordinal }
        var start = start
        switch start {
        case .trimHorizon, .latest, .atTimestamp: break
        case .at(let number), .after(let number):
            // One that is not there any more was the stream's, as far as can be told.
            guard number.shardID <= stream.version.newestShardID else {
                throw .invalidArgument("Sequence number \(number) is not one of stream \(stream.name)")
            }
            if number.shardID != shard.id { start = .atTimestamp(milliseconds: Int64(number.recordSecond) * 1000) }
        }
        return try shard.position(of: start, level: level)
    }
}
