import MillraceIO
package import MillraceModel
import Synchronization

/// Measures one open shard of an on-demand stream, for `OnDemandScaling`.
///
/// A class because all producers and readers of the shard share it. Any thread may count; one, once a minute, takes.
/// Counting is one or two relaxed additions; a sampled key costs a short lock.
package final class TrafficMeter: Sendable {
    private let writeBytes = Atomic<Int>(0)
    private let writeRecords = Atomic<Int>(0)
    private let readBytes = Atomic<Int>(0)
    /// Records since the beginning: which of them are sampled depends on their number.
    private let numbers = Atomic<UInt64>(0)
    private let sketch = Guarded(HotKeySketch())

    /// One in so many records is sampled,
    package static let sampleInterval: UInt64 = 64
    /// and each of at least so many bytes: a shard takes at most 64 such a second, and could be filled by fewer records
    /// than sampling by number would need to see.
    package static let largeRecordByteCount = 16 << 10

    package init() {}

    /// Counts records that were granted; `number`s for `isSampled` begin at what this returns.
    @discardableResult
    package func wrote(recordCount: Int, byteCount: Int) -> UInt64 {
        writeBytes.add(byteCount, ordering: .relaxed)
        writeRecords.add(recordCount, ordering: .relaxed)
        return numbers.add(UInt64(recordCount), ordering: .relaxed).oldValue
    }

    package func read(byteCount: Int) { readBytes.add(byteCount, ordering: .relaxed) }

    /// Whether the key of the record of that number is to be noted.
    ///
    /// The number is mixed first (as in SplitMix64): of a producer that goes round 64 keys, every 64th record
    /// would have the same one.
    package static func isSampled(number: UInt64, byteCount: Int) -> Bool {
        if byteCount >= largeRecordByteCount { return true }
        var mixed = number &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return (mixed ^ mixed >> 31) % sampleInterval == 0
    }

    /// Notes the key of a sampled record. It stands for as many as its chance of being sampled says.
    package func note(_ hashKey: HashKey, byteCount: Int) {
        let share = byteCount >= Self.largeRecordByteCount ? 1 : Int(Self.sampleInterval)
        sketch.withLock { $0.add(hashKey, weight: HotKeySketch.weight(byteCount: byteCount) * share) }
    }

    /// Counts one record, and samples it.
    package func wrote(_ hashKey: HashKey, byteCount: Int) {
        let number = wrote(recordCount: 1, byteCount: byteCount)
        if Self.isSampled(number: number, byteCount: byteCount) { note(hashKey, byteCount: byteCount) }
    }

    /// What was counted since the last call, once a minute, and the sample as it stands. What is counted meanwhile is
    /// in this minute or the next.
    package func takeMinute() -> (sample: ShardTraffic.Sample, sketch: HotKeySketch) {
        let sample = ShardTraffic.Sample(
            writeByteCount: writeBytes.exchange(0, ordering: .relaxed),
            writeRecordCount: writeRecords.exchange(0, ordering: .relaxed),
            readByteCount: readBytes.exchange(0, ordering: .relaxed))
        let sketch = sketch.withLock { sketch in
            defer { sketch.decay() }
            return sketch
        }
        return (sample, sketch)
    }
}
