import MillraceIO

/// Brings a log to its last good record: the one tail rule (FORMAT section 10).
///
/// Idempotent: everything it reads is synced before anything is decided, decisions depend on those bytes alone, and what it writes
/// (a footer at the cut, then the removal of what lies behind) does not change what a second run decides.
struct Recovery: ~Copyable {
    private let directory: LogDirectory
    private let boot: (UInt64, UInt64)
    private var report: RecoveryReport
    /// D: everything below it was durable once.
    private var durableOrdinal: UInt64 = 0
    /// D, or what an operating system that never stopped is known to have kept: below it bad bytes are damage.
    private var safeOrdinal: UInt64 = 0
    /// Whether any note says that retention has taken something.
    private var isTrimmed = false

    struct Result {
        var segments: [Segment] = []
        var start: SegmentWriter.Start
        var lastArrival: UInt64 = 0
        /// What retention had taken.
        var horizon: UInt64 = 0
        var report: RecoveryReport
    }

    private struct Candidate {
        let name: SegmentName
        var baseOrdinal: UInt64 { name.baseOrdinal }
        let open: OpenSegment
        let head: SegmentHead
        let footer: SegmentFooter?
        /// The blocks that validate, damage skipped, and where the last of them ends.
        let blocks: SparseIndex
        let blocksEnd: Int
    }

    private init(directory: LogDirectory, boot: (UInt64, UInt64)) {
        self.directory = directory
        self.boot = boot
        report = RecoveryReport(logID: directory.logID)
    }

    static func run(
        _ directory: LogDirectory, boot: (UInt64, UInt64), firstSegmentByteCount: Int, isReadOnly: Bool = false
    ) throws(LogError) -> Result {
        var recovery = Recovery(directory: directory, boot: boot)
        return try recovery.run(firstSegmentByteCount: firstSegmentByteCount, isReadOnly: isReadOnly)
    }

    private mutating func run(firstSegmentByteCount: Int, isReadOnly: Bool) throws(LogError) -> Result {
        // Held to the end, so that it is opened once.
        let open = try systemCall { () throws(IOError) in try directory.open() }
        defer { withExtendedLifetime(open) {} }
        let files = try directory.list()
        var (names, superseded) = SegmentName.resolve(files)
        for name in files.sorted() where name.hasSuffix(FileNames.damagedSuffix) {
            if try isTooShort(name) { report.cutOff.append(name) }
        }
        // What they hold another file holds, which was durable before any of them could go.
        if !isReadOnly { for name in superseded { try systemCall { () throws(IOError) in try directory.unlink(name.text) } } }
        let (tail, unreadable) = try readTail(&names, isReadOnly: isReadOnly)
        var result = Result(start: .init(nextByteCount: firstSegmentByteCount), report: report)
        guard !tail.isEmpty else {
            try remove(unreadable, isReadOnly: isReadOnly)
            result.report = report
            return result
        }
        if !isReadOnly, !seeded(.takeoverUnsynced) {
            // What was read may be in memory only, left there by a process that died: first it must stay.
            for candidate in tail {
                if !seeded(.failedSyncInherited) { try rewrite(candidate) }
                try systemCall { () throws(IOError) in try directory.io.sync(candidate.open.file) }
            }
            try systemCall { () throws(IOError) in try directory.sync() }
        }
        try walk(tail, older: names, unreadable: unreadable, isReadOnly: isReadOnly, into: &result)
        result.report = report
        return result
    }

