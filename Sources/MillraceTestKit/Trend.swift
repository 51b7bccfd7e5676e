/// A straight line through points by least squares, and how well it is known.
package struct Trend: Equatable, Sendable {
    /// By how much y grows for each x.
    package let slope: Double
    /// One standard deviation of the slope, from how the points scatter about the line; 0 with two points.
    package let slopeError: Double
    package let count: Int

    /// nil with fewer than two different x.
    package init?(_ points: [(x: Double, y: Double)]) {
        let n = Double(points.count)
        guard points.count >= 2 else { return nil }
        let meanX = points.reduce(0) { $0 + $1.x } / n
        let meanY = points.reduce(0) { $0 + $1.y } / n
        let spread = points.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
        guard spread > 0 else { return nil }
        let slope = points.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) } / spread
        let residue = points.reduce(0) { sum, point in
            let off = point.y - meanY - slope * (point.x - meanX)
            return sum + off * off
        }
        self.slope = slope
        slopeError = points.count > 2 ? (residue / (n - 2) / spread).squareRoot() : 0
        count = points.count
    }

    /// What is surely grown, for each x: the slope less two standard deviations, 0 when that is below.
    package var sureSlope: Double { max(0, slope - 2 * slopeError) }
}
