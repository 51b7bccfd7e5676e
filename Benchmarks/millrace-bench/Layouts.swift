#if Tools
    import MillraceIO

    /// Stored bytes of a block's directory in several layouts, beside LZ4 over key and data alone.
    ///
    /// Arrival times are those of 40 records a millisecond, flags are zero: what a steady stream looks like.
    func printLayouts(of context: BenchContext) {
        for stream in [true, false] {
            let way = stream ? "fresh stream for every block (5-byte hashes)" : "LZ4_compress_fast_extState"
            print("\nblocks of at most 65,536 bytes of key and data, LZ4 acceleration 1, \(way)")
            do {
                let results = try measureLayouts(context, stream: stream)
                let reference = results[0].byteCount
                printTable(
                    [.left, .right, .right, .right, .right, .right],
                    [["layout", "bytes", "ratio", "over reference", "directory B/record", "encode ns/record"]]
                        + results.map { result in
                            [
                                result.name, grouped(Double(result.byteCount)),
                                decimal(Double(context.blocks.byteCount) / Double(result.byteCount), 3),
                                decimal((Double(result.byteCount) / Double(reference) - 1) * 100, 2) + " %",
                                decimal(Double(result.byteCount - reference) / Double(context.flights.count), 2),
                                result.encodeNanoseconds.map { decimal($0, 1) } ?? "-",
                            ]
                        })
            } catch {
                print("not measured: \(error)")
            }
        }
    }

    struct LayoutResult {
        let name: String
        /// Payload and directory; block headers are not counted.
        let byteCount: Int
        /// Of the directory, a record's share.
        let encodeNanoseconds: Double?
    }

    /// A record's row of a block's directory.
    struct DirectoryRow {
        let dataByteCount: UInt32
        let keyByteCount: UInt32
        /// Milliseconds since the block's first record.
        let arrivalDelta: UInt32
        let flags: UInt32

        @inline(__always)
        func column(_ index: Int) -> UInt32 {
            switch index {
            case 0: dataByteCount
            case 1: keyByteCount
            case 2: arrivalDelta
            default: flags
            }
        }
        static let columnCount = 4
    }

    private func measureLayouts(_ context: BenchContext, stream: Bool) throws -> [LayoutResult] {
        let blocks = context.blocks
        let encoder = LZ4Probe(stream: stream)
        let room = try Region(byteCount: 1 << 18)
        let plain = try Region(byteCount: 1 << 18)
        let directories = (0..<blocks.count).map { directory(of: $0, context) }

        var reference = 0
        var interleaved = 0
        for index in 0..<blocks.count {
            reference += try encoder.encode(blocks.block(index), into: room.memory)
            let byteCount = interleave(index, directories[index], context, into: plain.memory)
            interleaved += try encoder.encode(plain.memory.slice(0, byteCount), into: room.memory)
        }

        var results = [
            LayoutResult(name: "LZ4 over key and data alone (reference)", byteCount: reference, encodeNanoseconds: nil),
            LayoutResult(
                name: "A 12-byte headers between the records, one LZ4", byteCount: interleaved, encodeNanoseconds: nil),
        ]
        let layouts: [(String, ([DirectoryRow], Memory) -> Int, Bool)] = [
            ("B 12-byte rows, LZ4", fixedRows, true),
            ("C columns, minimum + 0/1/2/4 bytes", byteColumns, false),
            ("D as C, LZ4", byteColumns, true),
            ("E varint rows", varintRows, false),
            ("F columns, minimum + as many bits as needed", bitColumns, false),
        ]
        for (name, encode, compresses) in layouts {
            var byteCount = 0
            var best = Double.infinity
            for _ in 0..<max(3, context.repetitions) {
                byteCount = 0
                let spent = try seconds {
                    for rows in directories {
                        let size = encode(rows, plain.memory)
                        byteCount +=
                            compresses
                            ? try encoder.encode(plain.memory.slice(0, size), into: room.memory) : size
                    }
                }
                best = min(best, spent)
            }
            results.append(
                LayoutResult(
                    name: name, byteCount: reference + byteCount,
                    encodeNanoseconds: best * 1e9 / Double(context.flights.count)))
        }
        return results
    }

    private func directory(of block: Int, _ context: BenchContext) -> [DirectoryRow] {
        let first = context.blocks.firsts[block]
        return (first..<context.blocks.firsts[block + 1]).map { index in
            DirectoryRow(
                dataByteCount: UInt32(context.flights.dataRange(index).count),
                keyByteCount: UInt32(context.flights.keyRange(index).count),
                arrivalDelta: UInt32(index / 40 - first / 40), flags: 0)
        }
    }

    @inline(__always)
    private func storeRow(_ row: DirectoryRow, at offset: Int, in target: Memory) {
        target.store(row.dataByteCount, at: offset)
        target.store(row.arrivalDelta, at: offset + 4)
        target.store(UInt16(row.keyByteCount), at: offset + 8)
        target.store(UInt16(row.flags), at: offset + 10)
    }

    private func interleave(_ block: Int, _ rows: [DirectoryRow], _ context: BenchContext, into target: Memory) -> Int {
        let flights = context.flights
        var end = 0
        for (index, row) in zip(context.blocks.firsts[block]..., rows) {
            storeRow(row, at: end, in: target)
            target.copy(flights.key(index), at: end + 12)
            target.copy(flights.data(index), at: end + 12 + Int(row.keyByteCount))
            end += 12 + Int(row.keyByteCount + row.dataByteCount)
        }
        return end
    }

    private func fixedRows(_ rows: [DirectoryRow], into target: Memory) -> Int {
        for (index, row) in rows.enumerated() { storeRow(row, at: index * 12, in: target) }
        return rows.count * 12
    }

    private func bounds(_ rows: [DirectoryRow], _ column: Int) -> (least: UInt32, spread: UInt32) {
        var least = UInt32.max
        var most = UInt32.min
        for row in rows {
            least = min(least, row.column(column))
            most = max(most, row.column(column))
        }
        return (least, most - least)
    }

    /// For each column 8 bytes (minimum, width of a value), then the values less the minimum.
    private func byteColumns(_ rows: [DirectoryRow], into target: Memory) -> Int {
        var end = 0
        for column in 0..<DirectoryRow.columnCount {
            let (least, spread) = bounds(rows, column)
            let width: UInt32 = spread == 0 ? 0 : spread < 1 << 8 ? 1 : spread < 1 << 16 ? 2 : 4
            target.store(least, at: end)
            target.store(width, at: end + 4)
            end += 8
            switch width {
            case 0: break
            case 1:
                for (index, row) in rows.enumerated() {
                    target.store(UInt8(truncatingIfNeeded: row.column(column) &- least), at: end + index)
                }
            case 2:
                for (index, row) in rows.enumerated() {
                    target.store(UInt16(truncatingIfNeeded: row.column(column) &- least), at: end + index * 2)
                }
            default:
                for (index, row) in rows.enumerated() { target.store(row.column(column) &- least, at: end + index * 4) }
            }
            end += Int(width) * rows.count
        }
        return end
    }

    /// For each column 8 bytes (minimum, bits of a value), then the values less the minimum, the first one in the
    /// lowest bits.
    private func bitColumns(_ rows: [DirectoryRow], into target: Memory) -> Int {
        var end = 0
        for column in 0..<DirectoryRow.columnCount {
            let (least, spread) = bounds(rows, column)
            let width = UInt32.bitWidth - spread.leadingZeroBitCount
            target.store(least, at: end)
            target.store(UInt32(width), at: end + 4)
            end += 8
            if width == 0 { continue }
            var bits: UInt64 = 0
            var filled = 0
            for row in rows {
                bits |= UInt64(row.column(column) &- least) << UInt64(filled)
                filled += width
                if filled >= 32 {
                    target.store(UInt32(truncatingIfNeeded: bits), at: end)
                    end += 4
                    bits >>= 32
                    filled -= 32
                }
            }
            while filled > 0 {
                target.store(UInt8(truncatingIfNeeded: bits), at: end)
                end += 1
                bits >>= 8
                filled -= 8
            }
        }
        return end
    }

    /// Data length, key length, arrival step since the record before, flags: seven bits a byte, the lowest first.
    private func varintRows(_ rows: [DirectoryRow], into target: Memory) -> Int {
        var end = 0
        func put(_ value: UInt32) {
            var rest = value
            while rest >= 0x80 {
                target.store(UInt8(truncatingIfNeeded: rest | 0x80), at: end)
                rest >>= 7
                end += 1
            }
            target.store(UInt8(rest), at: end)
            end += 1
        }
        var before: UInt32 = 0
        for row in rows {
            put(row.dataByteCount)
            put(row.keyByteCount)
            put(row.arrivalDelta - before)
            put(row.flags)
            before = row.arrivalDelta
        }
        return end
    }
#endif
