/// What an operation on a stream answers in place of a result, under the names AWS gives these errors.
///
/// Each case carries a sentence for a person. What only a store on this machine can say is in `storage`.
public enum KinesisError: Error, Hashable, Sendable {
    /// No stream or shard of that name.
    case resourceNotFound(String)
    /// The stream exists already, or is not ACTIVE and the operation needs it to be.
    case resourceInUse(String)
    /// An argument is well formed and still cannot be used: out of range, or of another shard.
    case invalidArgument(String)
    /// An argument does not have the form the service model asks for, or the stream's mode forbids the operation.
    case validation(String)
    /// More streams, shards or control calls than allowed.
    case limitExceeded(String)
    /// The shard's budget of bytes, records or reads in this second is spent; trying again later helps.
    case provisionedThroughputExceeded(String)
    /// The shard iterator is older than `Limits.iteratorLifetimeSeconds`.
    case expiredIterator(String)
    /// The token for the next page of a listing is older than `Limits.nextTokenLifetimeSeconds`.
    case expiredNextToken(String)
    /// The store that holds the stream could not do it.
    case storage(StorageError)

    /// The error's name in AWS's service model, as a client sees it.
    ///
    /// A store that is busy is a throttle to a client, who waits and tries again; every other storage error is the
    /// service's own failure.
    public var code: String {
        switch self {
        case .resourceNotFound: "ResourceNotFoundException"
        case .resourceInUse: "ResourceInUseException"
        case .invalidArgument: "InvalidArgumentException"
        case .validation: "ValidationException"
        case .limitExceeded: "LimitExceededException"
        case .provisionedThroughputExceeded, .storage(.wouldBlock): "ProvisionedThroughputExceededException"
        case .expiredIterator: "ExpiredIteratorException"
        case .expiredNextToken: "ExpiredNextTokenException"
        case .storage: "InternalFailureException"
        }
    }

    /// The sentence for a person.
    public var message: String {
        switch self {
        case .resourceNotFound(let message), .resourceInUse(let message), .invalidArgument(let message),
            .validation(let message), .limitExceeded(let message), .provisionedThroughputExceeded(let message),
            .expiredIterator(let message), .expiredNextToken(let message):
            message
        case .storage(let error): error.description
        }
    }
}

extension KinesisError: CustomStringConvertible {
    /// The code and the sentence: `ValidationException: 1 validation error detected: ...`.
    public var description: String { "\(code): \(message)" }
}
