#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The processors that are online, whatever part of them a container leaves to the process, and what the process has had of them.
package struct Processors: Sendable {
    /// 1 or more.
    package let count: Int
    /// Processor time that all threads of the process have used until now, nanoseconds; never goes back.
    package let spent: @Sendable () -> Int64

    package init(count: Int, spent: @escaping @Sendable () -> Int64) {
        self.count = count
        self.spent = spent
    }

    /// Those of this machine. A reading of `spent` costs a system call.
    package static let system = Processors(count: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) {
        SystemClock.read(CLOCK_PROCESS_CPUTIME_ID)
    }
}
