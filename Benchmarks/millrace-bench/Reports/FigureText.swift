#if Tools
    import Foundation

    /// Figures as charts write them: short, with a unit that suits them.
    enum FigureText {
        /// `4.50 M` of 4,499,849.
        static func count(_ value: Double) -> String { scaled(value) { figure($0) } }

        /// `4.5 M`, for the marks of an axis.
        static func mark(_ value: Double) -> String { scaled(value) { significant($0) } }

        private static func scaled(_ value: Double, _ text: (Double) -> String) -> String {
            switch abs(value) {
            case 999.5e6...: text(value / 1e9) + " G"
            case 999.5e3...: text(value / 1e6) + " M"
            case 999.5...: text(value / 1e3) + " k"
            default: text(value)
            }
        }

        /// `15.7 ms` of nanoseconds.
        static func duration(_ nanoseconds: Double) -> String {
            switch abs(nanoseconds) {
            case 999.5e6...: significant(nanoseconds / 1e9) + " s"
            case 999.5e3...: significant(nanoseconds / 1e6) + " ms"
            case 999.5...: significant(nanoseconds / 1e3) + " µs"
            default: significant(nanoseconds) + " ns"
            }
        }

        /// `0.45`, and more digits of what is less than a hundredth.
        static func ratio(_ value: Double) -> String {
            value > 0 && value < 0.01 ? trimmed(value, 4) : decimal(value, 2)
        }

        /// `99.9 %` of three nines.
        static func nines(_ count: Int) -> String {
            switch count {
            case ..<2: "90 %"
            case 2: "99 %"
            default: "99." + String(repeating: "9", count: count - 2) + " %"
            }
        }

        /// Three digits that count, without zeros at the end.
        private static func significant(_ value: Double) -> String {
            switch abs(value) {
            case ..<9.995: trimmed(value, 2)
            case ..<99.95: trimmed(value, 1)
            default: decimal(value, 0)
            }
        }
    }
#endif
