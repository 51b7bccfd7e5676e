#if Tools
    import Histogram

    /// How long calls took, in nanoseconds, three significant digits kept.
    struct Latency {
        private var histogram = Histogram<UInt64>(
            lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000_000, numberOfSignificantValueDigits: .three)

        @inline(__always)
        mutating func record(_ nanoseconds: UInt64) { _ = histogram.record(min(nanoseconds, 600_000_000_000)) }

        mutating func add(_ other: Latency) { histogram.add(other.histogram) }

        var count: UInt64 { histogram.totalCount }
        func percentile(_ percent: Double) -> Double { Double(histogram.valueAtPercentile(percent)) }

        /// Writes the percentiles into `row`.
        func fill(_ row: inout Row) {
            guard count > 0 else { return }
            row.p50 = percentile(50)
            row.p99 = percentile(99)
            row.p999 = percentile(99.9)
            row.maximum = percentile(100)
        }
    }
#endif
