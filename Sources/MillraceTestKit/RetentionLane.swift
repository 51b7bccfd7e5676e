import MillraceLog

/// One producer's records in one place, one after the other: what is known of them without keeping them. A value.
///
/// Bounded: a mark for each part of the period, and the doubts that readers may still meet.
struct RetentionLane: Sendable {
    /// The first record that was put at that time or later, and the bytes of all before it.
    private struct Mark: Sendable {
        let milliseconds: UInt64
        let index: UInt64
        let byteCount: Int
    }
    /// Parts of the period between two marks: how exactly it is known what is inside of it.
    private static let marksPerPeriod: UInt64 = 512
    /// Marks and doubts are dropped when they are older than so many periods, far behind what any reader asks for.
    private static let keptPeriods: UInt64 = 4

    private(set) var next: UInt64 = 0
    private(set) var byteCount = 0
    /// By level: the index below which every record has reached it.
    private var acknowledged: [UInt64] = [0, 0, 0]
    private var marks: [Mark] = []
    private var doubts: [Range<UInt64>] = []

    func acknowledged(_ level: Level) -> UInt64 { acknowledged[Int(level.rawValue) - 1] }

    mutating func begin(_ count: UInt64, _ byteCount: Int, at milliseconds: UInt64, period: UInt64) {
        if marks.last.map({ milliseconds >= $0.milliseconds + max(1, period / Self.marksPerPeriod) }) ?? true {
            marks.append(Mark(milliseconds: milliseconds, index: next, byteCount: self.byteCount))
            if UInt64(marks.count) > 2 * Self.keptPeriods * Self.marksPerPeriod { forget(milliseconds, period) }
        }
        next += count
        self.byteCount += byteCount
    }

    private mutating func forget(_ milliseconds: UInt64, _ period: UInt64) {
        let least = milliseconds - min(milliseconds, Self.keptPeriods * period)
        marks.removeFirst(min(place(since: least), marks.count - 1))
        doubts.removeAll { $0.upperBound <= marks[0].index }
    }

    mutating func acknowledge(below index: UInt64, _ level: Level) {
        for at in 0..<Int(level.rawValue) { acknowledged[at] = max(acknowledged[at], index) }
    }

    mutating func doubt(_ range: Range<UInt64>) {
        if !range.isEmpty { doubts.append(range) }
    }

    /// Every record from this index on was put at the time or later; `next` when none was.
    func firstIndex(since milliseconds: UInt64) -> UInt64 {
        let at = place(since: milliseconds)
        return at < marks.count ? marks[at].index : next
    }

    /// Bytes of keys and data that were put at the time or later, and at most of a mark's part of the period before.
    func byteCount(since milliseconds: UInt64) -> Int {
        let at = place(since: milliseconds)
        return at > 0 ? byteCount - marks[at - 1].byteCount : byteCount
    }

    private func place(since milliseconds: UInt64) -> Int {
        var low = 0, high = marks.count
        while low < high {
            let middle = (low + high) / 2
            if marks[middle].milliseconds >= milliseconds { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Whether a reader may do without these: each is doubtful, or, where a time is given, was put before it.
    func mayMiss(_ range: Range<UInt64>, before milliseconds: UInt64?) -> Bool {
        var at = range.lowerBound
        if let milliseconds { at = max(at, firstIndex(since: milliseconds)) }
        for doubt in doubts where doubt.contains(at) { at = doubt.upperBound }
        return at >= range.upperBound
    }

    /// What an opening found is what there is: the next record of the lane comes behind it. False when something is missing that was
    /// acknowledged at the level, or there is more than was put.
    ///
    /// - Parameter end: behind the last record found; nil when the lane's records were too old to be found.
    mutating func settle(_ end: UInt64?, _ level: Level) -> Bool {
        guard let end else {
            doubt(acknowledged(level)..<next)
            return true
        }
        guard end <= next, end >= acknowledged(level) else { return false }
        next = end
        acknowledged = [end, end, end]
        while let last = marks.last, last.index > end { marks.removeLast() }
        doubts = doubts.map { $0.clamped(to: 0..<end) }.filter { !$0.isEmpty }
        return true
    }
}
