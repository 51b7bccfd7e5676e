package import MillraceIO

/// What a look at every byte of a store found. Reads only; takes no lock, so that a store on a read-only disk can be verified
/// as well. A value.
package struct StoreVerification: Sendable {
    package enum Severity: String, Sendable, Comparable {
        /// Nothing is wrong; worth knowing all the same.
        case note
        /// No record is touched, but something is not as it was written.
        case warning
        /// Records, or what keeps them together, are not what was written.
        case damage
        package static func < (a: Severity, b: Severity) -> Bool { a.rank < b.rank }
        private var rank: Int { self == .note ? 0 : self == .warning ? 1 : 2 }
    }

    package struct Finding: Sendable, Equatable {
        package var severity: Severity
        /// Path from the store's directory on.
        package var file: String
        /// Where in the file; nil when it is about the file as a whole.
        package var bytes: Range<Int>?
        package var logID: UInt64?
        /// Records that it costs, or may cost.
        package var ordinals: Range<UInt64>?
        package var detail: String
    }

    package private(set) var findings: [Finding] = []
    /// Process id of the writer that has the store open; what it is writing at the moment is not judged.
    package private(set) var activeWriter: String?
    package private(set) var store: StoreFile?
    package private(set) var logCount = 0
    package private(set) var segmentCount = 0
    package private(set) var blockCount = 0
    package private(set) var recordCount = 0
    package private(set) var rawByteCount: UInt64 = 0
    package private(set) var storedByteCount = 0

    /// No warning and no damage.
    package var isClean: Bool { !findings.contains { $0.severity > .note } }

    /// Verifies the store at `path`. O(bytes of the store).
    /// - Throws: `notAStore`, `newerFormat`, `io` when the directory itself cannot be read.
    package static func run(at path: String, io: any StorageIO) throws(LogError) -> StoreVerification {
        let root = try systemCall { () throws(IOError) in try io.openDirectory(at: path, create: false) }
        defer { io.close(root) }
        var verification = StoreVerification()
        verification.activeWriter = try writer(in: root, io)
        try verification.verifyRoot(root, io)
        // One that came in the meantime may have changed what was read before.
        if verification.activeWriter == nil { verification.activeWriter = try writer(in: root, io) }
        if let writer = verification.activeWriter {
            verification.add(.note, FileNames.lock, "process \(writer) has the store open: what it was writing meanwhile is not judged")
        }
        return verification
    }

    private mutating func add(
        _ severity: Severity, _ file: String, bytes: Range<Int>? = nil, log: UInt64? = nil, ordinals: Range<UInt64>? = nil,
        _ detail: String
    ) {
        findings.append(
            Finding(severity: severity, file: file, bytes: bytes, logID: log, ordinals: ordinals, detail: detail))
    }

    /// Process id of whoever holds the lock; nil when nobody does. The lock is let go at once.
    private static func writer(in root: DirectoryHandle, _ io: any StorageIO) throws(LogError) -> String? {
        let file: FileHandle
        do { file = try io.openFile(FileNames.lock, in: root, writable: false) } catch {
            if error.isMissing { return nil }
            throw .io(error)
        }
        defer { io.close(file) }
        if try systemCall({ () throws(IOError) in try io.lock(file) }) { return nil }
        let text = AlignedMemory(byteCount: 32)
        let count = try systemCall { () throws(IOError) in try io.read(file, at: 0, into: text.memory) }
        let digits = text.withMemory { $0.slice(0, count).bytes.prefix { $0 >= 48 && $0 <= 57 } }
        return String(decoding: digits, as: UTF8.self)
    }

    // MARK: The store's own files

    private mutating func verifyRoot(_ root: DirectoryHandle, _ io: any StorageIO) throws(LogError) {
        let names = try systemCall { () throws(IOError) in try io.list(root) }.sorted()
        guard names.contains(StoreFile.name) else { throw .notAStore(detail: "there is no file `store`") }
        let store = try verifyStoreFile(root, io)
        self.store = store
        let known = [
            FileNames.lock, FileNames.journal, FileNames.journal + FileNames.damagedSuffix, FileNames.reserve, FileNames.pool,
            FileNames.logs, StoreFile.name,
        ]
        for name in names where name == FileNames.journal + FileNames.damagedSuffix { add(.warning, name, "an opening set this file aside") }
        for name in names where !known.contains(name) { add(.warning, name, "no file or directory of a store has this name") }
        let journal = try JournalContents(in: root, store, io)
        if let journal, journal.file == nil { add(.warning, FileNames.journal, "neither header page validates for this store") }
        if names.contains(FileNames.pool) {
            let pool = try systemCall { () throws(IOError) in try io.openDirectory(FileNames.pool, in: root, create: false) }
            defer { io.close(pool) }
            for name in try systemCall({ () throws(IOError) in try io.list(pool) }).sorted() where FileNames.spare(name) == nil {
                add(.warning, "\(FileNames.pool)/\(name)", "no prepared segment has this name")
            }
        }
        guard names.contains(FileNames.logs) else { return add(.note, FileNames.logs, "there is no log yet") }
        let logs = try systemCall { () throws(IOError) in try io.openDirectory(FileNames.logs, in: root, create: false) }
        defer { io.close(logs) }
        for name in try systemCall({ () throws(IOError) in try io.list(logs) }).sorted() {
            let path = "\(FileNames.logs)/\(name)"
            guard let id = FileNames.logID(name) else {
                add(.warning, path, "no log has this name")
                continue
            }
            let handle = try systemCall { () throws(IOError) in try io.openDirectory(name, in: logs, create: false) }
            logCount += 1
            try verifyLog(
                LogDirectory(io: io, handle: handle, logID: id, storeLow: store.storeLow, storeHigh: store.storeHigh), path, after: journal)
        }
    }

    private mutating func verifyStoreFile(_ root: DirectoryHandle, _ io: any StorageIO) throws(LogError) -> StoreFile {
        let file = try systemCall { () throws(IOError) in
            try io.openFile(StoreFile.name, in: root, writable: false)
        }
        defer { io.close(file) }
        let bytes = AlignedMemory(byteCount: StoreFile.byteCount)
        let count = try systemCall { () throws(IOError) in try io.read(file, at: 0, into: bytes.memory) }
        let content = bytes.memory.slice(0, count)
        guard let store = try StoreFile.decode(content) else {
            throw .notAStore(detail: "the file `store` holds no valid identity")
        }
        if StoreFile.generationStep(content) > 1 {
            let good = StoreFile.slotByteOffset(ofSequence: store.sequence)
            let bad = Format.pageByteCount - good
            add(.warning, StoreFile.name, bytes: bad..<bad + Format.pageByteCount, "this slot does not validate; the other one does")
        }
        return store
    }

    // MARK: Logs

    private mutating func verifyLog(
        _ directory: LogDirectory, _ path: String, after journal: JournalContents?
    ) throws(LogError) {
        let names = try directory.list().sorted()
        let superseded = Set(SegmentName.resolve(names).superseded)
        var segments: [FoundSegment] = []
        for name in names {
            guard let segment = FileNames.segmentName(name) else {
                let isSetAside = name.hasSuffix(FileNames.damagedSuffix)
                let detail = isSetAside ? "recovery set this file aside" : "no segment has this name"
                add(.warning, "\(path)/\(name)", log: directory.logID, detail)
                continue
            }
            if superseded.contains(segment) {
                add(.note, "\(path)/\(name)", log: directory.logID, "another file holds its records: the next opening removes it")
                continue
            }
            segmentCount += 1
            do throws(LogError) {
                segments.append(try FoundSegment.read(segment, in: directory, after: journal))
            } catch {
                guard case .io(let cause) = error else { throw error }
                segments.append(FoundSegment(name: segment, content: .unread))
                add(.damage, "\(path)/\(name)", log: directory.logID, "cannot be read: \(cause.operation) answered \(cause.errorNumber) \(cause.detail)")
            }
        }
        let durable = segments.compactMap { $0.inspection?.durableOrdinal }.max() ?? 0
        let tail = LogTail(segments, durable: durable)
        let horizon = segments.prefix(tail.segmentCount).compactMap { $0.inspection?.horizon }.max() ?? 0
        for (number, segment) in segments.enumerated() {
            let file = "\(path)/\(segment.name.text)"
            if number + 1 < segments.count, segments[number + 1].baseOrdinal <= horizon {
                add(.note, file, log: directory.logID, "retention has taken this: the next opening removes it")
                continue
            }
            if number >= tail.segmentCount {
                noteCut(segment, file, directory.logID)
                continue
            }
            guard let inspection = segment.inspection else {
                noteNameless(segment, file, directory.logID)
                continue
            }
            judge(inspection, file, durable: durable, isLast: number == tail.segmentCount - 1)
            // In front of the horizon files may be missing.
            if number > 0, segment.baseOrdinal > horizon, let previous = segments[number - 1].inspection {
                judgeLink(inspection, after: previous, path)
            }
        }
        if tail.segmentCount > 0, let last = segments[tail.segmentCount - 1].inspection {
            if activeWriter == nil, let store, Ordinal.generation(last.endOrdinal) > store.generation {
                add(
                    .warning, StoreFile.name, log: directory.logID,
                    "an older store file stands in the place of the store's own: it names generation \(store.generation), the log ends in \(Ordinal.generation(last.endOrdinal)); the next opening goes on behind the log's end")
            }
            judgeEnd(last, "\(path)/\(last.file)", durable: durable)
        }
    }

    /// A segment behind the place where the log ends: whatever it holds was never known durable.
    private mutating func noteCut(_ segment: FoundSegment, _ file: String, _ log: UInt64) {
        switch segment.content {
        case .readable: add(.note, file, log: log, "the log's torn tail: it ends before this segment, now or after the next opening")
        case .nameless(isEmpty: true, _):
            add(.note, file, log: log, "a segment that was begun when the power failed, and nothing of it was durable: the next opening removes it")
        case .nameless(isEmpty: false, let detail):
            add(.warning, file, bytes: 0..<Format.blocksByteOffset, log: log, "\(detail), and nothing of it is known to have been durable: the next opening sets it aside")
        case .cutOff, .unread: noteNameless(segment, file, log)
        }
    }

    /// A segment that does not say who it is, and holds records that were durable, or was cut off.
    private mutating func noteNameless(_ segment: FoundSegment, _ file: String, _ log: UInt64) {
        switch segment.content {
        case .nameless(_, let detail): add(.damage, file, bytes: 0..<0, log: log, detail)
        case .cutOff(let byteCount, let detail): add(.damage, file, bytes: byteCount..<byteCount, log: log, detail)
        case .readable, .unread: break
        }
    }

    /// One segment by itself.
    private mutating func judge(_ segment: SegmentInspection, _ file: String, durable: UInt64, isLast: Bool) {
        let log = segment.header.identity.logID
        blockCount += segment.blocks.count
        recordCount += segment.recordCount
        rawByteCount += segment.rawByteCount
        storedByteCount += segment.storedByteCount
        if segment.isHeaderDamaged {
            add(.warning, file, bytes: 0..<Format.pageByteCount, log: log, "the header page does not validate; a note stands in for it")
        } else if segment.header.fileByteCount != segment.fileByteCount {
            add(
                .damage, file, bytes: segment.fileByteCount..<segment.header.fileByteCount, log: log,
                "the file was cut short: it has \(segment.fileByteCount) of \(segment.header.fileByteCount) bytes")
        }
        for (slot, note) in segment.notes.enumerated() where note.isDamaged {
            let byteOffset = Format.notesByteOffset + slot * Format.pageByteCount
            add(.warning, file, bytes: byteOffset..<byteOffset + Format.pageByteCount, log: log, "this note does not validate")
        }
        // Blocks of a batch that was not whole stand behind the end that recovery put to the log: no record is there.
        let end = segment.indexedEndOrdinal ?? segment.footer.content?.endOrdinal ?? .max
        for damage in segment.damage {
            let isKnown = damage.ordinals.lowerBound < min(durable, end)
            add(
                isKnown ? .damage : .note, file, bytes: damage.bytes, log: log, ordinals: damage.ordinals,
                isKnown ? "no block validates here" : "the log's torn tail: it ends before this, now or after the next opening")
        }
        for hole in segment.holes {
            add(.damage, file, bytes: hole.bytes, log: log, ordinals: hole.ordinals, "recovery found that records are missing here")
        }
        var next = segment.header.identity.baseOrdinal
        for block in segment.blocks {
            let bytes = block.byteOffset..<block.byteOffset + block.header.blockByteCount
            if let fault = block.fault { add(.damage, file, bytes: bytes, log: log, ordinals: block.ordinals, fault) }
            let first = block.header.firstOrdinal
            let isStep = Ordinal.generation(first) > Ordinal.generation(next) && Ordinal.counter(first) == 0
            if first != next, !isStep, !segment.damage.contains(where: { $0.bytes.upperBound == block.byteOffset }) {
                add(.damage, file, bytes: bytes, log: log, ordinals: next..<max(next, first), "the block's ordinals do not go on from the block before")
            }
            next = block.ordinals.upperBound
        }
        let footerAt = segment.fileByteCount - Format.pageByteCount
        let lastPage = footerAt..<segment.fileByteCount
        if let fault = segment.footerFault {
            // One of the two is not right; the footer names the index.
            let from = min(segment.footer.content?.indexByteOffset ?? footerAt, footerAt)
            add(.warning, file, bytes: from..<segment.fileByteCount, log: log, "\(fault); the blocks decide")
        } else if segment.footer.isDamaged, segment.blocksEndByteOffset <= footerAt, segment.fileByteCount == segment.header.fileByteCount {
            add(.warning, file, bytes: lastPage, log: log, "the footer does not validate; the blocks are walked in its place")
        } else if segment.footer.content == nil, !isLast {
            add(.note, file, bytes: lastPage, log: log, "there is no footer; the blocks are walked in its place")
        }
    }

    /// A segment against the one before it.
    private mutating func judgeLink(_ segment: SegmentInspection, after previous: SegmentInspection, _ path: String) {
        let file = "\(path)/\(segment.file)", log = segment.header.identity.logID
        if segment.header.segmentNumber != previous.header.segmentNumber &+ 1 &+ previous.header.mergedCount {
            add(
                .damage, file, log: log, ordinals: previous.endOrdinal..<max(previous.endOrdinal, segment.header.identity.baseOrdinal),
                "this is segment \(segment.header.segmentNumber), the one before is \(previous.header.segmentNumber)")
            return
        }
        // A note knows nothing of the segment before: that one's footer does.
        let footer = previous.footer.content, footerEnd = footer?.endOrdinal
        let end = segment.isHeaderDamaged ? footerEnd ?? previous.endOrdinal : segment.header.previousEndOrdinal
        // It may end where a generation begins, behind its last block, and no record is missing: by what it took in of an empty segment,
        // opened again and never written, or because all that was written was of a batch that recovery cut.
        let isStep = Ordinal.counter(end) == 0 && footerEnd == end
            && (footer?.lastBlockChecksum == previous.lastBlockChecksum || previous.indexedEndOrdinal.map { $0 <= previous.endOrdinal } == true)
        if end > previous.endOrdinal, !isStep {
            add(
                .damage, "\(path)/\(previous.file)", bytes: previous.rest, log: log,
                ordinals: previous.endOrdinal..<end, "the \(segment.isHeaderDamaged ? "footer" : "next segment") says that more records stand here")
        } else if segment.isHeaderDamaged {
            return
        } else if let footerEnd, footerEnd != end {
            add(.damage, file, bytes: 80..<88, log: log, "the back-link names ordinal \(end), the segment before ends at \(footerEnd)")
        } else if previous.damage.isEmpty, end == previous.endOrdinal,
            segment.header.previousBlockChecksum != previous.lastBlockChecksum,
            // Of one that was written anew the blocks are others.
            FileNames.segmentName(previous.file)?.round == 0
        {
            add(.damage, file, bytes: 88..<92, log: log, "the back-link names another block than the segment before ends with")
        }
    }

    /// The newest segment's end against what was durable, and how the log was left.
    private mutating func judgeEnd(_ last: SegmentInspection, _ file: String, durable: UInt64) {
        let log = last.header.identity.logID
        let reached = max(last.endOrdinal, Ordinal.first(ofGeneration: min(Ordinal.generation(durable), Ordinal.greatestGeneration)))
        // The place that a note names tells of blocks, too, that stood at the end of an earlier generation.
        let isShort = last.holes.isEmpty && last.blocksEndByteOffset < last.durableByteOffset
        if reached < durable || isShort {
            add(
                activeWriter == nil ? .damage : .note, file, bytes: last.rest, log: log,
                ordinals: last.endOrdinal..<max(last.endOrdinal, durable),
                "records that were durable are missing at the end")
        }
        guard activeWriter == nil, last.footer.content == nil else { return }
        let note = last.newestNote
        if note?.isCleanClose != true || note?.writtenByteOffset != last.blocksEndByteOffset {
            add(.note, file, log: log, "the log was not closed cleanly: the next opening recovers it")
        }
    }
}
