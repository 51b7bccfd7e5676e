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

    /// The files of all segments of a store that nobody has open.
    func segmentPaths(under path: String) throws -> [String] {
        let logs = "\(path)/logs"
        return try FileManager.default.subpathsOfDirectory(atPath: logs).map { "\(logs)/\($0)" }.filter {
            var isDirectory: ObjCBool = false
            // Safe because the flag outlives the call.
            return unsafe FileManager.default.fileExists(atPath: $0, isDirectory: &isDirectory) && !isDirectory.boolValue
        }.sorted()
    }

    /// Has the system forget the files' bytes, which nobody maps at the moment.
    func dropPages(of paths: [String]) throws {
        sync()
        for path in paths {
            // Safe because the path is a string.
            let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { throw BenchError.system("open \(path)") }
            _ = posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
            close(file)
        }
    }

    /// Reads the files from front to end, 1 MiB at a time: the seconds it took.
    func readingSeconds(_ paths: [String]) throws -> Double {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        return try seconds {
            for path in paths {
                // Safe because the path is a string, and the buffer is ours and as long as it says.
                let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
                guard file >= 0 else { throw BenchError.system("open \(path)") }
                defer { close(file) }
                while true {
                    let count = unsafe read(file, &buffer, buffer.count)
                    guard count >= 0 else { throw BenchError.system("read \(path)") }
                    if count == 0 { break }
                }
            }
        }
    }

    /// The time as 20060102T150405Z.
    func stamp() -> String {
        Date().formatted(.iso8601).filter { $0.isLetter || $0.isNumber }
    }
#endif
