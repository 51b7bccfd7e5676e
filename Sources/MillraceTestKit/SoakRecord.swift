/// A record of the soak. Its key and bytes follow from the seed and its head, so whoever reads it needs no memory of what was put.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | index: how many records of its lane stand before it |
/// | 8 | 4 | lane: one producer's records in one shard |
/// | 12 | 4 | life: which opening of the store put it |
/// | 16 | | words drawn from the seed and all of the above, so many bytes as they say |
package struct SoakRecord: Equatable, Sendable {
    package var lane: UInt32
    package var life: UInt32
    package var index: UInt64

    package static let headByteCount = 16

    package init(lane: UInt32, life: UInt32, index: UInt64) {
        self.lane = lane
        self.life = life
        self.index = index
    }

    /// The head that the data begins with; nil when the data is shorter.
    package init?(data: RawSpan) {
        guard data.byteCount >= Self.headByteCount else { return nil }
        // Safe because the head was found to lie inside.
        index = unsafe data.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self)
        lane = unsafe data.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt32.self)
        life = unsafe data.unsafeLoadUnaligned(fromByteOffset: 12, as: UInt32.self)
    }

    // MARK: What follows from it

    /// Mostly some hundred bytes, sometimes more than a page, now and then more than a buffer.
    package func dataByteCount(seed: UInt64) -> Int {
        let draw = origin(seed)
        let most: UInt64 = draw % 8192 == 1 ? 300_000 : draw % 64 == 0 ? 20_000 : 700
        return Self.headByteCount + Int((draw >> 20) % most)
    }

    /// Nine characters of ASCII.
    package var key: [UInt8] {
        func digit(_ value: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: value & 15) + 97 }
        let lane = UInt64(lane)
        return [
            76, digit(lane >> 8), digit(lane >> 4), digit(lane), 45, digit(index >> 8), digit(index >> 4), digit(index),
            46,
        ]
    }

    /// Adds the data to `bytes`.
    package func appendData(seed: UInt64, to bytes: inout [UInt8]) {
        let count = dataByteCount(seed: seed)
        func add(_ value: some FixedWidthInteger) {
            // Safe because an integer is its bytes.
            unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
        }
        add(index)
        add(lane)
        add(life)
        let origin = origin(seed)
        let wordCount = (count - Self.headByteCount) / 8
        for place in 0..<wordCount { add(Self.word(origin, place)) }
        let rest = (count - Self.headByteCount) % 8
        let last = Self.word(origin, wordCount)
        for place in 0..<rest { bytes.append(UInt8(truncatingIfNeeded: last >> UInt64(8 * place))) }
    }

    /// True when key and data are this record's, to the last byte.
    package func matches(key: RawSpan, data: RawSpan, seed: UInt64) -> Bool {
        guard data.byteCount == dataByteCount(seed: seed), SoakRecord(data: data) == self else { return false }
        let expected = self.key
        guard key.byteCount == expected.count else { return false }
        for place in 0..<expected.count {
            // Safe because the place lies inside.
            guard unsafe key.unsafeLoad(fromByteOffset: place, as: UInt8.self) == expected[place] else { return false }
        }
        let origin = origin(seed)
        let wordCount = (data.byteCount - Self.headByteCount) / 8
        for place in 0..<wordCount {
            // Safe because the word lies inside.
            let word = unsafe data.unsafeLoadUnaligned(
                fromByteOffset: Self.headByteCount + 8 * place, as: UInt64.self)
            if word != Self.word(origin, place) { return false }
        }
        let last = Self.word(origin, wordCount)
        for (place, at) in ((Self.headByteCount + 8 * wordCount)..<data.byteCount).enumerated() {
            // Safe because the byte lies inside.
            let byte = unsafe data.unsafeLoad(fromByteOffset: at, as: UInt8.self)
            if byte != UInt8(truncatingIfNeeded: last >> UInt64(8 * place)) { return false }
        }
        return true
    }

    private func origin(_ seed: UInt64) -> UInt64 {
        Self.mixed(seed ^ UInt64(lane) << 40 ^ UInt64(life) << 24 &+ index &* 0x9E37_79B9_7F4A_7C15)
    }

    /// Half of the words repeat, so that most blocks are worth compressing.
    private static func word(_ origin: UInt64, _ place: Int) -> UInt64 {
        place & 3 < 2 ? origin & 0x0F0F_0F0F_0F0F_0F0F : mixed(origin &+ UInt64(place))
    }

    /// SplitMix64's output function.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
