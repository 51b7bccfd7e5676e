#if Tools
    import Foundation
    import MillraceIO

    /// A run's own directory on the user's disk: made new, never shared with what is there, removed at the end.
    ///
    /// A class because its end removes it. After a broken promise it is kept, as evidence.
    final class StressDirectory: Sendable {
        let path: String
        private let isKept = Guarded(false)

        /// - Throws: `StressError` when `parent` is no directory, or something of that name is there already.
        init(in parent: String, name: String) throws {
            var isDirectory: ObjCBool = false
            // Safe because the answer is a variable of this frame.
            guard unsafe FileManager.default.fileExists(atPath: parent, isDirectory: &isDirectory), isDirectory.boolValue
            else { throw StressError("\(parent) is no directory") }
            path = "\(parent)/\(name)-\(ProcessInfo.processInfo.processIdentifier)"
            guard !FileManager.default.fileExists(atPath: path) else {
                throw StressError("\(path) is there already: it is not this run's, so it is left alone")
            }
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        }

        /// Keeps the directory when the run ends.
        func keep() { isKept.withLock { $0 = true } }

        /// Removes a directory below, with everything in it.
        func remove(_ name: String) { try? FileManager.default.removeItem(atPath: "\(path)/\(name)") }

        deinit { if !isKept.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: path) } }
    }

    /// Why a run cannot be made.
    struct StressError: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }
#endif
