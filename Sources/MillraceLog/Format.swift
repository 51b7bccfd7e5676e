/// The constants of format version 1 (docs/FORMAT.md). Relations between them are checked in FormatTests.
package enum Format {
    package static let version: UInt16 = 1
    package static let leastReaderVersion: UInt16 = 1
    /// Required feature bit 1 of a segment: blocks may stand for more ordinals than they hold records of.
    package static let gapsFeature: UInt64 = 2
    package static let knownRequiredFeatures: UInt64 = gapsFeature

    package static let pageByteCount = 4096
    package static let checksumByteOffset = 4092
    package static let notesByteOffset = 4096
    package static let blocksByteOffset = 12_288
    /// A segment without room for a block: header, notes and footer.
    package static let emptySegmentByteCount = 16_384
    package static let blockHeaderByteCount = 64
    package static let blockAlignment = 8
    package static let indexEntryByteCount = 24
    package static let chunkByteCount = 262_144

    package static let storeMagic = magic("MILLRSTO")
    package static let segmentMagic = magic("MILLRSEG")
    package static let noteMagic = magic("MILLRNOT")
    package static let footerMagic = magic("MILLRFTR")
    package static let journalMagic = magic("MILLRJNL")

    /// The commit journal: two header pages, then frames.
    package static let framesByteOffset = 8192
    package static let frameHeaderByteCount = 48

    /// The largest raw payload a block may claim: a 10 MiB record, its key, and room to grow to 64 MiB buffers.
    package static let greatestPayloadByteCount = 64 << 20
    package static let greatestRecordCount = 1 << 20

    @inlinable package static func align8(_ byteCount: Int) -> Int { (byteCount + 7) & ~7 }
    @inlinable package static func alignPage(_ byteCount: Int) -> Int { (byteCount + 4095) & ~4095 }

    /// Eight ASCII letters as the integer that stores as them.
    private static func magic(_ text: StaticString) -> UInt64 {
        precondition(text.utf8CodeUnitCount == 8 && text.isASCII)
        var value: UInt64 = 0
        for (index, byte) in String(describing: text).utf8.enumerated() { value |= UInt64(byte) << UInt64(8 * index) }
        return value
    }
}
