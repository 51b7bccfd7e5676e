/// What is asked of a service in one call: plain members as a caller or a wire has them, nil for what is absent, not yet
/// checked. A value.
public protocol OperationRequest: Hashable, Sendable {
    /// The operation it asks for.
    static var operation: KinesisOperation { get }

    /// Checks what can be told from the request alone: the constraints of the service model, then which members go
    /// together.
    ///
    /// Every service does this before anything else, and the client of a remote one need not.
    /// O(n) in the bytes of texts and the count of entries; blobs are not looked into.
    ///
    /// - Throws: `KinesisError.validation` with every violation of a constraint, in the order of the model's members;
    ///   `KinesisError.invalidArgument` when there is none and a member is missing that another one needs, or there are
    ///   two that exclude each other.
    func validate() throws(KinesisError)
}
