import CLZ4

/// The LZ4 block format, by the system's library. Blocks carry neither their length nor a checksum: the caller
/// stores both and checks the checksum before decoding, because most damaged blocks decode into wrong bytes.
package enum LZ4 {
    /// The longest input the format's library takes, in bytes.
    package static let maximumByteCount = Int(LZ4_MAX_INPUT_SIZE)

    /// The library's version, for example `1.10.0`.
    package static var version: String {
        // Safe because the version is a constant of the library that ends in a zero byte.
        unsafe String(cString: LZ4_versionString())
    }

    /// Bytes that `byteCount` (0...`maximumByteCount`) raw bytes take at the worst.
    package static func bound(_ byteCount: Int) -> Int {
        precondition(byteCount >= 0 && byteCount <= maximumByteCount, "\(byteCount) bytes are not one LZ4 block")
        return Int(LZ4_compressBound(Int32(byteCount)))
    }

    /// Decodes one block into the beginning of `memory`; returns the count of raw bytes.
    ///
    /// Safe on any bytes: reads only `source` and writes only `memory`. nil when the block is malformed, or holds
    /// more raw bytes than `memory`; `memory` may then hold anything.
    package static func decode(_ source: Memory, into memory: Memory) -> Int? {
        guard let sourceCount = Int32(exactly: source.byteCount) else { return nil }
        let capacity = Int32(clamping: memory.byteCount)
        // Safe because both ranges are the memories' own.
        let count = unsafe LZ4_decompress_safe(
            source.address.assumingMemoryBound(to: CChar.self), memory.address.assumingMemoryBound(to: CChar.self),
            sourceCount, capacity)
        return count < 0 ? nil : Int(count)
    }
}
