import MillraceTestKit
import Testing

/// Aim: growth is told from noise. Method: series made by hand.
@Suite struct SoakBoundsTests {
    @Test func `a line through points on a line is that line, and noise widens its error`() throws {
        let line: [(x: Double, y: Double)] = (0..<10).map { (Double($0), Double(3 + 2 * $0)) }
        let exact = try #require(Trend(line))
        #expect(abs(exact.slope - 2) < 1e-9)
        #expect(exact.slopeError < 1e-9)
        let alternating: [(x: Double, y: Double)] = line.enumerated().map { index, point in
            (point.x, point.y + (index % 2 == 0 ? 1 : -1))
        }
        let noisy = try #require(Trend(alternating))
        // By hand: residues of +-1 about a line through 10 points with a spread of 82.5.
        #expect(abs(noisy.slope - 2) < 0.07)
        #expect(abs(noisy.slopeError - (10.0 / 8 / 82.5).squareRoot()) < 0.003)
        #expect(noisy.sureSlope < noisy.slope)
        #expect(Trend([(1, 1)]) == nil)
        #expect(Trend([(1, 1), (1, 2)]) == nil)
    }

    /// A series of `seconds` with a sample every `step`.
    private func samples(
        _ seconds: Double, every step: Double, memory: (Double) -> Int = { _ in 5_000_000 },
        descriptors: (Double) -> Int = { _ in 11 }, maps: (Double) -> Int = { _ in 48 }
    ) -> SoakBounds {
        let times = stride(from: 0, through: seconds, by: step)
        return SoakBounds(
            times.map {
                SoakBounds.Sample(
                    seconds: $0, memoryByteCount: memory($0), descriptorCount: descriptors($0), mapCount: maps($0))
            }, seconds: seconds)
    }

    @Test func `a level series with noise passes, short and long`() {
        let noise: (Double) -> Int = { 5_000_000 + Int($0 * 7919) % 400_000 }
        #expect(samples(180, every: 4, memory: noise).violations.isEmpty)
        #expect(samples(7200, every: 10, memory: noise).violations.isEmpty)
    }

    @Test func `growth during warm-up does not count`() {
        #expect(samples(180, every: 4, memory: { $0 < 36 ? Int($0) * 1_000_000 : 36_000_000 }).violations.isEmpty)
    }

    @Test func `a short run fails at more than 8 MB of growth and not below`() {
        let seconds = 180.0
        func growth(_ total: Double) -> [String] {
            samples(seconds, every: 4, memory: { Int(total * $0 / (seconds * 0.8)) }).violations
        }
        #expect(growth(7_500_000).isEmpty)
        #expect(growth(8_500_000).count == 1)
    }

    @Test func `a long run fails at more than 1 MB an hour beyond chance`() {
        let noise: (Double) -> Int = { Int($0 * 7919) % 100_000 }
        #expect(samples(7200, every: 10, memory: { noise($0) + Int($0 * 900_000 / 3600) }).violations.isEmpty)
        #expect(samples(7200, every: 10, memory: { noise($0) + Int($0 * 1_200_000 / 3600) }).violations.count == 1)
    }

    @Test func `descriptors or maps that do not come back fail, and a single high sample does not`() {
        #expect(samples(180, every: 4, descriptors: { 11 + Int($0) / 30 }).violations.count == 1)
        #expect(samples(180, every: 4, maps: { $0 > 110 ? 49 : 48 }).violations.count == 1)
        #expect(samples(180, every: 4, descriptors: { $0 == 120 ? 40 : 11 }).violations.isEmpty)
    }

    @Test func `too few samples are no pass`() {
        #expect(samples(180, every: 90).violations.count == 1)
    }
}
