// Who may use a resource: what is asked, and what is answered. Members as in the service model's shapes.

/// Sets the policy of a stream or a registered consumer.
public struct PutResourcePolicyRequest: OperationRequest {
    public var resourceARN: String?
    /// A policy document in JSON.
    public var policy: String?
    /// Reserved by AWS: its form is checked, and it names nothing.
    public var streamID: String?

    public init(resourceARN: String?, policy: String?, streamID: String? = nil) {
        self.resourceARN = resourceARN
        self.policy = policy
        self.streamID = streamID
    }

    public static var operation: KinesisOperation { .putResourcePolicy }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(resourceARN, .resourceARN, required: true, at: "resourceARN")
            check.text(streamID, .streamID, at: "streamId")
            check.present(policy, at: "policy")
        }
    }
}

/// Asks for the policy of a stream or a registered consumer.
public struct GetResourcePolicyRequest: OperationRequest {
    public var resourceARN: String?
    /// Reserved by AWS: its form is checked, and it names nothing.
    public var streamID: String?

    public init(resourceARN: String?, streamID: String? = nil) {
        self.resourceARN = resourceARN
        self.streamID = streamID
    }

    public static var operation: KinesisOperation { .getResourcePolicy }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(resourceARN, .resourceARN, required: true, at: "resourceARN")
            check.text(streamID, .streamID, at: "streamId")
        }
    }
}

/// The policy.
public struct GetResourcePolicyResponse: Hashable, Sendable {
    /// A policy document in JSON; `{}` when there is none.
    public var policy: String

    public init(policy: String) { self.policy = policy }
}

/// Removes the policy of a stream or a registered consumer.
public struct DeleteResourcePolicyRequest: OperationRequest {
    public var resourceARN: String?
    /// Reserved by AWS: its form is checked, and it names nothing.
    public var streamID: String?

    public init(resourceARN: String?, streamID: String? = nil) {
        self.resourceARN = resourceARN
        self.streamID = streamID
    }

    public static var operation: KinesisOperation { .deleteResourcePolicy }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(resourceARN, .resourceARN, required: true, at: "resourceARN")
            check.text(streamID, .streamID, at: "streamId")
        }
    }
}
