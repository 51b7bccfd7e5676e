#if Tools
    import MillraceLog

    /// One segment as a JSON object.
    struct SegmentReport: Encodable {
        struct Note: Encodable {
            let slot: Int, state: String, sequence: UInt64?, durable: UInt64?, written: UInt64?, writtenByteOffset: Int?
            let isCleanClose: Bool?
        }
        struct Block: Encodable {
            let number: UInt32, byteOffset: Int, byteCount: Int, firstOrdinal: UInt64, records: Int, codec: String, rawBytes: Int
            let storedBytes: Int, firstArrival: UInt64, greatestArrival: UInt64, durable: UInt64, unfinishedBatchIndex: Int?
            let fault: String?
        }
        struct Damage: Encodable { let byteOffset: Int, byteCount: Int, firstOrdinal: UInt64, endOrdinal: UInt64 }
        struct Footer: Encodable {
            let state: String, blocks: Int?, endOrdinal: UInt64?, indexByteOffset: Int?, isSealedByRecovery: Bool?, fault: String?
        }
        let file: String, fileBytes: Int, log: UInt64, segmentNumber: UInt32, baseOrdinal: UInt64, salt: UInt64, isHeaderDamaged: Bool
        let created: UInt64, previousEndOrdinal: UInt64, notes: [Note], blocks: [Block], damage: [Damage], footer: Footer
        let records: Int, rawBytes: UInt64, storedBytes: Int, blocksEndByteOffset: Int, endOrdinal: UInt64

        init(_ segment: SegmentInspection) {
            file = segment.file
            fileBytes = segment.fileByteCount
            log = segment.header.identity.logID
            segmentNumber = segment.header.segmentNumber
            baseOrdinal = segment.header.identity.baseOrdinal
            salt = segment.header.identity.salt
            isHeaderDamaged = segment.isHeaderDamaged
            created = segment.header.createdMilliseconds
            previousEndOrdinal = segment.header.previousEndOrdinal
            notes = segment.notes.enumerated().map { slot, page in
                let note = page.content
                return Note(
                    slot: slot, state: Self.state(page), sequence: note?.sequence, durable: note?.durableOrdinal,
                    written: note?.writtenOrdinal, writtenByteOffset: note?.writtenByteOffset, isCleanClose: note?.isCleanClose)
            }
            blocks = segment.blocks.map { block in
                let header = block.header
                return Block(
                    number: header.blockNumber, byteOffset: block.byteOffset, byteCount: header.blockByteCount,
                    firstOrdinal: header.firstOrdinal, records: header.recordCount, codec: "\(header.codec)",
                    rawBytes: header.rawPayloadByteCount, storedBytes: header.storedPayloadByteCount,
                    firstArrival: header.firstArrivalMilliseconds, greatestArrival: header.greatestArrivalMilliseconds,
                    durable: header.durableOrdinal, unfinishedBatchIndex: header.unfinishedBatchIndex, fault: block.fault)
            }
            damage = segment.damage.map {
                Damage(
                    byteOffset: $0.bytes.lowerBound, byteCount: $0.bytes.count, firstOrdinal: $0.ordinals.lowerBound,
                    endOrdinal: $0.ordinals.upperBound)
            }
            let found = segment.footer.content
            footer = Footer(
                state: Self.state(segment.footer), blocks: found?.blockCount, endOrdinal: found?.endOrdinal,
                indexByteOffset: found?.indexByteOffset, isSealedByRecovery: found?.isSealedByRecovery, fault: segment.footerFault)
            records = segment.recordCount
            rawBytes = segment.rawByteCount
            storedBytes = segment.storedByteCount
            blocksEndByteOffset = segment.blocksEndByteOffset
            endOrdinal = segment.endOrdinal
        }

        /// One line, keys in order.
        var text: String { (try? JSONText.of(self)) ?? "{}" }

        private static func state<Content>(_ page: SegmentInspection.Page<Content>) -> String {
            switch page {
            case .empty: "empty"
            case .valid: "valid"
            case .damaged: "damaged"
            }
        }
    }
#endif
