import MillraceIO

/// Hands out generations of ordinals, each durable before it is used: one at every opening, and one to a log whose counter is full.
final class GenerationSource: Sendable {
    private let io: any StorageIO
    private let root: DirectoryHandle
    private let store: Guarded<StoreFile>

    init(io: any StorageIO, root: DirectoryHandle, store: StoreFile) {
        self.io = io
        self.root = root
        self.store = Guarded(store)
    }

    /// What the store file says now.
    var current: StoreFile { store.withLock { $0 } }

    /// A generation that no log has used, and above `least`. Blocks for a sync.
    func next(above least: UInt64 = 0) throws(LogError) -> UInt64 {
        try store.withLock { store throws(LogError) in
            let file = try systemCall { () throws(IOError) in
                try io.openFile(StoreFile.name, in: root, writable: true)
            }
            defer { io.close(file) }
            var next = store
            next.generation = max(next.generation, least)
            try Self.advance(&next, in: file, io)
            store = next
            return next.generation
        }
    }

    /// Where the ordinals of an opening begin in a log that ends at `end`. Behind everything there is: an older store file that was put in
    /// the place of the store's own names a generation that the log has used.
    func firstOrdinal(opened generation: UInt64, behind end: UInt64) throws(LogError) -> UInt64 {
        let first = Ordinal.first(ofGeneration: generation)
        return end <= first ? first : Ordinal.first(ofGeneration: try next(above: Ordinal.generation(end)))
    }

    /// Goes on to the next generation without writing it: one that may have been used.
    static func skip(_ store: inout StoreFile) throws(LogError) {
        guard store.generation < Ordinal.greatestGeneration, store.sequence < .max else {
            throw .notAStore(detail: "all \(Ordinal.greatestGeneration) generations of ordinals are used up")
        }
        if !seeded(.generationReused) { store.generation += 1 }
    }

    /// Writes the next generation into the older slot and syncs it; `store` names it then.
    static func advance(_ store: inout StoreFile, in file: FileHandle, _ io: any StorageIO) throws(LogError) {
        try skip(&store)
        store.sequence += 1
        let page = AlignedMemory(byteCount: Format.pageByteCount)
        store.encode(into: page.memory)
        let slot = StoreFile.slotByteOffset(ofSequence: store.sequence)
        try systemCall { () throws(IOError) in
            try io.write(file, at: slot, [page.memory])
            try io.sync(file)
        }
    }
}
