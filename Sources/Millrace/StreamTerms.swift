package import MillraceModel
import Synchronization

/// What holds now for every shard of a stream: how old a record may be to be seen, how large to be put.
///
/// A class because the shards share it, and so that they need not know their stream. Relaxed but for the mark: nothing else is
/// ordered by these numbers.
package final class StreamTerms: Sendable {
    private let periodMilliseconds = Atomic<UInt64>(0)
    /// Only ever raised: what was once too old to be seen stays unseen, whatever the clock or the period do.
    private let floorMilliseconds = Atomic<UInt64>(0)
    private let recordByteLimit = Atomic<Int>(0)
    private let isOnDemand = Atomic<Bool>(false)
    private let isEncrypted = Atomic<Bool>(false)
    let streamName: StreamName

    /// - Parameter keptMilliseconds: what is too old at that time stays out of sight, though the clock be behind it.
    package init(_ name: StreamName, _ settings: StreamSettings, keptMilliseconds: UInt64 = 0) {
        streamName = name
        take(settings, keptMilliseconds: keptMilliseconds)
    }

    package func take(_ settings: StreamSettings, keptMilliseconds: UInt64 = 0) {
        raise(to: settings.horizonFloorMilliseconds)
        periodMilliseconds.store(UInt64(settings.retention.milliseconds), ordering: .relaxed)
        keep(keptMilliseconds)
        recordByteLimit.store(settings.maximumRecordByteCount, ordering: .relaxed)
        isEncrypted.store(settings.encryption == .kms, ordering: .sequentiallyConsistent)
        isOnDemand.store(settings.mode == .onDemand, ordering: .relaxed)
    }

    /// How long records are to be seen.
    var period: UInt64 { periodMilliseconds.load(ordering: .relaxed) }

    /// Data and partition key together.
    @inline(__always)
    package var maximumRecordByteCount: Int { recordByteLimit.load(ordering: .relaxed) }

    /// Whether traffic is measured, because the store scales the stream.
    @inline(__always)
    var isMetered: Bool { isOnDemand.load(ordering: .relaxed) }

    /// What records are marked with.
    var mark: UInt8 { isEncrypted.load(ordering: .sequentiallyConsistent) ? RecordMark.encrypted : 0 }

    /// Records that arrived earlier are not to be seen; milliseconds since 1970 UTC. Never goes back.
    package func horizon(at nowMilliseconds: UInt64) -> UInt64 {
        keep(nowMilliseconds)
        return floorMilliseconds.load(ordering: .relaxed)
    }

    /// The latest horizon that was asked for, milliseconds since 1970 UTC.
    var floor: UInt64 { floorMilliseconds.load(ordering: .relaxed) }

    /// What is too old to be seen at that time stays so, and no record arrives so early.
    @inline(__always)
    func keep(_ nowMilliseconds: UInt64) {
        let period = periodMilliseconds.load(ordering: .relaxed)
        if nowMilliseconds > period { raise(to: nowMilliseconds - period) }
    }

    /// When a record arrives that is put at that time: not before what may be seen, though the clock be far behind. What is
    /// acknowledged is to be read.
    @inline(__always)
    func arrival(at nowMilliseconds: UInt64) -> UInt64 {
        max(nowMilliseconds, floorMilliseconds.load(ordering: .relaxed))
    }

    private func raise(to milliseconds: UInt64) {
        if floorMilliseconds.load(ordering: .relaxed) < milliseconds {
            _ = floorMilliseconds.max(milliseconds, ordering: .relaxed)
        }
    }
}
