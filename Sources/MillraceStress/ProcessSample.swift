#if Tools
    import Foundation

    #if canImport(Glibc)
        import Glibc
    #endif

    /// What this process has of the machine at one moment. Zeros where the system has no /proc.
    struct ProcessSample: Sendable {
        /// Memory of its own that is resident: heap and the store's buffers, without mapped files.
        var anonymousByteCount = 0
        /// Pages of mapped files that are resident: the page cache's, not the store's.
        var fileByteCount = 0
        var descriptorCount = 0
        var mapCount = 0

        static func now() -> ProcessSample {
            let status = read("/proc/self/status")
            return ProcessSample(
                anonymousByteCount: kilobytes("RssAnon:", status) * 1024,
                fileByteCount: (kilobytes("RssFile:", status) + kilobytes("RssShmem:", status)) * 1024,
                descriptorCount: descriptorCount(), mapCount: read("/proc/self/maps").count { $0 == 10 })
        }

        /// Gives back to the system what the allocator holds free, so that what is resident is in use.
        static func returnFreeMemory() {
            #if canImport(Glibc)
                // Found by name because the C library's module does not have its header.
                // Safe because the function, where there is one, has this type (malloc_trim(3)).
                guard let symbol = unsafe dlsym(nil, "malloc_trim") else { return }
                let trim = unsafe unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)
                _ = trim(0)
            #endif
        }

        static func descriptorCount() -> Int {
            (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.count ?? 0
        }

        private static func read(_ path: String) -> Data { FileManager.default.contents(atPath: path) ?? Data() }

        private static func kilobytes(_ name: String, _ status: Data) -> Int {
            let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix(name) }
            return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
        }
    }
#endif
