import MillraceIO

/// Parking for "something changed": a word that moves at each notice, and a count of who sleeps.
///
/// A sleeper takes a key, looks at its condition, and waits only while the word still shows that key. A notifier changes the
/// condition first, then calls `notify`, which costs one load while nobody sleeps. Both sides are sequentially
/// consistent: either the sleeper sees the change, or the notifier sees the sleeper.
package final class EventCount: Sendable {
    private let words = AlignedMemory(byteCount: 128, alignment: 128)
    private static let wordAt = 0, sleepersAt = 64

    package init() { words.memory.fill() }

    package struct Key: Sendable { let word: UInt32 }

    /// Registers the caller as a sleeper. Must be followed by `wait` or `cancel`.
    package func prepare() -> Key {
        words.memory.add(1, at: Self.sleepersAt)
        return Key(word: words.memory.load32Acquire(at: Self.wordAt))
    }
    package func cancel() { words.memory.subtract(1, at: Self.sleepersAt) }

    /// Sleeps until a notice after `prepare`, or for so long (negative: without limit). May return early.
    package func wait(_ key: Key, nanoseconds: Int64 = -1) {
        Futex.wait(words.memory, at: Self.wordAt, expected: key.word, nanoseconds: nanoseconds)
        cancel()
    }

    package var hasSleepers: Bool { words.memory.loadOrdered(at: Self.sleepersAt) != 0 }

    package func notify(count: Int32 = .max) {
        guard hasSleepers else { return }
        _ = words.memory.add32(1, at: Self.wordAt)
        Futex.wake(words.memory, at: Self.wordAt, count: count)
    }
}
