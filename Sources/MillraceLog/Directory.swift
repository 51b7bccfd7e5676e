package import MillraceIO

/// The directory of a block (FORMAT section 6): columns of lengths, arrival times and flags, bit-packed on disk; in an
/// image one 16-byte entry a record, growing down from the end of the image, so that an ordinal finds its bytes in O(1).
///
/// Entry `i` stands at `end - 16 * (i + 1)`:
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | byte offset behind the record's data, in the payload |
/// | 4 | 4 | arrival time minus the image's first, milliseconds |
/// | 8 | 2 | key length |
/// | 10 | 2 | record flags |
/// | 12 | 4 | ordinal minus the image's first |
package enum Directory {
    package static let entryByteCount = 16
    static let headByteCount = 5

    /// The most bytes that the columns of so many records take.
    package static func greatestByteCount(recordCount: Int, hasGaps: Bool) -> Int {
        (hasGaps ? 5 : 4) * (headByteCount + 4 * recordCount)
    }

    @inline(never)
    private static func greatestFlags(_ image: Memory, _ firstEntry: Int, _ count: Int) -> UInt32 {
        (0..<count).reduce(0) { max($0, UInt32(image.load(UInt16.self, at: firstEntry - $1 * entryByteCount + 10))) }
    }

    /// Packs entries `range` of the image whose entries end at `image.byteCount` into `output`; returns the bytes used.
    ///
    /// `payloadStart` is the payload offset where the first record of the range begins, `firstArrival` its arrival delta.
    /// With `hasGaps` the entries' ordinals are packed too: then the range is all of the image.
    package static func pack(
        _ image: Memory, _ range: Range<Int>, payloadStart: Int, hasGaps: Bool = false, into output: Memory
    ) -> Int {
        let end = image.byteCount
        let count = range.count
        var leastData = UInt32.max, greatestData: UInt32 = 0
        var leastKey = UInt32.max, greatestKey: UInt32 = 0
        let firstEntry = end - entryByteCount * (range.lowerBound + 1)
        // Key length and flags, one behind the other.
        let firstWord = image.load(UInt32.self, at: firstEntry + 8)
        var changed: UInt32 = 0
        let firstArrival = image.load(UInt32.self, at: firstEntry + 4)
        let lastArrival = image.load(UInt32.self, at: end - entryByteCount * range.upperBound + 4)
        var start = UInt32(payloadStart)
        var at = firstEntry
        for _ in 0..<count {
            let recordEnd = image.load(UInt32.self, at: at)
            let word = image.load(UInt32.self, at: at + 8)
            changed |= word ^ firstWord
            let key = word & 0xFFFF
            let data = recordEnd &- start &- key
            leastData = min(leastData, data)
            greatestData = max(greatestData, data)
            leastKey = min(leastKey, key)
            greatestKey = max(greatestKey, key)
            start = recordEnd
            at -= entryByteCount
        }
        let dataWidth = width(of: greatestData - leastData)
        let keyWidth = width(of: greatestKey - leastKey)
        let arrivalWidth = width(of: lastArrival - firstArrival)
        // Nearly always alike: then they take no bits.
        let leastFlags = changed >> 16 == 0 ? firstWord >> 16 : 0
        let flagsWidth = changed >> 16 == 0 ? 0 : width(of: greatestFlags(image, firstEntry, count))
        var position = 0
        for (width, least) in [(dataWidth, leastData), (keyWidth, leastKey), (arrivalWidth, 0), (flagsWidth, leastFlags)] {
            output.store(UInt8(width), at: position)
            output.store(least, at: position + 1)
            position += headByteCount
        }
        // The last one is the greatest.
        let gapWidth = hasGaps ? width(of: image.load(UInt32.self, at: end - entryByteCount * range.upperBound + 12)) : 0
        if hasGaps {
            output.store(UInt8(gapWidth), at: position)
            output.store(UInt32(0), at: position + 1)
            position += headByteCount
        }
        if dataWidth > 0 {
            var packer = BitPacker(output, at: position)
            var start = UInt32(payloadStart)
            var at = firstEntry
            for _ in 0..<count {
                let recordEnd = image.load(UInt32.self, at: at)
                let key = UInt32(image.load(UInt16.self, at: at + 8))
                packer.put(recordEnd &- start &- key &- leastData, width: dataWidth)
                start = recordEnd
                at -= entryByteCount
            }
            position = packer.finish()
        }
        if keyWidth > 0 {
            var packer = BitPacker(output, at: position)
            var at = firstEntry
            for _ in 0..<count {
                packer.put(UInt32(image.load(UInt16.self, at: at + 8)) &- leastKey, width: keyWidth)
                at -= entryByteCount
            }
            position = packer.finish()
        }
        if arrivalWidth > 0 {
            var packer = BitPacker(output, at: position)
            var at = firstEntry
            for _ in 0..<count {
                packer.put(image.load(UInt32.self, at: at + 4) &- firstArrival, width: arrivalWidth)
                at -= entryByteCount
            }
            position = packer.finish()
        }
        if flagsWidth > 0 {
            var packer = BitPacker(output, at: position)
            var at = firstEntry
            for _ in 0..<count {
                packer.put(UInt32(image.load(UInt16.self, at: at + 10)) &- leastFlags, width: flagsWidth)
                at -= entryByteCount
            }
            position = packer.finish()
        }
        if gapWidth > 0 {
            var packer = BitPacker(output, at: position)
            var at = firstEntry
            for _ in 0..<count {
                packer.put(image.load(UInt32.self, at: at + 12), width: gapWidth)
                at -= entryByteCount
            }
            position = packer.finish()
        }
        return position
    }

    /// Unpacks a directory into entries at the end of `image`, whose payload is `payloadByteCount` long.
    ///
    /// False when the columns do not fit their bytes or do not add up to the payload: nothing of them may be used then.
    package static func unpack(
        _ directory: Memory, recordCount: Int, hasGaps: Bool, payloadByteCount: Int, into image: Memory
    ) -> Bool {
        guard image.byteCount >= entryByteCount * recordCount, directory.byteCount >= headByteCount * (hasGaps ? 5 : 4)
        else { return false }
        guard let columns = Columns(directory, recordCount: recordCount, hasGaps: hasGaps) else { return false }
        var (data, key, arrival, flags, gap) = (columns[0], columns[1], columns[2], columns[3], columns[4])
        var end: UInt64 = 0
        var at = image.byteCount
        for index in 0..<recordCount {
            let keyLength = key.next(directory)
            end += UInt64(data.next(directory)) + UInt64(keyLength)
            guard end <= UInt64(payloadByteCount), keyLength <= UInt32(UInt16.max) else { return false }
            at -= entryByteCount
            let low = end | UInt64(arrival.next(directory)) << 32
            let ordinal = hasGaps ? gap.next(directory) : UInt32(index)
            let high = UInt64(keyLength) | UInt64(flags.next(directory) & 0xFFFF) << 16 | UInt64(ordinal) << 32
            image.store(low, at: at)
            image.store(high, at: at + 8)
        }
        return end == UInt64(payloadByteCount)
    }

    /// Whether the ordinals of these entries, minus the first that their block stands for, increase and stay below `count`.
    package static func isAscending(_ image: Memory, recordCount: Int, below count: Int) -> Bool {
        var least = 0
        for index in 0..<recordCount {
            let ordinal = Int(image.load(UInt32.self, at: image.byteCount - entryByteCount * (index + 1) + 12))
            guard ordinal >= least, ordinal < count else { return false }
            least = ordinal + 1
        }
        return true
    }

    static func width(of value: UInt32) -> Int { 32 - value.leadingZeroBitCount }

    /// The columns of a directory, each with its place checked to lie inside.
    struct Columns {
        private var columns: (BitColumn, BitColumn, BitColumn, BitColumn, BitColumn)

        init?(_ directory: Memory, recordCount: Int, hasGaps: Bool) {
            let count = hasGaps ? 5 : 4
            let empty = BitColumn(width: 0, least: 0, byteOffset: 0)
            columns = (empty, empty, empty, empty, empty)
            var position = headByteCount * count
            for index in 0..<count {
                let width = Int(directory.load(UInt8.self, at: headByteCount * index))
                let least = directory.load(UInt32.self, at: headByteCount * index + 1)
                guard width <= 32 else { return nil }
                let column = BitColumn(width: width, least: least, byteOffset: position)
                switch index {
                case 0: columns.0 = column
                case 1: columns.1 = column
                case 2: columns.2 = column
                case 3: columns.3 = column
                default: columns.4 = column
                }
                position += (width * recordCount + 7) / 8
            }
            guard position == directory.byteCount else { return nil }
        }
        subscript(index: Int) -> BitColumn {
            switch index {
            case 0: columns.0
            case 1: columns.1
            case 2: columns.2
            case 3: columns.3
            default: columns.4
            }
        }
    }
}

