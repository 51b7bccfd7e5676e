package import MillraceIO
package import MillraceLog

/// What the producers of one store have said so far: the oracle of the retention run. It keeps no record, and does not grow.
///
/// A class because producers and readers share it; any thread. Each lane has one producer at a time.
package final class RetentionBoard: Sendable {
    /// What the bytes of records follow from.
    package let seed: UInt64
    /// How long a record is to be had at least, by the clock of this board.
    package let periodMilliseconds: UInt64
    private let clock: any Clock
    private let lanes: Guarded<[RetentionLane]>
    private let observe: @Sendable (RetentionEvent) -> Void

    /// - Parameter observe: is told of everything that is said, after it has been taken down.
    package init(
        seed: UInt64, laneCount: Int, periodMilliseconds: UInt64, clock: any Clock,
        observe: @escaping @Sendable (RetentionEvent) -> Void = { _ in }
    ) {
        self.seed = seed
        self.periodMilliseconds = periodMilliseconds
        self.clock = clock
        self.observe = observe
        lanes = Guarded(Array(repeating: RetentionLane(), count: laneCount))
    }

    package var now: UInt64 { UInt64(clock.wallNanoseconds() / 1_000_000) }
    /// Records that were put before this time may be gone.
    package var horizonMilliseconds: UInt64 { now - min(now, periodMilliseconds) }
    package var laneCount: Int { lanes.withLock { $0.count } }

    package func say(_ event: RetentionEvent) {
        lanes.withLock { lanes in
            switch event {
            case .begun(let lane, let count, let byteCount, let milliseconds):
                lanes[lane].begin(count, byteCount, at: milliseconds, period: periodMilliseconds)
            case .acknowledged(let lane, let index, let level): lanes[lane].acknowledge(below: index, level)
            case .doubtful(let lane, let range): lanes[lane].doubt(range)
            }
        }
        observe(event)
    }

    /// The index of the lane's next record.
    package func next(_ lane: Int) -> UInt64 { lanes.withLock { $0[lane].next } }
    /// Of each lane, the index below which every record has reached the level.
    package func acknowledged(_ level: Level) -> [UInt64] { lanes.withLock { $0.map { $0.acknowledged(level) } } }
    /// See `RetentionLane`.
    package func firstIndex(_ lane: Int, since milliseconds: UInt64) -> UInt64 {
        lanes.withLock { $0[lane].firstIndex(since: milliseconds) }
    }
    func mayMiss(_ lane: Int, _ range: Range<UInt64>, before milliseconds: UInt64?) -> Bool {
        lanes.withLock { $0[lane].mayMiss(range, before: milliseconds) }
    }
    /// Bytes of keys and data that were put into these lanes since the time.
    package func byteCount(_ chosen: Range<Int>? = nil, since milliseconds: UInt64) -> Int {
        lanes.withLock { lanes in
            (chosen ?? lanes.indices).reduce(0) { $0 + lanes[$1].byteCount(since: milliseconds) }
        }
    }

    /// The store was opened again, and everything in it has been read: what was found counts from now on. What is wrong with that, or nil.
    ///
    /// - Parameter ends: of each lane the place behind its last record; nil where its records were too old to be found.
    func settle(_ ends: [UInt64?], _ chosen: Range<Int>, acknowledgedAt level: Level) -> String? {
        lanes.withLock { lanes in
            var what: String?
            for lane in chosen {
                let end = ends[lane]
                let (next, least) = (lanes[lane].next, lanes[lane].acknowledged(level))
                if !lanes[lane].settle(end, level) {
                    what = "lane \(lane) ends at \(end ?? 0) after an opening; \(least) were acknowledged as \(level), \(next) put"
                }
            }
            return what
        }
    }
}
