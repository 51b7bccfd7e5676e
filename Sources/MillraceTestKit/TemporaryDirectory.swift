#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A directory of this test alone, removed with everything in it when the test lets go.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init() {
        // Safe because the template is a writable, terminated copy.
        var template = Array("\(TemporaryDirectory.base)/millrace-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { buffer in
            unsafe mkdtemp(buffer.baseAddress!) != nil
        }
        precondition(made, "no temporary directory: errno \(errno)")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static var base: String {
        // Safe because the string is copied at once.
        unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    }

    deinit { TemporaryDirectory.remove(path) }

    /// Removes the file or the directory with everything in it, if there is one.
    package static func remove(_ path: String) {
        if let directory = unsafe opendir(path) {
            while let entry = unsafe readdir(directory) {
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    unsafe String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
                }
                if name != ".", name != ".." { remove("\(path)/\(name)") }
            }
            unsafe closedir(directory)
            unsafe rmdir(path)
        } else {
            unsafe unlink(path)
        }
    }
}
