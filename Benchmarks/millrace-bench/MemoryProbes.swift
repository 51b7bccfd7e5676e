#if Tools
    import CMillrace
    import CLZ4
    import MillraceIO
    import MillraceModel

    /// Floors of one core and memory.
    final class MemoryProbes {
        private let blocks: PayloadBlocks
        private let flights: Flights
        private let target: Region
        private let compressed: Region
        private let back: Region
        private var compressedEnds: [Int] = []
        private var sink: UInt64 = 0

        init(_ context: BenchContext) throws {
            blocks = context.blocks
            flights = context.flights
            target = try Region(byteCount: blocks.byteCount)
            compressed = try Region(byteCount: blocks.byteCount + blocks.byteCount / 128 + 64 * blocks.count)
            back = try Region(byteCount: 1 << 16)
        }

        var probes: [Probe] {
            [
                Probe(
                    name: FloorName.memcpy, unit: .gigabytesPerSecond,
                    about: "all records to other memory, out of cache"
                ) {
                    [self] in rate(seconds { target.memory.copy(blocks.region.memory, at: 0) })
                },
                Probe(name: FloorName.checksum, unit: .gigabytesPerSecond, about: "CRC32C of each 64 KiB block") {
                    [self] in
                    rate(
                        seconds {
                            for index in 0..<blocks.count {
                                let block = blocks.block(index)
                                // Safe because the block lies inside its region.
                                sink ^= UInt64(unsafe millrace_crc32c(0, block.address, block.byteCount))
                            }
                        })
                },
                Probe(
                    name: FloorName.compress, unit: .gigabytesPerSecond,
                    about: "LZ4_compress_fast_extState of each block"
                ) {
                    [self] in rate(try compress(stream: false))
                },
                Probe(
                    name: FloorName.compressStream, unit: .gigabytesPerSecond,
                    about: "the same through a fresh stream (5-byte hashes)"
                ) { [self] in rate(try compress(stream: true)) },
                Probe(name: FloorName.decompress, unit: .gigabytesPerSecond, about: "LZ4_decompress_safe of the latter")
                {
                    [self] in rate(try decompress())
                },
                Probe(name: FloorName.hash, unit: .nanoseconds, about: "MD5 of each partition key") { [self] in
                    let flights = flights
                    let spent = seconds {
                        for index in 0..<flights.count {
                            sink ^= UInt64(truncatingIfNeeded: MD5.hashKey(of: flights.key(index)))
                        }
                    }
                    return spent * 1e9 / Double(flights.count)
                },
            ]
        }

        private func rate(_ seconds: Double) -> Double { Double(blocks.byteCount) / seconds / 1e9 }

        private func compress(stream: Bool) throws -> Double {
            let encoder = LZ4Probe(stream: stream)
            compressedEnds.removeAll(keepingCapacity: true)
            var end = 0
            return try seconds {
                for index in 0..<blocks.count {
                    let room = compressed.memory.slice(end, compressed.byteCount - end)
                    end += try encoder.encode(blocks.block(index), into: room)
                    compressedEnds.append(end)
                }
            }
        }

        private func decompress() throws -> Double {
            var start = 0
            return try seconds {
                for (index, end) in compressedEnds.enumerated() {
                    let block = compressed.memory.slice(start, end - start)
                    // Safe because both ranges lie inside their regions and the routine keeps to the counts given.
                    let count = unsafe LZ4_decompress_safe(
                        block.address, back.memory.address, Int32(block.byteCount), Int32(back.byteCount))
                    guard Int(count) == blocks.block(index).byteCount else {
                        throw BenchError("LZ4 gave back \(count) bytes")
                    }
                    start = end
                }
            }
        }
    }
#endif
