/// One file of a `ShadowIO`: its bytes now, and everything needed to tell what they may be after power loss.
/// A class because names and handles share it. Used under the lock of its `ShadowIO`.
///
/// What is durable is not stored: it is the bytes now with every page written since the last sync put back as it
/// was before (`before`). The unsynced writes are kept in order, so that each state in between can be rebuilt.
final class ShadowFile {
    /// An unsynced write; its bytes stand in `writtenBytes`.
    struct Write {
        var byteOffset: Int
        var byteCount: Int
        var bytesAt: Int
        var range: Range<Int> { byteOffset..<byteOffset + byteCount }
    }

    /// The place in the order of creation.
    let number: Int
    let bytes: ShadowBytes
    private(set) var writes: [Write] = []
    private(set) var writtenBytes: [UInt8] = []
    /// The first `abandonedCount` writes were lost to a failed sync: no later sync makes them durable, as on
    /// Linux, where the pages of a failed sync are clean afterwards.
    private var abandonedCount = 0
    /// Where in `beforeBytes` the page stands as it was at the last sync, for the pages written since.
    private var before: [Int: Int] = [:]
    private var beforeBytes: [UInt8] = []
    /// The length at the last sync and every length since, in order; the last is the length now.
    private(set) var byteCounts = [0]
    /// Which writes touch which unit, by unit size; made when asked for, dropped when something changes.
    private var index: [Int: ShadowUnits] = [:]

    // What keeps the file alive, counted by the `ShadowIO`.
    /// Names in directories as they are now; a state that power loss leaves counts its own.
    var nameCount = 1
    var openCount = 0
    var mapCount = 0
    var lockedBy: Int32?

    init(number: Int) {
        self.number = number
        bytes = ShadowBytes()
    }

    /// A file whose bytes are a copy of another's; what is durable is up to the caller.
    init(copyingBytesOf other: ShadowFile) {
        number = other.number
        bytes = other.bytes.copy()
        byteCounts = [bytes.byteCount]
    }

    /// The same file in another world, its unsynced writes still unsynced.
    func copyWithUnsynced() -> ShadowFile {
        let copy = ShadowFile(copyingBytesOf: self)
        copy.nameCount = nameCount
        copy.writes = writes
        copy.writtenBytes = writtenBytes
        copy.abandonedCount = abandonedCount
        copy.before = before
        copy.beforeBytes = beforeBytes
        copy.byteCounts = byteCounts
        return copy
    }

    var byteCount: Int { bytes.byteCount }
    var durableByteCount: Int { byteCounts[0] }

    // MARK: Writing

    func write(_ pieces: [Memory], at byteOffset: Int) {
        let count = pieces.reduce(0) { $0 + $1.byteCount }
        if count == 0 { return }
        let end = byteOffset + count
        if end > byteCount { setLength(end) }
        keepBefore(byteOffset..<end)
        writes.append(Write(byteOffset: byteOffset, byteCount: count, bytesAt: writtenBytes.count))
        var at = byteOffset
        for piece in pieces {
            bytes.put(piece, at: at)
            at += piece.byteCount
        }
        appendWritten(byteOffset..<end)
    }

    /// Shortening writes zeros over what is cut off, so that it counts as unsynced like any write.
    func resize(_ newByteCount: Int) {
        let oldByteCount = byteCount
        if newByteCount == oldByteCount { return }
        if newByteCount < oldByteCount { keepBefore(newByteCount..<oldByteCount) }
        setLength(newByteCount)
        if newByteCount < oldByteCount {
            let range = newByteCount..<oldByteCount
            writes.append(Write(byteOffset: range.lowerBound, byteCount: range.count, bytesAt: writtenBytes.count))
            appendWritten(range)
        }
    }

    private func setLength(_ newByteCount: Int) {
        bytes.resize(newByteCount, isMapped: mapCount > 0)
        byteCounts.append(newByteCount)
        index = [:]
    }

