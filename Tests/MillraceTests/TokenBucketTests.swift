import Millrace
import MillraceIO
import MillraceTestSupport
import Synchronization
import Testing

/// Aim: a bucket gives exactly what its rate and size say, to the token, however it is asked and by however many.
/// Method: the virtual time is a number; the oracle keeps the level as a fraction in plain integers and refills it
/// step by step.
@Suite(.timeLimit(.minutes(3))) struct TokenBucketTests {
    static let second: Int64 = 1_000_000_000

    /// What the bucket must do, the slow way: its level in millionths of a token, refilled microsecond by microsecond.
    struct Reference {
        let tokensPerSecond: Int
        var capacity: Int
        var level: Int
        var microsecond: Int64

        init(tokensPerSecond: Int, capacity: Int) {
            self.tokensPerSecond = tokensPerSecond
            self.capacity = capacity
            level = capacity * 1_000_000
            microsecond = 0
        }

        mutating func pass(to microsecond: Int64) {
            level = min(capacity * 1_000_000, level + Int(microsecond - self.microsecond) * tokensPerSecond)
            self.microsecond = microsecond
        }

        /// Microseconds until the same is granted; nil when it is now.
        mutating func take(_ count: Int) -> Int64? {
            let needed = min(count, capacity) * 1_000_000
            if level >= needed {
                level -= count * 1_000_000
                return nil
            }
            return Int64((needed - level + tokensPerSecond - 1) / tokensPerSecond)
        }

        mutating func charge(_ count: Int) {
            if count > capacity { level = min(level, 0) }
            level -= count * 1_000_000
        }

        mutating func resize(_ capacity: Int) {
            level += (capacity - self.capacity) * 1_000_000
            self.capacity = capacity
        }
    }

    @Test func `a bucket agrees with plain fractions at every step of a random life`() {
        let seed = TestSeed.draw("TokenBucketTests")
        let dice = SeededEntropy(seed: seed)
        for _ in 0..<40 {
            let rate = [1, 5, 7, 20, 1_000, 1_024, 1 << 20, 2 << 20][dice.next(below: 8)]
            let size = 1 + dice.next(below: 3 * rate)
            let start = Int64(dice.next(below: 1 << 40))
            let bucket = TokenBucket(tokensPerSecond: rate, capacity: size, nanoseconds: start)
            var reference = Reference(tokensPerSecond: rate, capacity: size)
            var now = start
            for step in 0..<2_000 {
                now += Int64(dice.next(below: [10, 5_000, 1_000_000, 3_000_000_000][dice.next(below: 4)]))
                reference.pass(to: (now - start) / 1_000)
                switch dice.next(below: 20) {
                case 0:
                    let count = dice.next(below: reference.capacity * 3)
                    bucket.charge(count, nanoseconds: now)
                    reference.charge(count)
                case 1:
                    let capacity = 1 + dice.next(below: 3 * rate)
                    bucket.setCapacity(capacity)
                    reference.resize(capacity)
                default:
                    let count = dice.next(
                        below: dice.chance(0.1) ? reference.capacity * 2 : max(2, reference.capacity / 8))
                    let found = bucket.take(count, nanoseconds: now)
                    let expected = reference.take(count)
                    // Until the microsecond begins in which it would be granted.
                    let wait = expected.map { ((now - start) / 1_000 + $0) * 1_000 - (now - start) }
                    guard found == wait else {
                        Issue.record("seed \(seed), step \(step), rate \(rate): \(found as Any), not \(wait as Any)")
                        return
                    }
                }
                if (bucket.debt(nanoseconds: now) != nil) != (reference.level < 0) {
                    Issue.record("seed \(seed), step \(step): debt")
                    return
                }
            }
        }
    }

    @Test func `what is refused is granted when the wait is over and not a nanosecond before`() {
        for (count, at) in [(1, 0), (1_000, 1_234), (1 << 20, 999), (4 << 20, 7)] as [(Int, Int64)] {
            func spent() -> TokenBucket {
                let bucket = TokenBucket(tokensPerSecond: 1 << 20, nanoseconds: 0)
                bucket.charge(1 << 20, nanoseconds: 0)
                return bucket
            }
            guard let wait = spent().take(count, nanoseconds: at) else {
                Issue.record("granted from an empty bucket")
                return
            }
            #expect(spent().take(count, nanoseconds: at + wait - 1) != nil)
            #expect(spent().take(count, nanoseconds: at + wait) == nil)
        }
    }

    @Test func `a bucket is as exact after eight years as on its first day`() {
        let bucket = TokenBucket(tokensPerSecond: 2 << 20, nanoseconds: 0)
        for day in [0, 8 * 365] as [Int64] {
            let start = day * 86_400 * Self.second
            bucket.charge(2 << 20, nanoseconds: start)
            var granted = 0
            for microsecond in 1...1_000_000 as ClosedRange<Int64> {
                while bucket.take(1, nanoseconds: start + microsecond * 1_000) == nil { granted += 1 }
            }
            #expect(granted == 2 << 20)
        }
    }

    @Test func `a clock that goes back grants no more`() {
        let bucket = TokenBucket(tokensPerSecond: 1_000, nanoseconds: 10 * Self.second)
        #expect(bucket.take(1_000, nanoseconds: 20 * Self.second) == nil)
        for now in stride(from: 20 * Self.second, through: 0, by: -1_000_000_000) {
            #expect(bucket.take(1, nanoseconds: now) != nil)
        }
        #expect(bucket.take(1, nanoseconds: 20 * Self.second) == 1_000_000)
        #expect(bucket.take(500, nanoseconds: 20 * Self.second + Self.second / 2) == nil)
        #expect(bucket.take(1, nanoseconds: 20 * Self.second + Self.second / 2) != nil)
    }

    @Test func `four threads on one bucket get its budget to the token`() {
        let bucket = TokenBucket(tokensPerSecond: 1_000_000, capacity: 10_000, nanoseconds: 0)
        bucket.charge(10_000, nanoseconds: 0)
        // All draw the time from one clock, which each try moves by half a microsecond: half of them must be refused.
        let clock = Atomic<Int64>(0)
        let granted = Atomic<Int>(0)
        let gate = Atomic<Int>(0)
        let threads = (0..<4).map { number in
            WorkerThread(name: "bucket") {
                gate.add(1, ordering: .relaxed)
                while gate.load(ordering: .relaxed) < 4 {}
                for index in 0..<250_000 {
                    let now = clock.add(500, ordering: .relaxed).newValue
                    let count = (index + number) % 3
                    if bucket.take(count, nanoseconds: now) == nil { granted.add(count, ordering: .relaxed) }
                }
            }
        }
        for thread in threads { thread.join() }
        let end = clock.load(ordering: .relaxed)
        // What is left is drawn in ever smaller pieces.
        var left = 0
        for power in stride(from: 13, through: 0, by: -1) {
            while bucket.take(1 << power, nanoseconds: end) == nil { left += 1 << power }
        }
        #expect(granted.load(ordering: .relaxed) + left == Int(end / 1_000))
        #expect(left < 10_000)
    }
}
