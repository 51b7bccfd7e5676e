import MillraceIO

/// Who a segment is, folded into every checksum inside it (FORMAT section 4, "Identity seed").
package struct SegmentIdentity: Equatable, Sendable {
    package let storeLow: UInt64
    package let storeHigh: UInt64
    package let logID: UInt64
    package let baseOrdinal: UInt64
    package let salt: UInt64
    /// CRC of the 40 identity bytes.
    package let seed: UInt32

    package init(storeLow: UInt64, storeHigh: UInt64, logID: UInt64, baseOrdinal: UInt64, salt: UInt64) {
        self.storeLow = storeLow
        self.storeHigh = storeHigh
        self.logID = logID
        self.baseOrdinal = baseOrdinal
        self.salt = salt
        var crc: UInt32 = 0
        for word in [storeLow, storeHigh, logID, baseOrdinal, salt] { crc = CRC32C.mixing(word, into: crc) }
        seed = crc
    }

    /// The seed of a checksum that stands at `byteOffset`.
    @inlinable package func positioned(_ byteOffset: Int) -> UInt32 {
        CRC32C.mixing(UInt64(byteOffset), into: seed)
    }
}

/// A 4 KiB page whose last four bytes check the rest.
enum PageChecksum {
    static func seal(_ page: Memory, seed: UInt32 = 0) {
        page.store(CRC32C.of(page.slice(0, Format.checksumByteOffset), continuing: seed), at: Format.checksumByteOffset)
    }
    static func isValid(_ page: Memory, seed: UInt32 = 0) -> Bool {
        page.byteCount >= Format.pageByteCount
            && page.load(UInt32.self, at: Format.checksumByteOffset)
                == CRC32C.of(page.slice(0, Format.checksumByteOffset), continuing: seed)
    }
}
