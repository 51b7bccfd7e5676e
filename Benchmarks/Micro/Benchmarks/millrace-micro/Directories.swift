import Benchmark
import MillraceIO
import MillraceLog

/// The directory of a block of flights, some 215 records: packed for the disk, and unpacked for readers.
func registerDirectories() {
    measure("directory-pack", scale: .one) {
        let directory = try PackedDirectory()
        return Timed { count in
            var sum = 0
            for _ in 0..<count { sum += directory.pack() }
            return sum
        }
    }
    measure("directory-unpack", scale: .one) {
        let directory = try PackedDirectory()
        return Timed { count in
            var sum = 0
            for _ in 0..<count {
                guard directory.unpack() else { throw BenchError("the directory does not unpack") }
                sum += 1
            }
            return sum
        }
    }
}

/// A block's entries, and the same packed.
private final class PackedDirectory {
    private let block: FlightBlock
    private let packed: AlignedMemory
    private let image: AlignedMemory
    private var packedByteCount = 0

    init() throws {
        block = try FlightBlock()
        packed = AlignedMemory(
            byteCount: Directory.greatestByteCount(recordCount: block.recordCount, hasGaps: false))
        image = AlignedMemory(byteCount: Directory.entryByteCount * block.recordCount)
        packedByteCount = pack()
    }

    func pack() -> Int {
        block.withEntries { entries in
            packed.withMemory { Directory.pack(entries, 0..<block.recordCount, payloadStart: 0, into: $0) }
        }
    }

    func unpack() -> Bool {
        packed.withMemory { packed in
            image.withMemory { image in
                Directory.unpack(
                    packed.slice(0, packedByteCount), recordCount: block.recordCount, hasGaps: false,
                    payloadByteCount: block.payloadByteCount, into: image)
            }
        }
    }
}
