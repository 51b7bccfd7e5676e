import MillraceIO
import MillraceLog
import Testing

/// Aim: the numbers of the format fit each other, once and for all. Method: arithmetic.
@Suite struct ConstantTests {
    @Test func `pages, blocks and entries fit into each other`() {
        #expect(Format.checksumByteOffset + 4 == Format.pageByteCount)
        #expect(Format.notesByteOffset == Format.pageByteCount)
        #expect(Format.blocksByteOffset == 3 * Format.pageByteCount)
        #expect(Format.blocksByteOffset % Format.blockAlignment == 0)
        #expect(Format.blockHeaderByteCount % Format.blockAlignment == 0)
        #expect(Format.pageByteCount % Format.blockAlignment == 0)
        #expect(Format.indexEntryByteCount % 8 == 0)
        #expect(StoreFile.byteCount == 2 * Format.pageByteCount)
    }

    @Test func `what a block may claim fits the fields it is written in`() {
        #expect(Format.greatestPayloadByteCount <= Int(Int32.max))
        #expect(Format.greatestPayloadByteCount <= LZ4.maximumByteCount)
        #expect(Format.greatestPayloadByteCount % Format.chunkByteCount == 0)
        let directory = Directory.greatestByteCount(recordCount: Format.greatestRecordCount, hasGaps: true)
        #expect(directory <= Int(UInt32.max))
        #expect(Format.greatestRecordCount <= Int(UInt32.max))
        #expect(BlockCodec(rawValue: 0) == nil)
    }

    @Test func `magics read as their letters in a file`() {
        for (magic, text) in [
            (Format.storeMagic, "MILLRSTO"), (Format.segmentMagic, "MILLRSEG"), (Format.noteMagic, "MILLRNOT"),
            (Format.footerMagic, "MILLRFTR"), (Format.journalMagic, "MILLRJNL"),
        ] {
            #expect(Bytes(count: 8).put(magic, at: 0).array == Array(text.utf8))
        }
    }

    @Test func `this reader reads what this writer writes`() {
        #expect(Format.leastReaderVersion <= Format.version)
        #expect(Format.leastReaderVersion >= 1)
    }

    @Test func `rounding up goes to the next multiple and no further`() {
        for byteCount in 0...20_000 {
            #expect(Format.align8(byteCount) == (byteCount + 7) / 8 * 8)
            #expect(Format.alignPage(byteCount) == (byteCount + 4095) / 4096 * 4096)
        }
    }

    @Test func `notes and store slots alternate between their two pages`() {
        for sequence in UInt64(1)...4 {
            #expect(DurableNote.byteOffset(ofSequence: sequence) != DurableNote.byteOffset(ofSequence: sequence + 1))
            #expect([4096, 8192].contains(DurableNote.byteOffset(ofSequence: sequence)))
            #expect(StoreFile.slotByteOffset(ofSequence: sequence) != StoreFile.slotByteOffset(ofSequence: sequence + 1))
            #expect([0, 4096].contains(StoreFile.slotByteOffset(ofSequence: sequence)))
        }
    }

    @Test func `an ordinal is a zero bit, a generation and a counter`() {
        let greatest = Ordinal.first(ofGeneration: Ordinal.greatestGeneration) | Ordinal.greatestCounter
        #expect(greatest == UInt64(Int64.max))
        #expect(Ordinal.generation(greatest) == (1 << 23) - 1)
        #expect(Ordinal.counter(greatest) == (1 << 40) - 1)
        #expect(Ordinal.first(ofGeneration: 2) - 1 == Ordinal.first(ofGeneration: 1) + Ordinal.greatestCounter)
    }

    @Test func `the seed is the checksum of 40 bytes, and a position continues it`() {
        let bytes = Bytes(count: 48)
        bytes.put(Sample.identity.storeLow, at: 0).put(Sample.identity.storeHigh, at: 8)
        bytes.put(Sample.identity.logID, at: 16).put(Sample.identity.baseOrdinal, at: 24).put(Sample.identity.salt, at: 32)
        #expect(Sample.identity.seed == bytes.checksum(0..<40))
        bytes.put(UInt64(12_288), at: 40)
        #expect(Sample.identity.positioned(12_288) == bytes.checksum(0..<48))
    }
}
