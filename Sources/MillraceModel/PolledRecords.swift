/// The records of a stream of any service, read by asking: as `StreamHandle.records(from:)` says.
///
/// Records of one shard come in their order, and those of a key do over splits and merges: a shard begins when its parents
/// were read to the end. An iterator that expired, because nobody asked for long, is renewed behind the last record.
public struct PolledRecords: AsyncSequence, Sendable {
    public typealias Element = Record
    public typealias Failure = KinesisError
    private let stream: StreamHandle
    private let start: StartingPosition

    init(_ stream: StreamHandle, from start: StartingPosition) {
        self.stream = stream
        self.start = start
    }

    public func makeAsyncIterator() -> Iterator { Iterator(reading: Reading(stream, from: start)) }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let reading: Reading

        /// The next record, once there is one; nil when the task is cancelled.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(KinesisError) -> Record? { try await reading.next() }
    }

    /// An actor because one place is read from, by whoever holds an iterator.
    fileprivate actor Reading {
        private let stream: StreamHandle
        private let start: StartingPosition
        private var lanes: [Lane] = []
        /// Shards read to their end, or not to be read.
        private var finished: Set<ShardID> = []
        private var turn = 0
        private var buffered: [Record] = []
        private var bufferedAt = 0
        private var hasBegun = false
        /// Lanes asked one after the other without a record.
        private var emptyCount = 0

        private struct Lane {
            let shardID: ShardID
            var iterator: String
            /// Where to go on when the iterator has expired.
            var position: StartingPosition
        }

        init(_ stream: StreamHandle, from start: StartingPosition) {
            self.stream = stream
            self.start = start
        }

        func next() async throws(KinesisError) -> Record? {
            if !hasBegun { try await begin() }
            while !Task.isCancelled {
                if bufferedAt < buffered.count {
                    bufferedAt += 1
                    return buffered[bufferedAt - 1]
                }
                if emptyCount >= lanes.count {
                    // A shard may be asked five times a second; where nothing came, once a second is enough.
                    try? await Task.sleep(nanoseconds: 1_000_000_000)
                    emptyCount = 0
                }
                try await ask()
            }
            return nil
        }

        private func begin() async throws(KinesisError) {
            let shards = try await stream.listShards()
            if start == .latest { finished = Set(shards.filter { !$0.isOpen }.map(\.shardID)) }
            try await add(shards, from: start)
            hasBegun = true
        }

        /// Begins those whose parents are finished, or not there any more.
        private func add(_ shards: [ShardSummary], from start: StartingPosition) async throws(KinesisError) {
            let known = Set(shards.map(\.shardID))
            let begun = Set(lanes.map(\.shardID))
            for shard in shards where !finished.contains(shard.shardID) && !begun.contains(shard.shardID) {
                let parents = [shard.parentShardID, shard.adjacentParentShardID].compactMap(\.self)
                guard parents.allSatisfy({ finished.contains($0) || !known.contains($0) }) else { continue }
                let position = Self.position(of: shard.shardID, start)
                lanes.append(
                    Lane(
                        shardID: shard.shardID, iterator: try await iterator(shard.shardID, position), position: position))
            }
        }

        /// A number is one shard's; the others begin at the second in which its record arrived.
        private static func position(of id: ShardID, _ start: StartingPosition) -> StartingPosition {
            switch start {
            case .at(let number), .after(let number):
                number.shardID == id ? start : .atTimestamp(milliseconds: Int64(number.recordSecond) * 1000)
            default: start
            }
        }

        private func iterator(_ id: ShardID, _ position: StartingPosition) async throws(KinesisError) -> String {
            var request = GetShardIteratorRequest(
                stream: stream.reference, shardID: "\(id)", shardIteratorType: position.type.rawValue)
            switch position {
            case .at(let number), .after(let number): request.startingSequenceNumber = "\(number)"
            case .atTimestamp(let milliseconds): request.timestampMilliseconds = milliseconds
            case .trimHorizon, .latest: break
            }
            return try await stream.service.getShardIterator(request).shardIterator
        }

        private func ask() async throws(KinesisError) {
            turn = turn < lanes.count ? turn : 0
            let answer: GetRecordsResponse
            do throws(KinesisError) {
                answer = try await stream.service.getRecords(GetRecordsRequest(shardIterator: lanes[turn].iterator))
            } catch {
                switch error {
                case .expiredIterator:
                    lanes[turn].iterator = try await iterator(lanes[turn].shardID, lanes[turn].position)
                    return
                case .provisionedThroughputExceeded:
                    try? await Task.sleep(nanoseconds: 200_000_000)
                    return
                default: throw error
                }
            }
            (buffered, bufferedAt) = (answer.records, 0)
            emptyCount = answer.records.isEmpty ? emptyCount + 1 : 0
            if let last = answer.records.last { lanes[turn].position = .after(last.sequenceNumber) }
            if let next = answer.nextShardIterator {
                lanes[turn].iterator = next
                turn += 1
            } else {
                finished.insert(lanes.remove(at: turn).shardID)
                // What begins behind a shard is read whole, unless reading began at a time.
                var rest = start
                switch start {
                case .latest, .trimHorizon: rest = .trimHorizon
                case .at, .after, .atTimestamp: break
                }
                emptyCount = 0
                try await add(try await stream.listShards(), from: rest)
            }
        }
    }
}
