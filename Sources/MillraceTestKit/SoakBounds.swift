/// Whether what a long run holds of the machine stays bounded. Pure: samples in, words out.
///
/// Samples of the first fifth are warm-up. The rest are those taken at rest, between two openings, with the store let go: what is
/// left then is what the process keeps for good.
package struct SoakBounds {
    package struct Sample: Sendable {
        /// Since the run began.
        package var seconds: Double
        package var memoryByteCount: Int
        package var descriptorCount: Int
        package var mapCount: Int

        package init(seconds: Double, memoryByteCount: Int, descriptorCount: Int, mapCount: Int) {
            self.seconds = seconds
            self.memoryByteCount = memoryByteCount
            self.descriptorCount = descriptorCount
            self.mapCount = mapCount
        }
    }

    /// A run shorter than this cannot tell 1 MB an hour from chance: it is held to growth in all.
    package static let longRunSeconds = 1800.0
    package static let greatestShortGrowthByteCount = 8_000_000.0
    package static let greatestBytesPerHour = 1_000_000.0

    package let samples: [Sample]
    package let seconds: Double

    package init(_ samples: [Sample], seconds: Double) {
        self.seconds = seconds
        self.samples = samples.filter { $0.seconds >= seconds / 5 }
    }

    package var isLong: Bool { seconds >= Self.longRunSeconds }
    /// Bytes a second.
    package var memory: Trend? { Trend(samples.map { ($0.seconds, Double($0.memoryByteCount)) }) }
    package var descriptors: Trend? { Trend(samples.map { ($0.seconds, Double($0.descriptorCount)) }) }
    package var maps: Trend? { Trend(samples.map { ($0.seconds, Double($0.mapCount)) }) }

    /// What grew beyond its bound; empty when nothing did.
    package var violations: [String] {
        guard samples.count >= 4, let memory else { return ["only \(samples.count) samples after warm-up: no trend to judge"] }
        var found: [String] = []
        let growth = memory.slope * seconds * 0.8
        if isLong, memory.sureSlope * 3600 > Self.greatestBytesPerHour {
            found.append("memory grows by \(Int(memory.slope * 3600)) bytes an hour, more than 1,000,000 beyond chance")
        } else if !isLong, growth > Self.greatestShortGrowthByteCount {
            found.append("memory grew by \(Int(growth)) bytes after warm-up, more than 8,000,000")
        }
        if let grown = grown(\.descriptorCount) { found.append("open descriptors grew from \(grown.from) to \(grown.to)") }
        if let grown = grown(\.mapCount) { found.append("maps grew from \(grown.from) to \(grown.to)") }
        return found
    }

    /// A count grew when even its least in the last quarter is above its most in the first.
    private func grown(_ count: KeyPath<Sample, Int>) -> (from: Int, to: Int)? {
        let quarter = samples.count / 4
        guard let most = samples.prefix(quarter).map({ $0[keyPath: count] }).max(),
            let least = samples.suffix(quarter).map({ $0[keyPath: count] }).min(), least > most
        else { return nil }
        return (most, least)
    }
}
