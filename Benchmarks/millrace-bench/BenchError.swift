#if Tools
    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// Why the benchmark cannot go on, in words.
    struct BenchError: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }

        /// What the system call that just failed said.
        static func system(_ call: String) -> BenchError {
            let number = errno
            // Safe because strerror returns a string that stays until the next call on this thread.
            return BenchError("\(call): \(unsafe String(cString: strerror(number)))")
        }
    }
#endif
