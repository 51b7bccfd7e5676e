import Benchmark
import MillraceIO

/// CRC32C of a block header's size, of a page, of a block, and of sixteen blocks, each with a checksum of its own.
func registerChecksums() {
    registerChecksum("crc32c-64B", byteCount: 64)
    registerChecksum("crc32c-4KiB", byteCount: 4096)
    registerChecksum("crc32c-64KiB", byteCount: 65_536, scale: .one)
    registerChecksum("crc32c-16-blocks", byteCount: 65_536, blockCount: 16, scale: .one)
}

private func registerChecksum(
    _ name: String, byteCount: Int, blockCount: Int = 1, scale: BenchmarkScalingFactor = .kilo
) {
    measure(name, scale: scale) {
        let text = try Fixture.flights().bytes
        return Timed { count in
            var sum: UInt32 = 0
            for _ in 0..<count {
                for block in 0..<blockCount {
                    let start = block * byteCount
                    // Safe because a UInt8 has no padding, and the array stays in place while its span is borrowed.
                    let bytes = unsafe text.span.bytes.extracting(start..<start + byteCount)
                    // Each waits for the one before, as the checksum of a body does for its directory's.
                    sum = CRC32C.of(bytes, continuing: sum)
                }
            }
            return Int(sum)
        }
    }
}
