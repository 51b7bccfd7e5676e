/// What a plan has to know of a segment.
package struct SegmentFacts: Sendable, Equatable {
    package var baseOrdinal: UInt64
    /// Bytes of its file, and of the blocks in it.
    package var fileByteCount: Int
    package var blockByteCount: Int
    /// Bytes of keys and data.
    package var rawByteCount: Int
    package var blockCount: Int
    /// Of its newest record, milliseconds since 1970 UTC.
    package var greatestArrival: UInt64
    /// Its records have been compressed as well as it goes.
    package var isHigh = false
    /// Key compaction has gone over it.
    package var isKeyed = false
    /// It was tried, and is as small as it gets.
    package var isSettled = false
    /// Sealed, durable, with a valid header and footer, and without damage: only such a one is written anew.
    package var isWhole = true

    package init(
        baseOrdinal: UInt64, fileByteCount: Int, blockByteCount: Int, rawByteCount: Int, blockCount: Int, greatestArrival: UInt64
    ) {
        self.baseOrdinal = baseOrdinal
        self.fileByteCount = fileByteCount
        self.blockByteCount = blockByteCount
        self.rawByteCount = rawByteCount
        self.blockCount = blockCount
        self.greatestArrival = greatestArrival
    }
}

/// When segments are worth writing anew.
package struct CompactionLimits: Sendable, Equatable {
    /// Raw bytes of one new segment at most: what a step holds in memory.
    package var rawByteLimit = 32 << 20
    /// Raw bytes of a full block; segments whose blocks have less than half of it on average are merged.
    package var blockByteCount = 72 << 10
    /// Segments whose newest record arrived before are cold: they are compressed as well as it goes. 0: none is.
    package var coldBefore: UInt64 = 0
    /// Those whose newest record arrived before will soon be gone, and are left alone.
    package var expiringBefore: UInt64 = 0

    package init() {}
}

/// One piece of work: segments next to each other that become one.
package struct CompactionJob: Sendable, Equatable {
    /// Indices in the facts.
    package var range: Range<Int>
    package var isHigh: Bool
}

/// Chooses what to compact. Pure: the same facts and limits give the same job.
package enum CompactionPlan {
    /// The next job, oldest segments first; nil when nothing is worth it. O(segments).
    ///
    /// A run of neighbours is worth it when their small blocks are to be merged, or when at least a quarter of what their files take on
    /// the disk is neither blocks nor index. A segment is taken into a run only if the run's other segments are together at least
    /// as large: so no byte is written anew more often than the logarithm of a segment's size.
    package static func next(_ segments: [SegmentFacts], _ limits: CompactionLimits) -> CompactionJob? {
        var at = 0
        while at < segments.count {
            guard isEligible(segments[at], limits) else {
                at += 1
                continue
            }
            let end = runEnd(segments, from: at, limits)
            let isCold = segments[at..<end].allSatisfy { $0.greatestArrival < limits.coldBefore }
            if let range = merge(segments, at..<end, limits) { return CompactionJob(range: range, isHigh: isCold) }
            if let cold = segments[at..<end].firstIndex(where: { !$0.isHigh && $0.greatestArrival < limits.coldBefore }) {
                return CompactionJob(range: cold..<cold + 1, isHigh: true)
            }
            at = end
        }
        return nil
    }

    private static func isEligible(_ segment: SegmentFacts, _ limits: CompactionLimits) -> Bool {
        segment.isWhole && !segment.isSettled && segment.blockCount > 0 && segment.greatestArrival >= limits.expiringBefore
    }

    /// Behind the longest run of neighbours from there on that fit one new segment.
    private static func runEnd(_ segments: [SegmentFacts], from start: Int, _ limits: CompactionLimits) -> Int {
        var end = start
        var rawByteCount = 0
        while end < segments.count, isEligible(segments[end], limits),
            end == start || rawByteCount + segments[end].rawByteCount <= limits.rawByteLimit
        {
            rawByteCount += segments[end].rawByteCount
            end += 1
        }
        return end
    }

    private static func merge(_ segments: [SegmentFacts], _ run: Range<Int>, _ limits: CompactionLimits) -> Range<Int>? {
        // One that is larger than all its neighbours in the run stays out of it, as long as it stands at an end.
        var run = run
        while run.count > 1 {
            let total = segments[run].reduce(0) { $0 + $1.rawByteCount }
            if 2 * segments[run.lowerBound].rawByteCount > total, isWell(segments[run.lowerBound], limits) {
                run = run.dropFirst()
            } else if 2 * segments[run.upperBound - 1].rawByteCount > total, isWell(segments[run.upperBound - 1], limits) {
                run = run.dropLast()
            } else {
                break
            }
        }
        let members = segments[run]
        let fileByteCount = members.reduce(0) { $0 + $1.fileByteCount }
        let blockCount = members.reduce(0) { $0 + $1.blockCount }
        let rawByteCount = members.reduce(0) { $0 + $1.rawByteCount }
        let filled = members.reduce(0) { $0 + $1.blockByteCount + Format.indexEntryByteCount * $1.blockCount }
        let hasSmallBlocks = blockCount > 1 && rawByteCount / blockCount < limits.blockByteCount / 2
            && rawByteCount < blockCount * limits.blockByteCount - limits.blockByteCount
        let hasRoom = (fileByteCount - filled) * 4 > fileByteCount && fileByteCount - filled > 8 * Format.pageByteCount
        return hasSmallBlocks || hasRoom ? run : nil
    }

    /// Its blocks are full, and its file is.
    private static func isWell(_ segment: SegmentFacts, _ limits: CompactionLimits) -> Bool {
        segment.rawByteCount / segment.blockCount >= limits.blockByteCount / 2
            && (segment.fileByteCount - segment.blockByteCount) * 4 <= segment.fileByteCount
    }
}