    private func keepBefore(_ range: Range<Int>) {
        let page = ShadowBytes.pageByteCount
        for number in range.lowerBound / page...(range.upperBound - 1) / page where before[number] == nil {
            before[number] = beforeBytes.count
            beforeBytes.append(bytes.slice(number * page..<(number + 1) * page))
        }
    }

    private func appendWritten(_ range: Range<Int>) {
        writtenBytes.append(bytes.slice(range))
        index = [:]
    }

    // MARK: Syncing

    func sync() {
        if abandonedCount == 0 { forget() } else { syncAfterFailure() }
        byteCounts = [byteCount]
        index = [:]
    }

    /// A sync failed: whether the bytes written so far survive is open for ever, unless written again.
    func abandon() { abandonedCount = writes.count }

    private func forget() {
        writes.removeAll(keepingCapacity: true)
        writtenBytes.removeAll(keepingCapacity: true)
        before.removeAll(keepingCapacity: true)
        beforeBytes.removeAll(keepingCapacity: true)
    }

    /// Only pages written since the failure are made durable, as a whole.
    private func syncAfterFailure() {
        let page = ShadowBytes.pageByteCount
        var synced: Set<Int> = []
        for write in writes[abandonedCount...] {
            synced.formUnion(write.range.lowerBound / page...(write.range.upperBound - 1) / page)
        }
        for number in synced { before[number] = nil }
        var rest: [Write] = []
        for write in writes[..<abandonedCount] {
            for number in write.range.lowerBound / page...(write.range.upperBound - 1) / page
            where !synced.contains(number) {
                let part = write.range.clamped(to: number * page..<(number + 1) * page)
                let bytesAt = write.bytesAt + part.lowerBound - write.byteOffset
                rest.append(Write(byteOffset: part.lowerBound, byteCount: part.count, bytesAt: bytesAt))
            }
        }
        writes = rest
        abandonedCount = rest.count
        if rest.isEmpty { forget() }
    }

    // MARK: What power loss may leave

    /// The units of `unitByteCount` bytes (a divisor of 4096) that unsynced writes touched.
    func units(of unitByteCount: Int) -> ShadowUnits {
        if let known = index[unitByteCount] { return known }
        let made = ShadowUnits(of: writes, unitByteCount: unitByteCount)
        index[unitByteCount] = made
        return made
    }

    /// Gives a file made by `init(copyingBytesOf:)` its length after power loss, durable: what stands behind it, in
    /// units of the original or in what the original's last sync covered, becomes zero.
    func settle(byteCount: Int, over units: ShadowUnits, durableByteCount: Int) {
        for unit in 0..<units.count {
            let range = units.range(unit)
            if range.upperBound > byteCount { bytes.zero(max(range.lowerBound, byteCount)..<range.upperBound) }
        }
        if byteCount < durableByteCount { bytes.zero(byteCount..<durableByteCount) }
        bytes.setByteCount(byteCount)
        byteCounts = [byteCount]
    }

    /// Fills `target` with the bytes of `unit` as they were after those of its writes that `indices` names.
    func rebuild(_ unit: Range<Int>, after indices: ArraySlice<Int32>, into target: Memory) {
        let page = unit.lowerBound / ShadowBytes.pageByteCount
        guard let kept = before[page] else { preconditionFailure("page \(page) has writes but no bytes before them") }
        let start = kept + unit.lowerBound - page * ShadowBytes.pageByteCount
        // Safe because any byte is a valid UInt8; the span checks its bounds.
        unsafe target.copy(beforeBytes.span.bytes.extracting(start..<start + unit.count), at: 0)
        for index in indices {
            let write = writes[Int(index)]
            let part = write.range.clamped(to: unit)
            let from = write.bytesAt + part.lowerBound - write.byteOffset
            // Safe for the same reason.
            unsafe target.copy(
                writtenBytes.span.bytes.extracting(from..<from + part.count), at: part.lowerBound - unit.lowerBound)
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ memory: Memory) {
        // Safe because the range is the memory's own.
        unsafe append(contentsOf: UnsafeRawBufferPointer(start: memory.address, count: memory.byteCount))
    }
}
