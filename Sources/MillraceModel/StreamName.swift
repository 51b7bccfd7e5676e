/// The name of a stream: 1 to 128 of the letters a-z and A-Z, the digits, `_`, `.` and `-`.
///
/// Case counts. Ordered by bytes, which is how streams are listed. Rule: service model, shape StreamName.
public struct StreamName: Hashable, Sendable {
    /// The name as given.
    public let text: String

    /// Checks `text` and takes it as a name.
    ///
    /// - Throws: `KinesisError.validation` when it is empty, longer than 128 or has another character.
    public init(_ text: String) throws(KinesisError) {
        try ConstraintCheck.text(text, .streamName, at: "streamName")
        self.text = text
    }
}

extension StreamName: Comparable {
    public static func < (left: StreamName, right: StreamName) -> Bool { left.text < right.text }
}

extension StreamName: CustomStringConvertible {
    public var description: String { text }
}
