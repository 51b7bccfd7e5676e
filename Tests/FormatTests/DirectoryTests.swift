import MillraceIO
import MillraceLog
import Testing

/// Aim: lengths and times come out of the packed columns as they went in, and bytes that are no directory are refused without
/// a trap. Method: random columns against a packer of bits, one at a time, that follows docs/FORMAT.md section 6.
@Suite struct DirectoryTests {
    struct Row: Equatable {
        var dataByteCount: UInt32
        var keyByteCount: UInt32
        var arrival: UInt32
        var flags: UInt32 = 0
        var gap: UInt32 = 0
    }

    /// The directory of section 6, bit by bit.
    static func reference(_ rows: [Row], hasGaps: Bool, leastOf: (([UInt32]) -> UInt32)? = nil) -> [UInt8] {
        var columns = [rows.map(\.dataByteCount), rows.map(\.keyByteCount), rows.map(\.arrival), rows.map(\.flags)]
        if hasGaps { columns.append(rows.map(\.gap)) }
        var heads: [UInt8] = []
        var bits: [UInt8] = []
        for column in columns {
            let least = column.min()!
            let width = UInt8(32 - (column.max()! - least).leadingZeroBitCount)
            heads.append(width)
            for shift in stride(from: UInt32(0), to: 32, by: 8) { heads.append(UInt8(truncatingIfNeeded: least >> shift)) }
            var packed = [UInt8](repeating: 0, count: (Int(width) * column.count + 7) / 8)
            for (index, value) in column.enumerated() {
                for bit in 0..<Int(width) where (value - least) >> UInt32(bit) & 1 == 1 {
                    let at = index * Int(width) + bit
                    packed[at / 8] |= 1 << UInt8(at % 8)
                }
            }
            bits += packed
        }
        return heads + bits
    }

    static func randomRows(_ entropy: SeededEntropy, count: Int, greatestDataWidth: Int = 14) -> [Row] {
        let dataWidth = entropy.next(below: greatestDataWidth + 1)
        let keyWidth = entropy.next(below: 9)
        let arrivalWidth = entropy.next(below: 20)
        let leastData = UInt32(entropy.next(below: 100)), leastKey = UInt32(entropy.next(below: 100))
        var arrivals = (0..<count).map { _ in UInt32(truncatingIfNeeded: entropy.next()) & ((1 << UInt32(arrivalWidth)) - 1) }
        arrivals.sort()
        let first = arrivals[0]
        return arrivals.map {
            Row(
                dataByteCount: leastData + UInt32(truncatingIfNeeded: entropy.next()) & ((1 << UInt32(dataWidth)) - 1),
                keyByteCount: leastKey + UInt32(truncatingIfNeeded: entropy.next()) & ((1 << UInt32(keyWidth)) - 1),
                arrival: $0 - first)
        }
    }

    /// An image with the rows' entries at its end, from index `skipped` on; what stands before belongs to other blocks.
    static func image(_ rows: [Row], skipped: Int = 0, payloadStart: Int = 0, firstArrival: UInt32 = 0) -> Bytes {
        let image = Bytes(count: Directory.entryByteCount * (rows.count + skipped) + 24)
        var end = UInt64(payloadStart)
        for (index, row) in rows.enumerated() {
            end += UInt64(row.dataByteCount + row.keyByteCount)
            let at = image.count - Directory.entryByteCount * (index + skipped + 1)
            image.put(end | UInt64(row.arrival + firstArrival) << 32, at: at)
            image.put(UInt64(row.keyByteCount) | UInt64(index + skipped) << 32, at: at + 8)
        }
        return image
    }

    static func payloadByteCount(_ rows: [Row]) -> Int {
        rows.reduce(0) { $0 + Int($1.dataByteCount) + Int($1.keyByteCount) }
    }

    static func pack(_ image: Bytes, _ range: Range<Int>, payloadStart: Int, hasGaps: Bool = false) -> [UInt8] {
        let output = Bytes(count: Directory.greatestByteCount(recordCount: range.count, hasGaps: hasGaps))
        let count = image.lend { image in
            output.lend { Directory.pack(image, range, payloadStart: payloadStart, hasGaps: hasGaps, into: $0) }
        }
        return Array(output.array.prefix(count))
    }

