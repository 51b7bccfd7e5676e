/// The units of one file that unsynced writes touched, each with its writes in order. A value.
struct ShadowUnits {
    let unitByteCount: Int
    /// The units' places, in units, ascending.
    private(set) var places: [Int] = []
    /// The writes of unit i are `indices[starts[i]..<starts[i + 1]]`.
    private var starts: [Int] = [0]
    private var indices: [Int32] = []

    init(of writes: [ShadowFile.Write], unitByteCount: Int) {
        precondition(
            unitByteCount >= 8 && ShadowBytes.pageByteCount % unitByteCount == 0,
            "\(unitByteCount) bytes do not divide a page")
        self.unitByteCount = unitByteCount
        var touches: [(place: Int, index: Int32)] = []
        for (index, write) in writes.enumerated() {
            for place in write.range.lowerBound / unitByteCount...(write.range.upperBound - 1) / unitByteCount {
                touches.append((place, Int32(index)))
            }
        }
        touches.sort { ($0.place, $0.index) < ($1.place, $1.index) }
        for touch in touches {
            if places.last != touch.place {
                if !places.isEmpty { starts.append(indices.count) }
                places.append(touch.place)
            }
            indices.append(touch.index)
        }
        starts.append(indices.count)
        if places.isEmpty { starts = [0] }
    }

    var count: Int { places.count }

    func range(_ unit: Int) -> Range<Int> {
        places[unit] * unitByteCount..<(places[unit] + 1) * unitByteCount
    }

    /// The writes of the unit, oldest first. A unit has one version more than writes: version v is after v writes.
    func writes(_ unit: Int) -> ArraySlice<Int32> { indices[starts[unit]..<starts[unit + 1]] }
}
