#if Tools
    import Foundation

    /// Where values stand along one side of a chart, and its marks.
    struct Axis: Sendable {
        enum Scale: Sendable {
            case linear
            case logarithmic
            /// Shares from 0 to below 1; each nine more is as far from the last as that from the one before.
            case nines

            func transformed(_ value: Double) -> Double {
                switch self {
                case .linear: value
                case .logarithmic: log10(max(value, 1e-9))
                case .nines: -log10(max(1 - value, 1e-12))
                }
            }
        }

        struct Mark: Sendable {
            let value: Double
            let label: String
        }

        let scale: Scale
        /// The values at the two ends.
        let range: ClosedRange<Double>
        let marks: [Mark]
        /// The places of the two ends.
        var start = 0.0
        var end = 1.0

        /// The place of `value`; what lies outside stands at the end.
        func place(_ value: Double) -> Double {
            let low = scale.transformed(range.lowerBound)
            let high = scale.transformed(range.upperBound)
            let share = (scale.transformed(value) - low) / (high - low)
            return start + min(max(share, 0), 1) * (end - start)
        }

        /// The same axis, drawn from one place to the other.
        func drawn(from start: Double, to end: Double) -> Axis {
            var axis = self
            (axis.start, axis.end) = (start, end)
            return axis
        }

        /// The marks' places on an axis from left to right; a label that would touch the one before it is left out.
        func labels(size: Double) -> [(place: Double, label: String?)] {
            var free = -Double.infinity
            return marks.map { mark in
                let x = place(mark.value)
                let half = ChartText.width(mark.label, size: size) / 2
                guard x - half > free else { return (x, nil) }
                free = x + half + 6
                return (x, mark.label)
            }
        }

        /// From 0, with at most `count` steps between the marks.
        static func linear(to greatest: Double, count: Int, label: (Double) -> String) -> Axis {
            let high = greatest > 0 ? greatest : 1
            let step = roundNumber(high / Double(count), up: true)
            let marks = (0...count).map { Double($0) * step }.filter { $0 <= high * 1.000_001 }
            return Axis(scale: .linear, range: 0...high, marks: marks.map { Mark(value: $0, label: label($0)) })
        }

        /// Between round numbers; marks at the powers of ten, and at 2 and 5 times these where there are few.
        static func logarithmic(from least: Double, to greatest: Double, label: (Double) -> String) -> Axis {
            let low = roundNumber(max(least, 1e-6), up: false)
            let high = max(roundNumber(max(greatest, 1e-6), up: true), low * 10)
            let exponents = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
            let factors: [Double] = exponents.count > 4 ? [1] : [1, 2, 5]
            let values = exponents.flatMap { exponent in factors.map { $0 * pow(10, Double(exponent)) } }
                .filter { $0 > low * 0.999 && $0 < high * 1.001 }
            return Axis(
                scale: .logarithmic, range: low...high, marks: values.map { Mark(value: $0, label: label($0)) })
        }

        /// From 0 to the nines that `greatest` needs, at most seven.
        static func nines(to greatest: Double) -> Axis {
            let count = Int(min(max(Scale.nines.transformed(greatest) - 0.01, 1), 7).rounded(.up))
            let marks =
                [Mark(value: 0.5, label: "50 %")]
                + (1...count).map { Mark(value: 1 - pow(10, -Double($0)), label: FigureText.nines($0)) }
            return Axis(scale: .nines, range: 0...marks[count].value, marks: marks)
        }

        /// The nearest of 1, 2 and 5 times a power of ten, not below (or not above) `value`.
        private static func roundNumber(_ value: Double, up: Bool) -> Double {
            let power = pow(10, log10(value).rounded(.down))
            let fraction = value / power
            let factor =
                up
                ? [1, 2, 5].first { $0 >= fraction * 0.999_999 } ?? 10
                : [5, 2].first { $0 <= fraction * 1.000_001 } ?? 1
            return factor * power
        }
    }
#endif
