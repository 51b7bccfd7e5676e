#if Tools
    import Foundation

    /// Removes a directory of the benchmark's own with everything below it; what is not there is no error.
    func removeTree(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

    /// The bytes that a directory's files take up on the device; reserved but unwritten parts count as well.
    func allocatedByteCount(under path: String) -> Int { space(under: path).allocatedByteCount }

    /// The bytes that a directory's files take up on the device, reserved but unwritten parts included, and their lengths. A file
    /// that goes meanwhile does not count.
    func space(under path: String) -> (allocatedByteCount: Int, lengthByteCount: Int) {
        var total = (allocatedByteCount: 0, lengthByteCount: 0)
        for case let name as String in FileManager.default.enumerator(atPath: path) ?? .init() {
            var status = stat()
            // Safe because the path is a string and the status outlives the call.
            guard unsafe lstat("\(path)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            total.allocatedByteCount += Int(status.st_blocks) * 512
            total.lengthByteCount += Int(status.st_size)
        }
        return total
    }

    /// The time as 20060102T150405Z.
    func stamp() -> String {
        Date().formatted(.iso8601).filter { $0.isLetter || $0.isNumber }
    }
#endif
