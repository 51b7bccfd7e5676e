import Millrace
import MillraceIO
import Synchronization
import Testing

/// Aim: of many who set a reference one wins, everybody sees that one, and nothing is kept or freed once too often.
@Suite struct SetOnceTests {
    final class Thing: Sendable {
        static let count = Atomic<Int>(0)
        init() { Self.count.add(1, ordering: .relaxed) }
        deinit { Self.count.subtract(1, ordering: .relaxed) }
    }

    private func setByMany() -> Bool {
        let place = Place(), found = Guarded<[ObjectIdentifier]>([])
        let threads = (0..<4).map { number in
            WorkerThread(name: "set-\(number)") {
                let mine = place.once.set(Thing())
                guard let seen = place.once.value else { return }
                found.withLock { $0 += [ObjectIdentifier(mine), ObjectIdentifier(seen)] }
            }
        }
        for thread in threads { thread.join() }
        return found.withLock { $0.count == 8 && Set($0).count == 1 } && Thing.count.load(ordering: .relaxed) == 1
    }
    private final class Place: Sendable { let once = SetOnce<Thing>() }

    @Test func `of many who set it one wins, all see that one, and it goes with its place`() {
        let empty = SetOnce<Thing>()
        #expect(empty.value == nil)
        for _ in 0..<200 { #expect(setByMany()) }
        #expect(Thing.count.load(ordering: .relaxed) == 0)
    }
}
