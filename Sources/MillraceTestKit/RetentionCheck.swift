package import MillraceLog

/// Holds what one reader gets against what was put: every byte, the order of each lane and of the log, that nothing is missing but
/// what is too old, and that a log declares what is missing. A value, one for each reader.
package struct RetentionCheck: Sendable {
    package enum Source: Sendable {
        /// A log's cursor: ordinals have no holes but those that were declared.
        case log
        /// A stream's sequence: shards come and go, and what is too old when a shard is begun goes without a word.
        case stream
    }
    private struct Lane: Sendable {
        var expected: UInt64 = 0
        var life: UInt32 = 0
        var isSeen = false
        /// Records may be missing in front of the next one: it is the first one, or a gap was declared.
        var isOpen = true
    }
    private struct Place: Sendable {
        /// nil at the beginning.
        var ordinal: UInt64?
        var arrival: UInt64 = 0
    }
    /// Shards whose places are remembered; the oldest are forgotten first.
    private static let greatestPlaceCount = 256

    private let board: RetentionBoard
    private let source: Source
    private let lanes: Range<Int>
    private let sinceMilliseconds: UInt64
    private var states: [Lane]
    private var places: [UInt32: Place] = [:]
    /// Records taken, and their bytes.
    package private(set) var count = 0
    package private(set) var byteCount = 0
    package private(set) var gapCount = 0

    /// - Parameters:
    ///   - lanes: whose records the reader gets.
    ///   - milliseconds: the reader begins at the first record that arrived then or later; 0: at the oldest one; `.max`: anywhere.
    package init(_ board: RetentionBoard, _ source: Source, lanes: Range<Int>, since milliseconds: UInt64 = 0) {
        self.board = board
        self.source = source
        self.lanes = lanes
        sinceMilliseconds = milliseconds
        states = Array(repeating: Lane(), count: lanes.count)
    }

    // MARK: What a reader gets

    /// Takes the next record of a shard, or of the one log; what is wrong with it, or nil.
    package mutating func take(
        shard: UInt32 = 0, ordinal: UInt64, arrival: UInt64, key: RawSpan, data: RawSpan
    ) -> String? {
        if let what = step(shard, ordinal, arrival) { return "ordinal \(ordinal) of shard \(shard): \(what)" }
        guard let record = SoakRecord(data: data), record.matches(key: key, data: data, seed: board.seed) else {
            return "ordinal \(ordinal) of shard \(shard): \(data.byteCount) bytes that nobody put"
        }
        count += 1
        byteCount += key.byteCount + data.byteCount
        return take(record).map { "ordinal \(ordinal) of shard \(shard): \($0)" }
    }

    /// Takes a gap that the log declared; what is wrong with it, or nil.
    ///
    /// - Parameter horizon: of the log, asked for after the gap was got.
    package mutating func take(_ gap: Gap, horizon: UInt64) -> String? {
        guard case .trimmed = gap.cause else { return "damage that nobody did: \(gap)" }
        let next = places[0]?.ordinal ?? 0
        guard gap.from >= next, gap.to > gap.from else { return "a gap that goes back: \(gap), read up to \(next)" }
        if gap.to > horizon { return "a gap behind the horizon \(horizon): \(gap)" }
        places[0, default: Place()].ordinal = gap.to
        openLanes()
        return nil
    }

    /// Takes a gap that a stream's sequence declared.
    package mutating func takeStreamGap() { openLanes() }

    private mutating func openLanes() {
        gapCount += 1
        for at in states.indices { states[at].isOpen = true }
    }

    private mutating func step(_ shard: UInt32, _ ordinal: UInt64, _ arrival: UInt64) -> String? {
        let place = places[shard] ?? Place()
        defer {
            places[shard] = Place(ordinal: ordinal + 1, arrival: arrival)
            if places.count > Self.greatestPlaceCount, let oldest = places.keys.min() { places[oldest] = nil }
        }
        if arrival < place.arrival { return "arrived at \(arrival), the one before it at \(place.arrival)" }
        guard let next = place.ordinal, ordinal != next else { return nil }
        if ordinal < next { return "again, or out of order: \(next) is next" }
        if source == .stream { return nil }
        let isGenerationStep = Ordinal.generation(ordinal) > Ordinal.generation(next) && Ordinal.counter(ordinal) == 0
        return isGenerationStep ? nil : "in place of \(next), without a gap"
    }

    private mutating func take(_ record: SoakRecord) -> String? {
        let lane = Int(record.lane)
        guard lanes.contains(lane) else { return "lane \(lane), which is not one of \(lanes)" }
        let state = states[lane - lanes.lowerBound]
        defer {
            states[lane - lanes.lowerBound] = Lane(expected: record.index + 1, life: record.life, isSeen: true, isOpen: false)
        }
        if record.index >= board.next(lane) { return "lane \(lane): record \(record.index), which nobody has put yet" }
        if record.life < state.life {
            return "lane \(lane): record \(record.index) of life \(record.life) after one of life \(state.life)"
        }
        if record.index < state.expected { return "lane \(lane): record \(record.index) again, or out of order: \(state.expected) is next" }
        return missed(lane, state, upTo: record.index)
    }

    /// What is wrong with going on at the index, or nil.
    private func missed(_ lane: Int, _ state: Lane, upTo index: UInt64) -> String? {
        if index == state.expected { return nil }
        var before: UInt64?
        if state.isOpen || source == .stream {
            before = state.isSeen ? board.horizonMilliseconds : max(board.horizonMilliseconds, sinceMilliseconds)
        }
        if board.mayMiss(lane, state.expected..<index, before: before) { return nil }
        let inside = before.map { "those from \(board.firstIndex(lane, since: $0)) on are young enough" } ?? "no gap was declared"
        return "lane \(lane): records \(state.expected)..<\(index) are missing; \(inside)"
    }

    // MARK: The end

    /// The first lane whose records up to the index given have not all come, though they are young enough; nil when there is none.
    package func missing(upTo ends: [UInt64]) -> String? {
        for (at, lane) in lanes.enumerated() where ends[lane] > states[at].expected {
            // Nothing came behind the last one, so it is not known whether a gap would have been declared.
            var state = states[at]
            state.isOpen = true
            if let what = missed(lane, state, upTo: ends[lane]) { return "\(what), and are not there" }
        }
        return nil
    }

    /// The store was opened again and all of it has been read: nothing acknowledged at the level is missing, and what was found counts from
    /// now on. What is wrong with that, or nil.
    package func settle(acknowledgedAt level: Level) -> String? {
        let least = board.acknowledged(level)
        if let what = missing(upTo: least) { return what }
        var ends = [UInt64?](repeating: nil, count: least.count)
        for (at, lane) in lanes.enumerated() where states[at].isSeen && states[at].expected >= least[lane] {
            ends[lane] = states[at].expected
        }
        return board.settle(ends, lanes, acknowledgedAt: level)
    }

    /// Whether every record up to the index given has come, or is behind one that has.
    package func hasReached(_ ends: [UInt64]) -> Bool {
        for (at, lane) in lanes.enumerated() where ends[lane] > states[at].expected { return false }
        return true
    }
}
