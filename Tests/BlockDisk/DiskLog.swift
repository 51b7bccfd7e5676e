#if os(Linux)
    import Glibc
    import MillraceIO

    /// What reached the disk, in order, as one file. Each entry: kind 8, offset 8, count 8, then the bytes of a write.
    ///
    /// The length of the file is a place in that order: whoever reads it after an acknowledgement knows that everything
    /// the acknowledgement rests on stands before.
    enum DiskLog {
        enum Kind: UInt64 {
            case write = 1
            case flush = 2
            /// So many zeros; no bytes follow.
            case zeros = 3
        }
        static let headByteCount = 24
    }

    /// The end of the log that the disk writes to.
    struct DiskLogWriter: ~Copyable {
        private let file: Descriptor
        private let staging: AlignedMemory

        init(_ path: String, greatestWriteByteCount: Int) throws(KernelError) {
            file = try Kernel.open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND)
            staging = AlignedMemory(byteCount: DiskLog.headByteCount + greatestWriteByteCount)
        }

        func append(_ kind: DiskLog.Kind, at byteOffset: Int = 0, count: Int = 0, bytes: Memory? = nil)
            throws(KernelError)
        {
            staging.memory.store(kind.rawValue, at: 0)
            staging.memory.store(UInt64(byteOffset), at: 8)
            staging.memory.store(UInt64(bytes?.byteCount ?? count), at: 16)
            if let bytes { staging.memory.copy(bytes, at: DiskLog.headByteCount) }
            try Kernel.write(file, staging.memory.slice(0, DiskLog.headByteCount + (bytes?.byteCount ?? 0)))
        }
    }

    /// A whole log, to be replayed.
    struct DiskLogReader {
        struct Entry {
            let kind: DiskLog.Kind
            let byteOffset: Int
            let byteCount: Int
            /// Where the bytes of a write stand in the log.
            let place: Int
            /// Length of the log with this entry.
            let end: Int
        }
        let entries: [Entry]
        private let file: MappedFile

        /// The log up to `limit` bytes.
        init(_ path: String, limit: Int = .max) throws(KernelError) {
            file = try MappedFile(path)
            let limit = min(limit, file.memory.byteCount)
            var entries: [Entry] = []
            var at = 0
            while at + DiskLog.headByteCount <= limit {
                guard let kind = DiskLog.Kind(rawValue: file.memory.load(at: at)) else { break }
                let count = Int(file.memory.load(UInt64.self, at: at + 16))
                let end = at + DiskLog.headByteCount + (kind == .write ? count : 0)
                // An entry that was being written when the limit was read.
                if end > limit { break }
                entries.append(
                    Entry(
                        kind: kind, byteOffset: Int(file.memory.load(UInt64.self, at: at + 8)), byteCount: count,
                        place: at + DiskLog.headByteCount, end: end))
                at = end
            }
            self.entries = entries
        }

        /// How long the log was when it had so many entries.
        func place(of entryCount: Int) -> Int { entryCount == 0 ? 0 : entries[entryCount - 1].end }

        /// Puts a part of an entry's bytes where they belong.
        func apply(_ entry: Entry, _ part: Range<Int>, to image: Memory) {
            switch entry.kind {
            case .flush: break
            case .zeros: image.slice(entry.byteOffset + part.lowerBound, part.count).fill(0)
            case .write:
                image.copy(
                    file.memory.slice(entry.place + part.lowerBound, part.count), at: entry.byteOffset + part.lowerBound
                )
            }
        }

        func apply(_ entry: Entry, to image: Memory) { apply(entry, 0..<entry.byteCount, to: image) }
    }
#endif
