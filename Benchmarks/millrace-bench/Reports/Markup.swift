#if Tools
    import Foundation

    /// HTML or SVG. Text that is interpolated into a literal is escaped, markup is not: nothing that comes from a results
    /// file can become markup. Attributes stand between double quotes.
    struct Markup: ExpressibleByStringInterpolation, Sendable {
        private(set) var text: String

        init(stringLiteral value: String) { text = value }
        init(stringInterpolation: Interpolation) { text = stringInterpolation.text }

        static func + (left: Markup, right: Markup) -> Markup { "\(left)\(right)" }
        static func += (left: inout Markup, right: Markup) { left.text += right.text }

        struct Interpolation: StringInterpolationProtocol {
            fileprivate var text = ""

            init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity * 2) }

            mutating func appendLiteral(_ literal: String) { text += literal }
            mutating func appendInterpolation(_ words: String) { text += escaped(words) }
            mutating func appendInterpolation(_ markup: Markup) { text += markup.text }
            mutating func appendInterpolation(_ parts: [Markup]) { for part in parts { text += part.text } }
            mutating func appendInterpolation(_ number: Int) { text += String(number) }

            /// A place in a picture: at most two digits behind the point, and none that say nothing.
            mutating func appendInterpolation(_ place: Double) { text += trimmed(place, 2) }
        }
    }

    /// `text` as it may stand between tags and in quoted attributes. Characters that HTML forbids become U+FFFD.
    func escaped(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result.append(contentsOf: "&amp;".unicodeScalars)
            case "<": result.append(contentsOf: "&lt;".unicodeScalars)
            case ">": result.append(contentsOf: "&gt;".unicodeScalars)
            case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
            case "'": result.append(contentsOf: "&#39;".unicodeScalars)
            case "\t", "\n": result.append(scalar)
            default:
                let isForbidden = scalar.properties.generalCategory == .control || scalar.value & 0xFFFE == 0xFFFE
                result.append(isForbidden ? "\u{FFFD}" : scalar)
            }
        }
        return String(result)
    }

    /// `value` with at most that many digits behind the point.
    func trimmed(_ value: Double, _ digits: Int) -> String {
        let text = decimal(value, digits)
        guard text.contains(".") else { return text }
        let short = text.reversed().drop { $0 == "0" }.drop { $0 == "." }
        let result = String(short.reversed())
        return result == "-0" ? "0" : result
    }
#endif
