import MillraceIO
import MillraceModel

/// A reading of all shards of a stream by one task: whichever shard has records is next, in turn.
///
/// A class because the iterators of a sequence share it. A shard at its tip is watched by a task of its own, which rings the
/// bell, so that nothing is polled however many shards there are; with a single shard the reading task waits itself.
final class RecordMerge: Sendable {
    private let stream: StreamHandle
    private let level: AckLevel
    private let start: StreamPosition
    private let bell = Bell()
    private let state = Guarded(State())

    private struct State {
        var lanes: [ShardLane] = []
        /// Of each lane, the ordinal behind its last record handed out.
        var ordinals: [UInt64] = []
        /// Lanes that may have records, longest unread first.
        var ready: [Turn] = []
        var watchers: [Int: Task<Void, Never>] = [:]
        /// Copied from lane `bufferedLane`; those from `bufferedAt` on are not handed out yet.
        var buffered: [Record] = []
        var bufferedAt = 0
        var bufferedLane = 0
        var isBusy = false
    }

    private struct Turn {
        let lane: Int
        /// Its records were put a moment ago, so they are in memory and need no thread that may wait for the disk.
        let isWarm: Bool
    }

    init(_ stream: StreamHandle, from start: StreamPosition, level: AckLevel) {
        self.stream = stream
        self.start = start
        self.level = level
    }

    deinit { state.withLock { for watcher in $0.watchers.values { watcher.cancel() } } }

    var position: StreamPosition {
        state.withLock { state in
            if state.lanes.isEmpty { return start }
            var position = StreamPosition(streamID: stream.streamID, start: .trimHorizon)
            for (lane, ordinal) in zip(state.lanes, state.ordinals) { position.ordinals[lane.shardID] = ordinal }
            return position
        }
    }

    /// A record that was copied already.
    func take() -> Record? {
        state.withLock { state in
            guard state.bufferedAt < state.buffered.count else { return nil }
            let record = state.buffered[state.bufferedAt]
            state.bufferedAt += 1
            state.ordinals[state.bufferedLane] = record.sequenceNumber.ordinal + 1
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
        if state.withLock({ $0.lanes.isEmpty }) { try await begin() }
        while !Task.isCancelled {
            guard let turn = state.withLock({ $0.ready.isEmpty ? nil : $0.ready.removeFirst() }) else {
                try await waitForRecords()
                continue
            }
            if let record = try await fetch(turn) { return record }
        }
        return nil
    }

    /// Opens the shards and finds where each begins.
    private func begin() async throws(KinesisError) {
        let lanes = try await stream.core.readers.run { [stream, start, level] () throws(KinesisError) in
            var lanes: [ShardLane] = []
            for shard in stream.shards {
                let ordinal = try start.ordinal(in: shard, of: stream, level: level)
                lanes.append(try ShardLane(shard, from: ordinal, level: level))
            }
            return lanes
        }
        let ordinals = lanes.map(\.ordinal)
        state.withLock { state in
            state.lanes = lanes
            state.ordinals = ordinals
            state.ready = lanes.indices.map { Turn(lane: $0, isWarm: false) }
        }
    }

    private func fetch(_ turn: Turn) async throws(KinesisError) -> Record? {
        let lane = state.withLock { $0.lanes[turn.lane] }
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
            state.withLock { $0.ready.append(Turn(lane: turn.lane, isWarm: false)) }
            throw error
        }
        state.withLock { state in
            state.ready.append(Turn(lane: turn.lane, isWarm: false))
            if let records { (state.buffered, state.bufferedAt, state.bufferedLane) = (records, 0, turn.lane) }
        }
        return take()
    }

    /// Has the bell rung when the lane has records again.
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
        let single = state.withLock { $0.lanes.count == 1 ? $0.lanes[0] : nil }
        if let single {
            defer { state.withLock { $0.ready.append(Turn(lane: 0, isWarm: true)) } }
            try await single.wait()
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
    /// The ordinal at which the shard begins. May wait for the disk.
    fileprivate func ordinal(
        in shard: Shard, of stream: StreamHandle, level: AckLevel
    ) throws(KinesisError) -> UInt64 {
        if let ordinal = ordinals[shard.id] { return ordinal }
        var start = start
        switch start {
        case .trimHorizon, .latest, .atTimestamp: break
        case .at(let number), .after(let number):
            guard number.shardID.index < stream.shards.count else {
                throw .invalidArgument("Sequence number \(number) is not one of stream \(stream.name)")
            }
            if number.shardID != shard.id { start = .atTimestamp(milliseconds: Int64(number.recordSecond) * 1000) }
        }
        return try shard.position(of: start, level: level)
    }
}
