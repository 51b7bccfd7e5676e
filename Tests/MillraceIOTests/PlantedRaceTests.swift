// Aim: to show that a run under the thread sanitizer can fail. Two threads store to the same word of a `Memory`
// without any order between them; the sanitizer must say so. Runs only when `MILLRACE_PLANT_RACE` is set: the lane
// `tsan` of Tests/run sets it and looks for the report.

import MillraceIO
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@safe
private final class Contested: @unchecked Sendable {
    let memory: Memory
    private let waiting = Atomic(2)

    init() {
        // Safe because eight bytes are what `memory` says it has, until deinit.
        unsafe memory = Memory(base: .allocate(byteCount: 8, alignment: 8), byteCount: 8)
    }

    deinit { unsafe memory.address.deallocate() }

    /// Returns when both threads are here, so that neither is over before the other starts.
    func meet() {
        waiting.subtract(1, ordering: .relaxed)
        while waiting.load(ordering: .relaxed) > 0 { sched_yield() }
    }

    @inline(never)
    func store(_ value: UInt64) { memory.store(value, at: 0) }

    func work() {
        meet()
        for value in 0..<10_000 as Range<UInt64> { store(value) }
    }
}

private let isPlanted = unsafe getenv("MILLRACE_PLANT_RACE") != nil

@Test(.enabled(if: isPlanted))
func `PlantedRace: two unordered stores to one word are reported by the thread sanitizer`() throws {
    let contested = Contested()
    var threads: [pthread_t] = []
    for _ in 0..<2 {
        #if canImport(Glibc)
            var thread = pthread_t()
        #else
            var thread: pthread_t?
        #endif
        // Safe because the object is retained for the thread, which releases it.
        let context = unsafe Unmanaged.passRetained(contested).toOpaque()
        let status = unsafe pthread_create(
            &thread, nil,
            { context in
                #if canImport(Glibc)
                    let context = unsafe context!
                #endif
                unsafe Unmanaged<Contested>.fromOpaque(context).takeRetainedValue().work()
                return nil
            }, context)
        try #require(status == 0)
        #if canImport(Glibc)
            threads.append(thread)
        #else
            unsafe threads.append(thread!)
        #endif
    }
    for thread in threads { pthread_join(thread, nil) }
    #expect(contested.memory.load(UInt64.self, at: 0) == 9_999)
}
