import Millrace
import MillraceIO
import MillraceModel
import Synchronization
import Testing

/// Aim: a shard gives and takes what AWS's limits say, in a minute, in a burst and for the largest record; nothing is
/// half taken.
/// Method: virtual time; every minute begins with the budgets spent, so that nothing saved up is counted.
@Suite(.timeLimit(.minutes(3))) struct ThrottleTests {
    static let second: Int64 = 1_000_000_000

    /// A throttle whose write budgets are spent at time 0.
    static func spent(_ enforcement: CapacityEnforcement = .enforce) -> Throttle {
        let throttle = Throttle(enforcement, nanoseconds: 0)
        #expect(throttle.take(recordCount: 1_000, byteCount: 1 << 20, nanoseconds: 0) == .granted)
        return throttle
    }

    // MARK: A minute

    @Test func `a minute of too many small records lets in 1,000 a second, to the record`() {
        let throttle = Self.spent()
        var granted = 0
        for now in stride(from: 100_000, through: 60 * Self.second, by: 100_000)
        where throttle.take(recordCount: 1, byteCount: 100, nanoseconds: now) == .granted { granted += 1 }
        #expect(granted == 60_000)
        #expect(throttle.refusals == Throttle.Refusals(writeRecords: 600_000 - 60_000))
    }

    @Test func `a minute of too many bytes lets in 1 MiB a second, whatever the size of the records`() {
        for byteCount in [1_300, 10_000, 65_537, 1 << 20] {
            let throttle = Self.spent()
            var granted = 0
            for now in stride(from: 500_000, through: 60 * Self.second, by: 500_000)
            where throttle.take(recordCount: 1, byteCount: byteCount, nanoseconds: now) == .granted {
                granted += byteCount
            }
            let budget = 60 << 20
            #expect(granted <= budget && granted > budget - byteCount, "\(byteCount): \(granted)")
            #expect(abs(granted - budget) <= budget / 100 || byteCount == 1 << 20)
            #expect(throttle.refusals.writeRecords == 0)
        }
    }

    @Test func `a minute of reading as fast as allowed gives 2 MiB a second, whatever the size of the answers`() {
        for byteCount in [500_000, 1 << 20, 3_000_000, 10 << 20] {
            let throttle = Throttle(.enforce, nanoseconds: 0)
            throttle.chargeRead(byteCount: 2 << 20, nanoseconds: 0)
            var given = 0
            // A reader that overdraws is paid for when the next one is let in: the minute ends with that.
            var last = 0
            for now in stride(from: 1_000_000, through: 60 * Self.second, by: 1_000_000)
            where throttle.admitRead(nanoseconds: now) == .granted {
                throttle.chargeRead(byteCount: byteCount, nanoseconds: now)
                given += byteCount
                last = byteCount
            }
            let budget = 60 * (2 << 20)
            #expect(given - last <= budget && given >= budget - last, "\(byteCount): \(given)")
            #expect(abs(given - budget) <= max(budget / 100, last), "\(byteCount): \(given)")
        }
    }

    @Test func `a minute of small reads makes 5 calls a second`() {
        let throttle = Throttle(.enforce, nanoseconds: 0)
        for _ in 0..<5 { #expect(throttle.admitRead(nanoseconds: 0) == .granted) }
        var calls = 0
        for now in stride(from: 1_000_000, through: 60 * Self.second, by: 1_000_000)
        where throttle.admitRead(nanoseconds: now) == .granted {
            throttle.chargeRead(byteCount: 1_000, nanoseconds: now)
            calls += 1
        }
        #expect(calls == 300)
        #expect(throttle.refusals == Throttle.Refusals(readCalls: 60_000 - 300))
    }

    // MARK: Bursts and the largest record

    @Test func `a rested shard takes one second's budget at once and no more`() {
        let throttle = Throttle(.enforce, nanoseconds: 0)
        let now = 3_600 * Self.second
        for _ in 0..<1_000 { #expect(throttle.take(recordCount: 1, byteCount: 1_000, nanoseconds: now) == .granted) }
        #expect(
            throttle.take(recordCount: 1, byteCount: 1_000, nanoseconds: now)
                == .refused(.writeRecords, retryAfterNanoseconds: 1_000_000))
        // 48,576 bytes are left, and a millisecond brings 1,048.
        #expect(throttle.take(recordCount: 1, byteCount: 48_576 + 1_048, nanoseconds: now + 1_000_000) == .granted)
        #expect(
            throttle.take(recordCount: 1, byteCount: 1, nanoseconds: now + 1_000_000)
                == .refused(.writeRecords, retryAfterNanoseconds: 1_000_000))
        #expect(
            throttle.take(recordCount: 1, byteCount: 10_000, nanoseconds: now + 1_000_000)
                == .refused(.writeBytes, retryAfterNanoseconds: 9_537_000))
    }

    @Test func `a record of the stream's greatest size passes a rested shard, and is paid for`() {
        let throttle = Throttle(.enforce, greatestRecordByteCount: 10 << 20, nanoseconds: 0)
        #expect(throttle.take(recordCount: 1, byteCount: 10 << 20, nanoseconds: 0) == .granted)
        #expect(
            throttle.take(recordCount: 1, byteCount: 10 << 20, nanoseconds: 0)
                == .refused(.writeBytes, retryAfterNanoseconds: 10 * Self.second))
        #expect(throttle.take(recordCount: 1, byteCount: 10 << 20, nanoseconds: 10 * Self.second - 1_000) != .granted)
        #expect(throttle.take(recordCount: 1, byteCount: 10 << 20, nanoseconds: 10 * Self.second) == .granted)
    }

    @Test func `a put larger than the burst passes a full budget, and leaves it in debt`() {
        let throttle = Throttle(.enforce, nanoseconds: 0)
        #expect(throttle.take(recordCount: 5, byteCount: 5 << 20, nanoseconds: 0) == .granted)
        // 4 MiB in debt, and one byte to have.
        #expect(
            throttle.take(recordCount: 1, byteCount: 1, nanoseconds: 0)
                == .refused(.writeBytes, retryAfterNanoseconds: 4 * Self.second + 1_000))
        // As much again needs the budget to be full.
        #expect(
            throttle.take(recordCount: 5, byteCount: 5 << 20, nanoseconds: 0)
                == .refused(.writeBytes, retryAfterNanoseconds: 5 * Self.second))
    }

    @Test func `the burst follows the stream's greatest record`() {
        let throttle = Self.spent()
        throttle.setGreatestRecord(byteCount: 4 << 20)
        #expect(throttle.take(recordCount: 1, byteCount: 4 << 20, nanoseconds: Self.second - 1_000) != .granted)
        #expect(throttle.take(recordCount: 1, byteCount: 4 << 20, nanoseconds: Self.second) == .granted)
        throttle.setGreatestRecord(byteCount: 1 << 20)
        #expect(throttle.take(recordCount: 1, byteCount: 1 << 20, nanoseconds: 5 * Self.second - 1_000) != .granted)
        #expect(throttle.take(recordCount: 1, byteCount: 1 << 20, nanoseconds: 5 * Self.second) == .granted)
    }

    // MARK: Reading

    @Test func `after an answer of 10 MiB reads are refused for 5 s`() {
        let throttle = Throttle(.enforce, nanoseconds: 0)
        #expect(throttle.admitRead(nanoseconds: 0) == .granted)
        throttle.chargeRead(byteCount: 10 << 20, nanoseconds: 0)
        #expect(
            throttle.admitRead(nanoseconds: 1)
                == .refused(.readBytes, retryAfterNanoseconds: 5 * Self.second - 1))
        #expect(throttle.admitRead(nanoseconds: 5 * Self.second - 1) != .granted)
        #expect(throttle.admitRead(nanoseconds: 5 * Self.second) == .granted)
    }

    @Test func `smaller answers are paid from the second's budget, and then by waiting`() {
        let throttle = Throttle(.enforce, nanoseconds: 0)
        for _ in 0..<3 {
            #expect(throttle.admitRead(nanoseconds: 0) == .granted)
            throttle.chargeRead(byteCount: 1 << 20, nanoseconds: 0)
        }
        #expect(throttle.admitRead(nanoseconds: 0) == .refused(.readBytes, retryAfterNanoseconds: Self.second / 2))
        #expect(throttle.admitRead(nanoseconds: Self.second / 2) == .granted)
    }

    @Test func `each consumer of a shard has 2 MiB a second of its own`() {
        let throttle = Throttle(.enforce, nanoseconds: 0)
        throttle.chargeRead(byteCount: 10 << 20, nanoseconds: 0)
        for _ in 0..<2 {
            let consumer = TokenBucket.consumer(nanoseconds: 0)
            consumer.charge(2 << 20, nanoseconds: 0)
            var sent = 0
            for now in stride(from: 1_000_000, through: 60 * Self.second, by: 1_000_000)
            where consumer.debt(nanoseconds: now) == nil {
                consumer.charge(100_000, nanoseconds: now)
                sent += 100_000
            }
            #expect(abs(sent - 60 * (2 << 20)) <= 100_000)
        }
    }

    // MARK: Enforcement

    @Test func `warn grants what enforce refuses and counts it`() {
        let (warn, enforce) = (Throttle(.warn, nanoseconds: 0), Throttle(.enforce, nanoseconds: 0))
        for now in stride(from: 0, through: 20 * Self.second, by: 300_000) {
            // First too many records, then too many bytes.
            let byteCount = now < 10 * Self.second ? 100 : 2_000
            #expect(warn.take(recordCount: 1, byteCount: byteCount, nanoseconds: now) == .granted)
            _ = enforce.take(recordCount: 1, byteCount: byteCount, nanoseconds: now)
        }
        #expect(warn.refusals == enforce.refusals)
        #expect(warn.refusals.writeRecords > 0 && warn.refusals.writeBytes > 0)
    }

    @Test func `a reader that is only warned runs up no debt without end`() {
        let throttle = Throttle(.warn, nanoseconds: 0)
        for now in stride(from: 0, through: 3_600 * Self.second, by: 100_000_000) {
            #expect(throttle.admitRead(nanoseconds: now) == .granted)
            throttle.chargeRead(byteCount: 10 << 20, nanoseconds: now)
        }
        #expect(throttle.refusals.readBytes > 30_000)
        #expect(throttle.admitRead(nanoseconds: 3_700 * Self.second) == .granted)
        #expect(throttle.refusals.readBytes < 36_000)
    }

    @Test func `without enforcement nothing is refused and nothing counted`() {
        let throttle = Throttle(.off, nanoseconds: 0)
        for _ in 0..<100 {
            #expect(throttle.take(recordCount: 500, byteCount: 10 << 20, nanoseconds: 0) == .granted)
            #expect(throttle.admitRead(nanoseconds: 0) == .granted)
            throttle.chargeRead(byteCount: 10 << 20, nanoseconds: 0)
        }
        #expect(throttle.refusals == Throttle.Refusals())
    }

    @Test func `the refusal reads as AWS's does`() throws {
        let error = KinesisError.rateExceeded(
            shard: ShardID(index: 7), stream: try StreamName("orders"), account: "000000000000")
        #expect(error.code == "ProvisionedThroughputExceededException")
        #expect(
            error.message
                == "Rate exceeded for shard shardId-000000000007 in stream orders under account 000000000000.")
    }

    // MARK: Many threads

    @Test func `four threads take from both budgets or from neither, and never more than there is`() {
        let throttle = Self.spent()
        let clock = Atomic<Int64>(0)
        let records = Atomic<Int>(0)
        let bytes = Atomic<Int>(0)
        let gate = Atomic<Int>(0)
        let threads = (0..<4).map { number in
            WorkerThread(name: "throttle") {
                let dice = SeededEntropy(seed: UInt64(number))
                gate.add(1, ordering: .relaxed)
                while gate.load(ordering: .relaxed) < 4 {}
                for _ in 0..<100_000 {
                    let now = clock.add(100_000, ordering: .relaxed).newValue
                    // Half the time records are what there is too little of, half the time bytes.
                    let (count, byteCount) =
                        dice.chance(0.5) ? (1 + dice.next(below: 3), 100) : (1, dice.next(below: 9_000))
                    if throttle.take(recordCount: count, byteCount: byteCount, nanoseconds: now) == .granted {
                        records.add(count, ordering: .relaxed)
                        bytes.add(byteCount, ordering: .relaxed)
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        let end = clock.load(ordering: .relaxed)
        #expect(end == 40 * Self.second)
        #expect(throttle.refusals.writeBytes > 0 && throttle.refusals.writeRecords > 0)
        // What is left is drawn in ever smaller pieces, one budget at a time.
        for power in stride(from: 19, through: 0, by: -1) {
            while throttle.take(recordCount: 0, byteCount: 1 << power, nanoseconds: end) == .granted {
                bytes.add(1 << power, ordering: .relaxed)
            }
            while throttle.take(recordCount: 1 << power, byteCount: 0, nanoseconds: end) == .granted {
                records.add(1 << power, ordering: .relaxed)
            }
        }
        let (takenRecords, takenBytes) = (records.load(ordering: .relaxed), bytes.load(ordering: .relaxed))
        // Neither budget was ever full, so nothing that came in was lost: all of it, and no more.
        #expect(takenRecords == 40_000 && takenBytes == 40 << 20)
    }
}
