import MillraceIO

/// One segment file of a log as somebody who only looks finds it. A value.
struct FoundSegment: Sendable {
    enum Content: Sendable {
        case readable(SegmentInspection)
        /// Neither header nor note validates; whether the first pages hold nothing but zeros.
        case nameless(isEmpty: Bool, detail: String)
        /// Shorter than any segment. No stop of the machine leaves such a file: it has its size before it gets its name.
        case cutOff(byteCount: Int, detail: String)
        /// The device does not give it, which says nothing about what stands in it.
        case unread
    }

    let name: SegmentName
    var baseOrdinal: UInt64 { name.baseOrdinal }
    let content: Content

    var inspection: SegmentInspection? { if case .readable(let inspection) = content { inspection } else { nil } }

    /// - Parameter journal: what the next opening brings into it first.
    static func read(
        _ name: SegmentName, in directory: LogDirectory, after journal: JournalContents? = nil
    ) throws(LogError) -> FoundSegment {
        do throws(LogError) {
            let inspection = try SegmentInspection.read(name, in: directory, after: journal)
            return FoundSegment(name: name, content: .readable(inspection))
        } catch {
            guard case .corrupt(_, let byteOffset, let detail) = error else { throw error }
            let head = AlignedMemory(byteCount: Format.blocksByteOffset)
            let zeros = AlignedMemory(byteCount: Format.blocksByteOffset)
            let count = try systemCall { () throws(IOError) in
                try directory.withHandle { handle throws(IOError) in
                    let file = try directory.io.openFile(name.text, in: handle, writable: false)
                    defer { directory.io.close(file) }
                    return try directory.io.read(file, at: 0, into: head.memory)
                }
            }
            guard count == Format.blocksByteOffset else {
                return FoundSegment(
                    name: name, content: .cutOff(byteCount: byteOffset, detail: detail))
            }
            let isEmpty = head.memory.isEqual(to: zeros.memory)
            return FoundSegment(name: name, content: .nameless(isEmpty: isEmpty, detail: detail))
        }
    }
}

/// Where a log ends by the tail rule (FORMAT section 10), for somebody who only looks. A value.
///
/// Unlike recovery it does not know whether the operating system has stopped since, and goes by D alone.
struct LogTail: Sendable {
    /// How many of the segments, oldest first, are the log's. What lies behind was never known durable: power cut it, and the next
    /// opening takes it away.
    let segmentCount: Int

    /// - Parameter durable: D.
    init(_ segments: [FoundSegment], durable: UInt64) {
        var last: SegmentInspection?
        for (number, segment) in segments.enumerated() {
            switch segment.content {
            case .readable(let inspection):
                if durable < segment.baseOrdinal, !Self.continues(inspection, last, isFirst: number == 0, durable: durable) {
                    segmentCount = number
                    return
                }
                last = inspection
            case .nameless:
                // One record of it durable, and a header with two notes would be.
                if durable <= segment.baseOrdinal {
                    segmentCount = number
                    return
                }
            case .cutOff, .unread: break
            }
        }
        segmentCount = segments.count
    }

    private static func continues(
        _ next: SegmentInspection, _ last: SegmentInspection?, isFirst: Bool, durable: UInt64
    ) -> Bool {
        if next.isHeaderDamaged { return false }
        let header = next.header
        guard let last else { return !isFirst || header.previousEndOrdinal == 0 }
        if let footer = last.footer.content, footer.isSealedByRecovery { return header.previousEndOrdinal == footer.endOrdinal }
        // Above D the blocks end at the first that does not validate, whatever stands behind it.
        let lost = last.damage.first { $0.ordinals.lowerBound >= durable }
        if let lost { return header.previousEndOrdinal == lost.ordinals.lowerBound }
        return header.previousEndOrdinal == last.endOrdinal && header.previousBlockChecksum == last.lastBlockChecksum
    }
}
