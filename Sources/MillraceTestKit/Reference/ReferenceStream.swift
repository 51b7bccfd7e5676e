package import MillraceModel

/// A record as the model keeps it. A value.
package struct ReferenceRecord: Sendable {
    /// Counts all records of the model, so that places stay good whatever is taken away.
    package let serial: Int
    /// nil when its put failed in a way that leaves open whether it was kept.
    package var number: SequenceNumber?
    package var arrival: UInt64
    package let key: String
    package let data: [UInt8]
    /// What the stream's was when the record was put.
    package let encryption: EncryptionType
    package var byteCount: Int { data.count + key.utf8.count }
}

/// A shard as the model keeps it: a list of records. A value.
package struct ReferenceShard: Sendable {
    package let id: ShardID
    package let range: ClosedRange<UInt128>
    package let creationSecond: UInt64
    package var parents: [ShardID] = []
    /// nil while it is open.
    package var closingSecond: UInt64?
    package var records: [ReferenceRecord] = []
    package var lastArrival: UInt64 = 0
    /// After a loss: the next record arrives then, or as late as `lastArrival`, when the clock is behind. Which is not foreseen.
    package var leastArrival: UInt64?
    /// Records with ordinals from here on are not to be seen yet, in a store that makes records wait.
    package var visibleEnd = UInt64.max
    /// A sweep took it away.
    package var isGone = false
    /// The greatest number ever given out here, whether its record is still there or not.
    package var greatestNumber: SequenceNumber?
    /// Nothing was put since its log was last looked at.
    package var isSettled = false
    /// Full ones until somebody has used them since the process began.
    var budgets: ReferenceBudgets?

    /// Whether it took records at some time of the stretch.
    func wasOpen(from first: UInt64, to last: UInt64) -> Bool {
        creationSecond * 1000 <= last && (closingSecond.map { first <= $0 * 1000 + 999 } ?? true)
    }

    /// In which second it closes when its child is created in that one: not before its last record, as it lives as long as that,
    /// and not before the second that ends where the child begins.
    package func closing(in second: UInt64, child: UInt64) -> UInt64 { max(second, child - 1, lastArrival / 1000) }

    package var visible: ArraySlice<ReferenceRecord> {
        records.prefix { $0.number.map { $0.ordinal < visibleEnd } ?? true }
    }

    package var summary: ShardSummary {
        ShardSummary(
            shardID: id, parentShardID: parents.first, adjacentParentShardID: parents.dropFirst().first,
            hashKeyRange: hashKeyRange,
            startingSequenceNumber: .starting(id, creationSecond: creationSecond),
            endingSequenceNumber: closingSecond.map {
                .ending(id, creationSecond: creationSecond, closingSecond: $0)
            })
    }

    var hashKeyRange: HashKeyRange {
        guard let range = try? HashKeyRange(starting: HashKey(range.lowerBound), ending: HashKey(range.upperBound)) else {
            preconditionFailure("\(range) is a range")
        }
        return range
    }
}

/// A stream as the model keeps it. A value.
package struct ReferenceStream: Sendable {
    package let name: String
    /// Tells it from others of its name.
    package let identity: Int
    package let creationSecond: UInt64
    package var shards: [ReferenceShard]
    package var mode = StreamMode.provisioned
    package var retention = RetentionPeriod.default
    /// What arrived earlier is out of sight; only ever raised.
    package var horizon: UInt64 = 0
    /// The part of `horizon` that no end of the process takes away.
    package var keptHorizon: UInt64 = 0
    package var keyID: String?
    package var metrics: Set<ShardLevelMetric> = []
    package var tags: [String: String] = [:]
    package var policy = ""
    package var recordByteLimit = 1 << 20
    package var consumers: [String: ReferenceConsumer] = [:]
    /// When the shard count and the mode were changed, of which the service allows some a day.
    package var countChanges = ReferenceDay()
    var modeChanges = ReferenceDay()
    /// nil while it is ACTIVE.
    var transition: Transition?

    /// What the stream is shown as for a while.
    struct Transition: Hashable, Sendable {
        let status: StreamStatus
        /// In milliseconds since 1970 UTC.
        let end: UInt64
    }

    /// What the operations on a stream's settings change.
    struct Settings: Equatable {
        let keptHorizon: UInt64
        let mode: StreamMode, retention: RetentionPeriod, keyID: String?, metrics: Set<ShardLevelMetric>
        let tags: [String: String], policy: String, recordByteLimit: Int
    }

    var settings: Settings {
        Settings(
            keptHorizon: keptHorizon, mode: mode, retention: retention, keyID: keyID, metrics: metrics, tags: tags,
            policy: policy, recordByteLimit: recordByteLimit)
    }

    package var openShards: [ReferenceShard] {
        shards.filter { $0.closingSecond == nil }.sorted { $0.range.lowerBound < $1.range.lowerBound }
    }

    package mutating func raiseHorizon(_ aging: UInt64) {
        let period = UInt64(retention.milliseconds)
        horizon = max(horizon, aging > period ? aging - period : 0)
    }

    /// The shards that have or may get records to be seen.
    package var livingShards: [ReferenceShard] { shards.filter { $0.wasOpen(from: horizon, to: .max) } }

    func shard(_ text: String?) throws(KinesisError) -> ReferenceShard {
        guard let shard = livingShards.first(where: { "\($0.id)" == text }) else { throw .resourceNotFound("shard") }
        return shard
    }

    mutating func add(_ range: ClosedRange<UInt128>, of parents: [ReferenceShard], second: UInt64) {
        // In a later second than its parents, so that its numbers are above theirs.
        let creation = parents.reduce(second) { max($0, $1.creationSecond + 1) }
        for parent in parents {
            shards[Int(parent.id.index)].closingSecond = parent.closing(in: second, child: creation)
        }
        shards.append(
            ReferenceShard(
                id: ShardID(index: UInt32(shards.count)), range: range, creationSecond: creation,
                parents: parents.map(\.id)))
    }

    package var encryption: EncryptionType { keyID == nil ? .unencrypted : .kms }
}

/// A registered consumer as the model keeps it. A value.
package struct ReferenceConsumer: Hashable, Sendable {
    package let creationSecond: UInt64
    package var tags: [String: String]
}

/// A place to read from. A value.
package struct ReferenceIterator: Sendable {
    let stream: Int
    let shard: ShardID
    /// Of the first record that it may read.
    let serial: Int
    let issued: UInt64
}

/// How a listing of shards goes on. A value.
package struct ReferencePage: Sendable {
    let stream: Int
    let filter: ShardFilter?
    let after: ShardID
    let issued: UInt64
}