    /// nil when the directory was refused.
    static func unpack(_ directory: [UInt8], recordCount: Int, hasGaps: Bool = false, payloadByteCount: Int) -> [Row]? {
        let image = Bytes(count: Directory.entryByteCount * recordCount)
        let bytes = Bytes(copying: directory)
        let isValid = bytes.lend { bytes in
            image.lend {
                Directory.unpack(
                    bytes, recordCount: recordCount, hasGaps: hasGaps, payloadByteCount: payloadByteCount, into: $0)
            }
        }
        guard isValid else { return nil }
        var start: UInt32 = 0
        return (0..<recordCount).map { index in
            let at = image.count - Directory.entryByteCount * (index + 1)
            let end = image.get(UInt32.self, at: at)
            let key = UInt32(image.get(UInt16.self, at: at + 8))
            defer { start = end }
            return Row(
                dataByteCount: end - start - key, keyByteCount: key, arrival: image.get(UInt32.self, at: at + 4),
                flags: UInt32(image.get(UInt16.self, at: at + 10)), gap: image.get(UInt32.self, at: at + 12))
        }
    }

    @Test func `what is packed is what the document says, bit for bit, and comes out again`() {
        let entropy = SeededEntropy(seed: 11)
        var counts = [1, 2, 3, 7, 8, 9, 31, 32, 33, 63, 64, 65, 4095, 4096]
        for _ in 0..<400 { counts.append(1 + entropy.next(below: 400)) }
        for count in counts {
            let rows = Self.randomRows(entropy, count: count)
            let skipped = entropy.next(below: 3) * 5, payloadStart = entropy.next(below: 2) * 12_345
            let firstArrival = UInt32(entropy.next(below: 1000))
            let image = Self.image(rows, skipped: skipped, payloadStart: payloadStart, firstArrival: firstArrival)
            let packed = Self.pack(image, skipped..<skipped + count, payloadStart: payloadStart)
            let expected = Self.reference(rows, hasGaps: false)
            guard packed == expected else {
                Issue.record("\(count) rows: \(packed.count) bytes packed, \(expected.count) by the document")
                return
            }
            #expect(packed.count <= Directory.greatestByteCount(recordCount: count, hasGaps: false))
            let found = Self.unpack(packed, recordCount: count, payloadByteCount: Self.payloadByteCount(rows))
            var numbered = rows
            for index in rows.indices { numbered[index].gap = UInt32(index) }
            #expect(found == numbered)
        }
    }

