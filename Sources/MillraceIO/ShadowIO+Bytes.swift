#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

// Bytes, mappings and locks of a `ShadowIO`.
extension ShadowIO {
    package func close(_ handle: FileHandle) {
        locked {
            guard let (file, _, _) = files.removeValue(forKey: handle.value) else { return }
            file.openCount -= 1
            if file.lockedBy == handle.value { file.lockedBy = nil }
            release(file)
        }
    }

    package func byteCount(of handle: FileHandle) throws(IOError) -> Int {
        try with(handle, .read) { (file, _) throws(IOError) in file.byteCount }
    }

    package func allocate(_ handle: FileHandle, byteCount: Int) throws(IOError) {
        try with(handle, .allocate, writing: true) { (file, name) throws(IOError) in
            try charge(byteCount - file.byteCount, .allocate, name)
            file.resize(byteCount)
        }
    }

    package func read(_ handle: FileHandle, at byteOffset: Int, into memory: Memory) throws(IOError) -> Int {
        try with(handle, .read) { (file, _) throws(IOError) in
            let count = max(0, min(memory.byteCount, file.byteCount - byteOffset))
            if count > 0 { memory.copy(file.bytes.slice(byteOffset..<byteOffset + count), at: 0) }
            return count
        }
    }

    package func readWithoutWaiting(
        _ handle: FileHandle, at byteOffset: Int, into memory: Memory
    ) throws(IOError) -> Int? {
        readsWait ? nil : try read(handle, at: byteOffset, into: memory)
    }

    /// All pieces of one call are one write to the crash states: no state has only the first pieces of a page.
    package func write(_ handle: FileHandle, at byteOffset: Int, _ pieces: [Memory]) throws(IOError) {
        try with(handle, .write, writing: true) { (file, name) throws(IOError) in
            let end = byteOffset + pieces.reduce(0) { $0 + $1.byteCount }
            if end > file.byteCount { try charge(end - file.byteCount, .write, name) }
            file.write(pieces, at: byteOffset)
        }
    }

    package func nameCount(of handle: FileHandle) throws(IOError) -> Int {
        try with(handle, .read) { (file, _) throws(IOError) in file.nameCount }
    }

    /// One write of the target to the crash states.
    package func copy(_ source: FileHandle, _ range: Range<Int>, to target: FileHandle) throws(IOError) {
        try enter(.copy, name(of: target))
        try locked { () throws(IOError) in
            let from = try open(source, .copy).file
            let (file, name, isWritable) = try open(target, .copy)
            if !isWritable { throw IOError(.copy, name: name, errorNumber: EBADF) }
            guard range.upperBound <= from.byteCount else {
                throw IOError(.copy, name: name, errorNumber: 0, detail: "the file ends before byte \(range.upperBound)")
            }
            if range.upperBound > file.byteCount { try charge(range.upperBound - file.byteCount, .copy, name) }
            file.write([from.bytes.slice(range)], at: range.lowerBound)
        }
    }

    /// A sync that the hook fails loses what was written: see `ShadowFile.abandon`.
    package func sync(_ handle: FileHandle) throws(IOError) {
        do throws(IOError) { try enter(.sync, name(of: handle)) } catch {
            abandonUnsynced(handle)
            throw error
        }
        try locked { () throws(IOError) in try open(handle, .sync).file.sync() }
    }

    /// What a failed sync does: whether the bytes written so far survive stays open, and no later sync decides it.
    package func abandonUnsynced(_ handle: FileHandle) { locked { files[handle.value]?.file.abandon() } }

    package func startReading(_ file: FileHandle, at byteOffset: Int, byteCount: Int) {}

    package func map(_ handle: FileHandle, byteCount: Int) throws(IOError) -> Memory {
        try with(handle, .map) { (file, name) throws(IOError) in
            if byteCount <= 0 { throw IOError(.map, name: name, errorNumber: EINVAL) }
            if byteCount > file.byteCount {
                let detail = "file has \(file.byteCount) bytes, \(byteCount) asked for"
                throw IOError(.map, name: name, errorNumber: 0, detail: detail)
            }
            file.mapCount += 1
            let memory = file.bytes.slice(0..<byteCount)
            mappings[Self.place(memory), default: []].append((file, name))
            return memory
        }
    }

    package func unmap(_ memory: Memory) {
        locked {
            guard let (file, _) = mappings[Self.place(memory)]?.popLast() else { return }
            if mappings[Self.place(memory)]?.isEmpty == true { mappings[Self.place(memory)] = nil }
            file.mapCount -= 1
            release(file)
        }
    }

    /// Nothing to do but to fail when told so; the hook gets the name of the file that the memory belongs to.
    package func populate(_ memory: Memory) throws(IOError) {
        let place = Self.place(memory)
        let name = locked {
            mappings.first { base, mapped in
                base <= place && place < base + UInt(max(1, mapped.last?.file.byteCount ?? 0))
            }?.value.last?.name
        }
        try enter(.populate, name ?? "")
    }

    package func lock(_ handle: FileHandle) throws(IOError) -> Bool {
        try with(handle, .lock) { (file, _) throws(IOError) in
            if let owner = file.lockedBy { return owner == handle.value }
            file.lockedBy = handle.value
            return true
        }
    }

    // MARK: Handles

    private func with<Result>(
        _ handle: FileHandle, _ operation: IOError.Operation, writing: Bool = false,
        _ body: (ShadowFile, String) throws(IOError) -> Result
    ) throws(IOError) -> Result {
        try enter(operation, name(of: handle))
        return try locked { () throws(IOError) in
            let (file, name, isWritable) = try open(handle, operation)
            if writing, !isWritable { throw IOError(operation, name: name, errorNumber: EBADF) }
            return try body(file, name)
        }
    }

    private func open(
        _ handle: FileHandle, _ operation: IOError.Operation
    ) throws(IOError) -> (file: ShadowFile, name: String, isWritable: Bool) {
        guard let found = files[handle.value] else { throw IOError(operation, name: "", errorNumber: EBADF) }
        return found
    }

    private func name(of handle: FileHandle) -> String { locked { files[handle.value]?.name ?? "" } }

    private static func place(_ memory: Memory) -> UInt {
        // Safe because the address serves as a number only.
        unsafe UInt(bitPattern: memory.address)
    }
}
