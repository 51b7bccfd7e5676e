/// How a stress run ended: the last line it prints, and its exit status. A value.
package enum Verdict: Equatable, Sendable {
    /// No promise was broken; what was done.
    case passed(String)
    /// A promise was broken; which, and what is needed to see it again.
    case broken(String)
    /// The run could not be made: the machine, the directory or the arguments.
    case cannotRun(String)

    /// One line, whatever the text.
    package var line: String {
        switch self {
        case .passed(let text): "PASS: \(Verdict.joined(text))"
        case .broken(let text): "FAIL: \(Verdict.joined(text))"
        case .cannotRun(let text): "CANNOT RUN: \(Verdict.joined(text))"
        }
    }

    package var exitStatus: Int32 {
        switch self {
        case .passed: 0
        case .broken: 1
        case .cannotRun: 2
        }
    }

    private static func joined(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " | ")
    }
}