    /// Opens segments from the newest back to the first that has a note and is known durable in full, and takes D from them.
    /// Returns them oldest first; what has neither header nor note is set apart; `names` keeps the older ones.
    private mutating func readTail(
        _ names: inout [SegmentName], isReadOnly: Bool
    ) throws(LogError) -> (tail: [Candidate], unreadable: [SegmentName]) {
        var tail: [Candidate] = []
        var unreadable: [SegmentName] = []
        while let name = names.popLast() {
            report.segmentsWalked += 1
            guard let open = try openTail(name, writable: !isReadOnly),
                let head = try SegmentHead.read(open, in: directory, baseOrdinal: name.baseOrdinal)
            else {
                unreadable.append(name)
                continue
            }
            _ = try open.resident(0, open.memory.byteCount)
            let footer = try SegmentContent.readFooter(open, identity: head.header.identity)?.0
            var scan = BlockWalk(open.memory, identity: head.header.identity, headerChecksum: head.headerChecksum)
            scan.runThroughDamage()
            durableOrdinal = max(durableOrdinal, scan.durableOrdinal, head.note?.durableOrdinal ?? 0)
            if let note = head.note, note.horizon > 0 { isTrimmed = true }
            if let footer, footer.isSealedByRecovery { durableOrdinal = max(durableOrdinal, footer.endOrdinal) }
            safeOrdinal = max(safeOrdinal, durableOrdinal)
            if let note = head.note, isOfThisBoot(note) { safeOrdinal = max(safeOrdinal, note.writtenOrdinal) }
            tail.append(
                Candidate(
                    name: name, open: open, head: head, footer: footer, blocks: scan.index, blocksEnd: scan.byteOffset))
            // Not by what was merely written: that is in the tail too, to be synced before anyone relies on it.
            // Nor without a note: what retention has taken the one before it knows.
            if durableOrdinal >= name.baseOrdinal, head.note != nil { break }
        }
        tail.reverse()
        return (tail, unreadable)
    }

    /// Writes once more, unchanged, what is not known durable. A sync that failed under an earlier process leaves pages that
    /// read well, count as clean and are not on the device: only writing them again makes the next sync mean anything.
    private func rewrite(_ candidate: Candidate) throws(LogError) {
        let memory = candidate.open.memory
        // The notes as well where older segments go on their word: without it the next recovery would miss those, and give up this one.
        if durableOrdinal <= candidate.baseOrdinal || isTrimmed { try rewrite(candidate.open, 0..<Format.blocksByteOffset) }
        if let first = candidate.blocks.first(endingAfter: durableOrdinal) {
            let start = candidate.blocks[first].byteOffset
            let end = min(Format.alignPage(candidate.blocksEnd), memory.byteCount)
            try rewrite(candidate.open, start - start % Format.pageByteCount..<end)
        }
        // Where a recovery cut the log is a decision: it has to stay.
        if let footer = candidate.footer, footer.isSealedByRecovery {
            let indexEnd = footer.indexByteOffset + footer.blockCount * Format.indexEntryByteCount
            try rewrite(candidate.open, footer.indexByteOffset..<indexEnd)
            try rewrite(candidate.open, memory.byteCount - Format.pageByteCount..<memory.byteCount)
        }
    }

    private func rewrite(_ open: OpenSegment, _ bytes: Range<Int>) throws(LogError) {
        // Through a buffer: the source is a mapping of the file itself.
        let buffer = AlignedMemory(byteCount: min(bytes.count, 1 << 20))
        var at = bytes.lowerBound
        while at < bytes.upperBound {
            let piece = buffer.memory.slice(0, min(buffer.memory.byteCount, bytes.upperBound - at))
            piece.copy(open.memory.slice(at, piece.byteCount), at: 0)
            try systemCall { () throws(IOError) in try directory.io.write(open.file, at: at, [piece]) }
            at += piece.byteCount
        }
    }

    /// Removes what retention had taken and a crash left behind, in whatever combination.
    private func removeTrimmed(
        _ names: inout [SegmentName], below horizon: UInt64, before next: UInt64, isReadOnly: Bool
    ) throws(LogError) {
        let bases = names.map(\.baseOrdinal)
        let count = (bases.dropFirst() + [next]).prefix { $0 <= horizon }.count
        if !isReadOnly {
            for name in names.prefix(count) { try systemCall { () throws(IOError) in try directory.unlink(name.text) } }
        }
        names.removeFirst(min(count, names.count))
    }

    /// nil when the file is too short to be a segment.
    private func openTail(_ name: SegmentName, writable: Bool) throws(LogError) -> OpenSegment? {
        do throws(LogError) {
            return try OpenSegment(in: directory, name: name.text, writable: writable)
        } catch {
            if case .corrupt = error { return nil }
            throw error
        }
    }

