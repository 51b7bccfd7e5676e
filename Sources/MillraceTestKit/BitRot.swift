import MillraceIO
import MillraceLog

/// Turns single bits over on a disk whose store is closed, where everything is durable.
struct BitRot {
    let disk: ShadowIO
    let storeLow: UInt64
    let storeHigh: UInt64

    /// Turns a bit of one of the log's blocks, or of a page that the format has twice. The ordinals that this costs, nil when
    /// it must cost none.
    func turnBit(ofLog id: UInt64, mayHitPages: Bool, _ dice: SeededEntropy) throws -> Range<UInt64>? {
        let root = try disk.openDirectory(at: "/store", create: false)
        defer { disk.close(root) }
        if mayHitPages, dice.chance(0.1) {
            try turn(dice.next(below: StoreFile.byteCount * 8), of: StoreFile.name, in: root)
            return nil
        }
        let logs = try disk.openDirectory(FileNames.logs, in: root, create: false)
        defer { disk.close(logs) }
        let handle = try disk.openDirectory(FileNames.log(id), in: logs, create: false)
        let directory = LogDirectory(io: disk, handle: handle, logID: id, storeLow: storeLow, storeHigh: storeHigh)
        let names = SegmentName.resolve(try disk.list(handle)).current
        guard !names.isEmpty else { return nil }
        let segment = try SegmentInspection.read(names[dice.next(below: names.count)], in: directory)
        if mayHitPages, dice.chance(0.3) {
            let page = dice.next(below: 3) * Format.pageByteCount
            try turn((page + dice.next(below: Format.pageByteCount)) * 8 + dice.next(below: 8), of: segment.file, in: handle)
            return nil
        }
        guard !segment.blocks.isEmpty else { return nil }
        let block = segment.blocks[dice.next(below: segment.blocks.count)]
        // The header is small and says most: it is hit as often as all the rest.
        let byteCount = block.header.headerByteCount + (dice.chance(0.5) ? block.header.bodyByteCount : 0)
        try turn(
            (block.byteOffset + dice.next(below: byteCount)) * 8 + dice.next(below: 8), of: segment.file, in: handle)
        return block.ordinals
    }

    private func turn(_ bit: Int, of name: String, in directory: DirectoryHandle) throws {
        let file = try disk.openFile(name, in: directory, writable: true)
        defer { disk.close(file) }
        let byte = AlignedMemory(byteCount: 1)
        _ = try disk.read(file, at: bit / 8, into: byte.memory)
        byte.memory.store(byte.memory.load(UInt8.self, at: 0) ^ 1 << UInt8(bit % 8), at: 0)
        try disk.write(file, at: bit / 8, [byte.memory])
        try disk.sync(file)
    }
}
