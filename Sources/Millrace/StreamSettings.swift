package import MillraceModel

/// What may be changed of a stream while it lives, its shards apart. A value, kept whole in one catalogue record.
package struct StreamSettings: Hashable, Sendable {
    package var mode = StreamMode.provisioned
    package var retention = RetentionPeriod.default
    /// No record that arrived before it is ever seen again, whatever the period becomes; milliseconds since 1970 UTC.
    package var horizonFloorMilliseconds: UInt64 = 0
    package var encryption = EncryptionType.unencrypted
    /// The key that the encryption was started with.
    package var keyID = ""
    package var metrics: Set<ShardLevelMetric> = []
    package var tags: [String: String] = [:]
    /// JSON, as it was put; empty for none.
    package var policy = ""
    /// Data and partition key together.
    package var maximumRecordByteCount = Limits.defaultRecordByteCount
    /// MiB a second that the stream was asked to be ready for; 0 when it was not.
    package var warmThroughputMiBps = 0
    /// When UpdateShardCount was called in the last 24 hours, in milliseconds since 1970 UTC.
    package var shardCountChanges: [UInt64] = []
    /// When UpdateStreamMode was called in the last 24 hours, likewise.
    package var modeChanges: [UInt64] = []

    /// Only the newest record of each partition key is kept; nil: every one is.
    package var keyCompaction: KeyCompaction?

    /// It will be deleted: at the end of the time for which it is shown DELETING, or when the store is opened anew.
    package var isDeleting = false

    package init() {}

    /// What readers may see at that time: records that arrived then or later, in milliseconds since 1970 UTC.
    package func horizon(at nowMilliseconds: UInt64) -> UInt64 {
        let period = UInt64(retention.milliseconds)
        return max(horizonFloorMilliseconds, nowMilliseconds > period ? nowMilliseconds - period : 0)
    }
}

/// A registered consumer of a stream. A value.
package struct ConsumerState: Hashable, Sendable {
    package var name: String
    /// Seconds since 1970 UTC: part of its ARN.
    package var creationSecond: UInt64
    package var tags: [String: String] = [:]
    /// JSON, as it was put; empty for none.
    package var policy = ""

    package init(name: String, creationSecond: UInt64) {
        self.name = name
        self.creationSecond = creationSecond
    }
}

/// What belongs to the store as a whole. A value.
package struct AccountState: Hashable, Sendable {
    /// Drawn when the store was made.
    package var tokenSecret: TokenSecret
    package var billingCommitment = BillingCommitment()
    /// The latest time by which records grew old that was kept: no opening goes by an earlier one. Milliseconds since 1970
    /// UTC; 0 when none was.
    package var agingMilliseconds: UInt64 = 0

    package init(tokenSecret: TokenSecret) { self.tokenSecret = tokenSecret }

    /// The account's minimum throughput billing commitment, which has no price here.
    package struct BillingCommitment: Hashable, Sendable {
        package var isEnabled = false
        /// Seconds since 1970 UTC; 0 when never.
        package var startSecond: UInt64 = 0
        package var endSecond: UInt64 = 0
        package init() {}
    }
}
