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

        /// Has all threads allocate from one heap. The C library gives threads heaps of their own, which fill with holes for
        /// minutes: that is its affair, and would hide a leak of a megabyte. For the threads that have none yet.
        static func useOneHeap() {
            #if canImport(Glibc)
                // M_ARENA_MAX is -8 (mallopt(3)).
                call("mallopt", as: (@convention(c) (Int32, Int32) -> Int32).self) { _ = $0(-8, 1) }
            #endif
        }

        /// Gives back to the system what the allocator holds free, so that what is resident is in use.
        static func returnFreeMemory() {
            #if canImport(Glibc)
                call("malloc_trim", as: (@convention(c) (Int) -> Int32).self) { _ = $0(0) }
            #endif
        }

        /// Calls a function of the C library whose header its module does not have, if there is one.
        private static func call<Function>(_ name: String, as type: Function.Type, _ body: (Function) -> Void) {
            // Safe because the callers name the type that the manual page gives.
            guard let symbol = unsafe dlsym(nil, name) else { return }
            body(unsafe unsafeBitCast(symbol, to: type))
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
