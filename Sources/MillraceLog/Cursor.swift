import MillraceIO

/// What a cursor found at its place.
package enum Fetch: Equatable, Sendable {
    /// Records are ready; so many.
    case records(Int)
    /// Nothing beyond the last visible record yet.
    case tip
    /// Records are missing here; the cursor stands behind them now.
    case gap(Gap)
}

/// A read position in a log. Moves forward over buffers, cached images and segments alike; takes no lock the writer takes.
///
/// Not copyable, but it may be stored and sent: it holds one counted image. `level` is what it sees: records below that
/// watermark. One thread at a time.
package struct Cursor: ~Copyable, Sendable {
    private let log: ShardLog
    package let level: Level
    /// The next ordinal to read, or one before it in an older generation.
    package private(set) var position: UInt64
    private var image: Image?
    /// Goes on where the cursor has come here from the records before.
    private var stretch = ReadStretch(goesOn: false)

    init(log: ShardLog, level: Level, position: UInt64) {
        self.log = log
        self.level = level
        self.position = position
    }

    /// Finds the records at the cursor's place without handing them out. Never waits for new ones; may wait for a device when they are
    /// neither in memory nor in the page cache.
    /// - Throws: `io`, `tooManyHeldViews`, `frozen` when the log failed and everything durable was read, `closed`.
    package mutating func fetch() throws(LogError) -> Fetch {
        while true {
            let visible = try log.visible(level, position)
            if let image {
                let end = image.end(visible: visible)
                if position >= image.baseOrdinal, position < end {
                    let count = image.index(of: end) - image.index(of: position)
                    if count > 0 { return .records(count) }
                    // All that stood here was removed.
                    position = end
                }
                if position >= visible { return .tip }
                self.image = nil
                if stretch.goesOn != (position == end) { stretch = ReadStretch(goesOn: position == end) }
            }
            if position >= visible { return .tip }
            switch try log.locate(position, visible: visible, along: &stretch) {
            case .image(let found): image = found
            case .step(let next): position = next
            case .gap(let gap):
                position = gap.to
                return .gap(gap)
            case .retry: continue
            }
        }
    }

    /// Lends the next records to `body` and moves behind those it took. nil at the tip.
    /// - Throws: what `fetch` throws; `gap` when records are missing here, once, then reading goes on behind them.
    package mutating func withBatch<Result>(
        _ body: (inout RecordBatch) throws(LogError) -> Result
    ) throws(LogError) -> Result? {
        switch try fetch() {
        case .tip: return nil
        case .gap(let gap): throw .gap(gap)
        case .records(let count):
            guard let image else { preconditionFailure("records are ready in an image") }
            let first = image.index(of: position)
            var batch = RecordBatch(image, first..<first + count)
            let result = try body(&batch)
            if batch.count < count { position = image.ordinal(at: first + count - batch.count) }
            return result
        }
    }

    /// The next `count` records (all in one image, which is held) as they lie in memory, entries before payload: copied for tests
    /// that ask whether a lent view stays what it was. nil when no image is held there.
    package func heldBytes(count: Int) -> [UInt8]? {
        guard let image, position >= image.baseOrdinal else { return nil }
        let first = image.index(of: position)
        let end = image.entries.byteCount - Directory.entryByteCount * first
        let entries = image.entries.slice(end - Directory.entryByteCount * count, Directory.entryByteCount * count)
        let start = first == 0 ? 0 : Int(image.entries.load(UInt32.self, at: end))
        let payloadEnd = Int(entries.load(UInt32.self, at: 0))
        guard start <= payloadEnd, payloadEnd <= image.payload.byteCount else { return entries.bytes }
        return entries.bytes + image.payload.slice(start, payloadEnd - start).bytes
    }

    /// Moves to the first record at or after `ordinal`.
    package mutating func seek(to ordinal: UInt64) {
        position = ordinal
        stretch = ReadStretch(goesOn: false)
        if let image, ordinal < image.baseOrdinal { self.image = nil }
    }

    /// Moves to the first visible record that arrived at or after the time, or to the tip when none did; to a gap before it when
    /// records are missing that may have been the first.
    package mutating func seek(toArrival milliseconds: UInt64) throws(LogError) {
        image = nil
        stretch = ReadStretch(goesOn: false)
        position = try log.firstOrdinal(arrivingAtOrAfter: milliseconds)
        while true {
            switch try fetch() {
            case .tip: return
            case .gap(let gap):
                // What is missing may have been the first: the next fetch declares it.
                position = gap.from
                return
            case .records(let count):
                guard let image else { return }
                let first = image.index(of: position)
                let found = image.find(arrival: milliseconds, from: first, to: first + count)
                if found > first { position = image.ordinal(at: found) }
                if found < first + count { return }
            }
        }
    }

    /// Sleeps until a record is visible at the cursor's place, or the time (negative: without limit) is up. True when one is.
    package func wait(nanoseconds: Int64 = -1) -> Bool { log.waitForRecord(after: position, level, nanoseconds: nanoseconds) }
}
