import Synchronization

/// A bug that can be switched on, to show that the tests find it (docs/decisions/0008). Only in a build with the trait
/// `SeededBugs`; in every other one `seeded` is constant `false` and nothing of a bug is left.
@usableFromInline package enum SeededBug: Int, CaseIterable, Sendable {
    case skipSync = 1, ackBeforeSync, headerUnchecked, namesUnsynced, cutMidLog, reuseWhilePinned, generationReused
    case failedSyncBelieved, tailUnsealed, batchCut, durableAhead, takeoverUnsynced
    case bodyUnchecked, indexOffByOne, ackBeforeWrite, catalogueUnsynced, failedSyncInherited
    case newestRemoved, tombstoneFirst
    case journalUnsynced, journalReused, journalClearedEarly, journalClearedHeld

    /// Whether this build has the bugs.
    package static var areBuilt: Bool {
        #if SeededBugs
            true
        #else
            false
        #endif
    }

    #if SeededBugs
        private static let active = Atomic<Int>(0)
        /// The bug that is on in this process; nil when none is.
        @usableFromInline package static var current: SeededBug? {
            get { SeededBug(rawValue: active.load(ordering: .relaxed)) }
            set { active.store(newValue?.rawValue ?? 0, ordering: .relaxed) }
        }
    #endif
}

/// Whether the bug is switched on.
@inlinable
@inline(__always)
package func seeded(_ bug: SeededBug) -> Bool {
    #if SeededBugs
        SeededBug.current == bug
    #else
        false
    #endif
}
