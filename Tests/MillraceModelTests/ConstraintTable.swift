// fixtures/kinesis/constraints.tsv as a value, and what the table alone says of a request.

import Foundation
import MillraceModel
import MillraceTestSupport

/// One line of the table.
struct ConstraintRow: Sendable, CustomStringConvertible {
    let operation: KinesisOperation
    /// As in the model: `Records.[].PartitionKey`.
    let path: String
    /// `required`, `minLength`, `maxLength`, `minValue`, `maxValue`, `pattern` or `enum`.
    let kind: String
    let value: String

    var bound: Int { Int(value) ?? 0 }
    var description: String { "\(operation.rawValue) \(path) \(kind) \(value)" }
}

struct ConstraintTable: Sendable {
    /// In the order of the file, without the lines that only name an operation.
    let rows: [ConstraintRow]
    let operationNames: [String]

    init() throws {
        var rows: [ConstraintRow] = []
        var names: [String] = []
        for line in try Fixtures.text("fixtures/kinesis/constraints.tsv").split(separator: "\n") {
            let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            if parts[2] == "operation" {
                names.append(parts[0])
            } else if let operation = KinesisOperation(rawValue: parts[0]) {
                rows.append(ConstraintRow(operation: operation, path: parts[1], kind: parts[2], value: parts[3]))
            }
        }
        (self.rows, operationNames) = (rows, names)
    }

    /// The rows of an operation, gathered by path, in order.
    func paths(_ operation: KinesisOperation) -> [(path: String, rows: [ConstraintRow])] {
        var paths: [(path: String, rows: [ConstraintRow])] = []
        for row in rows where row.operation == operation {
            if paths.last?.path == row.path {
                paths[paths.count - 1].rows.append(row)
            } else {
                paths.append((row.path, [row]))
            }
        }
        return paths
    }
}

/// What a request must be told, by the table and the regular expressions of Foundation.
final class ConstraintOracle {
    let table: ConstraintTable
    private var expressions: [String: NSRegularExpression] = [:]

    init(_ table: ConstraintTable) { self.table = table }

    /// The whole message, or nil when the sample violates nothing.
    func message(_ operation: KinesisOperation, _ sample: Sample) throws -> String? {
        var texts: [String] = []
        for (path, rows) in table.paths(operation) {
            for prefix in sample.places(of: path) {
                texts += try violations(rows, sample, path, name: prefix)
            }
        }
        if texts.isEmpty { return nil }
        return "\(texts.count) validation error\(texts.count == 1 ? "" : "s") detected: "
            + texts.joined(separator: "; ")
    }

    private func violations(
        _ rows: [ConstraintRow], _ sample: Sample, _ path: String, name: String
    ) throws -> [String] {
        guard let value = sample.values[path] else {
            return rows.contains { $0.kind == "required" }
                ? ["Value null at '\(name)' failed to satisfy constraint: Member must not be null"] : []
        }
        let broken = try rows.filter { try !holds($0, value) }
        if broken.isEmpty { return [] }
        // Of lists and maps of texts AWS says the whole rule once.
        if let end = ["[]", "{key}", "{value}"].first(where: path.hasSuffix) {
            let rule = ["enum", "maxLength", "minLength", "pattern"].compactMap { kind in
                rows.first { $0.kind == kind }.map(words)
            }
            let subject = ["[]": "Member", "{key}": "Map keys", "{value}": "Map value"][end] ?? ""
            return [
                "Value '\(echo(sample.whole(path)))' at '\(name)' failed to satisfy constraint: "
                    + "\(subject) must satisfy constraint: [\(rule.joined(separator: ", "))]"
            ]
        }
        return ["pattern", "enum", "minLength", "minValue", "maxLength", "maxValue"].flatMap { kind in
            broken.filter { $0.kind == kind }.map { row in
                "Value '\(echo(value.echo))' at '\(name)' failed to satisfy constraint: \(words(row))"
            }
        }
    }

    private func holds(_ row: ConstraintRow, _ value: Sample.Value) throws -> Bool {
        switch row.kind {
        case "required": true
        case "minLength": value.length >= row.bound
        case "maxLength": value.length <= row.bound
        case "minValue": value.number >= row.bound
        case "maxValue": value.number <= row.bound
        case "enum": row.value.split(separator: " ").map(String.init).contains(value.echo)
        case "pattern": try matches(row.value, value.echo)
        default: throw UnknownKind(row: row)
        }
    }

    struct UnknownKind: Error { let row: ConstraintRow }

    private func words(_ row: ConstraintRow) -> String {
        switch row.kind {
        case "minLength": "Member must have length greater than or equal to \(row.value)"
        case "maxLength": "Member must have length less than or equal to \(row.value)"
        case "minValue": "Member must have value greater than or equal to \(row.value)"
        case "maxValue": "Member must have value less than or equal to \(row.value)"
        case "enum":
            "Member must satisfy enum value set: [\(row.value.split(separator: " ").joined(separator: ", "))]"
        default: "Member must satisfy regular expression pattern: \(row.value)"
        }
    }

    /// The front of a long value, as far as an error repeats it.
    private func echo(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars.prefix(161))
        return scalars.count <= 160 ? text : String(String.UnicodeScalarView(scalars.dropLast())) + "..."
    }

    /// Whether the whole text matches. The engine here takes more for white space and for the end of a line than the
    /// one AWS matches with, so `.`, `\S` and `\d` are spelled out.
    func matches(_ pattern: String, _ text: String) throws -> Bool {
        let expression: NSRegularExpression
        if let known = expressions[pattern] {
            expression = known
        } else {
            let spelled = pattern.replacingOccurrences(of: ".*", with: "[^\\n\\r\\u0085\\u2028\\u2029]*")
                .replacingOccurrences(of: "\\S", with: "[^ \\t\\n\\u000b\\f\\r]")
                .replacingOccurrences(of: "\\d", with: "[0-9]")
            expression = try NSRegularExpression(pattern: "\\A(?:\(spelled))\\z")
            expressions[pattern] = expression
        }
        let whole = NSRange(location: 0, length: text.utf16.count)
        return expression.firstMatch(in: text, range: whole) != nil
    }
}