    private mutating func walk(
        _ tail: [Candidate], older: [SegmentName], unreadable: [SegmentName], isReadOnly: Bool, into result: inout Result
    ) throws(LogError) {
        var kept: [(candidate: Candidate, walk: BlockWalk)] = []
        var cutAt: Int?
        var unfinished: UInt64?
        for (position, candidate) in tail.enumerated() {
            if position == 0, older.isEmpty, !startsLog(candidate) {
                // Its predecessor's name did not survive: what follows a hole was never acknowledged.
                cutAt = 0
                break
            }
            if let last = kept.last, !continues(candidate, after: last.candidate, last.walk) {
                cutAt = position
                break
            }
            var walk = BlockWalk(
                candidate.open.memory, identity: candidate.head.header.identity,
                headerChecksum: candidate.head.headerChecksum, unfinishedBatchOrdinal: unfinished)
            walk.run()
            // Below D a block that does not validate is damage: it costs itself alone.
            while walk.nextOrdinal < safeOrdinal, !seeded(.cutMidLog), let next = walk.findNext(),
                next.header.firstOrdinal <= safeOrdinal
            {
                walk.skip(to: next)
                walk.run()
            }
            let isLast = position == tail.count - 1
            let nextBase = isLast ? UInt64.max : tail[position + 1].baseOrdinal
            // What D says was there and is not. Where D lies in a later generation, only that one's records count, unless a note
            // says that blocks stand behind: then the last ones of an earlier generation are missing, nobody knows how many.
            var end: UInt64 = 0
            if safeOrdinal >= nextBase {
                end = tail[position + 1].head.header.previousEndOrdinal
            } else if max(walk.nextOrdinal, Ordinal.first(ofGeneration: Ordinal.generation(safeOrdinal))) < safeOrdinal
                || lacksBlocks(candidate, walk)
            {
                end = safeOrdinal
            }
            if end > walk.nextOrdinal { walk.noteMissing(upTo: end) }
            unfinished = walk.unfinishedBatchOrdinal
            kept.append((candidate, walk))
        }
        // An unfinished batch takes everything from its first record on with it, whole segments included.
        while let start = unfinished, let last = kept.last, last.candidate.baseOrdinal >= start, kept.count > 1 {
            kept.removeLast()
            cutAt = kept.count
        }
        // What a segment behind the cut says of the horizon goes with it: the next opening would not find it.
        result.horizon = kept.reduce(0) { max($0, $1.candidate.head.note?.horizon ?? 0) }
        var older = older
        try removeTrimmed(&older, below: result.horizon, before: tail[0].baseOrdinal, isReadOnly: isReadOnly)
        try finish(kept, cutAt: cutAt, unfinished: unfinished, tail: tail, older: older, unreadable: unreadable,
            isReadOnly: isReadOnly, into: &result)
    }

    private func isOfThisBoot(_ note: DurableNote) -> Bool {
        note.bootLow | note.bootHigh != 0 && note.bootLow == boot.0 && note.bootHigh == boot.1
    }

    /// A note names a place that the segment's blocks do not reach, though they were there up to it.
    private func lacksBlocks(_ candidate: Candidate, _ walk: BlockWalk) -> Bool {
        let written = candidate.head.note.map { isOfThisBoot($0) ? $0.writtenByteOffset : 0 } ?? 0
        return max(candidate.head.durableByteOffset, written) > walk.byteOffset
    }

    /// The oldest segment there is: the log's very first, or all before it was durable once and has been trimmed since.
    private func startsLog(_ candidate: Candidate) -> Bool {
        if durableOrdinal >= candidate.baseOrdinal { return true }
        return !candidate.head.isHeaderDamaged && candidate.head.header.previousEndOrdinal == 0
    }

