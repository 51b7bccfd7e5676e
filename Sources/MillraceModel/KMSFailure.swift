/// Why a key service did not give a stream's key. The raw values are AWS's names of the errors.
public enum KMSFailure: String, Hashable, Sendable, CaseIterable {
    case accessDenied = "KMSAccessDeniedException"
    /// The key is disabled.
    case disabled = "KMSDisabledException"
    /// The key's state does not allow the use.
    case invalidState = "KMSInvalidStateException"
    case notFound = "KMSNotFoundException"
    /// The account has to subscribe to the key service first.
    case optInRequired = "KMSOptInRequired"
    case throttling = "KMSThrottlingException"
}
