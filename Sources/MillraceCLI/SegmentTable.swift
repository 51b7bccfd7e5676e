#if Tools
    import MillraceLog

    /// One segment as text for people.
    struct SegmentTable {
        private let segment: SegmentInspection
        init(_ segment: SegmentInspection) { self.segment = segment }

        var text: String { ([title, header] + notes + [blocks] + damage + [footer, total]).joined(separator: "\n") }

        private var title: String {
            "\(segment.file): segment \(segment.header.segmentNumber) of log \(segment.header.identity.logID), \(segment.fileByteCount) bytes"
        }

        private var header: String {
            let header = segment.header
            if segment.isHeaderDamaged { return "header  DAMAGED, read by its note: base \(Text.ordinal(header.identity.baseOrdinal)), salt \(Text.hex(header.identity.salt))" }
            return "header  base \(Text.ordinal(header.identity.baseOrdinal)), made \(Text.time(header.createdMilliseconds)), "
                + "salt \(Text.hex(header.identity.salt)), crc \(Text.hex(UInt64(segment.headerChecksum), digits: 8)), "
                + (header.previousEndOrdinal == 0 ? "no segment before"
                    : "the one before ends at \(Text.ordinal(header.previousEndOrdinal)), block crc \(Text.hex(UInt64(header.previousBlockChecksum), digits: 8))")
        }

        private var notes: [String] {
            segment.notes.enumerated().map { slot, note in
                switch note {
                case .empty: return "note \(slot)  never written"
                case .damaged: return "note \(slot)  DAMAGED"
                case .valid(let note):
                    return "note \(slot)  sequence \(note.sequence), \(Text.time(note.milliseconds)): durable below \(Text.ordinal(note.durableOrdinal)), "
                        + "written below \(Text.ordinal(note.writtenOrdinal)) to byte \(note.writtenByteOffset), \(Text.count(Int(note.blockCount), "block"))"
                        + (note.isCleanClose ? ", closed cleanly" : "")
                }
            }
        }

        private var blocks: String {
            Text.table(
                ["block", "position", "ordinals", "records", "codec", "raw", "stored", "ratio", ""],
                segment.blocks.map { block in
                    let header = block.header
                    var remarks: [String] = []
                    if let index = header.unfinishedBatchIndex { remarks.append("batch goes on from record \(index)") }
                    if header.hasGaps { remarks.append("gaps") }
                    if let fault = block.fault { remarks.append("DAMAGED: \(fault)") }
                    return [
                        "\(header.blockNumber)", "\(block.byteOffset)",
                        "\(Text.ordinal(block.ordinals.lowerBound))..<\(Ordinal.counter(block.ordinals.upperBound))",
                        "\(header.recordCount)", "\(header.codec)", "\(header.rawPayloadByteCount)",
                        "\(header.blockByteCount)", Text.ratio(header.rawPayloadByteCount, header.blockByteCount),
                        remarks.joined(separator: "; "),
                    ]
                })
        }

        private var damage: [String] {
            segment.damage.map {
                "DAMAGED: bytes \($0.bytes.lowerBound)..<\($0.bytes.upperBound), ordinals \(Text.ordinal($0.ordinals.lowerBound))..<\(Text.ordinal($0.ordinals.upperBound))"
            }
        }

        private var footer: String {
            switch segment.footer {
            case .empty: return "footer  none: the segment was not sealed"
            case .damaged: return "footer  none that validates"
            case .valid(let footer):
                return "footer  \(Text.count(footer.blockCount, "block")), end \(Text.ordinal(footer.endOrdinal)), index at \(footer.indexByteOffset)"
                    + (footer.isSealedByRecovery ? ", sealed by recovery" : "") + ": "
                    + (segment.footerFault.map { "DAMAGED: \($0)" } ?? "agrees with the blocks")
            }
        }

        private var total: String {
            "total   \(Text.count(segment.blocks.count, "block")), \(Text.count(segment.recordCount, "record")), \(segment.rawByteCount) raw bytes in "
                + "\(segment.storedByteCount), ratio \(Text.ratio(Int(segment.rawByteCount), segment.storedByteCount)); blocks end at \(segment.blocksEndByteOffset)"
        }
    }
#endif
