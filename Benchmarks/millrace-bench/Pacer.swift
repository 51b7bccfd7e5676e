#if Tools
    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// Sends at a fixed rate whatever the receiver does, and counts latency from when a call was to be made.
    ///
    /// A closed loop that waits for a slow call makes fewer calls while it is slow, and so measures the slow time
    /// less often than it happens. Here a late call's wait is part of its latency.
    struct Pacer {
        private let start: UInt64
        private let interval: Double
        private var index = 0.0

        /// - Parameter callsPerSecond: above 0.
        init(callsPerSecond: Double) {
            precondition(callsPerSecond > 0)
            interval = 1e9 / callsPerSecond
            start = nanoseconds()
        }

        /// Waits until the next call is due; returns when that was. Sleeps while there is time for it, then spins.
        mutating func next() -> UInt64 {
            let due = start &+ UInt64(index * interval)
            index += 1
            while true {
                let now = nanoseconds()
                if now >= due { return due }
                if due - now > 200_000 { usleep(UInt32(clamping: (due - now - 100_000) / 1000)) }
            }
        }
    }
#endif
