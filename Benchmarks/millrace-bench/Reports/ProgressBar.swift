#if Tools
    import Foundation

    /// Signs of life on standard error: one line that changes on a terminal, plain lines elsewhere.
    ///
    /// It moves only when a step begins. A thread that moved it meanwhile would run beside what is measured.
    struct ProgressBar {
        private let isTerminal: Bool
        private var total = 0
        private var begun = 0
        private var start: UInt64 = 0

        init() {
            let terminal = ProcessInfo.processInfo.environment["TERM"] ?? "dumb"
            isTerminal = isatty(STDERR_FILENO) == 1 && terminal != "dumb"
        }

        /// Starts the clock for that many steps.
        mutating func begin(total: Int) {
            (self.total, begun, start) = (total, 0, nanoseconds())
        }

        /// The next step begins, and the one before it has ended. `text` names it on one line.
        mutating func step(_ text: String) {
            let state = State(text: text, done: begun, total: total, seconds: Double(nanoseconds() &- start) / 1e9)
            begun += 1
            write(isTerminal ? "\r\u{1B}[K" + state.bar(columns: columns) : state.line + "\n")
        }

        /// Everything is done: a terminal's line is empty again.
        mutating func end() {
            if isTerminal && begun > 0 { write("\r\u{1B}[K") }
            begun = 0
        }

        private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

        /// The terminal's width; 80 when it does not say.
        private var columns: Int {
            var size = winsize()
            // Safe because `size` outlives the call and is what this request writes.
            guard unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
            return Int(size.ws_col)
        }

        /// What stands in the line.
        private struct State {
            let text: String
            let done: Int
            let total: Int
            let seconds: Double

            private var share: Double { total > 0 ? min(Double(done) / Double(total), 1) : 0 }

            /// How long the rest takes if its steps are like those that are done.
            private var left: Double? { share > 0 ? seconds / share * (1 - share) : nil }

            private var figures: String {
                "\(decimal(share * 100, 0)) %, \(clock(seconds))" + (left.map { ", about \(clock($0)) left" } ?? "")
            }

            var line: String { "\(text) (\(figures))" }

            /// One character less than fits, because the last column may begin a new line.
            func bar(columns: Int) -> String {
                let room = max(columns - 1, 0)
                let barCount = min(24, room - text.count - figures.count - 6)
                guard barCount >= 8 else { return String(line.prefix(room)) }
                let full = Int(share * Double(barCount))
                let bar = String(repeating: "=", count: full) + String(repeating: " ", count: barCount - full)
                return "\(text)  [\(bar)]  \(figures)"
            }

            /// `1:05`, or `2:01:05` from an hour on.
            private func clock(_ seconds: Double) -> String {
                let whole = Int(seconds.rounded())
                func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
                let minutes = whole / 60 % 60
                return (whole < 3600 ? "\(minutes)" : "\(whole / 3600):\(twoDigits(minutes))")
                    + ":\(twoDigits(whole % 60))"
            }
        }
    }
#endif
