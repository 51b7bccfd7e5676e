import MillraceIO
import Synchronization

/// What a log owes: who asked for which level, which timers are set, and why appends are refused at the moment.
final class LogDuties: Sendable {
    private let isRefusing = Atomic<Bool>(false)
    private let reason = Guarded<LogError?>(nil)
    private let wantedWritten = Atomic<UInt64>(0)
    private let wantedDurable = Atomic<UInt64>(0)
    private let noted = Atomic<UInt64>(0)
    let isSyncQueued = Atomic<Bool>(false)
    let isSyncTimerSet = Atomic<Bool>(false)
    let isIdleTimerSet = Atomic<Bool>(false)
    let isIdleDue = Atomic<Bool>(false)
    let publishedAtIdleTimer = Atomic<UInt64>(0)

    /// nil while appends are accepted. One load.
    @inline(__always)
    var refusal: LogError? { isRefusing.load(ordering: .acquiring) ? reason.withLock { $0 } : nil }

    /// `closed` is final.
    func refuse(_ error: LogError) {
        reason.withLock { if $0 != .closed { $0 = error } }
        isRefusing.store(true, ordering: .releasing)
    }
    func accept() {
        let isClosed = reason.withLock { reason in
            if reason == .closed { return true }
            reason = nil
            return false
        }
        if !isClosed { isRefusing.store(false, ordering: .releasing) }
    }

    /// Somebody waited for durability lately: then a sync is worth making cheap. Assumed of a log at first.
    private let durability = Atomic<Bool>(true)
    /// Asked once for each segment file; forgotten then, until somebody waits again.
    var isDurabilityAwaited: Bool { durability.exchange(false, ordering: .relaxed) }
    func durabilityIsAwaited() {
        if !durability.load(ordering: .relaxed) { durability.store(true, ordering: .relaxed) }
    }

    func want(_ level: Level, _ ordinal: UInt64) {
        if level >= .written { _ = wantedWritten.max(ordinal, ordering: .sequentiallyConsistent) }
        if level == .durable { durabilityIsAwaited() }
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

extension Atomic where Value == Bool {
    /// Sets it; true when it was not set before.
    func claim() -> Bool { compareExchange(expected: false, desired: true, ordering: .sequentiallyConsistent).exchanged }
}
