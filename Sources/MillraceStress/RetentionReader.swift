#if Tools
    import Dispatch
    import Foundation
    import MillraceIO
    import MillraceLog
    import MillraceTestKit
    import Synchronization

    /// Reads logs and holds what comes against the board.
    struct RetentionReader: Sendable {
        let board: RetentionBoard
        let control: SoakControl
        let tally: RetentionTally

        /// Reads to the tip, or at least so many records; what was wrong, or nil.
        func drain(
            _ cursor: inout Cursor, of log: ShardLog, _ check: inout RetentionCheck, limit: Int = .max
        ) throws(LogError) -> String? {
            let (count, gaps) = (check.count, check.gapCount)
            defer {
                control.readCount.add(check.count - count, ordering: .relaxed)
                tally.add(.gap, check.gapCount - gaps)
            }
            var what: String?
            while what == nil, check.count - count < limit {
                do throws(LogError) {
                    let some: Bool? = try cursor.withBatch { batch throws(LogError) in
                        while what == nil, let record = batch.next() {
                            what = check.take(
                                ordinal: record.ordinal, arrival: record.arrivalMilliseconds, key: record.key, data: record.data)
                        }
                        return true
                    }
                    if some == nil { break }
                } catch {
                    guard case .gap(let gap) = error else { throw error }
                    what = check.take(gap, horizon: log.trimHorizon)
                }
            }
            return what.map { "log \(log.id) at \(cursor.level): \($0)" }
        }

        /// Follows a log from its beginning until `isOver`, and then until everything that was acknowledged has come.
        func follow(_ log: ShardLog, lanes: Range<Int>, level: Level, until isOver: @Sendable () -> Bool) {
            var cursor = log.cursor(at: 0, level: level)
            var check = RetentionCheck(board, .log, lanes: lanes)
            var limit = UInt64.max
            while !control.isFailed {
                let isLast = isOver()
                do throws(LogError) {
                    if let what = try drain(&cursor, of: log, &check) { return control.fail("tail of \(what)") }
                } catch { return control.fail("tail of log \(log.id) at \(level): \(error)") }
                if isLast {
                    guard let what = check.missing(upTo: board.acknowledged(.published)) else { return }
                    // What was put last becomes durable within the sync interval.
                    let now = DispatchTime.now().uptimeNanoseconds
                    limit = min(limit, now + 30_000_000_000)
                    if now > limit { return control.fail("tail of log \(log.id) at \(level), 30 s after the last put: \(what)") }
                }
                _ = cursor.wait(nanoseconds: 5_000_000)
            }
        }

        /// Reads one log once: from its oldest record, from a time, or from anywhere, to its tip.
        func replay(_ log: ShardLog, lanes: Range<Int>, _ entropy: SeededEntropy) {
            let level = Level.allCases[entropy.next(below: Level.allCases.count)]
            // What was acknowledged before reading began is there.
            let ends = board.acknowledged(level)
            let way = entropy.next(below: 5)
            do throws(LogError) {
                var cursor = log.cursor(at: 0, level: level)
                var since: UInt64 = 0
                if way == 0 {
                    since = board.now - UInt64(entropy.next(below: Int(board.periodMilliseconds)))
                    try cursor.seek(toArrival: since)
                } else if way == 1 {
                    let horizon = log.trimHorizon
                    let tip = max(log.tip(level), horizon + 1)
                    // Only within one opening's ordinals: others have holes.
                    if Ordinal.generation(tip) == Ordinal.generation(horizon) {
                        since = .max
                        cursor.seek(to: horizon + UInt64(entropy.next(below: Int(tip - horizon))))
                    }
                }
                var check = RetentionCheck(board, .log, lanes: lanes, since: since)
                if let what = try drain(&cursor, of: log, &check) { return control.fail("replay of \(what)") }
                if let what = check.missing(upTo: ends) {
                    return control.fail("replay of log \(log.id) at \(level), way \(way): \(what)")
                }
                tally.add(.replay)
            } catch { control.fail("replay of log \(log.id) at \(level), way \(way): \(error)") }
        }
    }
#endif
