#if os(Linux)
    import MillraceIO
    import MillraceLog
    import MillraceTestKit

    /// Holds a store that was recovered from a state of the disk against what was promised up to then, and uses it.
    struct StateCheck {
        private let histories: [LogHistory]
        /// How long the disk's log was when the power failed.
        private let place: Int
        /// What the state holds, for a life that begins with it.
        private(set) var remains: [LogHistory] = []
        /// What was appended after recovery.
        private var added: [UInt64: [LogModel.Entry]] = [:]
        private(set) var promisedCount = 0
        private(set) var foundCount = 0

        init(_ histories: [LogHistory], place: Int) {
            self.histories = histories
            self.place = place
        }

        /// Checks every log and appends to it; once after the other opening with `isAgain`.
        mutating func run(on store: LogStore, isAgain: Bool) throws {
            let ids = try store.logIDs()
            for history in histories {
                if ids.contains(history.id) {
                    try run(history, try store.log(history.id), isAgain: isAgain)
                } else if history.existence <= place {
                    throw BlockFailure("log \(history.id) is gone", isLoss: true)
                }
            }
        }

        private mutating func run(_ history: LogHistory, _ log: ShardLog, isAgain: Bool) throws {
            func failure(_ what: String, isLoss: Bool = false) -> BlockFailure {
                let text = "log \(log.id)\(isAgain ? ", opened again" : ""): \(what); \(log.recovery)"
                return BlockFailure(text, isLoss: isLoss)
            }
            var (found, gaps) = try log.readAll(level: .durable)
            let extra = added[log.id] ?? []
            for (found, added) in zip(found.suffix(extra.count), extra)
            where found.ordinal != added.ordinal || found.record != added.record {
                throw failure("after recovery \(found) in place of \(added)")
            }
            found.removeLast(min(extra.count, found.count))
            let promised = LogHistory.last(history.promises, at: place)
            let least = history.model.entries.prefix { $0.ordinal < promised }.count
            if let what = history.model.violation(found: found, gaps: gaps, promised: promised) {
                throw failure(what, isLoss: found.count < least)
            }
            if isAgain {
                let before = remains.first { $0.id == log.id }?.model.entries.count
                if found.count != before { throw failure("\(found.count) records, \(before ?? 0) before") }
            } else {
                remains.append(remainder(of: history, found))
                promisedCount += least
                foundCount += found.count
            }
            let record = PlainRecord("after", "recovery")
            let ordinal = try log.append(record)
            if ordinal < LogHistory.last(history.handedOut, at: place) {
                throw failure("number \(ordinal) was handed out before")
            }
            try log.wait(.durable, below: ordinal + 1)
            added[log.id, default: []].append(LogModel.Entry(ordinal: ordinal, record: record))
        }

        /// All that was found is there from the start.
        private func remainder(
            of history: LogHistory, _ found: [(ordinal: UInt64, record: PlainRecord)]
        ) -> LogHistory {
            var rest = LogHistory(id: history.id, existence: 0)
            for (ordinal, record) in found { rest.model.append(ordinal..<ordinal + 1, [record]) }
            if let last = found.last { rest.promises = [(0, last.ordinal + 1)] }
            rest.handedOut = [(0, LogHistory.last(history.handedOut, at: place))]
            return rest
        }
    }
#endif
