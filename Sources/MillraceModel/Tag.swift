/// A label of a stream or a consumer. Rule: service model, shape Tag.
public struct Tag: Hashable, Sendable {
    /// 1 to 128 characters, unique on its resource.
    public let key: String
    /// 0 to 256 characters.
    public let value: String

    public init(key: String, value: String = "") {
        self.key = key
        self.value = value
    }
}
