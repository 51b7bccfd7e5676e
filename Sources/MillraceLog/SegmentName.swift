/// A segment file's name and what it says (FORMAT section 1): which segments' records the file holds.
package struct SegmentName: Hashable, Sendable {
    /// Ordinal of its first record.
    package let baseOrdinal: UInt64
    /// Base of the last segment whose place it takes; its own where it was written by appending.
    package let lastBaseOrdinal: UInt64
    /// How often its records were written anew; 0: they were appended.
    package let round: UInt32

    /// The name of a segment that is appended to.
    package init(_ baseOrdinal: UInt64) { self.init(baseOrdinal, through: baseOrdinal, round: 0) }

    package init(_ baseOrdinal: UInt64, through lastBaseOrdinal: UInt64, round: UInt32) {
        self.baseOrdinal = baseOrdinal
        self.lastBaseOrdinal = lastBaseOrdinal
        self.round = round
    }

    package var text: String { FileNames.segment(self) }

    /// The names among these of files that count, in order of their records; and of those whose place another one takes: it holds
    /// their records and was durable before any of them may go.
    package static func resolve(_ names: [String]) -> (current: [SegmentName], superseded: [SegmentName]) {
        var current: [SegmentName] = []
        var superseded: [SegmentName] = []
        // The widest and newest of those with one base first.
        for name in names.compactMap(FileNames.segmentName).sorted(by: {
            ($0.baseOrdinal, ~$0.lastBaseOrdinal, ~$0.round) < ($1.baseOrdinal, ~$1.lastBaseOrdinal, ~$1.round)
        }) {
            if let last = current.last, name.lastBaseOrdinal <= last.lastBaseOrdinal {
                superseded.append(name)
            } else {
                current.append(name)
            }
        }
        return (current, superseded)
    }
}
