#if os(Linux)
    import Foundation
    import MillraceIO

    /// The blocks of a disk that hold the bytes of files: all others are the file system's own.
    struct FileBlocks: Sendable {
        static let blockByteCount = 4096

        private var blocks: Set<Int> = []

        /// Of all files below a directory, where they stand now.
        init(below path: String) throws {
            let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
            for name in names { try add("\(path)/\(name)") }
        }

        func contains(byteOffset: Int) -> Bool { blocks.contains(byteOffset / FileBlocks.blockByteCount) }

        /// `struct fiemap` of linux/fiemap.h: length 8 (8), flags 16 (4), extents found 20 (4), room for extents 24
        /// (4), then from 32 on extents of 56 bytes: on the disk from 8 (8), length 16 (8), flags 40 (4).
        private mutating func add(_ path: String) throws(KernelError) {
            let room = 512
            let request: UInt = 0xC020_660B
            let file = try Kernel.open(path, O_RDONLY)
            guard try Kernel.isFile(file) else { return }
            let map = AlignedMemory(byteCount: 32 + room * 56)
            map.memory.store(UInt64.max, at: 8)
            // Synced first: bytes that wait in memory have no place on the disk yet, and would be reported at 0.
            map.memory.store(UInt32(1), at: 16)
            map.memory.store(UInt32(room), at: 24)
            // Safe because the structure is ours for the call and as long as it says.
            _ = try Kernel.check(Int(unsafe ioctl(file.number, request, map.memory.address)), "FS_IOC_FIEMAP \(path)")
            for extent in 0..<Int(map.memory.load(UInt32.self, at: 20)) {
                // Without a known place, or within the file system's own structures.
                let flags: UInt32 = map.memory.load(at: 32 + extent * 56 + 40)
                if flags & 0x202 != 0 { continue }
                let start = Int(map.memory.load(UInt64.self, at: 32 + extent * 56 + 8)) / FileBlocks.blockByteCount
                let count = Int(map.memory.load(UInt64.self, at: 32 + extent * 56 + 16)) / FileBlocks.blockByteCount
                blocks.formUnion(start..<start + count)
            }
        }
    }
#endif
