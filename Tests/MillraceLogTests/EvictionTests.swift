import MillraceIO
import MillraceLog
import Testing

/// Aim: what was cached first goes first, also when slots are added meanwhile.
@Suite struct EvictionTests {
    @Test func `the oldest image goes first, also after all were pinned and a slot was added`() throws {
        let arena = try Arena(
            classByteCounts: [8192], budgetByteCount: 64 * 8192, writeShareByteCount: 8192, cacheTargetByteCount: 8 * 8192, needsPages: EventCount())
        /// A new image, which nobody pins: where it is.
        func cache() throws -> SlotReference {
            let slot = try #require(arena.allocateForReading(sizeClass: 0))
            arena.unpin(slot)
            return slot
        }
        let first = try (0..<9).map { _ in try cache() }
        let second = try (0..<2).map { _ in try cache() }
        #expect(second.map(\.index) == first[..<2].map(\.index))
        let pinned = first[2...] + second
        for slot in pinned { #expect(arena.pin(slot) == .pinned) }
        let added = try cache()
        #expect(!first.map(\.index).contains(added.index))
        for slot in pinned { arena.unpin(slot) }
        for old in first[2...] { #expect(try cache().index == old.index) }
    }
}
