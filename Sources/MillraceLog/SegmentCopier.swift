import MillraceIO

/// Puts the segments of one log into a backup, one at a time. Used by one thread.
///
/// A segment that nobody will ever write again gets a second name, where the file system can; any other one is copied.
/// Nothing stays open.
struct SegmentCopier {
    let source: LogDirectory
    let target: DirectoryHandle
    /// Path of the log from the store's directory on, for what is found.
    let path: String
    /// False once the file system has refused to give a file of this store another name there.
    var isLinking: Bool
    var contents: BackupContents

    private var io: any StorageIO { source.io }

    // MARK: As it is

    /// A segment that nobody writes. With `isFinal` nobody ever will, neither the store nor who opens the backup.
    /// - Returns: false when the file is not there.
    mutating func add(_ name: SegmentName, isFinal: Bool) throws(LogError) -> Bool {
        do throws(LogError) {
            if isFinal, isLinking, try link(name.text) { return true }
            try copy(name.baseOrdinal, name.text)
            return true
        } catch {
            if case .io(let cause) = error, cause.isMissing { return false }
            throw error
        }
    }

    /// False when the file system gives the file no other name there.
    private mutating func link(_ name: String) throws(LogError) -> Bool {
        do throws(IOError) {
            try source.withHandle { handle throws(IOError) in try io.link(name, in: handle, as: name, in: target) }
        } catch {
            guard error.refusesLink else { throw .io(error) }
            isLinking = !error.refusesEveryLink
            return false
        }
        let byteCount = try systemCall { () throws(IOError) in
            let file = try io.openFile(name, in: target, writable: false)
            defer { io.close(file) }
            // Its index and footer may wait for a sync of the store yet.
            try io.sync(file)
            return try io.byteCount(of: file)
        }
        contents.addLinked(byteCount: byteCount)
        return true
    }

    /// The bytes that mean something: up to the last block, the index and the footer. The rest of the file is
    /// allocated, and zeros.
    private mutating func copy(_ baseOrdinal: UInt64, _ name: String) throws(LogError) {
        let open: OpenSegment
        do throws(LogError) { open = try OpenSegment(in: source, name: name, writable: false) } catch {
            guard case .corrupt(_, let byteOffset, let detail) = error else { throw error }
            contents.addFault("\(path)/\(name)", bytes: byteOffset..<byteOffset, log: source.logID, ordinals: nil, detail)
            return try copyShort(name)
        }
        let whole = 0..<open.memory.byteCount
        var ranges = [whole]
        if let head = try SegmentHead.read(open, in: source, baseOrdinal: baseOrdinal) {
            if let (footer, _) = try SegmentContent.readFooter(open, identity: head.header.identity) {
                let indexEnd = footer.indexByteOffset + footer.blockCount * Format.indexEntryByteCount
                ranges = [0..<max(indexEnd, Format.blocksByteOffset), whole.upperBound - Format.pageByteCount..<whole.upperBound]
            } else {
                _ = try open.resident(0, whole.count)
                var walk = BlockWalk(open.memory, identity: head.header.identity, headerChecksum: head.headerChecksum)
                walk.runThroughDamage()
                ranges = [0..<min(Format.alignPage(walk.byteOffset), whole.upperBound)]
            }
        } else {
            contents.addFault(
                "\(path)/\(name)", bytes: 0..<Format.blocksByteOffset, log: source.logID, ordinals: nil,
                "neither the segment header nor a note is valid")
        }
        try write(name, byteCount: whole.count) { target throws(IOError) in
            for range in ranges { try io.copy(open.file, range, to: target) }
        }
        withExtendedLifetime(open) {}
        contents.addCopied(byteCount: ranges.reduce(0) { $0 + $1.count })
    }

    /// A file that is too short for a segment.
    private mutating func copyShort(_ name: String) throws(LogError) {
        let byteCount = try systemCall { () throws(IOError) in
            let file = try source.withHandle { handle throws(IOError) in
                try io.openFile(name, in: handle, writable: false)
            }
            defer { io.close(file) }
            let byteCount = try io.byteCount(of: file)
            let made = try io.createFile(name, in: target)
            defer { io.close(made) }
            if byteCount > 0 { try io.copy(file, 0..<byteCount, to: made) }
            try io.sync(made)
            return byteCount
        }
        contents.addCopied(byteCount: byteCount)
    }

    private func write(_ name: String, byteCount: Int, _ body: (FileHandle) throws(IOError) -> Void) throws(LogError) {
        try systemCall { () throws(IOError) in
            let file = try io.createFile(name, in: target)
            defer { io.close(file) }
            // The backup's own recovery writes an index and a footer into it, and must not want for space then.
            try io.allocate(file, byteCount: byteCount)
            try body(file)
            try io.sync(file)
        }
    }

    // MARK: Up to D

    /// The segment of an open log in which its durable records end: its blocks up to D, under notes that say so. What
    /// the backup's recovery makes of that is the log up to D, whatever is being written behind.
    /// - Throws: `removed`, with nothing done, when the log was removed meanwhile; `io`, `corrupt`.
    /// - Returns: the greatest ordinal below which the segment's durable bytes say that everything was durable.
    mutating func copyNewest(_ segment: Segment, durable: UInt64) throws(LogError) -> UInt64 {
        let wasOpen = segment.isOpen
        let (open, content) = try segment.use()
        defer {
            withExtendedLifetime(open) {}
            if !wasOpen { segment.closeFile() }
        }
        // Where an earlier recovery cut the log is a decision, and stays one.
        if content.endOrdinal != .max, let (footer, _) = try SegmentContent.readFooter(open, identity: content.identity),
            footer.isSealedByRecovery
        {
            try copy(segment.baseOrdinal, segment.name)
            return footer.endOrdinal
        }
        var blocks = DurableBlocks(open, content, durable: durable)
        let front = AlignedMemory(byteCount: Format.blocksByteOffset)
        defer { withExtendedLifetime(front) {} }
        let byteCount = open.memory.byteCount
        try write(segment.name, byteCount: byteCount) { target throws(IOError) in
            let count = try io.read(open.file, at: 0, into: front.memory)
            guard count == front.memory.byteCount else {
                throw IOError(.read, name: segment.name, errorNumber: 0, detail: "the file ends at byte \(count)")
            }
            try blocks.copy(to: target)
            blocks.putNotes(into: front.memory)
            try io.write(target, at: 0, [front.memory])
        }
        for fault in blocks.faults {
            contents.addFault(
                "\(path)/\(segment.name)", bytes: fault.bytes, log: source.logID, ordinals: fault.ordinals, "no block validates here")
        }
        contents.addCopied(byteCount: blocks.endByteOffset)
        return blocks.statedOrdinal
    }
}
