import MillraceIO
import Synchronization

/// Finds the image that holds an ordinal: an open or cached buffer, a cached block, or a block on disk.
///
/// Readers take no lock that the writer takes: the catalogue's lock is held for one reference copy, and by the
/// flusher when a segment starts.
final class LogReader: Sendable {
    enum Place: Sendable {
        case image(Image)
        /// Nothing there, and nothing missing: the next records are at this ordinal (a generation step).
        case step(UInt64)
        case gap(Gap)
        /// The records were just moving from memory to disk.
        case retry
    }

    private let logID: UInt64
    private let shared: StoreShared
    private let watermarks: Watermarks
    private let buffers: BufferList
    private let catalog: Guarded<SegmentCatalog>
    /// Where this opening's ordinals start: below it everything is on disk.
    private let firstOrdinal: UInt64
    /// Below it nothing is looked for in buffers: it is on disk, or was removed by key compaction, and buffers would still show it.
    private let diskBelow: Atomic<UInt64>

    init(
        logID: UInt64, shared: StoreShared, watermarks: Watermarks, buffers: BufferList, catalog: SegmentCatalog,
        firstOrdinal: UInt64
    ) {
        self.logID = logID
        self.shared = shared
        self.watermarks = watermarks
        self.buffers = buffers
        self.catalog = Guarded(catalog)
        self.firstOrdinal = firstOrdinal
        diskBelow = Atomic(firstOrdinal)
    }

    var snapshot: SegmentCatalog { catalog.withLock { $0 } }
    func add(_ segment: Segment) {
        let replaced = catalog.withLock { catalog in
            defer { catalog = catalog.adding(segment) }
            return catalog.segments.last.flatMap { $0.baseOrdinal == segment.baseOrdinal ? $0 : nil }
        }
        if let replaced {
            _ = (replaced.retire(), replaced.letGo())
            shared.openSegments.forget([replaced])
        }
    }

    /// Takes the oldest segments out of the catalogue: nobody finds them any more. One caller at a time.
    func removeFirst(_ count: Int) -> [Segment] {
        let removed = catalog.withLock { catalog in
            defer { catalog = catalog.removingFirst(count) }
            return Array(catalog.segments.prefix(count))
        }
        for segment in removed { dropImages(segment.retire()?.index) }
        shared.openSegments.forget(removed)
        return removed
    }

    /// Puts the segment in the place of these, which are neighbours in the catalogue. One caller at a time, as `removeFirst`.
    func replace(_ segments: [Segment], with segment: Segment) {
        catalog.withLock { $0 = $0.replacing(segments, with: segment) }
        for old in segments { dropImages(old.retire()?.index) }
        shared.openSegments.forget(segments)
        shared.openSegments.used(segment)
    }

    /// What is below `ordinal` and was in memory is read from disk from now on. One caller at a time.
    func leaveMemory(below ordinal: UInt64) {
        guard ordinal > diskBelow.load(ordering: .relaxed) else { return }
        diskBelow.store(ordinal, ordering: .releasing)
    }

    /// When the newest record of the oldest segment with records arrived; nil where there is none.
    func oldestArrival() throws(LogError) -> UInt64? {
        try over { segments throws(LogError) in
            for segment in segments {
                if let index = try index(of: segment) { return index[index.count - 1].greatestArrival }
            }
            return nil
        }
    }

    /// How many segments there are, and their files' bytes. O(segments) the first time.
    func space() throws(LogError) -> (segmentCount: Int, byteCount: Int) {
        let segments = snapshot.segments
        var byteCount = 0
        for segment in segments { byteCount += try segment.byteCount() }
        return (segments.count, byteCount)
    }

    /// Base of the oldest segment behind which less than so many bytes would be left. O(segments) the first time.
    func firstOrdinal(keeping byteCount: Int) throws(LogError) -> UInt64 {
        var kept = 0
        for segment in snapshot.segments.reversed() {
            kept += try segment.byteCount()
            if kept >= byteCount { return segment.baseOrdinal }
        }
        return 0
    }

    /// Lets go of every segment and of the cached images that nobody holds. Whoever reads just now may keep some for as long as it reads.
    func retire() {
        let segments = snapshot.segments
        catalog.withLock { $0 = SegmentCatalog([]) }
        for slot in buffers.slots { shared.arena.dropCached(slot) }
        for segment in segments {
            dropImages(segment.retire()?.index)
            _ = segment.letGo()
        }
        shared.openSegments.forget(segments)
    }

    private func dropImages(_ index: SparseIndex?) {
        guard let index else { return }
        for block in 0..<index.count {
            let slot = SlotReference(rawValue: index.imageWord(block).loadOrdered(at: 0))
            if slot.sequence > 0 { shared.arena.dropCached(slot) }
        }
    }

