#if Tools
    /// Text in a picture, which no one breaks into lines but the one who draws it.
    enum ChartText {
        /// The height of a line in font sizes.
        static let leading = 1.3

        /// How wide `text` is at most, by the widths of DejaVu Sans: the widest of the fonts that a browser may take.
        static func width(_ text: String, size: Double) -> Double {
            text.unicodeScalars.reduce(0) { $0 + width($1) } * size
        }

        private static func width(_ scalar: Unicode.Scalar) -> Double {
            switch scalar {
            case "i", "j", "l", " ", ".", ",", ":", ";", "'", "|", "!", "/", "(", ")", "[", "]", "I": 0.4
            case "m", "w", "M", "W", "@", "%", "<", ">", "=", "+": 1
            case "A"..."Z": 0.75
            case "0"..."9": 0.64
            case "\u{80}"...: 1.05
            default: 0.64
            }
        }

        /// `text` in lines of at most that width, broken between words, and within one that is too long by itself.
        static func lines(_ text: String, size: Double, within limit: Double) -> [String] {
            var lines: [String] = []
            var line = ""
            for word in text.split(whereSeparator: \.isWhitespace) {
                let longer = line.isEmpty ? String(word) : "\(line) \(word)"
                if width(longer, size: size) <= limit {
                    line = longer
                    continue
                }
                if !line.isEmpty { lines.append(line) }
                line = ""
                for character in word {
                    if !line.isEmpty, width(line + String(character), size: size) > limit {
                        lines.append(line)
                        line = ""
                    }
                    line.append(character)
                }
            }
            return line.isEmpty ? lines : lines + [line]
        }

        /// Lines of text, the first one's baseline at `y`. `style` is a class of the style sheet, which sets the size.
        static func block(
            _ lines: [String], x: Double, y: Double, size: Double, style: String, anchor: String = "start"
        )
            -> Markup
        {
            var result: Markup = ""
            for (index, line) in lines.enumerated() {
                result += label(
                    line, x: x, y: y + Double(index) * size * leading, style: style, anchor: anchor)
            }
            return result
        }

        static func label(_ text: String, x: Double, y: Double, style: String, anchor: String = "start") -> Markup {
            #"<text x="\#(x)" y="\#(y)" class="\#(style)" text-anchor="\#(anchor)">\#(text)</text>"#
        }
    }
#endif
