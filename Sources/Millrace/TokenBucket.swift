import Synchronization

/// A budget that refills with time: one word, which any number of threads take from without a lock.
///
/// A class because it is what they share. `TokenRate` is the arithmetic; this is its compare-and-exchange. The word
/// guards nothing but itself, so all its accesses are relaxed: a bucket says whether, not what was there before.
///
/// Time is a parameter: nanoseconds of a clock that does not go back. Readings that come out of order are harmless: an
/// earlier one is granted no more than a later one.
package final class TokenBucket: Sendable {
    package let rate: TokenRate
    private let origin: Int64
    /// Tokens it holds when full.
    private let size: Atomic<Int>
    /// When it is full again, in ticks since `origin`.
    private let fullAt = Atomic<UInt64>(0)

    /// A full bucket.
    ///
    /// - Parameters:
    ///   - tokensPerSecond: see `TokenRate`.
    ///   - capacity: tokens it holds, 1 to 2^40; what comes in a second unless told.
    ///   - nanoseconds: now. It counts from here for 8.5 years.
    package init(tokensPerSecond: Int, capacity: Int? = nil, nanoseconds: Int64) {
        rate = TokenRate(tokensPerSecond: tokensPerSecond)
        size = Atomic(capacity ?? tokensPerSecond)
        origin = nanoseconds
    }

    package var capacity: Int { size.load(ordering: .relaxed) }

    /// Makes the bucket larger or smaller; what it lacks stays the same.
    package func setCapacity(_ capacity: Int) { size.store(capacity, ordering: .relaxed) }

    /// Takes `count` tokens if the bucket holds them or is full; all or none.
    ///
    /// - Returns: nil when granted, else nanoseconds after which the same would be, 1 or more.
    package func take(_ count: Int, nanoseconds: Int64) -> Int64? {
        let now = rate.ticks(nanoseconds: nanoseconds, since: origin)
        let capacity = capacity
        var before = fullAt.load(ordering: .relaxed)
        while true {
            switch rate.take(count, capacity: capacity, fullAt: before, now: now) {
            case .refused(let ticks): return rate.nanoseconds(ticks, from: nanoseconds, since: origin)
            case .granted(let after):
                let (done, found) = fullAt.weakCompareExchange(expected: before, desired: after, ordering: .relaxed)
                if done { return nil }
                before = found
            }
        }
    }

    /// Takes `count` tokens whether it holds them or not, for what is measured only afterwards. More than the
    /// capacity is owed in full, whatever the bucket held.
    package func charge(_ count: Int, nanoseconds: Int64) {
        let now = rate.ticks(nanoseconds: nanoseconds, since: origin)
        let capacity = capacity
        var before = fullAt.load(ordering: .relaxed)
        while true {
            let after = rate.charge(count, capacity: capacity, fullAt: before, now: now)
            let (done, found) = fullAt.weakCompareExchange(expected: before, desired: after, ordering: .relaxed)
            if done { return }
            before = found
        }
    }

    /// Nanoseconds for which the bucket is in debt; nil when it is not.
    package func debt(nanoseconds: Int64) -> Int64? {
        let now = rate.ticks(nanoseconds: nanoseconds, since: origin)
        let ticks = rate.debt(capacity: capacity, fullAt: fullAt.load(ordering: .relaxed), now: now)
        return ticks == 0 ? nil : rate.nanoseconds(ticks, from: nanoseconds, since: origin)
    }

    /// Whether it holds all it can: then it is as good as a new one.
    package func isFull(nanoseconds: Int64) -> Bool {
        fullAt.load(ordering: .relaxed) <= rate.ticks(nanoseconds: nanoseconds, since: origin)
    }
}
