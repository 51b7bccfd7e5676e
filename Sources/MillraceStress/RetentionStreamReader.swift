#if Tools
    import Foundation
    import Millrace
    import MillraceIO
    import MillraceModel
    import MillraceTestKit
    import Synchronization

    /// Reads a stream by its sequence, all shards merged over all reshards, and holds what comes against the board.
    final class RetentionStreamReader: Sendable {
        private let board: RetentionBoard
        private let control: SoakControl
        private let tally: RetentionTally
        private let name: String
        private let level: AckLevel
        private let check: Guarded<RetentionCheck>

        init(_ board: RetentionBoard, _ control: SoakControl, _ tally: RetentionTally, level: AckLevel, name: String) {
            self.board = board
            self.control = control
            self.tally = tally
            self.level = level
            self.name = name
            check = Guarded(RetentionCheck(board, .stream, lanes: 0..<board.laneCount))
        }

        /// In a task: from the oldest record on until it is cancelled, or every record up to those indices has come.
        func run(_ stream: StoredStream, upTo ends: [UInt64]? = nil) async {
            var iterator = stream.records(from: .trimHorizon, level: level).makeAsyncIterator()
            if let ends, check.withLock({ $0.hasReached(ends) }) { return }
            while !Task.isCancelled, !control.isFailed {
                do throws(KinesisError) {
                    guard let record = try await iterator.next() else { return }
                    let (what, isAll) = take(record, ends)
                    if let what { return control.fail("\(name) at \(level): \(what)") }
                    if isAll { return }
                } catch {
                    guard case .storage(.trimmed) = error else { return control.fail("\(name) at \(level): \(error)") }
                    tally.add(.gap)
                    check.withLock { $0.takeStreamGap() }
                }
            }
        }

        private func take(_ record: Record, _ ends: [UInt64]?) -> (String?, isAll: Bool) {
            control.readCount.add(1, ordering: .relaxed)
            let number = record.sequenceNumber
            return check.withLock { check in
                // Safe because the arrays stay in place while their spans are borrowed.
                let what = unsafe check.take(
                    shard: number.shardID.index, ordinal: number.ordinal, arrival: UInt64(record.approximateArrivalMilliseconds),
                    key: record.partitionKey.bytes, data: record.data.span.bytes)
                return (what, ends.map { check.hasReached($0) } ?? false)
            }
        }

        /// What is missing of the records up to those indices, or nil.
        func missing(upTo ends: [UInt64]) -> String? { check.withLock { $0.missing(upTo: ends) } }

        /// Reads the stream once, on a thread of the caller's own: whether everything that was acknowledged at the level before is there.
        static func replay(
            _ stream: StoredStream, _ board: RetentionBoard, _ control: SoakControl, _ tally: RetentionTally, level: AckLevel,
            upTo ends: [UInt64], name: String
        ) {
            let reader = RetentionStreamReader(board, control, tally, level: level, name: name)
            let reading = Task.detached { await reader.run(stream, upTo: ends) }
            // A lane whose last record has grown too old does not come to its end.
            let timer = Task.detached {
                try? await Task.sleep(for: .seconds(20))
                reading.cancel()
            }
            wait(for: [reading])
            timer.cancel()
            if !control.isFailed, let what = reader.missing(upTo: ends) { control.fail("\(name) at \(level): \(what)") }
            tally.add(.replay)
        }
    }
#endif
