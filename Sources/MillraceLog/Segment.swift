import MillraceIO
import Synchronization

/// One segment of a log as readers know it: the active one or a sealed one. Its file is opened on first use.
///
/// A class because the catalogue's snapshots, cursors and the open-file cache share it. All methods from any thread.
package final class Segment: Sendable {
    package let segmentName: SegmentName
    package let name: String
    package var baseOrdinal: UInt64 { segmentName.baseOrdinal }
    package let directory: LogDirectory
    private let state: Guarded<State>

    private struct State {
        var open: OpenSegment?
        var content: SegmentContent?
        /// Of the file; nil until somebody asked or opened it.
        var byteCount: Int?
        var isRetired = false
        /// The file was closed here while somebody else held it open: they may do so still.
        var mayBeHeld = false
        /// Threads that open the file by its name just now.
        var openingCount = 0
    }

    /// A segment found on disk.
    init(_ name: SegmentName, in directory: LogDirectory) {
        segmentName = name
        self.directory = directory
        self.name = name.text
        state = Guarded(State())
    }

    /// A segment being written or just recovered.
    init(_ name: SegmentName, in directory: LogDirectory, open: OpenSegment, content: SegmentContent) {
        segmentName = name
        self.directory = directory
        self.name = name.text
        state = Guarded(State(open: open, content: content))
    }

    /// The open file and what it holds; opens and reads header and footer, or walks the blocks, when nobody has yet.
    /// - Throws: `io`, `corrupt`, `newerFormat`; `removed` when the log is being removed.
    package func use() throws(LogError) -> (OpenSegment, SegmentContent) {
        let found = state.withLock { ($0.open, $0.content) }
        if let open = found.0, let content = found.1 { return (open, content) }
        return try openFile(found.1)
    }

    private func openFile(_ known: SegmentContent?) throws(LogError) -> (OpenSegment, SegmentContent) {
        let isRetired = state.withLock { state in
            state.openingCount += 1
            return state.isRetired
        }
        defer { state.withLock { $0.openingCount -= 1 } }
        if isRetired { throw .removed }
        let open: OpenSegment
        let content: SegmentContent
        do throws(LogError) {
            open = try OpenSegment(in: directory, name: name, writable: false)
            if let known {
                content = known
            } else {
                content = try SegmentContent.read(open, in: directory, baseOrdinal: baseOrdinal)
            }
        } catch {
            // A file that is not found because it was just removed is no error of the disk.
            throw state.withLock { $0.isRetired } ? .removed : error
        }
        // Two threads may have done the same; the first one's stays, so that images are shared.
        let kept: (OpenSegment, SegmentContent)? = state.withLock { state in
            if state.isRetired { return nil }
            let keptOpen = state.open ?? open
            let keptContent = state.content ?? content
            state.open = keptOpen
            state.content = keptContent
            state.byteCount = keptOpen.memory.byteCount
            return (keptOpen, keptContent)
        }
        guard let kept else { throw .removed }
        return kept
    }

    /// Of the file. Opens it when nobody has yet, and closes it again; its content need not be readable.
    /// - Throws: `io`.
    func byteCount() throws(LogError) -> Int {
        if let known = state.withLock({ $0.byteCount ?? $0.open?.memory.byteCount }) { return known }
        let byteCount = try systemCall { () throws(IOError) in
            try directory.withHandle { handle throws(IOError) in
                let file = try directory.io.openFile(name, in: handle, writable: false)
                defer { directory.io.close(file) }
                return try directory.io.byteCount(of: file)
            }
        }
        state.withLock { $0.byteCount = byteCount }
        return byteCount
    }

    /// Lets go of the open file; cursors that use it keep it open until they move on.
    package func closeFile() {
        var last: OpenSegment?
        state.withLock { state in
            last = state.open.take()
            if last != nil, !isKnownUniquelyReferenced(&last) { state.mayBeHeld = true }
        }
    }
    /// The same for good, when the file is about to go. What is known of its blocks, if anything is.
    func retire() -> SegmentContent? {
        state.withLock { state in
            state.isRetired = true
            return state.content
        }
    }

    /// Lets go of the file of a retired segment. True when nobody else can have it open or mapped: no view of it is held, none was
    /// when the file was closed here before, and nobody is opening it.
    func letGo() -> Bool {
        var last: OpenSegment?
        let isInUse = state.withLock { state in
            precondition(state.isRetired, "a segment is retired before its file is let go")
            last = state.open.take()
            return state.openingCount > 0 || state.mayBeHeld
        }
        guard !isInUse else { return false }
        guard last == nil || isKnownUniquelyReferenced(&last) else { return false }
        // What others have read through it, they have read before what is done with the file from here on.
        atomicMemoryFence(ordering: .acquiring)
        return true
    }
    package var isOpen: Bool { state.withLock { $0.open != nil } }
}

