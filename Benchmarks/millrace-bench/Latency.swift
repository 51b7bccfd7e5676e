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
            row.calls = Int(count)
            row.p50 = percentile(50)
            row.p99 = percentile(99)
            row.p999 = percentile(99.9)
            row.maximum = percentile(100)
            row.percentiles = Self.shares.map { [$0, percentile($0 * 100)] }
        }

        /// At which shares of the calls a row keeps the distribution.
        private static let shares = [
            0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 0.99995, 0.99999, 0.999995,
            0.999999, 1,
        ]
    }
#endif
