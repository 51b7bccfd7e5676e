/// How a request names a stream: by name, by ARN or by both, as given and not yet checked.
///
/// With both, the ARN's name must be the name given; whoever looks the stream up sees to that. The ID is reserved by AWS:
/// its form is checked, and it names nothing. Rule: service model, members StreamName, StreamARN and StreamId.
public struct StreamReference: Hashable, Sendable {
    public var name: String?
    public var arn: String?
    public var id: String?

    public init(name: String? = nil, arn: String? = nil, id: String? = nil) {
        self.name = name
        self.arn = arn
        self.id = id
    }

    public init(_ name: StreamName) { self.init(name: name.text) }
    public init(_ arn: StreamARN) { self.init(arn: arn.description) }

    /// Whether the reference says which stream is meant.
    public var isEmpty: Bool { name == nil && arn == nil }

    /// - Throws: `KinesisError.invalidArgument` when there is neither a name nor an ARN.
    func checkPresent() throws(KinesisError) {
        if isEmpty { throw .invalidArgument("Either StreamName or StreamARN should be provided.") }
    }
}

extension StreamReference: ExpressibleByStringLiteral {
    /// The stream of that name.
    public init(stringLiteral name: String) { self.init(name: name) }
}
