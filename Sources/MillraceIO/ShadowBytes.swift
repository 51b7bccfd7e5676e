/// The current bytes of one shadow file: stable memory, a journal of changed pages, and spare copies. A class because
/// a crash state returns its memory to the file it was made of. Used under the lock of its `ShadowIO`.
///
/// Invariant: all bytes at and behind `byteCount` are zero.
final class ShadowBytes {
    static let pageByteCount = 4096

    /// At least `byteCount` bytes, whole pages. Its address changes only when the file outgrows it.
    private(set) var storage: AlignedMemory
    private(set) var byteCount: Int
    /// Outgrown memory that is still mapped: writes go there too.
    private var outgrown: [AlignedMemory] = []

    /// The pages changed since this object was made or `epoch` began, in order, with repetitions.
    private var changes: [Int32] = []
    private var epoch = 0
    private let spares = ShadowSpares()
    /// Where these bytes were copied from, and the place in its journal.
    private var origin: (spares: ShadowSpares, epoch: Int, position: Int)?

    init() {
        storage = AlignedMemory(byteCount: 0)
        byteCount = 0
    }

    private init(copying source: ShadowBytes) {
        let spare = source.spares.take()
        if let spare, spare.storage.memory.byteCount == source.storage.memory.byteCount {
            storage = spare.storage
            if spare.epoch == source.epoch, let dirty = spare.dirty {
                for page in dirty { storage.memory.copy(source.page(page), at: Int(page) * ShadowBytes.pageByteCount) }
                for page in source.changes[spare.position...] {
                    storage.memory.copy(source.page(page), at: Int(page) * ShadowBytes.pageByteCount)
                }
            } else {
                storage.memory.copy(source.storage.memory, at: 0)
            }
        } else {
            storage = AlignedMemory(copying: source.storage.memory)
        }
        byteCount = source.byteCount
        origin = (source.spares, source.epoch, source.changes.count)
    }

    deinit {
        guard let origin else { return }
        // What this object gave out differs from the origin by what it changed before that and what they did.
        let own = epoch == 0 ? changes : nil
        for spare in spares.takeAll() {
            let dirty = own.flatMap { own in spare.dirty.flatMap { spare.epoch == 0 ? own + $0 : nil } }
            put(spare.storage, dirty, origin)
        }
        put(storage, own, origin)
    }

    private func put(
        _ storage: AlignedMemory, _ dirty: [Int32]?, _ origin: (spares: ShadowSpares, epoch: Int, position: Int)
    ) {
        let limit = storage.memory.byteCount / ShadowBytes.pageByteCount
        let dirty = dirty.flatMap { $0.count <= limit ? $0 : nil }
        origin.spares.put(.init(storage: storage, epoch: origin.epoch, position: origin.position, dirty: dirty))
    }

    /// An independent copy. Costs the pages that changed since a returned copy was made; the whole when there is none.
    func copy() -> ShadowBytes { ShadowBytes(copying: self) }

    private func page(_ page: Int32) -> Memory {
        storage.memory.slice(Int(page) * ShadowBytes.pageByteCount, ShadowBytes.pageByteCount)
    }

    var memory: Memory { storage.memory.slice(0, byteCount) }

    /// All bytes of a range that may reach behind the end, where it reads as zeros. Within the storage.
    func slice(_ range: Range<Int>) -> Memory { storage.memory.slice(range.lowerBound, range.count) }

    // MARK: Changes

    /// Sets the length. Bytes behind it become zero; a grown file reads zeros from its old end on.
    func resize(_ newByteCount: Int, isMapped: Bool) {
        if newByteCount < byteCount { zero(newByteCount..<byteCount) }
        if newByteCount > storage.memory.byteCount {
            let page = ShadowBytes.pageByteCount
            let grown = AlignedMemory(byteCount: (newByteCount + page - 1) / page * page)
            grown.memory.copy(storage.memory, at: 0)
            if isMapped { outgrown.append(storage) }
            storage = grown
            startEpoch()
        }
        byteCount = newByteCount
    }

    /// The same within the storage, for callers who have seen to the invariant.
    func setByteCount(_ newByteCount: Int) {
        precondition(newByteCount <= storage.memory.byteCount)
        byteCount = newByteCount
    }

    /// Puts bytes inside the storage. No effect on the length.
    func put(_ source: Memory, at byteOffset: Int) {
        storage.memory.copy(source, at: byteOffset)
        changed(byteOffset..<byteOffset + source.byteCount)
    }

    func zero(_ range: Range<Int>) {
        if range.isEmpty { return }
        slice(range).fill(0)
        changed(range)
    }

    /// Called after the bytes of `range` were written in place.
    func changed(_ range: Range<Int>) {
        if range.isEmpty { return }
        let page = ShadowBytes.pageByteCount
        for number in range.lowerBound / page...(range.upperBound - 1) / page { changes.append(Int32(number)) }
        // A journal longer than a few copies of the file costs more to follow than it saves.
        if changes.count > 4 * (storage.memory.byteCount / page) + 64 { startEpoch() }
        for old in outgrown {
            let common = range.clamped(to: 0..<old.memory.byteCount)
            if !common.isEmpty { old.memory.copy(slice(common), at: common.lowerBound) }
        }
    }

    private func startEpoch() {
        changes = []
        epoch += 1
    }
}