/// Writes values of some bits each, lowest bit first.
struct BitPacker {
    private let output: Memory
    private var position: Int
    private var bits: UInt64 = 0
    private var bitCount = 0

    init(_ output: Memory, at byteOffset: Int) {
        self.output = output
        position = byteOffset
    }
    @inline(__always)
    mutating func put(_ value: UInt32, width: Int) {
        bits |= UInt64(value) &<< UInt64(bitCount)
        bitCount += width
        if bitCount >= 32 {
            output.store(UInt32(truncatingIfNeeded: bits), at: position)
            position += 4
            bits &>>= 32
            bitCount -= 32
        }
    }
    /// Writes what is left, padded to a byte; returns the position behind it.
    mutating func finish() -> Int {
        while bitCount > 0 {
            output.store(UInt8(truncatingIfNeeded: bits), at: position)
            position += 1
            bits &>>= 8
            bitCount -= 8
        }
        return position
    }
}

/// Reads values of some bits each, in order.
struct BitColumn {
    private let width: Int
    private let mask: UInt64
    private let least: UInt32
    private let byteOffset: Int
    private var bitPosition = 0

    init(width: Int, least: UInt32, byteOffset: Int) {
        self.width = width
        self.least = least
        self.byteOffset = byteOffset
        mask = (1 << UInt64(width)) - 1
    }
    @inline(__always)
    mutating func next(_ directory: Memory) -> UInt32 {
        if width == 0 { return least }
        let at = byteOffset + (bitPosition >> 3)
        let shift = UInt64(bitPosition & 7)
        bitPosition += width
        // A whole word where there is one; the last bytes of the directory one by one.
        var word: UInt64 = 0
        if at + 8 <= directory.byteCount {
            word = directory.load(UInt64.self, at: at)
        } else {
            for index in 0..<(directory.byteCount - at) {
                word |= UInt64(directory.load(UInt8.self, at: at + index)) << UInt64(8 * index)
            }
        }
        return least &+ UInt32(truncatingIfNeeded: (word &>> shift) & mask)
    }
}
