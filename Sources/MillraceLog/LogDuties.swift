import MillraceIO
import Synchronization

/// What a log owes: who asked for which level, which timers are set, and why appends are refused at the moment.
final class LogDuties: Sendable {
    private struct Reasons {
        /// `closed` or `removed`: never taken back.
        var final: LogError?
        var isEnded = false
        /// A full disk, until there is space again.
        var obstacle: LogError?
        var refusal: LogError? { final ?? (isEnded ? .ended : obstacle) }
    }
    private let isRefusing = Atomic<Bool>(false)
    private let reasons = Guarded(Reasons())
    private let wantedWritten = Atomic<UInt64>(0)
    private let wantedDurable = Atomic<UInt64>(0)
    private let noted = Atomic<UInt64>(0)
    /// A worker has left the log, with its signal `queued`, until its next sync has begun.
    let isHeldBack = Atomic<Bool>(false)
    let isSyncQueued = Atomic<Bool>(false)
    let isSyncTimerSet = Atomic<Bool>(false)
    let isIdleTimerSet = Atomic<Bool>(false)
    let isIdleDue = Atomic<Bool>(false)
    let publishedAtIdleTimer = Atomic<UInt64>(0)

    /// nil while appends are accepted. One load.
    @inline(__always)
    var refusal: LogError? { isRefusing.load(ordering: .acquiring) ? reasons.withLock { $0.refusal } : nil }
    /// Why records do not come further at the moment: what is no matter of ended appends.
    var obstacle: LogError? {
        isRefusing.load(ordering: .acquiring) ? reasons.withLock { $0.final ?? $0.obstacle } : nil
    }
    var isClosed: Bool { isRefusing.load(ordering: .acquiring) && reasons.withLock { $0.final != nil } }

    func refuse(_ error: LogError) {
        change { reasons in
            switch error {
            case .closed, .removed: reasons.final = reasons.final ?? error
            default: reasons.obstacle = error
            }
        }
    }
    func accept() { change { $0.obstacle = nil } }
    func end() { change { $0.isEnded = true } }
    func resume() { change { $0.isEnded = false } }

    /// Under the lock, so that of two changes the later one decides what the load shows.
    private func change(_ body: (inout Reasons) -> Void) {
        reasons.withLock { reasons in
            body(&reasons)
            isRefusing.store(reasons.refusal != nil, ordering: .releasing)
        }
    }

    /// How often all readers were woken. Sequentially consistent, as the wake-ups are.
    let readerWakeCount = Atomic<UInt64>(0)

    /// Somebody waited for durability since a segment file was made last: then a sync is worth making cheap. Assumed of a log at first.
    private let hasDurabilityWait = Atomic<Bool>(true)
    let lastDurabilityWait = LastWait()
    /// Asked once for each segment file; forgotten then, until somebody waits again.
    func takeDurabilityWait() -> Bool { hasDurabilityWait.exchange(false, ordering: .relaxed) }
    func noteDurabilityWait(_ nanoseconds: Int64) {
        if !hasDurabilityWait.load(ordering: .relaxed) { hasDurabilityWait.store(true, ordering: .relaxed) }
        lastDurabilityWait.note(nanoseconds)
    }

    func want(_ level: Level, _ ordinal: UInt64) {
        if level >= .written { _ = wantedWritten.max(ordinal, ordering: .sequentiallyConsistent) }
        if level == .durable { _ = wantedDurable.max(ordinal, ordering: .sequentiallyConsistent) }
    }
    func wants(_ level: Level, above ordinal: UInt64) -> Bool {
        let wanted =
            level == .durable
            ? wantedDurable.load(ordering: .sequentiallyConsistent)
            : wantedWritten.load(ordering: .sequentiallyConsistent)
        return wanted > ordinal
    }

    var notedDurable: UInt64 { noted.load(ordering: .relaxed) }
    func noted(_ ordinal: UInt64) { noted.store(ordinal, ordering: .relaxed) }
}

/// When somebody last waited.
final class LastWait: Sendable {
    private let at = Atomic<Int64>(.min)
    func note(_ nanoseconds: Int64) { at.store(nanoseconds, ordering: .relaxed) }
    /// Within a second before `nanoseconds`, by the steady clock.
    func isLately(_ nanoseconds: Int64) -> Bool {
        let at = at.load(ordering: .relaxed)
        return at != .min && nanoseconds - at < 1_000_000_000
    }
}

extension Atomic where Value == Bool {
    /// Sets it; true when it was not set before.
    func claim() -> Bool { compareExchange(expected: false, desired: true, ordering: .sequentiallyConsistent).exchanged }
}
