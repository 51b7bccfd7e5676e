import MillraceModel

/// A budget in its plainest form: so many tokens come in a second, up to what it holds. Exact in whole microseconds, in
/// integers. A value.
///
/// Written from what AWS says of its limits and from nothing of the store's buckets, which it is there to check.
package struct ReferenceBucket: Hashable, Sendable {
    /// Tokens that come in a second: as many millionths of a token come in a microsecond.
    let rate: Int64
    /// What is missing from a full bucket, in millionths of a token; more than it holds is a debt.
    private var lack: Int64 = 0
    private var microsecond: Int64

    init(perSecond: Int, nanoseconds: Int64) {
        rate = Int64(perSecond)
        microsecond = nanoseconds / 1000
    }

    private mutating func refill(_ nanoseconds: Int64) {
        // A day fills any bucket, and does not overflow.
        let passed = min(max(0, nanoseconds / 1000 - microsecond), 86_400_000_000)
        lack = max(0, lack - passed * rate)
        microsecond = max(microsecond, nanoseconds / 1000)
    }

    /// Whether so many are to be had from it: they are in it, or it is full, so that what is larger than it passes at all.
    mutating func holds(_ count: Int, of capacity: Int, nanoseconds: Int64) -> Bool {
        refill(nanoseconds)
        return lack == 0 || lack + Int64(count) * 1_000_000 <= Int64(capacity) * 1_000_000
    }

    mutating func take(_ count: Int) { lack += Int64(count) * 1_000_000 }

    /// Takes what was used already. More than the bucket holds is owed in full, whatever was in it.
    mutating func charge(_ count: Int, of capacity: Int, nanoseconds: Int64) {
        refill(nanoseconds)
        if count > capacity { lack = max(lack, Int64(capacity) * 1_000_000) }
        take(count)
    }

    /// Nanoseconds, in whole microseconds, until it owes nothing; 0 when it does not.
    mutating func debt(of capacity: Int, nanoseconds: Int64) -> Int64 {
        refill(nanoseconds)
        let owed = max(0, lack - Int64(capacity) * 1_000_000)
        return (owed + rate - 1) / rate * 1000
    }
}

/// What a shard may take and give. Quotas of the service: 1,000 records and 1 MiB a second in, 5 calls and 2 MiB a second out. A value.
struct ReferenceBudgets: Hashable, Sendable {
    private var records: ReferenceBucket
    private var bytes: ReferenceBucket
    private var calls: ReferenceBucket
    private var read: ReferenceBucket

    /// Full ones.
    init(nanoseconds: Int64) {
        records = ReferenceBucket(perSecond: 1000, nanoseconds: nanoseconds)
        bytes = ReferenceBucket(perSecond: 1 << 20, nanoseconds: nanoseconds)
        calls = ReferenceBucket(perSecond: 5, nanoseconds: nanoseconds)
        read = ReferenceBucket(perSecond: 2 << 20, nanoseconds: nanoseconds)
    }

    /// Takes a record of both budgets, or of neither. One second can be saved up, or the stream's largest record.
    mutating func takesRecord(_ byteCount: Int, limit: Int, nanoseconds: Int64) -> Bool {
        let isCounted = records.holds(1, of: 1000, nanoseconds: nanoseconds)
        let isWeighed = bytes.holds(byteCount, of: max(1 << 20, limit), nanoseconds: nanoseconds)
        guard isCounted, isWeighed else { return false }
        records.take(1)
        bytes.take(byteCount)
        return true
    }

    /// Takes a GetRecords, which is refused while the bytes of those before are owed.
    mutating func takesRead(nanoseconds: Int64) -> Bool {
        guard read.debt(of: 2 << 20, nanoseconds: nanoseconds) == 0, calls.holds(1, of: 5, nanoseconds: nanoseconds) else {
            return false
        }
        calls.take(1)
        return true
    }

    mutating func wasRead(_ byteCount: Int, nanoseconds: Int64) {
        read.charge(byteCount, of: 2 << 20, nanoseconds: nanoseconds)
    }
}

/// How often an operation may be called, and of what: the text of each operation in the service model. A value.
struct ReferenceCallRule: Hashable, Sendable {
    let perSecond: Int
    /// Whether the calls on each stream, shard or consumer are counted by themselves; else those of the account.
    let isOfEach: Bool

    static let rules: [KinesisOperation: ReferenceCallRule] = {
        func account(_ perSecond: Int) -> ReferenceCallRule { ReferenceCallRule(perSecond: perSecond, isOfEach: false) }
        func each(_ perSecond: Int) -> ReferenceCallRule { ReferenceCallRule(perSecond: perSecond, isOfEach: true) }
        return [
            .addTagsToStream: account(5), .createStream: account(5), .deleteStream: account(5),
            .deregisterStreamConsumer: each(5), .describeAccountSettings: account(5), .describeLimits: account(1),
            .describeStream: account(10), .describeStreamConsumer: each(20), .describeStreamSummary: account(20),
            .getShardIterator: each(5), .listShards: each(1000), .listStreamConsumers: each(5), .listStreams: account(5),
            .listTagsForStream: account(5), .mergeShards: account(5), .registerStreamConsumer: account(5),
            .removeTagsFromStream: account(5), .splitShard: account(5), .subscribeToShard: each(1),
            .updateAccountSettings: account(5), .updateShardCount: account(10), .updateStreamWarmThroughput: account(5),
        ]
    }()
}

/// What there is a budget of calls for.
struct ReferenceCallKey: Hashable, Sendable {
    let operation: KinesisOperation
    let subject: String
}

/// The changes of the last day, by their times in milliseconds: the service counts some. A value.
package struct ReferenceDay: Hashable, Sendable {
    private var times: [UInt64] = []

    func count(at now: UInt64) -> Int { times.count { $0 + 86_400_000 > now } }

    /// What is a day old at that time is forgotten, wherever the clock goes then.
    mutating func add(_ now: UInt64) { times = (times.filter { $0 + 86_400_000 > now } + [now]).suffix(1000) }
}
