/// The name of a registered consumer within its stream: 1 to 128 of the characters a stream's name may have.
///
/// Case counts. Ordered by bytes. Rule: service model, shape ConsumerName.
public struct ConsumerName: Hashable, Sendable {
    /// The name as given.
    public let text: String

    /// Checks `text` and takes it as a name.
    ///
    /// - Throws: `KinesisError.validation` when it is empty, longer than 128 or has another character.
    public init(_ text: String) throws(KinesisError) {
        try ConstraintCheck.text(text, .consumerName, at: "consumerName")
        self.text = text
    }
}

extension ConsumerName: Comparable {
    public static func < (left: ConsumerName, right: ConsumerName) -> Bool { left.text < right.text }
}

extension ConsumerName: CustomStringConvertible {
    public var description: String { text }
}
