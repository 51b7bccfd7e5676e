package import MillraceLog

/// What a producer of the retention run says, before and after it puts. As a line of text it comes out of another process, too.
package enum RetentionEvent: Equatable, Sendable {
    /// So many records of the lane are about to be put, with so many bytes of keys and data, at that time.
    case begun(lane: Int, count: UInt64, byteCount: Int, milliseconds: UInt64)
    /// All records of the lane below that index have reached the level.
    case acknowledged(lane: Int, below: UInt64, Level)
    /// A put of these was refused in a way that leaves open whether they are kept.
    case doubtful(lane: Int, Range<UInt64>)

    /// Words and numbers with a space between.
    package var line: String {
        switch self {
        case .begun(let lane, let count, let byteCount, let milliseconds): "B \(lane) \(count) \(byteCount) \(milliseconds)"
        case .acknowledged(let lane, let index, let level): "A \(lane) \(index) \(level.rawValue)"
        case .doubtful(let lane, let range): "D \(lane) \(range.lowerBound) \(range.upperBound)"
        }
    }

    /// nil for a line that says something else.
    package init?(line: some StringProtocol) {
        let words = line.split(separator: " ")
        let numbers = words.dropFirst().compactMap { UInt64($0) }
        guard let first = words.first, numbers.count == words.count - 1 else { return nil }
        switch (first, numbers.count) {
        case ("B", 4):
            self = .begun(lane: Int(numbers[0]), count: numbers[1], byteCount: Int(numbers[2]), milliseconds: numbers[3])
        case ("A", 3):
            guard let level = UInt8(exactly: numbers[2]).flatMap(Level.init(rawValue:)) else { return nil }
            self = .acknowledged(lane: Int(numbers[0]), below: numbers[1], level)
        case ("D", 3):
            guard numbers[1] <= numbers[2] else { return nil }
            self = .doubtful(lane: Int(numbers[0]), numbers[1]..<numbers[2])
        default: return nil
        }
    }
}
