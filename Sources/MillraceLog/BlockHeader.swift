package import MillraceIO

/// How a block's payload is stored (FORMAT sections 5 and 7).
package enum BlockCodec: UInt8, Sendable {
    case raw = 1
    case lz4 = 2
    case lz4Chunked = 3
}

/// The fixed part of a block (FORMAT section 5), and the one extension that the log itself acts on.
package struct BlockHeader: Equatable, Sendable {
    package static let batchContinuesFlag: UInt16 = 1
    package static let gapsFlag: UInt16 = 2
    package static let encryptedFlag: UInt16 = 4
    static let knownFlags: UInt16 = 7
    static let batchContinuesExtension: UInt8 = 1
    static let ordinalCountExtension: UInt8 = 128
    static let leastMandatoryExtension: UInt8 = 128

    package var checksum: UInt32 = 0
    package var bodyChecksum: UInt32
    package var firstOrdinal: UInt64
    package var durableOrdinal: UInt64
    package var firstArrivalMilliseconds: UInt64
    package var recordCount: Int
    package var arrivalSpanMilliseconds: UInt32
    package var directoryByteCount: Int
    package var rawPayloadByteCount: Int
    package var storedPayloadByteCount: Int
    package var previousChecksum: UInt32
    package var blockNumber: UInt32
    package var codec: BlockCodec
    /// So many ordinals, from the first on, stand for records that are here or were removed; nil where all of them are here.
    package var coveredOrdinalCount: Int?
    /// Index of the first record of a batch that goes on in the next block; nil when no batch does.
    package var unfinishedBatchIndex: Int?
    /// Bytes of all extensions, the batch extension included.
    package var extensionByteCount = 0

    package var hasGaps: Bool { coveredOrdinalCount != nil }
    /// How many ordinals the block stands for.
    package var ordinalCount: Int { coveredOrdinalCount ?? recordCount }
    /// One past the last ordinal that the block stands for.
    package var endOrdinal: UInt64 { firstOrdinal + UInt64(ordinalCount) }
    package var headerByteCount: Int { Format.blockHeaderByteCount + extensionByteCount }
    package var bodyByteCount: Int { directoryByteCount + storedPayloadByteCount }
    /// From this block's first byte to the next block's.
    package var blockByteCount: Int { Format.align8(headerByteCount + bodyByteCount) }
    package var greatestArrivalMilliseconds: UInt64 { firstArrivalMilliseconds + UInt64(arrivalSpanMilliseconds) }

    /// Writes the header and its extensions, of which there is one at most, and returns the header CRC.
    package mutating func encode(into memory: Memory, at byteOffset: Int, identity: SegmentIdentity) {
        extensionByteCount = unfinishedBatchIndex == nil && coveredOrdinalCount == nil ? 0 : 8
        memory.store(bodyChecksum, at: 4)
        memory.store(firstOrdinal, at: 8)
        memory.store(durableOrdinal, at: 16)
        memory.store(firstArrivalMilliseconds, at: 24)
        memory.store(UInt32(recordCount), at: 32)
        memory.store(arrivalSpanMilliseconds, at: 36)
        memory.store(UInt32(directoryByteCount), at: 40)
        memory.store(UInt32(rawPayloadByteCount), at: 44)
        memory.store(UInt32(storedPayloadByteCount), at: 48)
        memory.store(previousChecksum, at: 52)
        memory.store(blockNumber, at: 56)
        memory.store(codec.rawValue, at: 60)
        memory.store(UInt8(extensionByteCount / 8), at: 61)
        var flags: UInt16 = 0
        if unfinishedBatchIndex != nil { flags |= Self.batchContinuesFlag }
        if hasGaps { flags |= Self.gapsFlag }
        memory.store(flags, at: 62)
        if let unfinishedBatchIndex {
            memory.store(Self.batchContinuesExtension, at: 64)
            memory.store(UInt8(1), at: 65)
            memory.store(UInt16(0), at: 66)
            memory.store(UInt32(unfinishedBatchIndex), at: 68)
        } else if let coveredOrdinalCount {
            memory.store(Self.ordinalCountExtension, at: 64)
            memory.store(UInt8(1), at: 65)
            memory.store(UInt16(0), at: 66)
            memory.store(UInt32(coveredOrdinalCount), at: 68)
        }
        checksum = CRC32C.of(memory.slice(4, headerByteCount - 4), continuing: identity.positioned(byteOffset))
        memory.store(checksum, at: 0)
    }

    /// Reads the header at `byteOffset` of a segment whose bytes up to `limit` are in `file`.
    ///
    /// nil when there is no valid block header: every claimed size is checked against the room there is and the CRC is
    /// checked, before anything is believed. The body is not looked at.
    package static func decode(_ file: Memory, at byteOffset: Int, limit: Int, identity: SegmentIdentity) -> BlockHeader? {
        guard byteOffset >= 0, byteOffset + Format.blockHeaderByteCount <= min(limit, file.byteCount) else { return nil }
        return decode(file.slice(byteOffset, min(limit, file.byteCount) - byteOffset), standingAt: byteOffset, identity: identity)
    }

    /// The same of memory that starts with the block, which stands at `byteOffset` of its segment.
    package static func decode(_ memory: Memory, standingAt byteOffset: Int, identity: SegmentIdentity) -> BlockHeader? {
        guard memory.byteCount >= Format.blockHeaderByteCount else { return nil }
        let flags = memory.load(UInt16.self, at: 62)
        guard let codec = BlockCodec(rawValue: memory.load(UInt8.self, at: 60)), flags & ~knownFlags == 0,
            flags & encryptedFlag == 0
        else { return nil }
        var header = BlockHeader(
            checksum: memory.load(at: 0), bodyChecksum: memory.load(at: 4), firstOrdinal: memory.load(at: 8),
            durableOrdinal: memory.load(at: 16), firstArrivalMilliseconds: memory.load(at: 24),
            recordCount: Int(memory.load(UInt32.self, at: 32)), arrivalSpanMilliseconds: memory.load(at: 36),
            directoryByteCount: Int(memory.load(UInt32.self, at: 40)),
            rawPayloadByteCount: Int(memory.load(UInt32.self, at: 44)),
            storedPayloadByteCount: Int(memory.load(UInt32.self, at: 48)), previousChecksum: memory.load(at: 52),
            blockNumber: memory.load(at: 56), codec: codec)
        header.extensionByteCount = 8 * Int(memory.load(UInt8.self, at: 61))
        guard header.isPlausible(hasGaps: flags & gapsFlag != 0), header.headerByteCount + header.bodyByteCount <= memory.byteCount,
            seeded(.headerUnchecked)
                || CRC32C.of(memory.slice(4, header.headerByteCount - 4), continuing: identity.positioned(byteOffset))
                    == header.checksum,
            header.readExtensions(memory.slice(Format.blockHeaderByteCount, header.extensionByteCount), flags: flags)
        else { return nil }
        return header
    }

    /// How long the block is that starts with these bytes, as they say: nothing is checked.
    static func claimedByteCount(_ memory: Memory) -> Int {
        Format.align8(
            Format.blockHeaderByteCount + 8 * Int(memory.load(UInt8.self, at: 61)) + Int(memory.load(UInt32.self, at: 40))
                + Int(memory.load(UInt32.self, at: 48)))
    }

    /// Sizes and counts that could be true. Says nothing about the bytes.
    private func isPlausible(hasGaps: Bool) -> Bool {
        guard recordCount >= (hasGaps ? 0 : 1), recordCount <= Format.greatestRecordCount,
            rawPayloadByteCount <= Format.greatestPayloadByteCount,
            directoryByteCount <= Directory.greatestByteCount(recordCount: recordCount, hasGaps: hasGaps),
            firstOrdinal >> 63 == 0, durableOrdinal >> 63 == 0, blockNumber >> 31 == 0,
            firstArrivalMilliseconds <= .max - UInt64(arrivalSpanMilliseconds)
        else { return false }
        switch codec {
        case .raw: return storedPayloadByteCount == rawPayloadByteCount
        case .lz4, .lz4Chunked:
            return storedPayloadByteCount > 0 && rawPayloadByteCount <= 255 * storedPayloadByteCount + 64
        }
    }

    private mutating func readExtensions(_ memory: Memory, flags: UInt16) -> Bool {
        var position = 0
        while position < memory.byteCount {
            let type = memory.load(UInt8.self, at: position)
            let byteCount = 8 * Int(memory.load(UInt8.self, at: position + 1))
            guard byteCount >= 8, position + byteCount <= memory.byteCount,
                type < Self.leastMandatoryExtension || type == Self.ordinalCountExtension
            else { return false }
            if type == Self.batchContinuesExtension {
                let index = Int(memory.load(UInt32.self, at: position + 4))
                guard index < recordCount else { return false }
                unfinishedBatchIndex = index
            }
            if type == Self.ordinalCountExtension {
                let count = Int(memory.load(UInt32.self, at: position + 4))
                guard count >= max(recordCount, 1), count <= Int(Int32.max) else { return false }
                coveredOrdinalCount = count
            }
            position += byteCount
        }
        return (unfinishedBatchIndex != nil) == (flags & Self.batchContinuesFlag != 0)
            && hasGaps == (flags & Self.gapsFlag != 0) && (unfinishedBatchIndex == nil || !hasGaps)
    }
}
