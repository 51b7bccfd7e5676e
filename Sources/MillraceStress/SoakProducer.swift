#if Tools
    import Foundation
    import Millrace
    import MillraceIO
    import MillraceModel
    import MillraceTestKit
    import Synchronization

    /// Puts records of its own lanes at its own rate, every way there is to put one, until it is told to pause.
    struct SoakProducer: Sendable {
        let number: Int
        let board: SoakBoard
        let control: SoakControl
        let streams: [StoredStream]
        let life: UInt32
        /// nil: as fast as it goes.
        let bytesPerSecond: Double?
        let entropy: SeededEntropy

        /// One call's worth of work, for one stream.
        private struct Call {
            let stream: Int
            let level: AckLevel
            var batch = PutBatch()
            /// Of each record, its shard among all.
            var shards: [Int] = []
            /// Of each shard, how many of its lane's records are in the batch.
            var counts: [Int: Int] = [:]
            let before: [UInt64]
            /// The data of the last record, for a call that puts it alone.
            var data: [UInt8] = []
            var key: [UInt8] = []
            var hashKey = HashKey.min
        }

        /// On a thread of its own.
        func runBlocking() {
            var pace = Pace(bytesPerSecond)
            while !isOver {
                let call = draw()
                let started = DispatchTime.now().uptimeNanoseconds
                if call.batch.count == 1, entropy.chance(0.8) {
                    // Safe because the arrays stay in place while their spans are borrowed.
                    let (data, key) = unsafe (call.data.span.bytes, call.key.span.bytes)
                    do throws(KinesisError) {
                        let number = try streams[call.stream].putBlocking(
                            data, partitionKey: key, explicitHashKey: call.hashKey, ack: call.level)
                        take([.success(number)], call, started)
                    } catch { take([.failure(error)], call, started) }
                } else {
                    take(streams[call.stream].putBatchBlocking(call.batch, ack: call.level), call, started)
                }
                pace.sent(call.batch.byteCount)
                while let time = pace.ahead, !isOver { Thread.sleep(forTimeInterval: min(time, 0.05)) }
            }
        }

        /// In a task.
        func run() async {
            var pace = Pace(bytesPerSecond)
            while !isOver {
                let call = draw()
                let started = DispatchTime.now().uptimeNanoseconds
                if call.batch.count == 1 {
                    do throws(KinesisError) {
                        let number = try await streams[call.stream].put(
                            call.data, partitionKey: String(decoding: call.key, as: UTF8.self),
                            explicitHashKey: call.hashKey, ack: call.level)
                        take([.success(number)], call, started)
                    } catch { take([.failure(error)], call, started) }
                } else {
                    take(await streams[call.stream].putBatch(call.batch, ack: call.level), call, started)
                }
                pace.sent(call.batch.byteCount)
                while let time = pace.ahead, !isOver { try? await Task.sleep(for: .seconds(min(time, 0.05))) }
            }
        }

        private var isOver: Bool { control.isPaused.load(ordering: .acquiring) || control.isFailed }

        private func draw() -> Call {
            let stream = entropy.next(below: streams.count)
            let level = AckLevel.allCases[entropy.next(below: 3)]
            let count = entropy.chance(0.3) ? 1 : 1 + entropy.next(below: entropy.chance(0.5) ? 40 : 500)
            var call = Call(stream: stream, level: level, before: board.highestOrdinals)
            let shards = board.shards(ofStream: stream)
            var data: [UInt8] = []
            var key: [UInt8] = []
            // Half of the calls go to one shard, the others all over.
            let only = entropy.chance(0.5) ? shards[entropy.next(below: shards.count)] : nil
            for _ in 0..<count {
                let shard = only ?? shards[entropy.next(below: shards.count)]
                let lane = board.shards[shard].firstLane + number
                let index = board.lane(lane).put + UInt64(call.counts[shard, default: 0])
                let record = SoakRecord(lane: UInt32(lane), life: life, index: index)
                data.removeAll(keepingCapacity: true)
                record.appendData(seed: board.seed, to: &data)
                key = record.key
                call.hashKey = streams[stream].shards[board.shards[shard].shard].hashKeyRange.starting
                // What does not fit any more waits for the next call.
                // Safe because the arrays stay in place while their spans are borrowed.
                guard
                    (try? call.batch.add(
                        unsafe data.span.bytes, partitionKey: unsafe key.span.bytes, explicitHashKey: call.hashKey)) != nil
                else { break }
                call.shards.append(shard)
                call.counts[shard, default: 0] += 1
            }
            call.data = data
            call.key = key
            return call
        }

        private func take(
            _ results: [Result<SequenceNumber, KinesisError>], _ call: Call, _ started: UInt64
        ) {
            if call.level == .durable { control.waited(DispatchTime.now().uptimeNanoseconds - started) }
            var numbers: [Int: [SequenceNumber]] = [:]
            for (place, result) in results.enumerated() {
                switch result {
                case .success(let number): numbers[call.shards[place], default: []].append(number)
                case .failure(let error): return control.fail("a put failed: \(error)")
                }
            }
            for (shard, numbers) in numbers {
                let lane = board.shards[shard].firstLane + number
                if let what = board.acknowledge(
                    numbers, shard: shard, lane: lane, life: life, level: call.level, before: call.before[shard])
                {
                    control.fail(what)
                }
            }
            control.put(number, records: results.count, bytes: call.batch.byteCount)
        }
    }

    /// How far ahead of its rate a sender is.
    struct Pace {
        private let bytesPerSecond: Double?
        private let started = DispatchTime.now().uptimeNanoseconds
        private var byteCount = 0

        init(_ bytesPerSecond: Double?) { self.bytesPerSecond = bytesPerSecond }

        mutating func sent(_ count: Int) { byteCount += count }

        /// Seconds to wait; nil when it is not ahead.
        var ahead: Double? {
            guard let bytesPerSecond else { return nil }
            let elapsed = Double(DispatchTime.now().uptimeNanoseconds - started) / 1e9
            let ahead = Double(byteCount) / bytesPerSecond - elapsed
            return ahead > 0 ? ahead : nil
        }
    }
#endif
