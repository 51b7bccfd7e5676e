#if Tools
    import Dispatch
    import Foundation
    import Millrace
    import MillraceIO
    import MillraceLog
    import MillraceModel
    import MillraceTestKit
    import Synchronization

    /// Puts records of its own lanes into a stream that is resharded meanwhile. A lane has one place on the ring, so its records stay in
    /// order over all reshards.
    struct RetentionStreamProducer: Sendable {
        let number: Int
        let stream: StoredStream
        let lanes: Range<Int>
        let board: RetentionBoard
        let control: SoakControl
        let tally: RetentionTally
        let bytesPerSecond: Double
        let entropy: SeededEntropy
        let isExcused: @Sendable () -> Bool

        private struct Call {
            var batch = PutBatch()
            /// Of each record, its lane.
            var lanes: [Int] = []
            /// Of each lane in the call, its records.
            var ranges: [Int: Range<UInt64>] = [:]
            var byteCounts: [Int: Int] = [:]
            let level: AckLevel
            var data: [UInt8] = []
            var key: [UInt8] = []
        }

        /// On a thread of its own.
        func run() {
            var pace = Pace(bytesPerSecond)
            var last: [Int: SequenceNumber] = [:]
            while !isOver {
                let call = draw()
                let now = board.now
                for (lane, range) in call.ranges {
                    board.say(
                        .begun(lane: lane, count: UInt64(range.count), byteCount: call.byteCounts[lane] ?? 0, milliseconds: now))
                }
                let started = DispatchTime.now().uptimeNanoseconds
                let results = put(call)
                if call.level == .durable { control.waited(DispatchTime.now().uptimeNanoseconds - started) }
                if let what = take(results, call, &last) { return control.fail("producer \(number) of the stream: \(what)") }
                control.put(number, records: results.count, bytes: call.batch.byteCount)
                pace.sent(call.batch.byteCount)
                while let time = pace.ahead, !isOver { Thread.sleep(forTimeInterval: min(time, 0.02)) }
            }
        }

        private var isOver: Bool { control.isPaused.load(ordering: .acquiring) || control.isFailed }

        /// Where a lane's records belong.
        private func hashKey(_ lane: Int) -> HashKey { HashKey(UInt128(lane) * (UInt128.max / UInt128(board.laneCount)) + 7) }

        private func draw() -> Call {
            var call = Call(level: AckLevel.allCases[entropy.next(below: AckLevel.allCases.count)])
            let count = entropy.chance(0.4) ? 1 : 1 + entropy.next(below: entropy.chance(0.8) ? 30 : 200)
            var (data, key): ([UInt8], [UInt8]) = ([], [])
            for _ in 0..<count {
                let lane = lanes.lowerBound + entropy.next(below: lanes.count)
                let range = call.ranges[lane] ?? board.next(lane)..<board.next(lane)
                let record = SoakRecord(lane: UInt32(lane), life: 1, index: range.upperBound)
                data.removeAll(keepingCapacity: true)
                record.appendData(seed: board.seed, to: &data)
                key = record.key
                // What does not fit any more waits for the next call.
                // Safe because the arrays stay in place while their spans are borrowed.
                guard
                    (try? call.batch.add(
                        unsafe data.span.bytes, partitionKey: unsafe key.span.bytes, explicitHashKey: hashKey(lane)))
                        != nil
                else { break }
                call.lanes.append(lane)
                call.ranges[lane] = range.lowerBound..<range.upperBound + 1
                call.byteCounts[lane, default: 0] += data.count + key.count
            }
            (call.data, call.key) = (data, key)
            return call
        }

        private func put(_ call: Call) -> [Result<SequenceNumber, KinesisError>] {
            guard call.lanes.count == 1, entropy.chance(0.8) else { return stream.putBatchBlocking(call.batch, ack: call.level) }
            do throws(KinesisError) {
                // Safe because the arrays stay in place while their spans are borrowed.
                let (data, key) = unsafe (call.data.span.bytes, call.key.span.bytes)
                return [
                    .success(
                        try stream.putBlocking(data, partitionKey: key, explicitHashKey: hashKey(call.lanes[0]), ack: call.level))
                ]
            } catch { return [.failure(error)] }
        }

        /// What is wrong with the answers, or nil.
        private func take(
            _ results: [Result<SequenceNumber, KinesisError>], _ call: Call, _ last: inout [Int: SequenceNumber]
        ) -> String? {
            var refused: Set<Int> = []
            var kept: Set<Int> = []
            for (lane, result) in zip(call.lanes, results) {
                switch result {
                case .success(let number):
                    if let before = last[lane], number <= before { return "lane \(lane): number \(number) after \(before)" }
                    last[lane] = number
                    kept.insert(lane)
                case .failure(.storage(.storageFull)) where isExcused(): refused.insert(lane)
                case .failure(let error): return "lane \(lane): a put failed: \(error)"
                }
            }
            if let lane = refused.intersection(kept).first { return "lane \(lane): a part of its records was refused" }
            for (lane, range) in call.ranges {
                if refused.contains(lane) {
                    tally.add(.refusal)
                    board.say(.doubtful(lane: lane, range))
                } else {
                    board.say(.acknowledged(lane: lane, below: range.upperBound, Level(call.level)))
                }
            }
            return nil
        }
    }
#endif
