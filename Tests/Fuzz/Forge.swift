import MillraceIO
import MillraceLog

/// Pages and block headers put down by hand from the tables of docs/FORMAT.md, under right checksums: how the fuzz
/// targets get values of the engine's types, which only decoding makes.
enum Forge {
    static func page(seed: UInt32 = 0, _ write: (Memory) -> Void) -> AlignedMemory {
        let page = AlignedMemory(byteCount: Format.pageByteCount, alignment: 8)
        page.withMemory { memory in
            write(memory)
            Checksums.sealPage(memory, seed: seed)
        }
        return page
    }

    /// Words of eight bytes, one behind the other.
    static func put(_ words: [UInt64], in memory: Memory, at byteOffset: Int) {
        for (index, word) in words.enumerated() { memory.store(word, at: byteOffset + 8 * index) }
    }

    static func segmentHeader(
        _ identity: SegmentIdentity, number: UInt32, fileByteCount: UInt64, previousEnd: UInt64,
        previousChecksum: UInt32,
        created: UInt64
    ) -> AlignedMemory {
        page { memory in
            memory.store(Format.segmentMagic, at: 0)
            memory.store(Format.version, at: 8)
            memory.store(Format.leastReaderVersion, at: 10)
            memory.store(number, at: 12)
            put(
                [identity.storeLow, identity.storeHigh, identity.logID, identity.baseOrdinal, identity.salt],
                in: memory, at: 32)
            put([fileByteCount, previousEnd, UInt64(previousChecksum), created], in: memory, at: 72)
        }
    }

    /// `words`: sequence, durable and its place, written and its place, boot identity, time, last arrival.
    static func note(
        _ identity: SegmentIdentity, _ words: [UInt64], isCleanClose: Bool, blockCount: UInt32, lastChecksum: UInt32,
        segmentNumber: UInt32, headerChecksum: UInt32
    ) -> AlignedMemory {
        page(seed: identity.positioned(DurableNote.byteOffset(ofSequence: words[0]))) { memory in
            memory.store(Format.noteMagic, at: 0)
            put(words, in: memory, at: 8)
            memory.store(UInt32(isCleanClose ? 1 : 0), at: 88)
            memory.store(blockCount, at: 92)
            memory.store(lastChecksum, at: 96)
            memory.store(segmentNumber, at: 100)
            memory.store(identity.salt, at: 104)
            memory.store(headerChecksum, at: 112)
        }
    }

    /// `words`: block count, place of the index, end of the blocks, end ordinal, greatest arrival, records, raw bytes.
    static func footer(
        _ identity: SegmentIdentity, at byteOffset: Int, _ words: [UInt64], indexChecksum: UInt32, lastChecksum: UInt32,
        isSealedByRecovery: Bool
    ) -> AlignedMemory {
        page(seed: identity.positioned(byteOffset)) { memory in
            memory.store(Format.footerMagic, at: 0)
            put(words, in: memory, at: 8)
            memory.store(indexChecksum, at: 64)
            memory.store(lastChecksum, at: 68)
            memory.store(UInt32(isSealedByRecovery ? 1 : 0), at: 72)
        }
    }

    /// `words`: identity low and high, sequence, generation, creation time.
    static func storeSlot(_ words: [UInt64]) -> AlignedMemory {
        page { memory in
            memory.store(Format.storeMagic, at: 0)
            memory.store(Format.version, at: 8)
            memory.store(Format.leastReaderVersion, at: 10)
            put(words, in: memory, at: 32)
        }
    }

    struct Block {
        var words: (ordinal: UInt64, durable: UInt64, arrival: UInt64) = (Checksums.identity.baseOrdinal, 0, 1000)
        var recordCount: Int
        var arrivalSpan: UInt32 = 0
        var directory: [UInt8]
        var rawByteCount: Int
        var stored: [UInt8]
        var codec: BlockCodec = .raw
        var batchIndex: Int?
        /// For how many ordinals it stands, where records were removed.
        var ordinalCount: Int?
        var previousChecksum: UInt32 = 0
        var number: UInt32 = 0

        /// Header, extension, directory and payload, as they stand at `byteOffset` of a file that has
        /// `byteOffset` zeros before.
        func bytes(at byteOffset: Int, _ identity: SegmentIdentity) -> [UInt8] {
            let headerByteCount = Format.blockHeaderByteCount + (batchIndex == nil && ordinalCount == nil ? 0 : 8)
            let file = AlignedMemory(
                byteCount: byteOffset + headerByteCount + directory.count + stored.count, alignment: 8)
            return file.withMemory { file in
                let block = file.slice(byteOffset, file.byteCount - byteOffset)
                put([words.ordinal, words.durable, words.arrival], in: block, at: 8)
                let sizes = [recordCount, Int(arrivalSpan), directory.count, rawByteCount, stored.count]
                for (index, size) in sizes.enumerated() { block.store(UInt32(size), at: 32 + 4 * index) }
                block.store(previousChecksum, at: 52)
                block.store(number, at: 56)
                block.store(codec.rawValue, at: 60)
                if let batchIndex {
                    block.store(UInt8(1), at: 61)
                    block.store(BlockHeader.batchContinuesFlag, at: 62)
                    block.store(UInt16(0x0101), at: 64)
                    block.store(UInt32(batchIndex), at: 68)
                } else if let ordinalCount {
                    block.store(UInt8(1), at: 61)
                    block.store(BlockHeader.gapsFlag, at: 62)
                    block.store(UInt16(0x0180), at: 64)
                    block.store(UInt32(ordinalCount), at: 68)
                }
                // Safe because any byte is a valid UInt8.
                unsafe block.copy(directory.span.bytes, at: headerByteCount)
                unsafe block.copy(stored.span.bytes, at: headerByteCount + directory.count)
                Checksums.sealBlock(file, at: byteOffset, identity: identity)
                return block.bytes
            }
        }
    }
}
