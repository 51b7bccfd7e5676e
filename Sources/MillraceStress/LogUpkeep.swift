#if Tools
    import Foundation
    import MillraceIO
    import MillraceLog
    import MillraceTestKit

    /// Sweeps and compacts one log, and judges what is left. One thread at a time.
    struct LogUpkeep: Sendable {
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

        /// A sweep and a step of compaction, one after the other or both at once. What is wrong, or nil.
        func step(_ watch: inout HorizonWatch) -> String? {
            let compaction = entropy.chance(0.5) ? Beside { compact() } : nil
            let swept: String?
            do throws(LogError) {
                swept = try sweep(&watch).map { "log \(log.id): \($0)" }
            } catch {
                swept = isExpected(error) ? nil : "a sweep of log \(log.id) failed: \(error)"
            }
            let compacted = compaction.map { $0.end() } ?? compact()
            return swept ?? compacted ?? watch.see(log.trimHorizon, log: log.id)
        }

        private func isExpected(_ error: LogError) -> Bool {
            if case .storageFull = error { isExcused() } else { false }
        }

        /// Something that is done on another thread, and what came of it.
        private struct Beside {
            private let answer = Guarded<String?>(nil)
            private let thread: WorkerThread

            init(_ body: @escaping @Sendable () -> String?) {
                thread = WorkerThread(name: "beside") { [answer] in
                    let found = body()
                    answer.withLock { $0 = found }
                }
            }

            func end() -> String? {
                thread.join()
                return answer.withLock { $0 }
            }
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

        private func compact() -> String? {
            var limits = CompactionLimits()
            limits.rawByteLimit = RetentionPlan.mergedByteCount
            limits.blockByteCount = RetentionPlan.configuration.bufferByteCount
            limits.coldBefore = board.now - min(board.now, board.periodMilliseconds / 2)
            limits.expiringBefore = board.horizonMilliseconds + plan.spanMilliseconds
            do throws(LogError) {
                if case .compacted = try log.compactStep(limits) { tally.add(.compaction) }
                return nil
            } catch {
                return isExpected(error) ? nil : "a compaction of log \(log.id) failed: \(error)"
            }
        }
    }
#endif
