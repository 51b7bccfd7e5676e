/// Holds the records a reader gets against the lanes they belong to: nothing twice, nothing left out, nothing out of order.
///
/// A lane is what one producer puts into one shard, one after the other, so its records stand in the shard in the order of
/// their indices, whatever stands between them. A value, one for each reader.
package struct LaneCheck: Sendable {
    /// The index that a lane's next record must have; nil while the reader may come in anywhere.
    private var expected: [UInt64?]
    /// No record of a lane may be below this.
    private var floors: [UInt64]
    private var lives: [UInt32]
    /// Records taken.
    package private(set) var count = 0

    /// A reader that gets every record: each lane begins at the index given.
    package init(from indices: [UInt64]) {
        expected = indices
        floors = indices
        lives = Array(repeating: 0, count: indices.count)
    }

    /// A reader that comes in somewhere: each lane may begin anywhere from the index given on.
    package init(atOrAfter indices: [UInt64]) {
        self.init(from: indices)
        expected = Array(repeating: nil, count: indices.count)
    }

    /// Takes the next record; what is wrong with it, or nil.
    package mutating func take(_ record: SoakRecord) -> String? {
        let lane = Int(record.lane)
        guard lane < expected.count else { return "lane \(lane), of \(expected.count) there are" }
        if let next = expected[lane] {
            if record.index != next { return "lane \(lane): record \(record.index) in place of \(next)" }
        } else if record.index < floors[lane] {
            return "lane \(lane): record \(record.index), which stands before the place to start at, \(floors[lane])"
        }
        if record.life < lives[lane] {
            return "lane \(lane): record \(record.index) of life \(record.life) after one of life \(lives[lane])"
        }
        expected[lane] = record.index + 1
        lives[lane] = record.life
        count += 1
        return nil
    }

    /// One past the last record of the lane; nil when none was seen and the reader may come in anywhere.
    package func end(ofLane lane: Int) -> UInt64? { expected[lane] }

    /// The lanes, of those named, whose records up to the index given have not all come.
    package func missing(_ lanes: Range<Int>, upTo ends: [UInt64]) -> [Int] {
        lanes.filter { lane in
            guard let end = expected[lane] else { return false }
            return end < ends[lane]
        }
    }
}