    @Test func `a fifth column carries ordinal steps`() {
        let entropy = SeededEntropy(seed: 12)
        for count in [1, 2, 100, 1000] {
            var rows = Self.randomRows(entropy, count: count)
            var gap: UInt32 = 0
            for index in rows.indices {
                rows[index].gap = gap
                gap += 1 + UInt32(entropy.next(below: 50))
            }
            let found = Self.unpack(
                Self.reference(rows, hasGaps: true), recordCount: count, hasGaps: true,
                payloadByteCount: Self.payloadByteCount(rows))
            #expect(found == rows)
            let image = Self.image(rows)
            for (index, row) in rows.enumerated() { image.put(row.gap, at: image.count - Directory.entryByteCount * (index + 1) + 12) }
            let packed = Self.pack(image, 0..<count, payloadStart: 0, hasGaps: true)
            #expect(
                Self.unpack(packed, recordCount: count, hasGaps: true, payloadByteCount: Self.payloadByteCount(rows)) == rows)
        }
    }

    @Test func `ordinals that do not increase, or are beyond what a block stands for, are refused`() {
        func isAscending(_ ordinals: [UInt32], below count: Int) -> Bool {
            let image = Bytes(count: Directory.entryByteCount * ordinals.count)
            for (index, ordinal) in ordinals.enumerated() { image.put(ordinal, at: image.count - Directory.entryByteCount * (index + 1) + 12) }
            return image.lend { Directory.isAscending($0, recordCount: ordinals.count, below: count) }
        }
        #expect(isAscending([], below: 1) && isAscending([0], below: 1) && isAscending([3, 4, 900], below: 901))
        #expect(!isAscending([3, 3], below: 10) && !isAscending([4, 3], below: 10) && !isAscending([0, 10], below: 10))
        #expect(!isAscending([.max], below: Int(Int32.max)))
    }

    @Test func `one record of any size has no bits at all`() {
        for byteCount in [0, 1, 255, 65_536, 10 << 20] {
            let row = Row(dataByteCount: UInt32(byteCount), keyByteCount: 3, arrival: 0)
            let packed = Self.pack(Self.image([row]), 0..<1, payloadStart: 0)
            #expect(packed.count == 20)
            #expect(Self.unpack(packed, recordCount: 1, payloadByteCount: byteCount + 3) == [row])
        }
    }

    // MARK: Refusals

    @Test func `a directory whose columns do not add up to the payload is refused`() {
        let rows = Self.randomRows(SeededEntropy(seed: 13), count: 50)
        let packed = Self.reference(rows, hasGaps: false)
        let total = Self.payloadByteCount(rows)
        #expect(Self.unpack(packed, recordCount: 50, payloadByteCount: total) != nil)
        for wrong in [total - 1, total + 1, 0, total * 2] {
            #expect(Self.unpack(packed, recordCount: 50, payloadByteCount: wrong) == nil)
        }
    }

    @Test func `a directory that is cut, too long, or for another count is refused`() {
        let rows = Self.randomRows(SeededEntropy(seed: 14), count: 50)
        let packed = Self.reference(rows, hasGaps: false)
        let total = Self.payloadByteCount(rows)
        for count in 0..<packed.count {
            #expect(Self.unpack(Array(packed.prefix(count)), recordCount: 50, payloadByteCount: total) == nil)
        }
        #expect(Self.unpack(packed + [0], recordCount: 50, payloadByteCount: total) == nil)
        #expect(Self.unpack(packed, recordCount: 51, payloadByteCount: total) == nil)
        #expect(Self.unpack(packed, recordCount: 49, payloadByteCount: total) == nil)
        #expect(Self.unpack(packed, recordCount: 50, hasGaps: true, payloadByteCount: total) == nil)
    }

    @Test func `a column wider than 32 bits is refused`() {
        for column in 0..<4 {
            for width in [33, 40, 64, 128, 255] {
                var directory = Self.reference([Row(dataByteCount: 5, keyByteCount: 2, arrival: 0)], hasGaps: false)
                directory[5 * column] = UInt8(width)
                #expect(Self.unpack(directory, recordCount: 1, payloadByteCount: 7) == nil)
                directory += [UInt8](repeating: 0, count: (width + 7) / 8)
                #expect(Self.unpack(directory, recordCount: 1, payloadByteCount: 7) == nil)
            }
        }
    }

    @Test func `a key longer than 65,535 bytes is refused`() {
        let rows = [Row(dataByteCount: 1, keyByteCount: 65_536, arrival: 0)]
        #expect(Self.unpack(Self.reference(rows, hasGaps: false), recordCount: 1, payloadByteCount: 65_537) == nil)
        let fitting = [Row(dataByteCount: 1, keyByteCount: 65_535, arrival: 0)]
        #expect(Self.unpack(Self.reference(fitting, hasGaps: false), recordCount: 1, payloadByteCount: 65_536) == fitting)
    }

    @Test func `random bytes never trap, and what they decode to adds up`() {
        let entropy = SeededEntropy(seed: 15)
        for _ in 0..<20_000 {
            let recordCount = 1 + entropy.next(below: 40)
            var directory = (0..<entropy.next(below: 300)).map { _ in UInt8(truncatingIfNeeded: entropy.next()) }
            // Widths that could be true, often enough to get past the first check.
            if directory.count >= 25, entropy.next(below: 2) == 0 {
                for column in 0..<5 { directory[5 * column] &= 3 }
                for column in 0..<5 { for byte in 2...4 { directory[5 * column + byte] = 0 } }
                let hasGaps = entropy.next(below: 2) == 0
                let count = (0..<(hasGaps ? 5 : 4)).reduce(5 * (hasGaps ? 5 : 4)) { sum, column in
                    sum + (Int(directory[5 * column]) * recordCount + 7) / 8
                }
                if directory.count < count { directory += [UInt8](repeating: 0xA5, count: count - directory.count) }
                directory.removeLast(directory.count - count)
                let total = entropy.next(below: 20_000)
                if let rows = Self.unpack(directory, recordCount: recordCount, hasGaps: hasGaps, payloadByteCount: total) {
                    #expect(Self.payloadByteCount(rows) == total)
                }
            } else {
                _ = Self.unpack(
                    directory, recordCount: recordCount, hasGaps: entropy.next(below: 2) == 0,
                    payloadByteCount: entropy.next(below: 100_000))
            }
        }
    }
}
