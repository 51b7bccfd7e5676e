#if Tools
    import Foundation
    import MillraceLog

    /// How numbers read in the tool's output.
    enum Text {
        /// An ordinal as generation and counter, for example `2.1005`.
        static func ordinal(_ ordinal: UInt64) -> String { "\(Ordinal.generation(ordinal)).\(Ordinal.counter(ordinal))" }

        static func count(_ count: Int, _ noun: String, plural: String? = nil) -> String {
            "\(count) \(count == 1 ? noun : plural ?? noun + "s")"
        }

        static func hex(_ value: UInt64, digits: Int = 16) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }

        /// UTC, to the millisecond.
        static func time(_ milliseconds: UInt64) -> String {
            Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(
                .iso8601.year().month().day().time(includingFractionalSeconds: true)) + "Z"
        }

        /// Raw bytes to one stored byte.
        static func ratio(_ raw: Int, _ stored: Int) -> String {
            guard stored > 0 else { return "-" }
            let hundredths = (raw * 100 + stored / 2) / stored
            return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
        }

        /// Rows under a head, every column but the last as wide as its widest cell, flush right; the last is for remarks.
        static func table(_ head: [String], _ rows: [[String]]) -> String {
            let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
            return ([head] + rows).map { row in
                row.enumerated().map { column, cell in
                    column == row.count - 1 ? cell : String(repeating: " ", count: widths[column] - cell.count) + cell
                }.joined(separator: "  ")
            }.joined(separator: "\n")
        }
    }

    /// One JSON object on one line, keys in order.
    enum JSONText {
        static func of(_ value: some Encodable) throws -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        }
    }
#endif
