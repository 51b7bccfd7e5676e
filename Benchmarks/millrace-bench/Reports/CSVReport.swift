#if Tools
    /// The rows of one run, comma-separated as in RFC 4180: a line of names, then one line for each row.
    struct CSVReport {
        private let run: RunFile

        init(_ run: RunFile) { self.run = run }

        var text: String {
            let names = Self.fields(of: Row(engine: "", scenario: "", ack: "")).map(\.name)
            let lines = [names] + run.rows.map { Self.fields(of: $0).map(\.value) }
            return lines.map { $0.map(Self.quoted).joined(separator: ",") + "\r\n" }.joined()
        }

        /// Every member of a row that is one value, in the order of `Row`: a new one has its column by itself. Curves are
        /// lists and left out.
        private static func fields(of row: Row) -> [(name: String, value: String)] {
            Mirror(reflecting: row).children.compactMap { name, value in
                guard let name, name != "kind", let text = scalar(value) else { return nil }
                return (name, text)
            }
        }

        /// Empty for nothing; nil for what is no single value.
        private static func scalar(_ value: Any) -> String? {
            switch type(of: value) {
            case is String.Type, is Int.Type, is Double.Type, is Bool.Type: "\(value)"
            case is String?.Type: (value as? String) ?? ""
            case is Int?.Type: (value as? Int).map(String.init) ?? ""
            case is Double?.Type: (value as? Double).map { "\($0)" } ?? ""
            case is Bool?.Type: (value as? Bool).map(String.init) ?? ""
            default: nil
            }
        }

        private static func quoted(_ text: String) -> String {
            let isPlain = !text.unicodeScalars.contains { [",", "\"", "\r", "\n"].contains($0) }
            return isPlain
                ? text
                : "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
        }
    }
#endif
