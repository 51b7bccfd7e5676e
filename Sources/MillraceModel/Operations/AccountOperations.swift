// An account's limits and settings: what is asked, and what is answered. Members as in the service model's shapes.

/// Asks what an account may have in the region, and what it has.
public struct DescribeLimitsRequest: OperationRequest {
    public init() {}

    public static var operation: KinesisOperation { .describeLimits }

    public func validate() throws(KinesisError) {}
}

/// What an account may have in the region, and what it has.
public struct DescribeLimitsResponse: Hashable, Sendable {
    /// Open shards of provisioned streams it may have.
    public var shardLimit: Int
    /// Open shards of provisioned streams it has.
    public var openShardCount: Int
    /// On-demand streams it has.
    public var onDemandStreamCount: Int
    /// On-demand streams it may have.
    public var onDemandStreamCountLimit: Int

    public init(shardLimit: Int, openShardCount: Int, onDemandStreamCount: Int, onDemandStreamCountLimit: Int) {
        self.shardLimit = shardLimit
        self.openShardCount = openShardCount
        self.onDemandStreamCount = onDemandStreamCount
        self.onDemandStreamCountLimit = onDemandStreamCountLimit
    }
}

/// Asks for the account's settings in the region.
public struct DescribeAccountSettingsRequest: OperationRequest {
    public init() {}

    public static var operation: KinesisOperation { .describeAccountSettings }

    public func validate() throws(KinesisError) {}
}

/// The account's settings in the region.
public struct DescribeAccountSettingsResponse: Hashable, Sendable {
    /// Nil when the account never made one.
    public var minimumThroughputBillingCommitment: BillingCommitment?

    public init(minimumThroughputBillingCommitment: BillingCommitment?) {
        self.minimumThroughputBillingCommitment = minimumThroughputBillingCommitment
    }
}

/// Changes the account's settings in the region.
public struct UpdateAccountSettingsRequest: OperationRequest {
    public var minimumThroughputBillingCommitment: BillingCommitmentChange?

    public init(minimumThroughputBillingCommitment: BillingCommitmentChange?) {
        self.minimumThroughputBillingCommitment = minimumThroughputBillingCommitment
    }

    public static var operation: KinesisOperation { .updateAccountSettings }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.present(minimumThroughputBillingCommitment, at: "minimumThroughputBillingCommitment")
            minimumThroughputBillingCommitment?.check(&check)
        }
    }
}

/// The account's settings after the change.
public struct UpdateAccountSettingsResponse: Hashable, Sendable {
    public var minimumThroughputBillingCommitment: BillingCommitment?

    public init(minimumThroughputBillingCommitment: BillingCommitment?) {
        self.minimumThroughputBillingCommitment = minimumThroughputBillingCommitment
    }
}
