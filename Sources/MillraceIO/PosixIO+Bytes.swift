#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

// What `PosixIO` does with the bytes of an open file.
extension PosixIO {
    /// The system takes at most so many pieces in one call (IOV_MAX, limits.h).
    private static let maximumPieceCount = 1024

    package func byteCount(of file: FileHandle) throws(IOError) -> Int {
        let (status, errorNumber) = Syscalls.status(of: file.value)
        if errorNumber != 0 { throw fault(.read, file.value, errorNumber) }
        return Int(status.st_size)
    }

    /// Where the file system cannot reserve space, zeros are written from the old end on; holes before it stay.
    /// After an error the file may be longer than before, with zeros.
    package func allocate(_ file: FileHandle, byteCount: Int) throws(IOError) {
        let oldByteCount = try self.byteCount(of: file)
        if byteCount < oldByteCount || byteCount == 0 {
            let result = Syscalls.retrying { Syscalls.truncate(file.value, byteCount: byteCount) }
            if result < 0 { throw fault(.allocate, file.value, -result) }
            if byteCount == 0 { return }
        }
        let result = Syscalls.retrying { Syscalls.allocate(file.value, byteCount: byteCount) }
        switch result {
        case 0...: return
        case -EOPNOTSUPP, -ENOSYS: break
        default: throw fault(.allocate, file.value, -result)
        }
        if oldByteCount < byteCount { try writeZeros(file, oldByteCount..<byteCount) }
    }

    package func read(_ file: FileHandle, at byteOffset: Int, into memory: Memory) throws(IOError) -> Int {
        var done = 0
        while done < memory.byteCount {
            let rest = memory.slice(done, memory.byteCount - done)
            let count = Syscalls.retrying { Syscalls.read(file.value, at: byteOffset + done, into: rest) }
            if count < 0 { throw fault(.read, file.value, Int32(-count)) }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Also nil when the file system cannot tell whether it would have to wait.
    package func readWithoutWaiting(
        _ file: FileHandle, at byteOffset: Int, into memory: Memory
    ) throws(IOError) -> Int? {
        var done = 0
        while done < memory.byteCount {
            let rest = memory.slice(done, memory.byteCount - done)
            let count = Syscalls.retrying { Syscalls.readWithoutWaiting(file.value, at: byteOffset + done, into: rest) }
            if count == -Int(EAGAIN) { return nil }
            if count < 0 { throw fault(.read, file.value, Int32(-count)) }
            // Zero is the end of the file; a short count may be the end of what is in memory, so ask again.
            if count == 0 { break }
            done += count
        }
        return done
    }

    package func write(_ file: FileHandle, at byteOffset: Int, _ pieces: [Memory]) throws(IOError) {
        var rest = PosixIO.remaining(pieces[...], after: 0)
        var at = byteOffset
        while !rest.isEmpty {
            let part = rest.prefix(Self.maximumPieceCount)
            let count = Syscalls.retrying { Syscalls.write(file.value, at: at, part) }
            if count < 0 { throw fault(.write, file.value, Int32(-count)) }
            if count == 0 { throw fault(.write, file.value, 0, detail: "wrote 0 bytes at byte \(at)") }
            at += count
            rest = PosixIO.remaining(rest, after: count)
        }
    }

    /// What is left of the pieces once their first `byteCount` bytes went out, which may end anywhere. Begins with a
    /// piece that is not empty, or is empty itself.
    package static func remaining(_ pieces: ArraySlice<Memory>, after byteCount: Int) -> ArraySlice<Memory> {
        var rest = pieces
        var count = byteCount
        while let first = rest.first, count >= first.byteCount {
            count -= first.byteCount
            rest.removeFirst()
        }
        if count > 0, let first = rest.first {
            rest[rest.startIndex] = first.slice(count, first.byteCount - count)
        }
        return rest
    }

    package func sync(_ file: FileHandle) throws(IOError) {
        let result = Syscalls.syncData(file.value)
        if result < 0 { throw fault(.sync, file.value, -result) }
    }

    package func startReading(_ file: FileHandle, at byteOffset: Int, byteCount: Int) {
        Syscalls.startReading(file.value, at: byteOffset, byteCount: byteCount)
    }

    /// - Throws: `.map` with a detail when the file is shorter than `byteCount`: touching what lies behind the
    ///   end of a file kills the process.
    package func map(_ file: FileHandle, byteCount: Int) throws(IOError) -> Memory {
        let length = try self.byteCount(of: file)
        if byteCount > length {
            throw fault(.map, file.value, 0, detail: "file has \(length) bytes, \(byteCount) asked for")
        }
        let (memory, errorNumber) = Syscalls.map(file.value, byteCount: byteCount)
        guard let memory else { throw fault(.map, file.value, errorNumber) }
        return memory
    }

    package func unmap(_ memory: Memory) { Syscalls.unmap(memory) }

    /// EIO, EFAULT and EHWPOISON mean that the device or the memory cannot deliver some page.
    ///
    /// A kernel older than 5.14 does not know the advice (EINVAL); this call then does nothing, and an
    /// unreadable page is found by the signal it always was. Rounds to whole pages, which belong to the mapping.
    package func populate(_ memory: Memory) throws(IOError) {
        guard let pages = memory.wholePages else { return }
        let result = Syscalls.retrying { Syscalls.populate(pages, forWriting: false) }
        if result < 0, result != -EINVAL { throw IOError(.populate, name: "", errorNumber: -result) }
    }

    package func lock(_ file: FileHandle) throws(IOError) -> Bool {
        let result = Syscalls.retrying { Syscalls.lockExclusively(file.value) }
        if result == -EWOULDBLOCK { return false }
        if result < 0 { throw fault(.lock, file.value, -result) }
        return true
    }
}
