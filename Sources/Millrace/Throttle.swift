package import MillraceModel
import Synchronization

/// One shard's budgets: bytes and records written, bytes and calls read.
///
/// A class because all producers and readers of the shard share it. Any thread may call anything; nothing locks and
/// nothing allocates. Time is a parameter, nanoseconds of the steady clock. Without enforcement no budget is touched.
///
/// The budgets are AWS's (`Limits.shard...`). What comes in a second can be saved up, so the burst that AWS allows is
/// one second's budget, and at least one record of the stream's greatest size.
package final class Throttle: Sendable {
    /// What there is a budget of.
    package enum Budget: Int, Hashable, Sendable, CaseIterable {
        case writeBytes, writeRecords, readBytes, readCalls
    }

    package enum Verdict: Hashable, Sendable {
        case granted
        /// That budget is spent. The same would be granted after so many nanoseconds, 1 or more, if nobody came in
        /// between.
        case refused(Budget, retryAfterNanoseconds: Int64)
    }

    private let enforcement: CapacityEnforcement
    private let origin: Int64
    /// When the budgets of records (first) and of bytes (second) are full again, in the ticks of their own rates.
    ///
    /// Two words under one compare-and-exchange, so that a put takes of both or of neither. Taking from two buckets in
    /// turn would have to give back to the first when the second refuses, and what is given back to a bucket
    /// that has filled up in the meantime is more than the shard may have. Relaxed, as in `TokenBucket`.
    private let writes = Atomic<WordPair>(WordPair(first: 0, second: 0))
    private let writeBurst: Atomic<Int>
    private let readBytes: TokenBucket
    private let readCalls: TokenBucket
    private let refusedBytes = Atomic<Int>(0), refusedRecords = Atomic<Int>(0)
    private let refusedReads = Atomic<Int>(0), refusedCalls = Atomic<Int>(0)

    private static let recordRate = TokenRate(tokensPerSecond: Limits.shardWriteRecordsPerSecond)
    private static let byteRate = TokenRate(tokensPerSecond: Limits.shardWriteBytesPerSecond)

    /// A shard nobody has used yet: every budget is full.
    ///
    /// - Parameter greatestRecordByteCount: of the stream, `Limits.defaultRecordByteCount` to
    ///   `Limits.maximumRecordByteCount`.
    package init(
        _ enforcement: CapacityEnforcement, greatestRecordByteCount: Int = Limits.defaultRecordByteCount,
        nanoseconds: Int64
    ) {
        self.enforcement = enforcement
        origin = nanoseconds
        writeBurst = Atomic(Self.burst(greatestRecordByteCount))
        readBytes = TokenBucket(tokensPerSecond: Limits.shardReadBytesPerSecond, nanoseconds: nanoseconds)
        readCalls = TokenBucket(tokensPerSecond: Limits.shardReadsPerSecond, nanoseconds: nanoseconds)
    }

    private static func burst(_ greatestRecordByteCount: Int) -> Int {
        max(Limits.shardWriteBytesPerSecond, min(greatestRecordByteCount, Limits.maximumRecordByteCount))
    }

    /// The stream's greatest record has changed (UpdateMaxRecordSize).
    package func setGreatestRecord(byteCount: Int) { writeBurst.store(Self.burst(byteCount), ordering: .relaxed) }

    // MARK: Writing

    /// Takes a put of one or more records from both budgets, or from neither.
    ///
    /// A put larger than what a budget can hold passes when that budget is full, and what follows waits until it is
    /// paid for.
    /// - Parameter byteCount: data and partition keys together.
    /// - Returns: `granted` always under `warn`, where what would be refused takes nothing and is counted.
    package func take(recordCount: Int, byteCount: Int, nanoseconds: Int64) -> Verdict {
        if enforcement == .off { return .granted }
        let burst = writeBurst.load(ordering: .relaxed)
        let recordNow = Self.recordRate.ticks(nanoseconds: nanoseconds, since: origin)
        let byteNow = Self.byteRate.ticks(nanoseconds: nanoseconds, since: origin)
        var before = writes.load(ordering: .relaxed)
        while true {
            let records = Self.recordRate.take(
                recordCount, capacity: Limits.shardWriteRecordsPerSecond, fullAt: UInt64(before.first), now: recordNow)
            let bytes = Self.byteRate.take(byteCount, capacity: burst, fullAt: UInt64(before.second), now: byteNow)
            guard case .granted(let recordsAfter) = records, case .granted(let bytesAfter) = bytes else {
                return refuse(records, bytes, nanoseconds)
            }
            let (done, found) = writes.weakCompareExchange(
                expected: before, desired: WordPair(first: UInt(recordsAfter), second: UInt(bytesAfter)),
                ordering: .relaxed)
            if done { return .granted }
            before = found
        }
    }

    /// The budget that refuses for longer is named.
    @inline(never)
    private func refuse(_ records: TokenRate.Outcome, _ bytes: TokenRate.Outcome, _ now: Int64) -> Verdict {
        func wait(_ outcome: TokenRate.Outcome, _ rate: TokenRate) -> Int64 {
            guard case .refused(let ticks) = outcome else { return 0 }
            return rate.nanoseconds(ticks, from: now, since: origin)
        }
        let recordWait = wait(records, Self.recordRate)
        let byteWait = wait(bytes, Self.byteRate)
        return recordWait > byteWait ? refuse(.writeRecords, recordWait) : refuse(.writeBytes, byteWait)
    }

    // MARK: Reading

    /// Asks for one GetRecords call, which takes one of five a second.
    ///
    /// Refused while the shard is in debt for the bytes of earlier answers, and then takes no call.
    package func admitRead(nanoseconds: Int64) -> Verdict {
        if enforcement == .off { return .granted }
        if let wait = readBytes.debt(nanoseconds: nanoseconds) {
            let verdict = refuse(.readBytes, wait)
            if verdict != .granted { return verdict }
        }
        if let wait = readCalls.take(1, nanoseconds: nanoseconds) { return refuse(.readCalls, wait) }
        return .granted
    }

    /// Charges an answer's bytes, known only now.
    ///
    /// An answer of up to a second's budget is paid from what was saved up; what is missing, and the whole of a larger
    /// answer, is a debt that 2 MiB a second pay: after 10 MiB the shard refuses for 5 s, as AWS's limits say.
    package func chargeRead(byteCount: Int, nanoseconds: Int64) {
        if enforcement == .off { return }
        // An answer that AWS would have refused is not paid for: its debt would grow without end.
        if enforcement == .warn, readBytes.debt(nanoseconds: nanoseconds) != nil { return }
        readBytes.charge(byteCount, nanoseconds: nanoseconds)
    }

    // MARK: What was refused

    /// How many puts and reads were refused, or would have been, for want of each budget.
    package struct Refusals: Hashable, Sendable {
        package var writeBytes: Int
        package var writeRecords: Int
        package var readBytes: Int
        package var readCalls: Int

        package init(writeBytes: Int = 0, writeRecords: Int = 0, readBytes: Int = 0, readCalls: Int = 0) {
            self.writeBytes = writeBytes
            self.writeRecords = writeRecords
            self.readBytes = readBytes
            self.readCalls = readCalls
        }
    }

    /// Since the shard was opened. Each number is exact; they are read one after the other.
    package var refusals: Refusals {
        Refusals(
            writeBytes: refusedBytes.load(ordering: .relaxed), writeRecords: refusedRecords.load(ordering: .relaxed),
            readBytes: refusedReads.load(ordering: .relaxed), readCalls: refusedCalls.load(ordering: .relaxed))
    }

    private func refuse(_ budget: Budget, _ wait: Int64) -> Verdict {
        switch budget {
        case .writeBytes: refusedBytes.add(1, ordering: .relaxed)
        case .writeRecords: refusedRecords.add(1, ordering: .relaxed)
        case .readBytes: refusedReads.add(1, ordering: .relaxed)
        case .readCalls: refusedCalls.add(1, ordering: .relaxed)
        }
        return enforcement == .enforce ? .refused(budget, retryAfterNanoseconds: wait) : .granted
    }
}

extension TokenBucket {
    /// What one enhanced consumer is sent from one shard. Its records are charged as they are sent, and the next
    /// event waits while there is a debt.
    package static func consumer(nanoseconds: Int64) -> TokenBucket {
        TokenBucket(tokensPerSecond: Limits.consumerReadBytesPerSecond, nanoseconds: nanoseconds)
    }
}

extension KinesisError {
    /// What a put or read says whose shard has spent its budget. Text: observed from the service.
    ///
    /// - Parameter account: twelve digits.
    package static func rateExceeded(shard: ShardID, stream: StreamName, account: String) -> KinesisError {
        .provisionedThroughputExceeded("Rate exceeded for shard \(shard) in stream \(stream) under account \(account).")
    }
}
