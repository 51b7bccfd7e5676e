#if os(Linux)
    import Foundation
    import MillraceIO

    /// A call of the operating system that failed, in words.
    struct KernelError: Error, CustomStringConvertible {
        let call: String
        let number: Int32
        // Safe because the text is copied at once.
        var description: String { unsafe "\(call): \(String(cString: strerror(number)))" }
    }

    /// The system calls that a disk of one's own needs and `StorageIO` does not have.
    enum Kernel {
        static func check(_ result: Int, _ call: @autoclosure () -> String) throws(KernelError) -> Int {
            if result < 0 { throw KernelError(call: call(), number: errno) }
            return result
        }

        // MARK: Descriptors

        static func open(_ path: String, _ flags: Int32) throws(KernelError) -> Descriptor {
            // Safe because the string outlives the call.
            let file = unsafe Foundation.open(path, flags | O_CLOEXEC, 0o600)
            return Descriptor(number: Int32(try check(Int(file), "open \(path)")))
        }

        /// nil where the call was interrupted, or the request that was to be read is gone.
        static func read(_ file: borrowing Descriptor, into memory: Memory) throws(KernelError) -> Int? {
            // Safe because the range is the memory's own.
            let count = unsafe Foundation.read(file.number, memory.address, memory.byteCount)
            if count < 0, errno == EINTR || errno == ENOENT || errno == EAGAIN { return nil }
            return try check(count, "read")
        }

        /// Writes all of `memory` by one call: a file that only this process writes, or an answer to the kernel.
        static func write(_ file: borrowing Descriptor, _ memory: Memory) throws(KernelError) {
            // Safe because the range is the memory's own.
            let count = try check(unsafe Foundation.write(file.number, memory.address, memory.byteCount), "write")
            if count != memory.byteCount {
                throw KernelError(call: "write of \(memory.byteCount) bytes", number: ENOSPC)
            }
        }

        static func byteCount(of file: borrowing Descriptor) throws(KernelError) -> Int {
            Int(try status(of: file).st_size)
        }

        static func isFile(_ file: borrowing Descriptor) throws(KernelError) -> Bool {
            try status(of: file).st_mode & S_IFMT == S_IFREG
        }

        private static func status(of file: borrowing Descriptor) throws(KernelError) -> stat {
            var status = stat()
            // Safe because `status` is ours for the call.
            _ = try check(Int(unsafe fstat(file.number, &status)), "fstat")
            return status
        }

        /// Waits until one of the two has something to read or was closed at the other end; whether each has.
        static func wait(_ first: borrowing Descriptor, _ second: Int32) -> (first: Bool, second: Bool) {
            let events = Int16(POLLIN)
            var polls = [
                pollfd(fd: first.number, events: events, revents: 0), pollfd(fd: second, events: events, revents: 0),
            ]
            // Safe because the array is ours for the call.
            _ = unsafe poll(&polls, 2, -1)
            return (polls[0].revents != 0, polls[1].revents != 0)
        }

        // MARK: Mounts

        static func mount(_ source: String, at path: String, type: String, options: String) throws(KernelError) {
            let flags = UInt(MS_NOSUID | MS_NODEV | MS_NOATIME)
            // Safe because the strings outlive the call.
            let result = unsafe options.withCString { unsafe Foundation.mount(source, path, type, flags, $0) }
            _ = try check(Int(result), "mount \(type) at \(path) with \(options)")
        }

        static func unmount(_ path: String, isDetaching: Bool = false) throws(KernelError) {
            let flags = Int32(isDetaching ? MNT_DETACH : 0)
            var tries = 0
            // Safe because the string outlives the call.
            while unsafe umount2(path, flags) != 0 {
                tries += 1
                // A look from outside (a scanner, `df`) may hold a mount for a moment.
                guard errno == EBUSY, tries < 100 else {
                    throw KernelError(call: "umount \(path), used by \(users(of: path))", number: errno)
                }
                usleep(10_000)
            }
        }

        /// What this process has open or mapped below a path.
        private static func users(of path: String) -> [String] {
            let open = (0..<256).compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
            }
            let maps = (try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8)) ?? ""
            return (open + maps.split(separator: "\n").map(String.init)).filter { $0.contains(path + "/") }
        }
    }

    /// One open descriptor, closed when its owner lets go.
    struct Descriptor: ~Copyable {
        let number: Int32
        deinit { _ = close(number) }
    }

    /// A mounted file system, unmounted when its owner lets go; `unmount` to hear of errors.
    struct Mount: ~Copyable {
        let path: String
        private var isMounted = true

        init(_ source: String, at path: String, type: String, options: String) throws(KernelError) {
            self.path = path
            try Kernel.mount(source, at: path, type: type, options: options)
        }

        consuming func unmount() throws(KernelError) {
            try Kernel.unmount(path)
            isMounted = false
        }

        deinit { if isMounted { try? Kernel.unmount(path, isDetaching: true) } }
    }

    /// A file mapped for reading and writing. A class because images, logs and servers lend its bytes.
    final class MappedFile {
        let path: String
        let memory: Memory

        /// Maps the file at `path`; with a `byteCount` it is made of that length first, zeros where nothing was
        /// written.
        init(_ path: String, byteCount: Int? = nil) throws(KernelError) {
            let file = try Kernel.open(path, byteCount == nil ? O_RDWR : O_RDWR | O_CREAT)
            if let byteCount {
                _ = try Kernel.check(Int(ftruncate(file.number, off_t(byteCount))), "ftruncate \(path)")
            }
            let length = try Kernel.byteCount(of: file)
            // Safe because the system chooses the place: nothing that exists is mapped over.
            let address = unsafe mmap(nil, max(length, 1), PROT_READ | PROT_WRITE, MAP_SHARED, file.number, 0)
            guard let address = unsafe address, unsafe address != MAP_FAILED else {
                throw KernelError(call: "mmap \(path)", number: errno)
            }
            self.path = path
            memory = unsafe Memory(base: address, byteCount: length)
        }

        /// Frees every page of the file: it is zeros then. Only where the file system can do that (tmpfs, ext4, xfs).
        func makeZero() throws(KernelError) {
            // Safe because nobody but the caller uses the bytes now.
            _ = try Kernel.check(Int(unsafe madvise(memory.address, memory.byteCount, MADV_REMOVE)), "madvise \(path)")
        }

        // Safe because the mapping dies with its only owner.
        deinit { unsafe _ = munmap(memory.address, memory.byteCount) }
    }
#endif
