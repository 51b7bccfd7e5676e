#if Tools
    import Dispatch
    import Foundation
    import MillraceIO
    import MillraceLog
    import MillraceTestKit
    import Synchronization

    /// Puts records of its own lane into a log, in every way there is to put one there, until it is told to stop.
    struct RetentionProducer: Sendable {
        let log: ShardLog
        let lane: Int
        let board: RetentionBoard
        let control: SoakControl
        let tally: RetentionTally
        let life: UInt32
        let bytesPerSecond: Double
        let entropy: SeededEntropy
        /// Whether a refusal for want of space is in order now.
        let isExcused: @Sendable () -> Bool

        private struct Call {
            let records: [(key: [UInt8], data: [UInt8])]
            let first: UInt64
            let level: Level
            /// The same call waits for the level; else another one does.
            let isOne: Bool
            let arrival: UInt64
            var end: UInt64 { first + UInt64(records.count) }
        }

        /// On a thread of its own.
        func run() {
            var pace = Pace(bytesPerSecond)
            var last: UInt64 = 0
            while !isOver {
                let (call, byteCount) = draw()
                let started = DispatchTime.now().uptimeNanoseconds
                guard let ordinals = append(call) else { continue }
                if ordinals.count != call.records.count || ordinals.lowerBound < last {
                    return control.fail("lane \(lane): ordinals \(ordinals) for \(call.records.count) records, after \(last)")
                }
                last = ordinals.upperBound
                board.say(.acknowledged(lane: lane, below: call.end, .published))
                guard wait(call, below: last) else { continue }
                board.say(.acknowledged(lane: lane, below: call.end, call.level))
                if call.level == .durable { control.waited(DispatchTime.now().uptimeNanoseconds - started) }
                control.put(lane, records: call.records.count, bytes: byteCount)
                pace.sent(byteCount)
                while let time = pace.ahead, !isOver { Thread.sleep(forTimeInterval: min(time, 0.02)) }
            }
        }

        private var isOver: Bool { control.isPaused.load(ordering: .acquiring) || control.isFailed }

        private func draw() -> (Call, byteCount: Int) {
            let count = entropy.chance(0.4) ? 1 : 1 + entropy.next(below: entropy.chance(0.8) ? 30 : 300)
            let first = board.next(lane)
            var records: [(key: [UInt8], data: [UInt8])] = []
            var byteCount = 0
            for place in 0..<UInt64(count) {
                let record = SoakRecord(lane: UInt32(lane), life: life, index: first + place)
                var data: [UInt8] = []
                record.appendData(seed: board.seed, to: &data)
                byteCount += data.count + record.key.count
                records.append((record.key, data))
            }
            let level = Level.allCases[entropy.next(below: Level.allCases.count)]
            let call = Call(records: records, first: first, level: level, isOne: entropy.chance(0.5), arrival: board.now)
            board.say(.begun(lane: lane, count: UInt64(count), byteCount: byteCount, milliseconds: call.arrival))
            return (call, byteCount)
        }

        /// The records' ordinals; nil when the end came first, or it is not known whether they are kept.
        private func append(_ call: Call) -> Range<UInt64>? {
            while !isOver {
                do throws(LogError) { return try once(call) } catch {
                    switch error {
                    case .wouldBlock: log.waitForRoom(nanoseconds: 1_000_000)
                    case .storageFull where isExcused():
                        tally.add(.refusal)
                        if call.isOne, call.level > .published {
                            board.say(.doubtful(lane: lane, call.first..<call.end))
                            return nil
                        }
                        Thread.sleep(forTimeInterval: 0.005)
                    default:
                        control.fail("lane \(lane): an append failed: \(error)")
                        return nil
                    }
                }
            }
            return nil
        }

        private func once(_ call: Call) throws(LogError) -> Range<UInt64> {
            let level = call.isOne ? call.level : .published
            if call.records.count == 1 {
                let (key, data) = call.records[0]
                // Safe because the arrays stay in place while their spans are borrowed.
                let ordinal = try unsafe log.append(key: key.span.bytes, data: data.span.bytes, arrival: call.arrival, reaching: level)
                return ordinal..<ordinal + 1
            }
            return try log.append(arrival: call.arrival, reaching: level) { sink throws(LogError) in
                for (key, data) in call.records {
                    // Safe because the arrays stay in place while their spans are borrowed.
                    try unsafe sink.add(key: key.span.bytes, data: data.span.bytes)
                }
            }
        }

        /// False when the end came first.
        private func wait(_ call: Call, below ordinal: UInt64) -> Bool {
            if call.isOne || call.level == .published { return true }
            while !isOver {
                do throws(LogError) {
                    try log.wait(call.level, below: ordinal)
                    return true
                } catch {
                    guard case .storageFull = error, isExcused() else {
                        control.fail("lane \(lane): a wait for \(call.level) failed: \(error)")
                        return false
                    }
                    Thread.sleep(forTimeInterval: 0.005)
                }
            }
            return false
        }
    }
#endif
