#if Tools
    import Foundation

    /// A line on standard error about once a second, to show that a run goes on. One thread.
    struct Progress {
        private let started = DispatchTime.now().uptimeNanoseconds
        private var shown: UInt64 = 0

        /// Seconds since the run began.
        var elapsed: Double { Double(DispatchTime.now().uptimeNanoseconds - started) / 1e9 }

        /// Shows the text when the last one was shown a second ago or more.
        mutating func show(_ text: @autoclosure () -> String) {
            let now = DispatchTime.now().uptimeNanoseconds
            guard now - shown >= 1_000_000_000 else { return }
            shown = now
            let seconds = Int((now - started) / 1_000_000_000)
            FileHandle.standardError.write(Data("\(seconds) s: \(text())\n".utf8))
        }
    }
#endif