    /// Where `position`, which is below `visible`, is.
    /// - Parameter stretch: goes on where the reader stood in front of it just now, and will go on.
    func locate(_ position: UInt64, visible: UInt64, along stretch: inout ReadStretch) throws(LogError) -> Place {
        let horizon = watermarks.trimmed
        if position < horizon {
            return isGone(position, horizon: horizon) ? .gap(Gap(.trimmed, from: position, to: horizon)) : .step(horizon)
        }
        if position >= diskBelow.load(ordering: .acquiring), let place = try locateInMemory(position) { return place }
        return try locateOnDisk(position, along: &stretch)
    }

    /// Whether there was a record at `position` or behind it, in front of the horizon. Ordinal 0 means the oldest one
    /// left. Where the log begins with its very first segment nothing stood before it, whatever opening the position is from.
    private func isGone(_ position: UInt64, horizon: UInt64) -> Bool {
        if position == 0 { return false }
        let segments = snapshot.segments
        // Without a segment the position says it: the first of an opening is where a reader of an empty log stands.
        guard let first = segments.first else { return Ordinal.counter(position) > 0 }
        guard let (_, content) = try? first.use() else { return true }
        let header = content.header
        // A damaged header does not know where the segment before it ended.
        if header.segmentNumber > 0, header.previousEndOrdinal == 0 || position < header.previousEndOrdinal { return true }
        for segment in segments {
            if segment.baseOrdinal >= horizon { break }
            guard let (_, content) = try? segment.use() else { return true }
            if let block = content.index.first(endingAfter: position) { return content.index[block].firstOrdinal < horizon }
        }
        return false
    }

    private func locateInMemory(_ position: UInt64) throws(LogError) -> Place? {
        guard let (index, slot) = buffers.find(position) else { return nil }
        switch shared.arena.pin(slot) {
        case .stale: return nil
        case .tooManyHeld:
            throw .tooManyHeldViews(
                heldByteCount: shared.arena.heldForReadingByteCount, limitByteCount: shared.arena.readShareByteCount)
        case .pinned: break
        }
        let image = Image(arena: shared.arena, slot: slot)
        guard image.isOf(logID), image.baseOrdinal <= position else { return nil }
        // Everything visible is in some buffer; behind this one's end the next one starts, maybe in a new generation.
        if position < image.end(visible: .max) { return .image(image) }
        guard buffers.count > index + 1 else { return nil }
        let next = buffers.entry(index + 1).baseOrdinal
        return next > position ? .step(next) : nil
    }

    private func locateOnDisk(_ position: UInt64, along stretch: inout ReadStretch) throws(LogError) -> Place {
        // One snapshot for both: between two the oldest may go.
        let catalog = snapshot
        let segments = catalog.segments
        guard let at = catalog.find(position) else {
            guard let first = segments.first else { return .step(max(firstOrdinal, position + 1)) }
            return .step(first.baseOrdinal)
        }
        let segment = segments[at]
        let nextBase = at + 1 < segments.count ? segments[at + 1].baseOrdinal : max(firstOrdinal, segment.baseOrdinal + 1)
        let open: OpenSegment
        let content: SegmentContent
        do throws(LogError) {
            (open, content) = try segment.use()
        } catch .corrupt(let file, let byteOffset, _) {
            return .gap(Gap(.corrupt(file: file, byteOffset: byteOffset), from: position, to: nextBase))
        } catch .removed {
            // It was taken away between two looks, by retention, compaction, or with the whole log.
            return .retry
        }
        shared.openSegments.used(segment)
        let end = content.endOrdinal
        if position >= end {
            guard nextBase > position else { return .retry }
            if at + 1 < segments.count, let gap = vanished(between: end, and: segments[at + 1], from: position) { return gap }
            return .step(nextBase)
        }
        guard let found = content.index.find(ordinal: position) else {
            // One that was begun to be empty: as below.
            if end == .max, content.index.count == 0 { return position < firstOrdinal ? .step(firstOrdinal) : .retry }
            // Missing from the segment's start on.
            return missing(segment, open, content, from: position, before: 0, end: end, nextBase: nextBase)
        }
        let entry = content.index[found]
        if entry.isHole {
            let to = min(found + 1 < content.index.count ? content.index[found + 1].firstOrdinal : end, end)
            guard to > position else { return .step(nextBase) }
            return .gap(Gap(.corrupt(file: segment.name, byteOffset: entry.byteOffset), from: position, to: to))
        }
        if position >= entry.endOrdinal {
            if end == .max, found + 1 >= content.index.count {
                // The active segment does not have it yet, or not any more its buffer: it is moving, or in a new generation.
                return position < firstOrdinal ? .step(firstOrdinal) : .retry
            }
            return missing(segment, open, content, from: position, before: found + 1, end: end, nextBase: nextBase)
        }
        do throws(LogError) {
            return .image(try shared.images.image(open, content, block: found, along: &stretch))
        } catch .corrupt(let file, let byteOffset, _) {
            return .gap(
                Gap(.corrupt(file: file, byteOffset: byteOffset), from: position, to: min(entry.endOrdinal, end)))
        }
    }

    /// A segment file that is gone: the next one's back-link says that records stood between.
    private func vanished(between end: UInt64, and next: Segment, from position: UInt64) -> Place? {
        // A next segment that cannot be read is reported when the reader gets there.
        guard let (_, content) = try? next.use(), content.header.previousEndOrdinal > end else { return nil }
        return .gap(Gap(.corrupt(file: next.name, byteOffset: 0), from: position, to: next.baseOrdinal))
    }

