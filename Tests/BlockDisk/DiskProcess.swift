#if os(Linux)
    import Foundation
    import MillraceIO

    /// The log of a disk that is being served. A class because the writers' threads share it.
    final class LogLength: Sendable {
        private let file: Descriptor
        init(file: consuming Descriptor) { self.file = file }

        /// Bytes of it now. Everything that the disk answered before this was called is among them.
        var byteCount: Int {
            guard let count = try? Kernel.byteCount(of: file) else {
                preconditionFailure("the log's length is unknown")
            }
            return count
        }
    }

    /// The disk's process did not get as far as to serve, and why.
    struct NoDisk: Error, CustomStringConvertible {
        let description: String
    }

    /// The disk in a process of its own, which ends when this object or this process does.
    final class DiskProcess {
        private let process = Process()
        private let end = Pipe()
        let log: LogLength

        /// The disk stands at `path`, a file, when this returns.
        init(at path: String, image: String, log: String) throws {
            process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            process.arguments = ["serve", path, image, log]
            process.standardInput = end
            let ready = Pipe()
            process.standardOutput = ready
            try process.run()
            let said = ready.fileHandleForReading.availableData
            let text = String(decoding: said, as: UTF8.self)
            guard text == "ready\n" else {
                process.waitUntilExit()
                throw NoDisk(description: text.isEmpty ? "status \(process.terminationStatus)" : text)
            }
            self.log = LogLength(file: try Kernel.open(log, O_RDONLY))
        }

        /// Ends the process; its bytes and its log stay.
        func stop() throws {
            try end.fileHandleForWriting.close()
            process.waitUntilExit()
            if process.terminationStatus != 0 {
                throw BlockFailure("the disk's process: status \(process.terminationStatus)")
            }
        }

        deinit { if process.isRunning { try? stop() } }
    }
#endif
