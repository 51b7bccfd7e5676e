import MillraceIO

extension AlignedMemory {
    /// A copy of the bytes.
    convenience init(_ bytes: [UInt8]) {
        self.init(byteCount: bytes.count)
        for (index, byte) in bytes.enumerated() { memory.store(byte, at: index) }
    }

    static func random(byteCount: Int, _ dice: SeededEntropy) -> AlignedMemory {
        let made = AlignedMemory(byteCount: byteCount)
        for index in 0..<byteCount { made.memory.store(UInt8(truncatingIfNeeded: dice.next()), at: index) }
        return made
    }

    /// All bytes the same.
    static func filled(_ byte: UInt8, byteCount: Int) -> AlignedMemory {
        let made = AlignedMemory(byteCount: byteCount)
        made.memory.fill(byte)
        return made
    }
}

extension StorageIO {
    /// Writes the bytes as one piece.
    func put(_ bytes: [UInt8], _ file: FileHandle, at byteOffset: Int = 0) throws(IOError) {
        try AlignedMemory(bytes).withMemory { memory throws(IOError) in
            try write(file, at: byteOffset, [memory])
        }
    }

    /// The whole file under a name, or nil when there is none.
    func contents(_ name: String, in directory: DirectoryHandle) throws(IOError) -> [UInt8]? {
        guard try list(directory).contains(name) else { return nil }
        let file = try openFile(name, in: directory, writable: false)
        defer { close(file) }
        let owner = AlignedMemory(byteCount: try byteCount(of: file))
        return try owner.withMemory { memory throws(IOError) in
            memory.slice(0, try read(file, at: 0, into: memory)).bytes
        }
    }
}

/// The error that `body` throws, if any.
func fault<Result>(_ body: () throws(IOError) -> Result) -> IOError? {
    do throws(IOError) {
        _ = try body()
        return nil
    } catch {
        return error
    }
}