    /// No block holds `position`: a step to a new generation, or damage that recovery found.
    private func missing(
        _ segment: Segment, _ open: OpenSegment, _ content: SegmentContent, from position: UInt64, before next: Int,
        end: UInt64, nextBase: UInt64
    ) -> Place {
        let to = next < content.index.count ? min(content.index[next].firstOrdinal, end) : end
        guard to > position else { return .step(nextBase) }
        if Ordinal.generation(to) != Ordinal.generation(position), Ordinal.counter(to) == 0 { return .step(to) }
        let byteOffset = next == 0 ? Format.blocksByteOffset : Self.end(ofBlock: next - 1, open, content)
        return .gap(Gap(.corrupt(file: segment.name, byteOffset: byteOffset), from: position, to: to))
    }

    /// Where the block behind this one stands, or stood; where this one stands, if that cannot be read either.
    private static func end(ofBlock number: Int, _ open: OpenSegment, _ content: SegmentContent) -> Int {
        let at = content.index[number].byteOffset, limit = open.memory.byteCount
        guard limit > at, (try? open.resident(at, min(Format.blockHeaderByteCount + 8 * 255, limit - at))) != nil,
            let header = BlockHeader.decode(open.memory, at: at, limit: limit, identity: content.identity)
        else { return at }
        return at + header.blockByteCount
    }

    /// Ordinal of a record that is not behind the first one arriving at or after the time.
    /// O(log segments) footers, O(log blocks); the caller looks on from there.
    func firstOrdinal(arrivingAtOrAfter milliseconds: UInt64) throws(LogError) -> UInt64 {
        // Before the segments: what is below it is in one of them. A record that is written during the search may be in none.
        let written = watermarks.value(.written)
        return try over { segments throws(LogError) in
            try firstOrdinal(arrivingAtOrAfter: milliseconds, in: segments, writtenBefore: written)
        }
    }

    /// Looks through the segments, once more from the start where one was taken away between two looks.
    private func over<Result>(_ look: ([Segment]) throws(LogError) -> Result) throws(LogError) -> Result {
        while true {
            do throws(LogError) { return try look(snapshot.segments) } catch {
                guard case .removed = error, !snapshot.segments.isEmpty else { throw error }
            }
        }
    }

    private func firstOrdinal(
        arrivingAtOrAfter milliseconds: UInt64, in segments: [Segment], writtenBefore written: UInt64
    ) throws(LogError) -> UInt64 {
        var low = 0, high = segments.count
        // Invariant: every record that can be read in segments below `low` arrived before the time.
        while low < high {
            let middle = (low + high) / 2
            // One without blocks says nothing: the nearest one before it that has some decides.
            var decisive = middle
            var index = try index(of: segments[decisive])
            while index == nil, decisive > low {
                decisive -= 1
                index = try self.index(of: segments[decisive])
            }
            if let index, index[index.count - 1].greatestArrival >= milliseconds {
                high = decisive
            } else {
                low = middle + 1
            }
        }
        // Where none is as young, only what is not written yet can be; or what cannot be read, which the reader is to learn of.
        var start = max(written, watermarks.trimmed)
        if low < segments.count {
            start = segments[low].baseOrdinal
            if let index = try index(of: segments[low]), let block = index.find(arrival: milliseconds), block > 0 {
                let before = index[block - 1]
                return max(before.isHole ? before.firstOrdinal : before.endOrdinal, watermarks.trimmed)
            }
        }
        while low > 0 {
            low -= 1
            if let index = try index(of: segments[low]) {
                if index[index.count - 1].isHole { start = index[index.count - 1].firstOrdinal }
                break
            }
            start = segments[low].baseOrdinal
        }
        return max(start, watermarks.trimmed)
    }

    /// nil when no block of the segment can be read, or there is none.
    private func index(of segment: Segment) throws(LogError) -> SparseIndex? {
        do throws(LogError) {
            let index = try segment.use().1.index
            return index.count == 0 || index.count == 1 && index[0].isHole ? nil : index
        } catch {
            guard case .corrupt = error else { throw error }
            return nil
        }
    }
}

/// Keeps the number of open sealed segments within a limit: the least recently used are closed.
final class OpenSegments: Sendable {
    private let limit: Int
    private let state = Guarded<[Segment]>([])
    init(limit: Int) { self.limit = limit }

    func used(_ segment: Segment) {
        let closing: Segment? = state.withLock { recent in
            if recent.last === segment { return nil }
            if let at = recent.firstIndex(where: { $0 === segment }) { recent.remove(at: at) }
            recent.append(segment)
            return recent.count > limit ? recent.removeFirst() : nil
        }
        closing?.closeFile()
    }

    func forget(_ segments: [Segment]) {
        let gone = Set(segments.map { ObjectIdentifier($0) })
        state.withLock { $0.removeAll { gone.contains(ObjectIdentifier($0)) } }
    }
}
