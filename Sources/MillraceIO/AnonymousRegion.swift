import CMillrace
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Owner of a stretch of address space that takes memory only where it was populated or touched. A class because
/// everybody who lends its bytes keeps it alive.
///
/// The pages are anonymous and read as zeros. They are private to the process: shared ones cost twice as much to populate,
/// and none of 2 MiB are to be had for them here (docs/decisions/0005). Nothing is reserved up front: without `populate`, the
/// first touch of a page may find the machine out of memory, which ends the process.
/// Safe to send: it only owns; who may touch which bytes when is agreed by those who share `memory`.
@safe package final class AnonymousRegion: @unchecked Sendable {
    /// The bytes; good for as long as this object lives.
    package let memory: Memory
    /// The region that this one is a part of; it owns the pages then.
    private let whole: AnonymousRegion?

    /// Reserves address space, `byteCount` (at least 1) rounded up to whole pages.
    /// - Throws: `.map` with ENOMEM when the process may not have that much address space.
    package init(byteCount: Int) throws(IOError) {
        precondition(byteCount > 0)
        let page = AlignedMemory.pageByteCount
        let (memory, errorNumber) = Syscalls.map(-1, byteCount: (byteCount + page - 1) & ~(page - 1))
        guard let memory else { throw IOError(.map, name: "", errorNumber: errorNumber) }
        self.memory = memory
        whole = nil
    }

    private init(_ range: Range<Int>, of whole: AnonymousRegion) {
        memory = whole.memory.slice(range.lowerBound, range.count)
        self.whole = whole
    }

    /// Regions of these sizes in one stretch of address space: one call to the system for all of them.
    ///
    /// Those of 64 MiB and more prefer pages of 2 MiB where the system has them: a fifth of the cost of populating, and more may become
    /// resident than was touched.
    /// - Throws: as `init`.
    package static func several(_ byteCounts: [Int]) throws(IOError) -> [AnonymousRegion] {
        let hugePage = 2 << 20, page = AlignedMemory.pageByteCount
        var ranges: [Range<Int>] = []
        for byteCount in byteCounts {
            precondition(byteCount > 0)
            let alignment = byteCount >= 64 << 20 ? hugePage : page
            let start = ((ranges.last?.upperBound ?? 0) + alignment - 1) & ~(alignment - 1)
            ranges.append(start..<(start + byteCount + page - 1) & ~(page - 1))
        }
        let whole = try AnonymousRegion(byteCount: ranges.last?.upperBound ?? page)
        return ranges.map { range in
            let region = AnonymousRegion(range, of: whole)
            // Safe because the advice changes no byte.
            if range.count >= 64 << 20 { unsafe millrace_prefer_huge_pages(region.memory.address, region.memory.byteCount) }
            return region
        }
    }

    deinit { if whole == nil { Syscalls.unmap(memory) } }

    /// Gives the range real pages now, so that touching it later neither waits nor fails. Changes no byte and
    /// may run beside readers and writers of the range. Rounds outward to whole pages. O(pages).
    ///
    /// A kernel older than 5.14 does not know the advice; every page is then touched here, and want of memory
    /// ends the process in place of an error.
    /// - Throws: `.populate` with ENOMEM or EFAULT when the machine has no page to give.
    package func populate(_ range: Range<Int>) throws(IOError) {
        guard let pages = memory.slice(range.lowerBound, range.count).wholePages else { return }
        let result = Syscalls.retrying { Syscalls.populate(pages, forWriting: true) }
        if result == -EINVAL {
            // Adding nothing, atomically: a plain write could undo somebody else's.
            for at in stride(from: 0, to: pages.byteCount, by: AlignedMemory.pageByteCount) { pages.add(0, at: at) }
        } else if result < 0 {
            throw IOError(.populate, name: "", errorNumber: -result)
        }
    }

    /// Returns the range's pages to the system; it reads as zeros from then on. Nobody may be using its bytes.
    /// The range consists of whole pages.
    /// - Throws: `.populate` with the system's answer.
    package func giveBack(_ range: Range<Int>) throws(IOError) {
        let page = AlignedMemory.pageByteCount
        precondition(
            range.lowerBound % page == 0 && range.upperBound % page == 0,
            "\(range) is not made of pages of \(page) bytes")
        if range.isEmpty { return }
        let pages = memory.slice(range.lowerBound, range.count)
        let result = Syscalls.retrying { Syscalls.giveBack(pages) }
        if result < 0 { throw IOError(.populate, name: "", errorNumber: -result, detail: "giving pages back") }
    }
}