/// What a segment holds: who it is, where its blocks are, where it ends.
package final class SegmentContent: Sendable {
    package let header: SegmentHeader
    package let headerChecksum: UInt32
    package let index: SparseIndex
    /// One past the last record of a sealed segment; while it is active, `UInt64.max`.
    private let end: Atomic<UInt64>

    init(header: SegmentHeader, headerChecksum: UInt32, index: SparseIndex, endOrdinal: UInt64) {
        self.header = header
        self.headerChecksum = headerChecksum
        self.index = index
        end = Atomic(endOrdinal)
    }

    package var identity: SegmentIdentity { header.identity }
    package var endOrdinal: UInt64 { end.load(ordering: .acquiring) }
    func seal(endOrdinal: UInt64) { end.store(endOrdinal, ordering: .releasing) }
    /// Appending goes on in this segment, which nobody has seen yet.
    func reopen() { end.store(.max, ordering: .releasing) }

    /// Reads header, and footer with index or else every block, of a sealed segment.
    static func read(
        _ open: OpenSegment, in directory: LogDirectory, baseOrdinal: UInt64
    ) throws(LogError) -> SegmentContent {
        guard let head = try SegmentHead.read(open, in: directory, baseOrdinal: baseOrdinal) else {
            throw .corrupt(file: open.name, byteOffset: 0, detail: "neither the segment header nor a note is valid")
        }
        let (header, checksum) = (head.header, head.headerChecksum)
        if let (footer, index) = try readFooter(open, identity: header.identity) {
            return SegmentContent(
                header: header, headerChecksum: checksum, index: index, endOrdinal: footer.endOrdinal)
        }
        _ = try open.resident(0, open.memory.byteCount)
        var walk = BlockWalk(open.memory, identity: header.identity, headerChecksum: checksum)
        walk.runThroughDamage()
        // The next segment knows where this one ends: what stands behind was cut, what does not reach so far is missing.
        let end = try endByBackLink(of: baseOrdinal, in: directory)
        if let end, end > walk.nextOrdinal { walk.noteMissing(upTo: end) }
        return SegmentContent(
            header: header, headerChecksum: checksum, index: walk.index, endOrdinal: end ?? walk.nextOrdinal)
    }

    /// The end that the next segment's back-link names; nil without a next segment, or when its header is damaged.
    private static func endByBackLink(of baseOrdinal: UInt64, in directory: LogDirectory) throws(LogError) -> UInt64? {
        guard let name = SegmentName.resolve(try directory.list()).current.first(where: { $0.baseOrdinal > baseOrdinal }) else { return nil }
        let next = name.baseOrdinal
        do throws(LogError) {
            let open = try OpenSegment(in: directory, name: name.text, writable: false)
            guard let head = try SegmentHead.read(open, in: directory, baseOrdinal: next), !head.isHeaderDamaged,
                head.header.previousEndOrdinal >= baseOrdinal, head.header.previousEndOrdinal <= next
            else { return nil }
            return head.header.previousEndOrdinal
        } catch .corrupt {
            return nil
        }
    }

    /// Footer and index of a sealed segment; nil when either is missing or damaged.
    package static func readFooter(
        _ open: OpenSegment, identity: SegmentIdentity
    ) throws(LogError) -> (SegmentFooter, SparseIndex)? {
        let footerAt = open.memory.byteCount - Format.pageByteCount
        let page = try open.resident(footerAt, Format.pageByteCount, isAlone: true)
        guard let footer = SegmentFooter.decode(page, at: footerAt, identity: identity) else { return nil }
        let bytes = try open.resident(footer.indexByteOffset, footer.blockCount * Format.indexEntryByteCount, isAlone: true)
        guard let index = footer.readIndex(bytes, identity: identity) else { return nil }
        return (footer, index)
    }
}

/// The segments of a log, oldest first: an immutable snapshot. A new one replaces it whenever a segment comes or goes.
package final class SegmentCatalog: Sendable {
    package let segments: [Segment]
    package init(_ segments: [Segment]) { self.segments = segments }

    /// The last segment whose base is at most `ordinal`.
    package func find(_ ordinal: UInt64) -> Int? {
        var low = 0, high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].baseOrdinal > ordinal { high = middle } else { low = middle + 1 }
        }
        return low == 0 ? nil : low - 1
    }
    /// With the segment behind the others; in place of the last one when that has the same base, and so no record.
    package func adding(_ segment: Segment) -> SegmentCatalog {
        SegmentCatalog((segments.last?.baseOrdinal == segment.baseOrdinal ? segments.dropLast() : segments[...]) + [segment])
    }
    func replacing(_ old: [Segment], with segment: Segment) -> SegmentCatalog {
        guard let first = segments.firstIndex(where: { $0 === old[0] }), first + old.count < segments.count,
            zip(segments[first...], old).allSatisfy({ $0 === $1 })
        else { preconditionFailure("only the one that compacts takes segments out of the middle") }
        return SegmentCatalog(Array(segments[..<first]) + [segment] + segments[(first + old.count)...])
    }
    package func removingFirst(_ count: Int) -> SegmentCatalog { SegmentCatalog(Array(segments.dropFirst(count))) }
}
