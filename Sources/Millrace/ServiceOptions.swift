import MillraceModel

/// What a store answers and enforces as a service. A value.
package struct ServiceOptions: Hashable, Sendable {
    /// Twelve digits, in ARNs and in errors.
    package var accountID = "000000000000"
    package var region = "us-east-1"
    /// Bytes of records a second that compaction writes anew at most.
    package var compactionBytesPerSecond = 32 << 20
    /// How old records are that are compressed better.
    package var coldMilliseconds: UInt64 = 3_600_000
    /// Bytes on the disk that a shard, and that all shards together, keep at most, whatever their period; nil: as many as there are.
    package var retainedBytesPerShard: Int?
    package var retainedBytesPerStore: Int?
    /// How long a stream stays CREATING, UPDATING or DELETING, and a consumer CREATING: milliseconds.
    package var transitionMilliseconds: UInt64 = 0
    /// What is done about the limits of throughput and of calls.
    package var capacity = CapacityEnforcement.off

    package init() {}
}

extension ServiceOptions {
    func streamARN(_ name: StreamName) -> StreamARN {
        do throws(KinesisError) {
            return try StreamARN(region: region, accountID: accountID, streamName: name)
        } catch { preconditionFailure("region and account were checked when the store was opened: \(error)") }
    }

    func consumerARN(_ name: StreamName, _ consumer: ConsumerState) -> ConsumerARN {
        do throws(KinesisError) {
            return ConsumerARN(
                streamARN: streamARN(name), consumerName: try ConsumerName(consumer.name),
                creationSecond: consumer.creationSecond)
        } catch { preconditionFailure("a consumer's name was checked when it was registered: \(error)") }
    }

    /// - Throws: `invalidArgument` when no ARN can be made of account and region.
    func check() throws(KinesisError) {
        do throws(KinesisError) {
            _ = try StreamARN(region: region, accountID: accountID, streamName: try StreamName("a"))
        } catch { throw .invalidArgument("accountID has twelve digits and region is a name: \(error.message)") }
    }
}

/// Errors in the words of the service, as clients see and match them.
struct ServiceWords {
    let options: ServiceOptions

    func streamNotFound(_ name: String) -> KinesisError {
        .resourceNotFound("Stream \(name) under account \(options.accountID) not found.")
    }
    func streamExists(_ name: StreamName) -> KinesisError {
        .resourceInUse("Stream \(name) under account \(options.accountID) already exists.")
    }
    func notActive(_ name: StreamName, _ status: StreamStatus) -> KinesisError {
        .resourceInUse("Stream \(name) under account \(options.accountID) not ACTIVE, instead in state \(status.rawValue)")
    }
    func shardNotFound(_ id: String, _ name: StreamName) -> KinesisError {
        .resourceNotFound("Could not find shard \(id) in stream \(name) under account \(options.accountID).")
    }
    func shardNotOpen(_ id: ShardID, _ name: StreamName) -> KinesisError {
        .resourceInUse(
            "Shard \(id) in stream \(name) under account \(options.accountID) has already been merged or split, and thus "
                + "is not eligible for merging or splitting.")
    }
    func notAdjacent(_ id: ShardID, _ other: ShardID, _ name: StreamName) -> KinesisError {
        .invalidArgument(
            "Shards \(id) and \(other) in stream \(name) under account \(options.accountID) are not an adjacent pair of "
                + "shards eligible for merging")
    }
    func splitOutside(_ key: HashKey, _ shard: ShardDescription, _ name: StreamName) -> KinesisError {
        .invalidArgument(
            "NewStartingHashKey \(key) used in SplitShard() on shard \(shard.shardID) in stream \(name) under account "
                + "\(options.accountID) is not both greater than one plus the shard's StartingHashKey "
                + "\(shard.hashKeyRange.starting) and less than the shard's EndingHashKey \(shard.hashKeyRange.ending).")
    }
    func onDemand(_ operation: String, _ name: StreamName) -> KinesisError {
        .validation("\(operation) is not supported for stream \(name), which is in ON_DEMAND mode: its shards are scaled for it.")
    }
    func consumerNotFound(_ text: String) -> KinesisError {
        .resourceNotFound("Consumer \(text) under account \(options.accountID) not found.")
    }
}
