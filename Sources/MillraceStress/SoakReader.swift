#if Tools
    import Foundation
    import Millrace
    import MillraceIO
    import MillraceModel
    import MillraceTestKit
    import Synchronization

    /// What a reader of any kind does with each record: its bytes, its lane's order, its shard's order.
    struct SoakReading: Sendable {
        let board: SoakBoard
        var lanes: LaneCheck
        /// Of each shard, the last number seen.
        var last: [SequenceNumber?]
        /// The first record that was seen, and its number.
        var first: SoakBoard.Known?

        init(_ board: SoakBoard, _ lanes: LaneCheck) {
            self.board = board
            self.lanes = lanes
            last = Array(repeating: nil, count: board.shards.count)
        }

        /// What is wrong with the record, or nil.
        mutating func take(_ number: SequenceNumber, key: RawSpan, data: RawSpan, shard: Int) -> String? {
            if let last = last[shard], number <= last { return "shard \(shard): number \(number) after \(last)" }
            last[shard] = number
            guard let record = SoakRecord(data: data), record.matches(key: key, data: data, seed: board.seed) else {
                return "shard \(shard): number \(number) has bytes that nobody put, \(data.byteCount) of them"
            }
            guard board.lanes(ofShard: shard).contains(Int(record.lane)) else {
                return "shard \(shard): number \(number) is of lane \(record.lane), which is another shard's"
            }
            if first == nil { first = SoakBoard.Known(number: number, record: record) }
            return lanes.take(record).map { "shard \(shard), number \(number): \($0)" }
        }
    }

    /// Follows every shard by a cursor from where an opening's comparison ended, record after record.
    struct SoakTail: Sendable {
        let board: SoakBoard
        let control: SoakControl
        let streams: [StoredStream]
        let level: AckLevel
        /// After which number of each shard it begins; nil: at its start.
        let after: [SequenceNumber?]
        let reading: SoakReading

        /// On a thread of its own, until it is told to stop and everything has come.
        func run() {
            var reading = reading
            var cursors = SoakCursors(board, streams, after, level)
            var limit = UInt64.max
            while !control.isFailed {
                let isOver = control.areReadersDone.load(ordering: .acquiring)
                let count = reading.lanes.count
                for shard in board.shards.indices {
                    if let what = cursors.drain(shard, &reading) { return control.fail("tail at \(level): \(what)") }
                }
                control.readCount.add(reading.lanes.count - count, ordering: .relaxed)
                if isOver {
                    let missing = reading.lanes.missing(0..<board.allLanes.count, upTo: board.ends)
                    if missing.isEmpty { return }
                    // What was put last becomes durable within the sync interval.
                    let now = DispatchTime.now().uptimeNanoseconds
                    limit = min(limit, now + 30_000_000_000)
                    if now > limit { return control.fail("tail at \(level): the last of lanes \(missing) did not come in 30 s") }
                }
                if count == reading.lanes.count { cursors.wait(0) }
            }
        }
    }

    /// A cursor for each shard, opened when it is first needed. Not copyable, as its cursors.
    struct SoakCursors: ~Copyable {
        private let board: SoakBoard
        private let streams: [StoredStream]
        private let after: [SequenceNumber?]
        private let level: AckLevel
        private var cursors: [SoakCursor?]

        init(_ board: SoakBoard, _ streams: [StoredStream], _ after: [SequenceNumber?], _ level: AckLevel) {
            self.board = board
            self.streams = streams
            self.after = after
            self.level = level
            cursors = board.shards.map { _ in nil }
        }

        /// Reads the shard to its tip; what was wrong, or nil.
        mutating func drain(_ shard: Int, _ reading: inout SoakReading) -> String? {
            do throws(KinesisError) {
                if cursors[shard] == nil {
                    let place = board.shards[shard]
                    let start = after[shard].map { StartingPosition.after($0) } ?? .trimHorizon
                    cursors[shard] = SoakCursor(
                        try streams[place.stream].shards[place.shard].cursorBlocking(at: start, level: level))
                }
                return try cursors[shard]!.drain(shard, &reading)
            } catch { return "shard \(shard): \(error)" }
        }

        /// Waits a little for the next record of the shard.
        func wait(_ shard: Int) { cursors[shard]?.wait() }
    }

    /// A class because a cursor cannot stand in an array.
    final class SoakCursor {
        private var cursor: ShardCursor
        init(_ cursor: consuming ShardCursor) { self.cursor = cursor }

        func drain(_ shard: Int, _ reading: inout SoakReading, limit: Int = .max) throws(KinesisError) -> String? {
            var what: String?
            var count = 0
            while what == nil, count < limit {
                let some: Bool = try cursor.withBatch { batch throws(KinesisError) in
                    while what == nil, let record = batch.next() {
                        what = reading.take(record.sequenceNumber, key: record.partitionKey, data: record.data, shard: shard)
                        count += 1
                    }
                }
                if !some { break }
            }
            return what
        }

        func wait() { _ = cursor.waitBlocking(milliseconds: 5) }
    }

    /// Reads stretches of what there is again and again: from the start, from a number whose record is known, from a time.
    struct SoakReplay: Sendable {
        let board: SoakBoard
        let control: SoakControl
        let streams: [StoredStream]
        let entropy: SeededEntropy

        /// On a thread of its own, until producers pause.
        func run() {
            while !control.isFailed, !control.areReadersDone.load(ordering: .acquiring) {
                let shard = entropy.next(below: board.shards.count)
                do throws(KinesisError) {
                    if let what = try replay(shard) { control.fail("replay: \(what)") }
                } catch { control.fail("replay of shard \(shard): \(error)") }
                Thread.sleep(forTimeInterval: 0.01)
            }
        }

        private func replay(_ shard: Int) throws(KinesisError) -> String? {
            let place = board.shards[shard]
            let handle = streams[place.stream].shards[place.shard]
            let level = AckLevel.allCases[entropy.next(below: 3)]
            let lanes = board.allLanes.map { _ in 0 as UInt64 }
            // Some thousand records, or, now and then, a whole shard.
            let limit = entropy.chance(0.02) ? Int.max : 1 + entropy.next(below: 20_000)
            var reading = SoakReading(board, LaneCheck(from: lanes))
            switch entropy.next(below: 3) {
            case 0:
                let cursor = SoakCursor(try handle.cursorBlocking(at: .trimHorizon, level: level))
                return try finish(cursor, shard, &reading, limit)
            case 1:
                guard let known = board.someKnown(shard, entropy) else { return nil }
                reading = SoakReading(board, LaneCheck(atOrAfter: lanes))
                let cursor = SoakCursor(try handle.cursorBlocking(at: .at(known.number), level: .published))
                if let what = try finish(cursor, shard, &reading, 1) { return what }
                guard reading.first == known else {
                    return "shard \(shard): \(known) was put, and at its number stands \(String(describing: reading.first))"
                }
                return try finish(cursor, shard, &reading, limit)
            default:
                reading = SoakReading(board, LaneCheck(atOrAfter: lanes))
                let now = Int64(Date().timeIntervalSince1970 * 1000)
                let start = StartingPosition.atTimestamp(milliseconds: now - Int64(entropy.next(below: 10_000)))
                return try finish(SoakCursor(try handle.cursorBlocking(at: start, level: level)), shard, &reading, limit)
            }
        }

        private func finish(
            _ cursor: SoakCursor, _ shard: Int, _ reading: inout SoakReading, _ limit: Int
        ) throws(KinesisError) -> String? {
            let before = reading.lanes.count
            defer { control.readCount.add(reading.lanes.count - before, ordering: .relaxed) }
            return try cursor.drain(shard, &reading, limit: limit)
        }
    }

    /// Follows a whole stream by its sequence. Its place is kept as text, and reading goes on there after the store was opened again.
    final class SoakFollower: Sendable {
        private struct State: Sendable {
            var reading: SoakReading
            var position: String?
        }
        private let board: SoakBoard
        private let control: SoakControl
        private let stream: Int
        private let level: AckLevel
        private let state: Guarded<State>

        init(_ board: SoakBoard, _ control: SoakControl, stream: Int, level: AckLevel) {
            self.board = board
            self.control = control
            self.stream = stream
            self.level = level
            let lanes = LaneCheck(from: board.allLanes.map { _ in 0 })
            state = Guarded(State(reading: SoakReading(board, lanes), position: nil))
        }

        /// In a task, until it is cancelled.
        func run(_ handle: StoredStream) async {
            let shards = board.shards(ofStream: stream)
            do {
                let sequence: RecordSequence
                if let text = state.withLock({ $0.position }) {
                    sequence = try handle.records(from: StreamPosition(text), level: level)
                } else {
                    sequence = handle.records(from: .trimHorizon, level: level)
                }
                for try await record in sequence {
                    let shard = shards[Int(record.sequenceNumber.shardID.index)]
                    let what = state.withLock { state in
                        // Safe because the arrays stay in place while their spans are borrowed.
                        unsafe state.reading.take(
                            record.sequenceNumber, key: record.partitionKey.bytes, data: record.data.span.bytes, shard: shard)
                    }
                    if let what { return control.fail("follower of \(stream) at \(level): \(what)") }
                    control.readCount.add(1, ordering: .relaxed)
                }
                let position = sequence.position.description
                state.withLock { $0.position = position }
            } catch { control.fail("follower of \(stream) at \(level): \(error)") }
        }

        /// Everything put into the stream has come.
        var isComplete: Bool {
            let ends = board.ends
            return state.withLock { state in
                board.shards(ofStream: stream).allSatisfy {
                    state.reading.lanes.missing(board.lanes(ofShard: $0), upTo: ends).isEmpty
                }
            }
        }
    }
#endif
