package import MillraceIO

/// Page 0 of a segment (FORMAT section 4.1).
package struct SegmentHeader: Equatable, Sendable {
    package var identity: SegmentIdentity
    package var segmentNumber: UInt32
    package var fileByteCount: Int
    /// One past the last record of the previous segment; 0 without one.
    package var previousEndOrdinal: UInt64
    /// Header CRC of the previous segment's last block; 0 when it has none.
    package var previousBlockChecksum: UInt32
    package var createdMilliseconds: UInt64
    /// How many segments behind its own number the file holds the records of, too.
    package var mergedCount: UInt32 = 0
    /// Its blocks are compressed as well as it goes.
    package var isHigh = false
    /// Key compaction has gone over it: of the records of one key, in all such segments of the log, there is one.
    package var isKeyed = false
    /// Blocks of it may stand for more ordinals than they hold records of.
    package var mayHaveGaps = false

    /// Writes the page; returns its CRC, which the first block's chain starts from.
    @discardableResult
    package func encode(into page: Memory) -> UInt32 {
        page.fill()
        page.store(Format.segmentMagic, at: 0)
        page.store(Format.version, at: 8)
        page.store(Format.leastReaderVersion, at: 10)
        page.store(segmentNumber, at: 12)
        page.store(mayHaveGaps ? Format.gapsFeature : 0, at: 16)
        page.store(UInt64(isHigh ? 1 : 0) | UInt64(isKeyed ? 2 : 0), at: 24)
        page.store(identity.storeLow, at: 32)
        page.store(identity.storeHigh, at: 40)
        page.store(identity.logID, at: 48)
        page.store(identity.baseOrdinal, at: 56)
        page.store(identity.salt, at: 64)
        page.store(UInt64(fileByteCount), at: 72)
        page.store(previousEndOrdinal, at: 80)
        page.store(previousBlockChecksum, at: 88)
        page.store(mergedCount, at: 92)
        page.store(createdMilliseconds, at: 96)
        PageChecksum.seal(page)
        return page.load(UInt32.self, at: Format.checksumByteOffset)
    }

    /// Reads the page. nil when it is not a valid header (torn, never written, damaged).
    /// - Throws: `.newerFormat` when it is valid but needs a later reader.
    package static func decode(_ page: Memory, file: String) throws(LogError) -> (header: SegmentHeader, checksum: UInt32)? {
        guard PageChecksum.isValid(page), page.load(UInt64.self, at: 0) == Format.segmentMagic else { return nil }
        try FormatVersion.check(page, file: file)
        let identity = SegmentIdentity(
            storeLow: page.load(at: 32), storeHigh: page.load(at: 40), logID: page.load(at: 48),
            baseOrdinal: page.load(at: 56), salt: page.load(at: 64))
        guard let fileByteCount = Int(exactly: page.load(UInt64.self, at: 72)), identity.baseOrdinal >> 63 == 0,
            page.load(UInt64.self, at: 80) >> 63 == 0
        else { return nil }
        let header = SegmentHeader(
            identity: identity, segmentNumber: page.load(at: 12), fileByteCount: fileByteCount,
            previousEndOrdinal: page.load(at: 80), previousBlockChecksum: page.load(at: 88),
            createdMilliseconds: page.load(at: 96), mergedCount: page.load(at: 92),
            isHigh: page.load(UInt64.self, at: 24) & 1 != 0, isKeyed: page.load(UInt64.self, at: 24) & 2 != 0,
            mayHaveGaps: page.load(UInt64.self, at: 16) & Format.gapsFeature != 0)
        return (header, page.load(UInt32.self, at: Format.checksumByteOffset))
    }
}

/// Versions and features stand at the same place in every header page.
enum FormatVersion {
    static func check(_ page: Memory, file: String) throws(LogError) {
        let leastReader = page.load(UInt16.self, at: 10)
        let unknown = page.load(UInt64.self, at: 16) & ~Format.knownRequiredFeatures
        guard leastReader <= Format.version, unknown == 0 else {
            throw .newerFormat(file: file, leastReaderVersion: Int(leastReader), unknownFeatures: unknown)
        }
    }
}