    private func continues(_ next: Candidate, after last: Candidate, _ walk: BlockWalk) -> Bool {
        if safeOrdinal >= next.baseOrdinal { return true }
        // Above D a header that does not validate never was durable, and without it there is no back-link to go by.
        if next.head.isHeaderDamaged { return false }
        let header = next.head.header
        if let footer = last.footer, footer.isSealedByRecovery {
            return header.previousEndOrdinal == footer.endOrdinal
        }
        return header.previousEndOrdinal == walk.nextOrdinal
            && header.previousBlockChecksum == (walk.blockNumber == 0 ? 0 : walk.lastChecksum)
    }

    private mutating func finish(
        _ kept: [(candidate: Candidate, walk: BlockWalk)], cutAt: Int?, unfinished: UInt64?, tail: [Candidate],
        older: [SegmentName], unreadable: [SegmentName], isReadOnly: Bool, into result: inout Result
    ) throws(LogError) {
        result.segments = older.map { Segment($0, in: directory) }
        for (position, (candidate, walk)) in kept.enumerated() {
            for damage in walk.damage {
                report.damage.append(
                    .init(file: candidate.open.name, bytes: damage.bytes, ordinals: damage.ordinals))
            }
            if candidate.head.isHeaderDamaged {
                report.damage.append(
                    .init(file: candidate.open.name, bytes: 0..<Format.pageByteCount,
                        ordinals: candidate.baseOrdinal..<candidate.baseOrdinal))
            }
            result.lastArrival = max(
                result.lastArrival, walk.greatestArrival, candidate.head.note?.lastArrivalMilliseconds ?? 0)
            let isLast = position == kept.count - 1
            let footerEnd = candidate.footer.flatMap { $0.isSealedByRecovery ? $0.endOrdinal : nil }
            var end = footerEnd ?? walk.nextOrdinal
            if isLast, footerEnd == nil, let unfinished, !seeded(.batchCut) { end = min(end, unfinished) }
            let content = SegmentContent(
                header: candidate.head.header, headerChecksum: candidate.head.headerChecksum, index: walk.index,
                endOrdinal: end)
            result.segments.append(
                Segment(candidate.name, in: directory, open: candidate.open, content: content))
            guard isLast else { continue }
            report.endOrdinal = end
            let note = candidate.head.note
            // A file that was cut short has no room for what appending would put at its end.
            let isWhole = candidate.head.header.fileByteCount == candidate.open.memory.byteCount
            let isClean = cutAt == nil && unreadable.isEmpty && unfinished == nil && walk.damage.isEmpty
                && candidate.footer == nil && !candidate.head.isHeaderDamaged && isWhole
                && note?.isCleanClose == true && note?.writtenByteOffset == walk.byteOffset
                && note?.blockCount == walk.blockNumber
                // A later opening went on here and lost power: what is left of it must not be taken for what follows the cut.
                && candidate.blocksEnd == walk.byteOffset
            report.wasClean = isClean || (footerEnd != nil && cutAt == nil && unreadable.isEmpty)
            result.start.nextNumber = candidate.head.header.segmentNumber &+ 1
            // Never as small as one that was begun to be empty.
            result.start.nextByteCount = max(result.start.nextByteCount, Format.alignPage(candidate.open.memory.byteCount))
            result.start.previousEndOrdinal = end
            result.start.previousBlockChecksum = walk.blockNumber == 0 ? 0 : walk.lastChecksum
            if isClean, let note {
                content.reopen()
                result.start.resumed = SegmentWriter.Resumed(
                    open: candidate.open, content: content, byteOffset: walk.byteOffset, blockNumber: walk.blockNumber,
                    lastChecksum: walk.lastChecksum, greatestArrival: walk.greatestArrival,
                    recordCount: walk.recordCount, rawByteCount: walk.rawByteCount, endOrdinal: walk.nextOrdinal,
                    noteSequence: note.sequence)
            } else if footerEnd == nil {
                report.discarded.append(.init(file: candidate.open.name, byteOffset: walk.byteOffset))
                if !isReadOnly, !seeded(.tailUnsealed) { try seal(candidate, content, walk, end: end) }
            }
        }
        if kept.allSatisfy({ $0.walk.recordCount == 0 }) {
            // A segment that was only begun knows no record's arrival: the one before it does.
            result.lastArrival = max(result.lastArrival, try Self.lastArrival(of: result.segments.prefix(older.count)))
        }
        result.start.lastArrival = result.lastArrival
        let behind = (cutAt ?? tail.count)..<tail.count
        for position in behind { report.discarded.append(.init(file: tail[position].open.name, byteOffset: 0)) }
        try remove(unreadable + behind.reversed().map { tail[$0].name }, isReadOnly: isReadOnly)
        if !unreadable.isEmpty || !behind.isEmpty { report.wasClean = false }
    }

