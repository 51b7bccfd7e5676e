#if Tools
    import Millrace
    import MillraceIO
    import MillraceModel
    import MillraceTestKit
    import Synchronization

    /// One shard of the soak and the lanes in it, one for each producer.
    struct SoakShard: Sendable {
        let stream: Int
        let shard: Int
        /// Lane of producer p: `firstLane + p`.
        let firstLane: Int
    }

    /// What producers and readers of one store have said so far: the oracle. A class because they share it; any thread.
    final class SoakBoard: Sendable {
        /// Shards of each stream; the first stream's puts wait for durable unless told, the second's for written.
        static let shardCounts = [3, 2]
        static let streamNames = ["orders", "events"]
        static let ackLevels: [AckLevel] = [.durable, .written]

        struct Lane: Sendable {
            /// Records put, in order: the index of the next one.
            var put: UInt64 = 0
            /// So many of them were acknowledged as written or better.
            var acknowledged: UInt64 = 0
            /// Ordinal of the last one.
            var lastOrdinal: UInt64 = 0
        }

        /// A record whose number is known: reading at that number must give it and no other.
        struct Known: Sendable, Equatable {
            let number: SequenceNumber
            let record: SoakRecord
        }

        let seed: UInt64
        let producerCount: Int
        let shards: [SoakShard]
        private let lanes: Guarded<[Lane]>
        /// Of each shard, the greatest ordinal that a returned put has been given.
        private let highest: Guarded<[UInt64]>
        private let known: Guarded<[[Known]]>

        init(seed: UInt64, producerCount: Int) {
            self.seed = seed
            self.producerCount = producerCount
            var shards: [SoakShard] = []
            for (stream, count) in Self.shardCounts.enumerated() {
                for shard in 0..<count {
                    shards.append(SoakShard(stream: stream, shard: shard, firstLane: shards.count * producerCount))
                }
            }
            self.shards = shards
            lanes = Guarded(Array(repeating: Lane(), count: shards.count * producerCount))
            highest = Guarded(Array(repeating: 0, count: shards.count))
            known = Guarded(Array(repeating: [], count: shards.count))
        }

        func shards(ofStream stream: Int) -> [Int] { shards.indices.filter { shards[$0].stream == stream } }
        func lanes(ofShard shard: Int) -> Range<Int> {
            shards[shard].firstLane..<shards[shard].firstLane + producerCount
        }

        func lane(_ lane: Int) -> Lane { lanes.withLock { $0[lane] } }
        var allLanes: [Lane] { lanes.withLock { $0 } }
        /// Of each lane, the index of the next record.
        var ends: [UInt64] { lanes.withLock { $0.map(\.put) } }
        var highestOrdinals: [UInt64] { highest.withLock { $0 } }

        /// A put has returned with these numbers for the lane's next records. What is wrong with that, or nil.
        ///
        /// - Parameter before: the shard's greatest acknowledged ordinal when the put was called.
        func acknowledge(
            _ numbers: [SequenceNumber], shard: Int, lane: Int, life: UInt32, level: AckLevel, before: UInt64
        ) -> String? {
            var what: String?
            lanes.withLock { lanes in
                for number in numbers {
                    if number.ordinal <= lanes[lane].lastOrdinal {
                        what = "lane \(lane): number \(number) after ordinal \(lanes[lane].lastOrdinal)"
                    } else if number.ordinal <= before {
                        what =
                            "lane \(lane): number \(number) for a put called after ordinal \(before) was acknowledged in its shard"
                    }
                    lanes[lane].lastOrdinal = number.ordinal
                }
                lanes[lane].put += UInt64(numbers.count)
                if level >= .written { lanes[lane].acknowledged = lanes[lane].put }
                let record = SoakRecord(lane: UInt32(lane), life: life, index: lanes[lane].put - 1)
                if numbers.count > 0 {
                    remember(Known(number: numbers[numbers.count - 1], record: record), shard)
                }
            }
            highest.withLock { $0[shard] = max($0[shard], numbers.last?.ordinal ?? 0) }
            return what
        }

        private func remember(_ record: Known, _ shard: Int) {
            known.withLock { known in
                if known[shard].count < 64 {
                    known[shard].append(record)
                } else {
                    known[shard][Int(record.number.ordinal % 64)] = record
                }
            }
        }

        func someKnown(_ shard: Int, _ entropy: SeededEntropy) -> Known? {
            known.withLock { $0[shard].isEmpty ? nil : $0[shard][entropy.next(below: $0[shard].count)] }
        }

        /// What an opening found counts from now on. What is wrong with it, or nil.
        func settle(found: [UInt64], wasClosed: Bool) -> String? {
            var what: String?
            lanes.withLock { lanes in
                for lane in lanes.indices {
                    let least = wasClosed ? lanes[lane].put : lanes[lane].acknowledged
                    if found[lane] < least || found[lane] > lanes[lane].put {
                        what =
                            "lane \(lane): \(found[lane]) records after \(wasClosed ? "a close" : "a kill"); "
                            + "\(lanes[lane].put) were put, \(lanes[lane].acknowledged) acknowledged as written or durable"
                    }
                    lanes[lane].put = found[lane]
                    lanes[lane].acknowledged = found[lane]
                }
            }
            // Numbers of records that the kill took name nothing any more.
            known.withLock { known in
                for shard in known.indices {
                    known[shard].removeAll { $0.record.index >= found[Int($0.record.lane)] }
                }
            }
            return what
        }
    }

    /// What the threads of one run share: its end, its first failure, its counts.
    final class SoakControl: Sendable {
        let isPaused = Atomic<Bool>(true)
        let areReadersDone = Atomic<Bool>(false)
        let recordCount = Atomic<Int>(0)
        let byteCount = Atomic<Int>(0)
        let readCount = Atomic<Int>(0)
        /// Bytes that each producer has put.
        private let producers: Guarded<[Int]>
        private let latency = Guarded(LatencyCounts())
        private let failure = Guarded<String?>(nil)
        private let hasFailed = Atomic<Bool>(false)

        /// The first failure; later ones follow from it.
        func fail(_ what: String) {
            failure.withLock { if $0 == nil { $0 = what } }
            hasFailed.store(true, ordering: .releasing)
        }
        var isFailed: Bool { hasFailed.load(ordering: .acquiring) }
        var what: String? { failure.withLock { $0 } }

        init(producerCount: Int) { producers = Guarded(Array(repeating: 0, count: producerCount)) }

        var producerByteCounts: [Int] { producers.withLock { $0 } }

        func put(_ producer: Int, records: Int, bytes: Int) {
            producers.withLock { $0[producer] += bytes }
            recordCount.add(records, ordering: .relaxed)
            byteCount.add(bytes, ordering: .relaxed)
        }

        /// A put that waited for durability took so long.
        func waited(_ nanoseconds: UInt64) { latency.withLock { $0.record(nanoseconds) } }

        /// Durations since the last call of this.
        func takeLatency() -> LatencyCounts {
            latency.withLock { latency in
                defer { latency = LatencyCounts() }
                return latency
            }
        }
    }
#endif
