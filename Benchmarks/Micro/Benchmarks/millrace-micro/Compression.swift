import Benchmark
import MillraceIO

/// LZ4 of one block of flights: of 64 KiB, and of what an ordinary buffer holds, which the encoder treats otherwise.
func registerCompression() {
    registerEncode("lz4-encode-64KiB", byteCount: 65_536)
    registerEncode("lz4-encode-72KiB", byteCount: 72 * 1024)
    measure("lz4-decode-64KiB", scale: .one) {
        let packed = try PackedBlock(byteCount: 65_536)
        let output = AlignedMemory(byteCount: 65_536)
        return Timed { count in
            var sum = 0
            for _ in 0..<count {
                let decoded = output.withMemory { output in packed.withBytes { LZ4.decode($0, into: output) } }
                guard let decoded, decoded == packed.block.payloadByteCount else {
                    throw BenchError("the block does not decode")
                }
                sum += decoded
            }
            return sum
        }
    }
}

private func registerEncode(_ name: String, byteCount: Int) {
    measure(name, scale: .one) {
        let packed = try PackedBlock(byteCount: byteCount)
        return Timed { count in
            var sum = 0
            for _ in 0..<count { sum += try packed.pack() }
            return sum
        }
    }
}

/// A block of flights, and the same compressed.
private final class PackedBlock {
    let block: FlightBlock
    private let packed: AlignedMemory
    private var packedByteCount = 0
    private var encoder = LZ4Encoder()

    init(byteCount: Int) throws {
        block = try FlightBlock(limit: byteCount)
        packed = AlignedMemory(byteCount: LZ4.bound(byteCount))
        packedByteCount = try pack()
    }

    func pack() throws -> Int {
        let byteCount = block.withPayload { payload in packed.withMemory { encoder.encode(payload, into: $0) } }
        guard let byteCount else { throw BenchError("the block does not compress") }
        return byteCount
    }

    func withBytes<Result>(_ body: (Memory) -> Result) -> Result {
        packed.withMemory { body($0.slice(0, packedByteCount)) }
    }
}
