#if Tools
    import Foundation
    import MillraceIO
    import MillraceLog
    import MillraceTestKit

    /// Sweeps and compacts one log, and judges what is left. One thread at a time.
    struct LogUpkeep {
        let log: ShardLog
        let lanes: Range<Int>
        let board: RetentionBoard
        let plan: RetentionPlan
        let tally: RetentionTally
        let entropy: SeededEntropy
        let isExcused: @Sendable () -> Bool
        /// Openings that still have a segment inside the period, at most.
        var openings = 0
        /// Called when a sweep has removed files: the first ordinal of what is left, which no end of the store takes back.
        var didRemove: @Sendable (UInt64) -> Void = { _ in }

        /// What is wrong, or nil.
        func step(_ watch: inout HorizonWatch) -> String? {
            do throws(LogError) {
                if let what = try sweep(&watch) { return "log \(log.id): \(what)" }
            } catch {
                guard case .storageFull = error, isExcused() else { return "a sweep of log \(log.id) failed: \(error)" }
            }
            do throws(LogError) {
                try compact()
            } catch {
                guard case .storageFull = error, isExcused() else { return "a compaction of log \(log.id) failed: \(error)" }
            }
            return watch.see(log.trimHorizon, log: log.id)
        }

        private func sweep(_ watch: inout HorizonWatch) throws(LogError) -> String? {
            let space = plan.space
            var limits = RetentionLimits()
            limits.expiredBefore = board.horizonMilliseconds
            limits.segmentMilliseconds = plan.spanMilliseconds
            // Now and then in pieces.
            if entropy.chance(0.1) { limits.removalByteLimit = 1 << 20 }
            let bytes = board.byteCount(lanes, since: space.oldest(board))
            let outcome = try log.sweep(limits)
            tally.add(.sweep)
            tally.add(.retired, outcome.removedSegmentCount)
            tally.add(.recycled, outcome.recycledSegmentCount)
            if outcome.removedSegmentCount > 0, let first = log.segments.segments.first {
                watch.keep(below: first.baseOrdinal, log: log.id)
                didRemove(first.baseOrdinal)
            }
            if let what = watch.see(outcome.horizon, log: log.id) { return what }
            // While the disk is full nothing becomes durable, and so nothing goes.
            if outcome.isMore || isExcused() { return nil }
            let greatest = space.limit(recordByteCount: bytes, period: board.periodMilliseconds, openings: openings)
            return space.judge(outcome, limits, greatestByteCount: greatest)
        }

        private func compact() throws(LogError) {
            var limits = CompactionLimits()
            limits.rawByteLimit = RetentionPlan.mergedByteCount
            limits.blockByteCount = RetentionPlan.configuration.bufferByteCount
            limits.coldBefore = board.now - min(board.now, board.periodMilliseconds / 2)
            limits.expiringBefore = board.horizonMilliseconds + plan.spanMilliseconds
            if case .compacted = try log.compactStep(limits) { tally.add(.compaction) }
        }
    }
#endif
