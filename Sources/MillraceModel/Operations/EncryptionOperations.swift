// Encryption at rest: what is asked, and what is answered. Members as in the service model's shapes.

/// Encrypts what a stream takes from now on.
public struct StartStreamEncryptionRequest: OperationRequest {
    public var stream: StreamReference
    /// A name of `EncryptionType`: the one that starts or stops. Required.
    public var encryptionType: String?
    /// 1 to 2,048 characters: the key, its ARN, or an alias of it.
    public var keyID: String?

    public init(stream: StreamReference, encryptionType: String? = EncryptionType.kms.rawValue, keyID: String?) {
        self.stream = stream
        self.encryptionType = encryptionType
        self.keyID = keyID
    }

    public static var operation: KinesisOperation { .startStreamEncryption }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.choice(encryptionType, of: EncryptionType.self, required: true, at: "encryptionType")
            check.text(keyID, .keyID, required: true, at: "keyId")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
    }
}

/// Encrypts no more of what a stream takes from now on.
public struct StopStreamEncryptionRequest: OperationRequest {
    public var stream: StreamReference
    /// A name of `EncryptionType`: the one that starts or stops. Required.
    public var encryptionType: String?
    /// 1 to 2,048 characters: the key, its ARN, or an alias of it.
    public var keyID: String?

    public init(stream: StreamReference, encryptionType: String? = EncryptionType.kms.rawValue, keyID: String?) {
        self.stream = stream
        self.encryptionType = encryptionType
        self.keyID = keyID
    }

    public static var operation: KinesisOperation { .stopStreamEncryption }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.choice(encryptionType, of: EncryptionType.self, required: true, at: "encryptionType")
            check.text(keyID, .keyID, required: true, at: "keyId")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
    }
}
