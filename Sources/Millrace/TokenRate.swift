/// How fast a budget refills, in integers that lose nothing: the arithmetic of a `TokenBucket`, as a value.
///
/// A bucket is one number, the time at which it will be full again. Taking tokens moves that time on by what they
/// take to come back; what the bucket holds is its capacity less what flows in between now and then. (The form is
/// known as the generic cell rate algorithm: ITU-T I.371, virtual scheduling.) Nothing has to refill it, and an idle
/// bucket costs nothing.
///
/// Time is counted in *ticks*, so short that both a token and a microsecond take a whole number of them. At 1 MiB/s a
/// second has lcm(2^20, 10^6) = 2^20 * 5^6 ticks: 15,625 a byte, 16,384 a microsecond. So there is no rounding and no
/// drift. Readings of the clock are rounded down to whole microseconds, which delays a grant by less than one
/// microsecond and never adds up.
package struct TokenRate: Hashable, Sendable {
    /// Tokens that come in a second.
    package let tokensPerSecond: Int
    /// Ticks in which one token comes.
    package let ticksPerToken: UInt64
    package let ticksPerMicrosecond: UInt64

    /// A second has at most so many ticks, so that 64 bits of them last 8.5 years, longer than a process lives.
    private static let greatestTicksPerSecond: UInt64 = 1 << 36

    /// - Parameter tokensPerSecond: 1 or more, such that its least common multiple with 1,000,000 is at most 2^36.
    package init(tokensPerSecond: Int) {
        precondition(tokensPerSecond > 0, "a budget refills: \(tokensPerSecond) tokens a second")
        var (a, b) = (UInt64(tokensPerSecond), UInt64(1_000_000))
        while b != 0 { (a, b) = (b, a % b) }
        self.tokensPerSecond = tokensPerSecond
        ticksPerToken = 1_000_000 / a
        ticksPerMicrosecond = UInt64(tokensPerSecond) / a
        precondition(
            ticksPerMicrosecond <= Self.greatestTicksPerSecond / 1_000_000,
            "\(tokensPerSecond) tokens a second do not fit the ticks of a bucket")
    }

    /// What became of tokens that were asked for.
    package enum Outcome: Hashable, Sendable {
        /// Granted; the bucket is full again at `fullAt`.
        case granted(fullAt: UInt64)
        /// Refused; the same would be granted `ticks` later if nobody came in between.
        case refused(ticks: UInt64)
    }

    /// Takes tokens from a bucket that is full at `fullAt`, if it holds so many, or is full.
    ///
    /// That it may be full is for what is larger than the bucket: it would never pass otherwise. It leaves a debt.
    /// - Parameters:
    ///   - count: 0 to 2^40 tokens.
    ///   - capacity: of the bucket, 1 to 2^40 tokens.
    ///   - now: in ticks. One before an earlier one grants no more than that did.
    @inline(__always)
    package func take(_ count: Int, capacity: Int, fullAt: UInt64, now: UInt64) -> Outcome {
        if fullAt <= now { return .granted(fullAt: now + ticks(count)) }
        let next = fullAt + ticks(count)
        let greatest = now + ticks(capacity)
        if next <= greatest { return .granted(fullAt: next) }
        return .refused(ticks: count > capacity ? fullAt - now : next - greatest)
    }

    /// When a bucket is full again from which `count` tokens are taken that it need not hold.
    ///
    /// More than its capacity is owed in full, as if the bucket had been empty: a second's budget saved up does not
    /// shorten what follows an answer of many seconds.
    @inline(__always)
    package func charge(_ count: Int, capacity: Int, fullAt: UInt64, now: UInt64) -> UInt64 {
        let start = count > capacity ? max(fullAt, now + ticks(capacity)) : max(fullAt, now)
        return start + ticks(count)
    }

    /// How long the bucket is in debt, in ticks; 0 when it is not.
    @inline(__always)
    package func debt(capacity: Int, fullAt: UInt64, now: UInt64) -> UInt64 {
        let greatest = now + ticks(capacity)
        return fullAt > greatest ? fullAt - greatest : 0
    }

    @inline(__always)
    package func ticks(_ count: Int) -> UInt64 { UInt64(count) * ticksPerToken }

    /// A time after `origin` in ticks; before it, 0.
    @inline(__always)
    package func ticks(nanoseconds: Int64, since origin: Int64) -> UInt64 {
        UInt64(max(0, nanoseconds - origin)) / 1000 * ticksPerMicrosecond
    }

    /// Nanoseconds from `now` on after which `ticks` have passed for who reads the clock again; 1 or more.
    package func nanoseconds(_ ticks: UInt64, from now: Int64, since origin: Int64) -> Int64 {
        let microseconds = (ticks + ticksPerMicrosecond - 1) / ticksPerMicrosecond
        let behind = max(0, now - origin) % 1000
        // Before the origin the clock reads 0 until it is there.
        return Int64(microseconds) * 1000 - behind + max(0, origin - now)
    }
}
