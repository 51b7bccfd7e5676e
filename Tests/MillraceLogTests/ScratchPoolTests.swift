import MillraceIO
import MillraceLog
import Testing

/// Aim: memory for encoding is used again, whatever the size of records, and little of it is kept.
@Suite struct ScratchPoolTests {
    @Test func `memory is used again, and of the large the two largest are kept`() {
        let pool = ScratchPool(limit: 2, ordinaryByteCount: 4096)
        let ordinary = (0..<3).map { _ in pool.take(byteCount: 100) }
        #expect(ordinary.allSatisfy { $0.memory.byteCount == 4096 })
        for memory in ordinary { pool.give(memory) }
        let again = (0..<3).map { _ in pool.take(byteCount: 4096) }
        #expect(again.filter { memory in ordinary.contains { $0 === memory } }.count == 2)

        let large = [5_000, 20_000, 10_000].map { pool.take(byteCount: $0) }
        #expect(large.map(\.memory.byteCount) == [5_000, 20_000, 10_000])
        for memory in large { pool.give(memory) }
        let first = pool.take(byteCount: 9_000)
        #expect(first === large[2])
        #expect(pool.take(byteCount: 4_097) === large[1])
        #expect(!large.contains { $0 === pool.take(byteCount: 5_000) })
    }
}
