/// A rule of AWS's service model that a text did not satisfy, in the words AWS uses for it.
enum Constraint {
    case atLeast(characterCount: Int)
    case atMost(characterCount: Int)
    case pattern(String)

    var text: String {
        switch self {
        case .atLeast(let count): "Member must have length greater than or equal to \(count)"
        case .atMost(let count): "Member must have length less than or equal to \(count)"
        case .pattern(let pattern): "Member must satisfy regular expression pattern: \(pattern)"
        }
    }

    /// How much of a refused value an error repeats, in Unicode scalars. Bounds the message whatever came in.
    static let echoScalarCount = 160

    /// The front of `value`, marked if it is not all.
    static func echo(_ value: String) -> String {
        let scalars = value.unicodeScalars
        guard let end = scalars.index(scalars.startIndex, offsetBy: echoScalarCount, limitedBy: scalars.endIndex),
            end != scalars.endIndex
        else { return value }
        return String(scalars[..<end]) + "..."
    }
}

extension KinesisError {
    /// The validation error AWS's front end gives for one member of a request.
    static func constraint(_ constraint: Constraint, value: String, member: String) -> KinesisError {
        .validation(
            "1 validation error detected: Value '\(Constraint.echo(value))' at '\(member)' failed to satisfy "
                + "constraint: \(constraint.text)")
    }
}
