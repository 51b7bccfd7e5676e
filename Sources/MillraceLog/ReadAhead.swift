import MillraceIO
import Synchronization

/// Blocks that readers come to next, decoded by a thread of the store while the readers are busy with those before.
///
/// Bounded: what that thread does not keep up with is not asked of it, and readers decode for themselves as without it.
final class ReadAhead: Sendable {
    struct Block: Sendable {
        let open: OpenSegment
        let content: SegmentContent
        let number: Int
    }

    /// How many blocks in front of a reader are asked for. With two it often comes to one that has just been begun; more than four
    /// gain nothing and leave the caches of the processor before they are read (decision 0018).
    static let distance = 4
    /// Asked for and not taken, by some readers at once; more would be decoded too late.
    private static let limit = 16
    /// How often the thread looks for more before it sleeps, some 30 to 70 us: waking it costs as much as decoding a block.
    private static let spinCount = 1500
    private let blocks = Guarded<[Block]>([])
    private let count = Atomic<Int>(0)
    private let asked = EventCount()
    private let isServed = Atomic<Bool>(false)
    private let isStopping = Atomic<Bool>(false)

    /// Has the block decoded, if there is a thread that does so and it is not behind.
    func ask(_ block: Block) {
        guard isServed.load(ordering: .relaxed), count.load(ordering: .relaxed) < Self.limit else { return }
        blocks.withLock { blocks in
            blocks.append(block)
            count.store(blocks.count, ordering: .sequentiallyConsistent)
        }
        asked.notify(count: 1)
    }

    private func next() -> Block? {
        guard count.load(ordering: .sequentiallyConsistent) > 0 else { return nil }
        return blocks.withLock { blocks in
            guard !blocks.isEmpty else { return nil }
            defer { count.store(blocks.count, ordering: .sequentiallyConsistent) }
            return blocks.removeFirst()
        }
    }

    /// Serves until `stop`, on the calling thread. One caller in a store's life.
    func serve(_ decode: (Block) -> Void) {
        isServed.store(true, ordering: .relaxed)
        while !isStopping.load(ordering: .sequentiallyConsistent) {
            if let block = next() {
                decode(block)
                continue
            }
            var spins = 0
            while count.load(ordering: .relaxed) == 0, spins < Self.spinCount {
                spinHint()
                spins += 1
            }
            if count.load(ordering: .relaxed) > 0 { continue }
            let key = asked.prepare()
            if count.load(ordering: .sequentiallyConsistent) > 0 || isStopping.load(ordering: .sequentiallyConsistent) {
                asked.cancel()
            } else {
                asked.wait(key)
            }
        }
    }

    /// Ends `serve`. What was asked for and not taken is let go.
    func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        isServed.store(false, ordering: .relaxed)
        asked.notify()
        let left = blocks.withLock { blocks in
            defer { blocks = [] }
            return blocks
        }
        withExtendedLifetime(left) {}
    }
}
