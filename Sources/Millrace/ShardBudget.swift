import MillraceLog
import MillraceModel
import Synchronization

// What AWS would allow a shard, and what it is measured by: nothing of it costs where limits are off and the stream is provisioned.

extension Shard {
    /// Takes a record out of the shard's budget of writes.
    ///
    /// - Throws: `provisionedThroughputExceeded` where limits are enforced and it is spent: nothing was taken.
    @inline(__always)
    func admit(byteCount: Int) throws(KinesisError) {
        guard let throttle else { return }
        let now = core.steadyNanoseconds()
        if throttle.take(recordCount: 1, byteCount: byteCount, nanoseconds: now) != .granted { throw rateExceeded }
    }

    /// The records of the part that the shard's budget allows, and the rest, which it refuses.
    func admit(_ part: PutBatch.Part, of batch: PutBatch) -> (granted: PutBatch.Part, refused: [Int]) {
        guard let throttle else { return (part, []) }
        let now = core.steadyNanoseconds()
        var granted: [Int] = []
        var refused: [Int] = []
        for index in part.indices {
            let verdict = throttle.take(recordCount: 1, byteCount: batch.byteCount(of: index), nanoseconds: now)
            if verdict == .granted { granted.append(index) } else { refused.append(index) }
        }
        return (refused.isEmpty ? part : PutBatch.Part(shard: part.shard, granted), refused)
    }

    /// Takes a call out of the shard's budget of reads.
    ///
    /// - Throws: `provisionedThroughputExceeded`, as `admit`.
    func admitRead() throws(KinesisError) {
        guard let throttle else { return }
        if throttle.admitRead(nanoseconds: core.steadyNanoseconds()) != .granted { throw rateExceeded }
    }

    /// Charges what was read, which may put the budget into debt.
    func chargeRead(byteCount: Int) {
        throttle?.chargeRead(byteCount: byteCount, nanoseconds: core.steadyNanoseconds())
        if terms.isMetered { meter.read(byteCount: byteCount) }
    }

    var rateExceeded: KinesisError {
        .rateExceeded(shard: id, stream: terms.streamName, account: core.options.accountID)
    }

    /// Counts a record that was put, for the scaling of an on-demand stream.
    @inline(__always)
    func countWrite(_ key: RawSpan, _ explicitHashKey: HashKey?, byteCount: Int) {
        if terms.isMetered { measureWrite(key, explicitHashKey, byteCount: byteCount) }
    }

    @inline(never)
    private func measureWrite(_ key: RawSpan, _ explicitHashKey: HashKey?, byteCount: Int) {
        let number = meter.wrote(recordCount: 1, byteCount: byteCount)
        if TrafficMeter.isSampled(number: number, byteCount: byteCount) {
            meter.note(explicitHashKey ?? HashKey(MD5.hashKey(of: key)), byteCount: byteCount)
        }
    }

    /// The same for the records of a part.
    func countWrites(_ part: PutBatch.Part, of batch: PutBatch) {
        guard terms.isMetered else { return }
        let sizes = part.indices.map { batch.byteCount(of: $0) }
        var number = meter.wrote(recordCount: sizes.count, byteCount: sizes.reduce(0, +))
        for (index, byteCount) in zip(part.indices, sizes) {
            if TrafficMeter.isSampled(number: number, byteCount: byteCount) {
                meter.note(batch.hashKey(of: index), byteCount: byteCount)
            }
            number += 1
        }
    }
}
