import MillraceIO

/// How far a record has come. `published`: in memory, readable; lost if the process dies. `written`: handed to the operating
/// system; survives the process. `durable`: survives power loss.
package enum Level: UInt8, Sendable, Comparable, CaseIterable {
    case published = 1
    case written = 2
    case durable = 3
    package static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
}

/// A log's control line: three words, each the ordinal after the last record that reached the level, and who waits for them.
///
/// Invariant: durable <= written <= published. One setter, which checks it. Any thread may read or wait;
/// `published` is set by the holder of the writer role, `written` by the holder of the write turn, `durable` by that of the sync gate.
///
/// | offset | field |
/// |---|---|
/// | 0, 128, 256 | published, written, durable, each on its own pair of cache lines |
/// | +8 | sleepers for that level |
/// | +16 | futex word of that level (4 bytes) |
/// | 384 | trimmed: oldest readable ordinal |
package final class Watermarks: Sendable {
    private let line = AlignedMemory(byteCount: 512, alignment: 128)
    private static let sleepersAt = 8, futexAt = 16, trimmedAt = 384

    /// All three levels start at `ordinal`, the log's tip.
    package init(at ordinal: UInt64) {
        line.memory.fill()
        for level in Level.allCases { line.memory.exchange(ordinal, at: Self.at(level)) }
    }

    @inline(__always) private static func at(_ level: Level) -> Int { (Int(level.rawValue) - 1) * 128 }

    /// Acquire; pairs with the exchange in `advance`: everything below the value is there to be read.
    @inline(__always)
    package func value(_ level: Level) -> UInt64 { line.memory.loadAcquire(at: Self.at(level)) }

    /// Oldest readable ordinal; only ever rises.
    package var trimmed: UInt64 { line.memory.loadAcquire(at: Self.trimmedAt) }
    package func raiseTrimmed(to ordinal: UInt64) {
        precondition(ordinal >= trimmed, "the trim horizon never moves back: \(ordinal) < \(trimmed)")
        line.memory.exchange(ordinal, at: Self.trimmedAt)
    }

    /// The single setter. Wakes who sleeps for the level.
    ///
    /// The store is one exchange, sequentially consistent, then the sleepers are read; a sleeper registers, then reads the value.
    /// So one of the two sees the other (a release store followed by that load could miss, on x86 too).
    /// - Parameter bits: only sleepers that have one of these are woken; all others the caller knows not to be reached.
    @inline(__always)
    package func advance(_ level: Level, to ordinal: UInt64, waking bits: UInt32 = .max) {
        let before = line.memory.exchange(ordinal, at: Self.at(level))
        precondition(before <= ordinal, "a watermark never moves back")
        if level != .published {
            precondition(
                ordinal <= value(level == .written ? .published : .written), "durable <= written <= published")
        }
        wakeSleepers(level, bits)
    }

    @inline(__always)
    package func wakeSleepers(_ level: Level, _ bits: UInt32 = .max) {
        if line.memory.loadOrdered(at: Self.at(level) + Self.sleepersAt) != 0 { wake(level, bits) }
    }

    package func wake(_ level: Level, _ bits: UInt32 = .max) {
        _ = line.memory.add32(1, at: Self.at(level) + Self.futexAt)
        Futex.wake(line.memory, at: Self.at(level) + Self.futexAt, count: .max, bits: bits)
    }

    /// Sleeps until the level reaches `ordinal`, `isOver` answers true, or the time is up. True when it reached it.
    /// - Parameter bits: asked before each sleep, behind the look at the level: with which of them it is to be woken. Whatever makes the
    ///   answer wrong wakes the sleeper by the answer.
    package func wait(
        _ level: Level, for ordinal: UInt64, nanoseconds: Int64 = -1, bits: () -> UInt32 = { .max }, unless isOver: () -> Bool
    ) -> Bool {
        if value(level) >= ordinal { return true }
        let at = Self.at(level)
        line.memory.add(1, at: at + Self.sleepersAt)
        defer { line.memory.subtract(1, at: at + Self.sleepersAt) }
        while true {
            let word = line.memory.load32Acquire(at: at + Self.futexAt)
            if line.memory.loadOrdered(at: at) >= ordinal { return true }
            if isOver() { return false }
            if Futex.wait(line.memory, at: at + Self.futexAt, expected: word, nanoseconds: nanoseconds, bits: bits()) == .timedOut {
                return value(level) >= ordinal
            }
        }
    }
}
