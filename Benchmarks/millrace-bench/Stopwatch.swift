#if Tools
    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// Nanoseconds of a clock that never goes back.
    @inline(__always)
    func nanoseconds() -> UInt64 { read(CLOCK_MONOTONIC) }

    /// Nanoseconds of processor time that this process has used, all threads together.
    func processorNanoseconds() -> UInt64 { read(CLOCK_PROCESS_CPUTIME_ID) }

    @inline(__always)
    private func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        // Safe because `time` outlives the call.
        _ = unsafe clock_gettime(clock, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    /// The seconds that `work` takes.
    @inline(__always)
    func seconds(_ work: () throws -> Void) rethrows -> Double {
        let start = nanoseconds()
        try work()
        return Double(nanoseconds() &- start) / 1e9
    }

    /// Lets another thread have the processor.
    func yieldProcessor() { sched_yield() }

    /// The middle of `values`; of an even count the mean of the middle two. `values` is not empty.
    func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
#endif
