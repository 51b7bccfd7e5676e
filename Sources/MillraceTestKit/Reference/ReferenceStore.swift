package import MillraceModel

/// The simplest model of the service that answers as it must: values in memory, no disk, no threads. The oracle of the model
/// tests, written from the rules (docs/KINESIS, the requests' texts) and from nothing of the store.
///
/// What form a request has is the requests' own business (`validate`), which has tests of its own. Numbers of records, texts of
/// iterators and of tokens cannot be foreseen: whoever uses this hands in those that the store gave.
package struct ReferenceStore: Sendable {
    package var streams: [String: ReferenceStream] = [:]
    /// Milliseconds since 1970 UTC.
    package var now: UInt64 = 0
    /// The time by which records grow old: that of the clock unless it ran ahead of the time that passed, and not before
    /// `keptTime`.
    package var aging: UInt64 = 0 {
        didSet {
            aging = max(aging, keptTime)
            latestTime = max(latestTime, aging)
        }
    }
    /// The part of `aging` that no end of the process takes away.
    package internal(set) var keptTime: UInt64 = 0
    private var latestTime: UInt64 = 0
    /// What limits go by, in nanoseconds of a clock that does not go back while the process lives.
    package var steady: Int64 = 0
    /// Whether the service's limits of traffic and of calls are enforced.
    package var isEnforcing = false
    /// How long a stream stays CREATING, UPDATING or DELETING, and a consumer CREATING.
    package var transitionMilliseconds: UInt64 = 0
    /// When streams were created that were deleted since. Kept until another stream is created in a later second.
    var retired: [String: UInt64] = [:]
    var identityCount = 0
    var serialCount = 0
    private var calls: [ReferenceCallKey: ReferenceBucket] = [:]
    /// Who has subscribed to what since the process began, and when the last time.
    var subscriptions: [ReferenceSubscription.Key: ReferenceSubscription.Start] = [:]
    var subscriptionCount = 0

    package init() {}

    /// The process ended and another began. Nothing of `other`, which may have happened instead, is counted again.
    ///
    /// - Parameters:
    ///   - kept: the time that the store kept, which depends on how it ended: it may be any that it has known.
    ///   - horizons: of each stream what the store kept beyond that, likewise.
    package mutating func reopened(
        now: UInt64, aging: UInt64, steady: Int64, kept: UInt64, horizons: [String: UInt64],
        countingOnFrom other: ReferenceStore
    ) {
        keptTime = max(keptTime, min(kept, max(latestTime, aging)))
        (self.now, self.aging, self.steady) = (now, aging, steady)
        identityCount = max(identityCount, other.identityCount)
        serialCount = max(serialCount, other.serialCount)
        (calls, subscriptions) = ([:], [:])
        for name in Array(streams.keys) {
            guard var stream = streams[name] else { continue }
            // What was answered is done, whoever lives to do it.
            if stream.transition?.status == .deleting {
                delete(name)
                continue
            }
            stream.transition = nil
            stream.keptHorizon = max(stream.keptHorizon, min(horizons[name] ?? 0, stream.horizon))
            stream.horizon = stream.keptHorizon
            stream.raiseHorizon(keptTime)
            for index in stream.shards.indices { stream.shards[index].budgets = nil }
            streams[name] = stream
        }
    }

    /// Numbers that were given out since were given to nobody, and whether a time was kept since is not known.
    package mutating func forgetNumbers(since before: ReferenceStore) {
        keptTime = before.keptTime
        for (name, stream) in streams {
            guard let old = before.streams[name], old.identity == stream.identity else { continue }
            for index in stream.shards.indices {
                let number = index < old.shards.count ? old.shards[index].greatestNumber : nil
                streams[name]?.shards[index].greatestNumber = number
            }
        }
    }

    /// The last record taken arrived at that time, which could not be foreseen.
    package mutating func arrived(_ name: String, _ shard: ShardID, at arrival: UInt64) {
        let at = Int(shard.index)
        guard let last = streams[name]?.shards[at].records.indices.last else { return }
        streams[name]?.shards[at].records[last].arrival = arrival
        streams[name]?.shards[at].lastArrival = arrival
        streams[name]?.shards[at].leastArrival = nil
    }

    /// Records put from now on have this serial or greater ones.
    package var nextSerial: Int { serialCount }

    // MARK: What calls begin with

    /// The request has its form, and the call is not one too many.
    ///
    /// - Parameter subject: what the calls are counted by where that is not the account.
    mutating func begin<Request: OperationRequest>(_ request: Request, of subject: String = "") throws(KinesisError) {
        try request.validate()
        guard isEnforcing, !takes(Request.operation, subject) else { return }
        throw Request.operation == .getShardIterator ? .provisionedThroughputExceeded("calls") : .limitExceeded("calls")
    }

    private mutating func takes(_ operation: KinesisOperation, _ subject: String) -> Bool {
        guard let rule = ReferenceCallRule.rules[operation] else { return true }
        let key = ReferenceCallKey(operation: operation, subject: rule.isOfEach ? subject : "")
        var bucket = calls[key] ?? ReferenceBucket(perSecond: rule.perSecond, nanoseconds: steady)
        defer { calls[key] = bucket }
        guard bucket.holds(1, of: rule.perSecond, nanoseconds: steady) else { return false }
        bucket.take(1)
        return true
    }

    /// Somebody has looked at every stream there is, as `StreamActor.view` does.
    package mutating func countView(_ names: some Sequence<String>) {
        for name in names where isEnforcing {
            _ = takes(.describeStreamSummary, "")
            _ = takes(.listStreamConsumers, "\(Self.arn(name))")
        }
    }

    // MARK: Finding

    private func name(_ reference: StreamReference) throws(KinesisError) -> String {
        guard let arn = reference.arn else { return reference.name ?? "" }
        let name = try StreamARN(arn).streamName
        if "\(Self.arn(name.text))" != arn { throw .resourceNotFound("another account's") }
        if let other = reference.name, other != name.text { throw .invalidArgument("two names") }
        return name.text
    }

    package static func arn(_ name: String) -> StreamARN { arns[name] ?? newARN(name) }

    /// Of the names that lives give; making one costs more than most calls.
    private static let arns: [String: StreamARN] = Dictionary(
        uniqueKeysWithValues: (0..<10).map { "s\($0)" }.map { ($0, newARN($0)) })

    private static func newARN(_ name: String) -> StreamARN {
        guard let name = try? StreamName(name),
            let arn = try? StreamARN(region: "us-east-1", accountID: "000000000000", streamName: name)
        else { preconditionFailure("\(name) names a stream") }
        return arn
    }

    /// The stream that a request names. Whoever asks for one sees to the deletions that are due.
    mutating func find(_ reference: StreamReference) throws(KinesisError) -> ReferenceStream {
        finishDeletions()
        guard let stream = streams[try name(reference)] else { throw .resourceNotFound("stream") }
        return stream
    }

    /// The same for records: one that is CREATING is not there yet.
    mutating func stored(_ reference: StreamReference) throws(KinesisError) -> ReferenceStream {
        let stream = try find(reference)
        if status(stream.name) == .creating { throw .resourceNotFound("stream") }
        return stream
    }

    /// Changes made before `body` throws stay.
    mutating func change<Answer>(
        _ name: String, _ body: (inout ReferenceStream) throws(KinesisError) -> Answer
    ) throws(KinesisError) -> Answer {
        guard var stream = streams[name] else { throw .resourceNotFound("stream") }
        defer { streams[name] = stream }
        return try body(&stream)
    }

    // MARK: States

    /// ACTIVE but for as long as a change is shown. Once it was seen to be over it stays so.
    mutating func status(_ name: String) -> StreamStatus {
        guard let transition = streams[name]?.transition else { return .active }
        if transition.status == .deleting || now < transition.end { return transition.status }
        streams[name]?.transition = nil
        return .active
    }

    mutating func requireActive(_ name: String) throws(KinesisError) {
        if status(name) != .active { throw .resourceInUse("not ACTIVE") }
    }

    mutating func show(_ status: StreamStatus, _ name: String) {
        if transitionMilliseconds == 0 { return }
        streams[name]?.transition = ReferenceStream.Transition(status: status, end: now + transitionMilliseconds)
    }

    mutating func finishDeletions() {
        if transitionMilliseconds == 0 { return }
        for (name, stream) in streams {
            if let transition = stream.transition, transition.status == .deleting, now >= transition.end { delete(name) }
        }
    }

    mutating func delete(_ name: String) {
        guard let stream = streams.removeValue(forKey: name) else { return }
        retired[name] = stream.creationSecond
        endSubscriptions { $0.stream == stream.identity }
    }
}
