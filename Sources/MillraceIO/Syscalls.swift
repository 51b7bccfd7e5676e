import CMillrace

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The operating system's calls, each in one place, with `errno` taken at once.
///
/// Every function answers what the call answers, or minus `errno` where the call would answer -1. No policy
/// lives here: retries, loops and the wording of errors belong to the callers.
enum Syscalls {
    /// Calls again for as long as a signal interrupts. Not for syncs: a failed sync is never tried again.
    static func retrying<Answer: SignedInteger>(_ call: () -> Answer) -> Answer {
        while true {
            let answer = call()
            if answer != Answer(-EINTR) { return answer }
        }
    }

    private static func answer(_ result: Int32) -> Int32 { result < 0 ? -errno : result }

    // MARK: Names

    static func open(_ name: String, in directory: Int32, flags: Int32, mode: UInt32 = 0) -> Int32 {
        // Safe because the string outlives the call.
        unsafe name.withCString { unsafe millrace_openat(directory, $0, flags, mode) }
    }

    static func makeDirectory(_ name: String, in directory: Int32, mode: mode_t) -> Int32 {
        // Safe because the string outlives the call.
        unsafe name.withCString { unsafe answer(mkdirat(directory, $0, mode)) }
    }

    static func remove(_ name: String, in directory: Int32, flags: Int32) -> Int32 {
        // Safe because the string outlives the call.
        unsafe name.withCString { unsafe answer(unlinkat(directory, $0, flags)) }
    }

    static func rename(_ name: String, in directory: Int32, to newName: String, in newDirectory: Int32) -> Int32 {
        // Safe because both strings outlive the call.
        unsafe name.withCString { old in
            unsafe newName.withCString { new in unsafe answer(renameat(directory, old, newDirectory, new)) }
        }
    }

    static func link(_ name: String, in directory: Int32, to newName: String, in newDirectory: Int32) -> Int32 {
        // Safe because both strings outlive the call.
        unsafe name.withCString { old in
            unsafe newName.withCString { new in unsafe answer(linkat(directory, old, newDirectory, new, 0)) }
        }
    }

    /// The names in the directory that `file` has open, `.` and `..` among them. Takes `file` over.
    static func names(takingOver file: Int32) -> (names: [String], errorNumber: Int32) {
        // Safe because the stream is used by this call alone and closed at its end, which closes `file` too.
        guard let stream = unsafe fdopendir(file) else {
            let errorNumber = errno
            _ = close(file)
            return ([], errorNumber)
        }
        defer { unsafe _ = closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else { return (names, errno) }
            // Safe because the entry is valid until the next readdir and its name ends in a zero byte.
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            names.append(name)
        }
    }

    // MARK: Open files

    static func close(_ file: Int32) -> Int32 {
        #if canImport(Glibc)
            answer(Glibc.close(file))
        #else
            answer(Darwin.close(file))
        #endif
    }

    static func status(of file: Int32) -> (status: stat, errorNumber: Int32) {
        var status = stat()
        // Safe because `status` is ours for the call.
        let result = unsafe fstat(file, &status)
        return (status, result < 0 ? errno : 0)
    }

    static func truncate(_ file: Int32, byteCount: Int) -> Int32 { answer(ftruncate(file, off_t(byteCount))) }

    static func allocate(_ file: Int32, byteCount: Int) -> Int32 { millrace_fallocate(file, Int64(byteCount)) }

    static func read(_ file: Int32, at byteOffset: Int, into memory: Memory) -> Int {
        // Safe because the range is the memory's own.
        let count = unsafe pread(file, memory.address, memory.byteCount, off_t(byteOffset))
        return count < 0 ? -Int(errno) : count
    }

    static func readWithoutWaiting(_ file: Int32, at byteOffset: Int, into memory: Memory) -> Int {
        // Safe because the range is the memory's own.
        unsafe millrace_pread_nowait(file, memory.address, memory.byteCount, Int64(byteOffset))
    }

    /// At most IOV_MAX pieces; may write fewer bytes than they hold.
    static func write(_ file: Int32, at byteOffset: Int, _ pieces: ArraySlice<Memory>) -> Int {
        let vectors = unsafe pieces.map { unsafe iovec(iov_base: $0.address, iov_len: $0.byteCount) }
        // Safe because the vectors outlive the call and each names a memory's own range.
        return unsafe vectors.withUnsafeBufferPointer {
            unsafe millrace_pwritev(file, $0.baseAddress, Int32($0.count), Int64(byteOffset))
        }
    }

    /// May copy fewer bytes; 0 at the source's end.
    static func copyRange(_ source: Int32, to target: Int32, at byteOffset: Int, byteCount: Int) -> Int {
        millrace_copy_range(source, target, Int64(byteOffset), byteCount)
    }

    static func syncData(_ file: Int32) -> Int32 {
        #if canImport(Glibc)
            answer(fdatasync(file))
        #else
            millrace_full_sync(file)
        #endif
    }

    static func syncDirectory(_ directory: Int32) -> Int32 { millrace_full_sync(directory) }

    static func startReading(_ file: Int32, at byteOffset: Int, byteCount: Int) {
        millrace_start_reading(file, Int64(byteOffset), Int64(byteCount))
    }

    static func lockExclusively(_ file: Int32) -> Int32 { answer(flock(file, LOCK_EX | LOCK_NB)) }

    static func freeSpace(_ file: Int32) -> (available: Int, total: Int, errorNumber: Int32) {
        var status = statvfs()
        // Safe because `status` is ours for the call.
        guard unsafe fstatvfs(file, &status) == 0 else { return (0, 0, errno) }
        let unit = Int(status.f_frsize)
        return (Int(clamping: status.f_bavail) * unit, Int(clamping: status.f_blocks) * unit, 0)
    }

    // MARK: Mappings

    static var pageByteCount: Int { Int(sysconf(Int32(_SC_PAGESIZE))) }

    /// Maps a file for reading (`file` >= 0), or anonymous memory for reading and writing (`file` == -1).
    static func map(_ file: Int32, byteCount: Int) -> (memory: Memory?, errorNumber: Int32) {
        #if canImport(Glibc)
            let anonymous = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        #else
            let anonymous = MAP_PRIVATE | MAP_ANON | MAP_NORESERVE
        #endif
        let protection = file < 0 ? PROT_READ | PROT_WRITE : PROT_READ
        // Safe because the system chooses the place: nothing that exists is mapped over.
        let address = unsafe mmap(nil, byteCount, protection, file < 0 ? anonymous : MAP_SHARED, file, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else { return (nil, errno) }
        return unsafe (Memory(base: address, byteCount: byteCount), 0)
    }

    static func unmap(_ memory: Memory) {
        // Safe because the caller says that nobody uses the mapping any more.
        unsafe _ = munmap(memory.address, memory.byteCount)
    }

    static func populate(_ memory: Memory, forWriting: Bool) -> Int32 {
        // Safe because the advice changes no byte.
        unsafe millrace_populate(memory.address, memory.byteCount, forWriting ? 1 : 0)
    }

    static func giveBack(_ memory: Memory) -> Int32 {
        // Safe because the caller owns the range and no longer needs its bytes.
        unsafe millrace_give_back(memory.address, memory.byteCount)
    }
}
