/// A rule of AWS's service model that a member of a request did not satisfy, in the words AWS uses for it.
///
/// The words are AWS's interface: clients match them. They were taken from answers of AWS quoted in public reports.
enum Constraint: Hashable, Sendable {
    case present
    case lengthAtLeast(Int)
    case lengthAtMost(Int)
    case valueAtLeast(Int)
    case valueAtMost(Int)
    case pattern(TextPattern)
    case oneOf([String])
    /// What each member of a list of texts must satisfy.
    case members([Constraint])
    /// What each key of a map must satisfy.
    case keys([Constraint])
    /// What each value of a map must satisfy.
    case values([Constraint])

    var text: String {
        switch self {
        case .present: "Member must not be null"
        case .lengthAtLeast(let count): "Member must have length greater than or equal to \(count)"
        case .lengthAtMost(let count): "Member must have length less than or equal to \(count)"
        case .valueAtLeast(let value): "Member must have value greater than or equal to \(value)"
        case .valueAtMost(let value): "Member must have value less than or equal to \(value)"
        case .pattern(let pattern): "Member must satisfy regular expression pattern: \(pattern.text)"
        case .oneOf(let values): "Member must satisfy enum value set: \(Self.list(values))"
        case .members(let rules): "Member must satisfy constraint: \(Self.list(rules.map(\.text)))"
        case .keys(let rules): "Map keys must satisfy constraint: \(Self.list(rules.map(\.text)))"
        case .values(let rules): "Map value must satisfy constraint: \(Self.list(rules.map(\.text)))"
        }
    }

    private static func list(_ texts: [String]) -> String { "[" + texts.joined(separator: ", ") + "]" }
}
