/// Whether records are encrypted at rest. The raw values are AWS's (service model, shape EncryptionType).
public enum EncryptionType: String, Hashable, Sendable, CaseIterable {
    case unencrypted = "NONE"
    /// With a key of a key service.
    case kms = "KMS"
}
