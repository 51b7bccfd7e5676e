/// How often a call took how long: eight steps for each power of two, so a percentile is at most an eighth too high. A value.
package struct LatencyCounts: Sendable {
    private var counts = [Int](repeating: 0, count: 62 * 8)
    package private(set) var total = 0

    package init() {}

    package mutating func record(_ nanoseconds: UInt64) {
        counts[Self.step(of: nanoseconds)] += 1
        total += 1
    }

    package mutating func add(_ other: LatencyCounts) {
        for step in counts.indices { counts[step] += other.counts[step] }
        total += other.total
    }

    /// The greatest duration that so many of a hundred calls did not exceed, in nanoseconds; 0 when nothing was recorded.
    package func percentile(_ percent: Double) -> UInt64 {
        let wanted = max(1, Int((Double(total) * percent / 100).rounded(.up)))
        var sum = 0
        for (step, count) in counts.enumerated() {
            sum += count
            if sum >= wanted { return Self.greatest(ofStep: step) }
        }
        return 0
    }

    private static func step(of nanoseconds: UInt64) -> Int {
        if nanoseconds < 8 { return Int(nanoseconds) }
        let exponent = 63 - nanoseconds.leadingZeroBitCount
        return (exponent - 2) * 8 + Int(nanoseconds >> UInt64(exponent - 3) & 7)
    }

    private static func greatest(ofStep step: Int) -> UInt64 {
        if step < 8 { return UInt64(step) }
        let exponent = step / 8 + 2
        // The last step ends at the greatest number.
        return (UInt64(8 + step % 8) << UInt64(exponent - 3)) + ((1 << UInt64(exponent - 3)) - 1)
    }
}
