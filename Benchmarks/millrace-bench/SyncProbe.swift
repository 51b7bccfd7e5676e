#if Tools
    import MillraceIO

    /// One write and one sync of any size over a file that was written before: what a scenario holds its own syncs against.
    final class SyncProbe {
        private static let fileByteCount = 16 << 20
        private let io: PosixIO
        private let file: FileHandle
        private let source = AlignedMemory(byteCount: 1 << 20)
        private var at = 0

        init(_ path: String) throws {
            let io = PosixIO(), directory = try io.openDirectory(at: path, create: true)
            defer { io.close(directory) }
            let file = try io.createFile("probe", in: directory)
            // Nobody else is to find it, and it goes with this object.
            try io.unlink("probe", in: directory)
            try io.writeZeros(file, 0..<Self.fileByteCount)
            try io.sync(file)
            try io.sync(directory)
            self.io = io
            self.file = file
            for index in stride(from: 0, to: source.memory.byteCount, by: 8) { source.memory.store(UInt64(index), at: index) }
        }
        deinit { io.close(file) }

        /// - Parameter byteCount: at most 1 MiB.
        func run(byteCount: Int) throws {
            if at + byteCount > Self.fileByteCount { at = 0 }
            try io.write(file, at: at, [source.memory.slice(0, byteCount)])
            try io.sync(file)
            at += (byteCount + 4095) & ~4095
        }

        /// Whether the file holds what so many calls of `run` with that count have written.
        func holds(byteCount: Int, calls: Int) throws -> Bool {
            let step = (byteCount + 4095) & ~4095, wanted = source.memory.slice(0, byteCount)
            let found = AlignedMemory(byteCount: byteCount)
            for place in 0..<min(calls, Self.fileByteCount / step) {
                guard try io.read(file, at: place * step, into: found.memory) == byteCount, found.memory.isEqual(to: wanted) else { return false }
            }
            return true
        }
    }
#endif