    /// The arrival of the newest record in the segments; 0 when none can be read.
    private static func lastArrival(of segments: ArraySlice<Segment>) throws(LogError) -> UInt64 {
        for segment in segments.reversed() {
            do throws(LogError) {
                let (_, content) = try segment.use()
                segment.closeFile()
                // One of holes alone knows no arrival either.
                let count = content.index.count
                if count > 1 || count == 1 && !content.index[0].isHole { return content.index[count - 1].greatestArrival }
            } catch {
                guard case .corrupt = error else { throw error }
            }
        }
        return 0
    }

    /// Index and footer at the cut: the end of this segment for good.
    private func seal(
        _ candidate: Candidate, _ content: SegmentContent, _ walk: BlockWalk, end: UInt64
    ) throws(LogError) {
        // Where the blocks reach so far that index and footer have no room, the cut stays what the blocks say.
        let indexByteCount = Format.alignPage(content.index.count * Format.indexEntryByteCount)
        guard Format.alignPage(walk.byteOffset) + indexByteCount + Format.pageByteCount <= candidate.open.memory.byteCount
        else { return }
        _ = try Sealing.write(
            candidate.open, content: content, blocksEnd: walk.byteOffset, endOrdinal: end,
            greatestArrival: walk.greatestArrival, recordCount: walk.recordCount, rawByteCount: walk.rawByteCount,
            lastChecksum: walk.blockNumber == 0 ? 0 : walk.lastChecksum, isByRecovery: true)
        try systemCall { () throws(IOError) in try directory.io.sync(candidate.open.file) }
    }

    /// Removes what lies behind the cut, newest first. A file that was never started is all zeros; one that holds
    /// something but can be read by nobody is set aside, not destroyed.
    private mutating func remove(_ names: [SegmentName], isReadOnly: Bool) throws(LogError) {
        guard !names.isEmpty, !isReadOnly else { return }
        for segment in names {
            let name = segment.text, base = segment.baseOrdinal
            if try isUnreadable(segment) {
                if try isTooShort(name) { report.cutOff.append(name + FileNames.damagedSuffix) }
                try systemCall { () throws(IOError) in
                    try directory.withHandle { handle throws(IOError) in
                        try directory.io.rename(name, in: handle, to: name + FileNames.damagedSuffix, in: handle)
                    }
                }
                report.damage.append(.init(file: name, bytes: 0..<Format.blocksByteOffset, ordinals: base..<base))
            } else {
                try systemCall { () throws(IOError) in try directory.unlink(name) }
            }
        }
        try systemCall { () throws(IOError) in try directory.sync() }
    }

    private func isTooShort(_ name: String) throws(LogError) -> Bool {
        try systemCall { () throws(IOError) in
            let file = try directory.withHandle { handle throws(IOError) in
                try directory.io.openFile(name, in: handle, writable: false)
            }
            defer { directory.io.close(file) }
            return try directory.io.byteCount(of: file) < Format.blocksByteOffset
        }
    }

    private func isUnreadable(_ name: SegmentName) throws(LogError) -> Bool {
        guard let open = try openTail(name, writable: false) else { return true }
        if try SegmentHead.read(open, in: directory, baseOrdinal: name.baseOrdinal) != nil { return false }
        let head = try open.resident(0, Format.blocksByteOffset)
        let zeros = AlignedMemory(byteCount: Format.blocksByteOffset)
        return !head.isEqual(to: zeros.memory)
    }
}
