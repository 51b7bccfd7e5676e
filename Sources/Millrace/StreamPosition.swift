public import MillraceModel

/// How far a stream was read: of each shard, the place behind its last record handed out. A value to be kept as text.
///
/// The text is `millrace-position-1;<stream>;<start>;<shard>:<ordinal>,...`: the stream's identity in hexadecimal digits,
/// where shards begin that are not listed (`oldest`, `latest`, `time=` milliseconds, `at=` or `after=` a sequence
/// number), and of every other shard its index and the ordinal to be read next.
public struct StreamPosition: Hashable, Sendable {
    let streamID: UInt64
    /// Where a shard begins that `ordinals` does not name.
    var start: StartingPosition
    /// The ordinal to be read next.
    var ordinals: [ShardID: UInt64] = [:]

    init(streamID: UInt64, start: StartingPosition) {
        self.streamID = streamID
        self.start = start
    }

    /// Reads the text form.
    ///
    /// - Throws: `KinesisError.invalidArgument` when it is none.
    public init(_ text: String) throws(KinesisError) {
        guard let position = Self.parse(text) else { throw .invalidArgument("This is no position in a stream") }
        self = position
    }

    private static let head = "millrace-position-1"

    private static func parse(_ text: String) -> StreamPosition? {
        let parts = text.split(separator: ";", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == head, let streamID = UInt64(parts[1], radix: 16),
            let start = start(parts[2])
        else { return nil }
        var position = StreamPosition(streamID: streamID, start: start)
        if parts[3].isEmpty { return position }
        for place in parts[3].split(separator: ",", omittingEmptySubsequences: false) {
            let numbers = place.split(separator: ":", omittingEmptySubsequences: false)
            guard numbers.count == 2, let index = UInt32(numbers[0]), let ordinal = UInt64(numbers[1]),
                ordinal <= SequenceNumber.maximumOrdinal,
                position.ordinals.updateValue(ordinal, forKey: ShardID(index: index)) == nil
            else { return nil }
        }
        return position
    }

    private static func start(_ text: Substring) -> StartingPosition? {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        switch (parts[0], parts.count) {
        case ("oldest", 1): return .trimHorizon
        case ("latest", 1): return .latest
        case ("time", 2): return Int64(parts[1]).map { .atTimestamp(milliseconds: $0) }
        case ("at", 2): return (try? SequenceNumber(parts[1])).map { .at($0) }
        case ("after", 2): return (try? SequenceNumber(parts[1])).map { .after($0) }
        default: return nil
        }
    }
}

extension StreamPosition: CustomStringConvertible {
    /// The text form.
    public var description: String {
        let start =
            switch start {
            case .trimHorizon: "oldest"
            case .latest: "latest"
            case .atTimestamp(let milliseconds): "time=\(milliseconds)"
            case .at(let number): "at=\(number)"
            case .after(let number): "after=\(number)"
            }
        let places = ordinals.sorted { $0.key < $1.key }.map { "\($0.key.index):\($0.value)" }
        return "\(Self.head);\(String(streamID, radix: 16));\(start);\(places.joined(separator: ","))"
    }
}
