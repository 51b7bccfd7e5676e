package import MillraceIO

/// The two-slot file that says which store this is and which generation writes (FORMAT section 3).
package struct StoreFile: Equatable, Sendable {
    package static let name = "store"
    package static let byteCount = 2 * Format.pageByteCount

    package var storeLow: UInt64
    package var storeHigh: UInt64
    package var sequence: UInt64
    package var generation: UInt64
    package var createdMilliseconds: UInt64

    package func encode(into page: Memory) {
        page.fill()
        page.store(Format.storeMagic, at: 0)
        page.store(Format.version, at: 8)
        page.store(Format.leastReaderVersion, at: 10)
        page.store(storeLow, at: 32)
        page.store(storeHigh, at: 40)
        page.store(sequence, at: 48)
        page.store(generation, at: 56)
        page.store(createdMilliseconds, at: 64)
        PageChecksum.seal(page)
    }

    /// The valid slot with the higher sequence; nil when neither is valid.
    package static func decode(_ file: Memory) throws(LogError) -> StoreFile? {
        var newest: StoreFile?
        for slot in 0..<2 {
            guard let page = validSlot(slot, of: file) else { continue }
            try FormatVersion.check(page, file: name)
            let store = StoreFile(
                storeLow: page.load(at: 32), storeHigh: page.load(at: 40), sequence: page.load(at: 48),
                generation: page.load(at: 56), createdMilliseconds: page.load(at: 64))
            if store.sequence > (newest?.sequence ?? 0) { newest = store }
        }
        return newest
    }

    private static func validSlot(_ slot: Int, of file: Memory) -> Memory? {
        guard file.byteCount >= (slot + 1) * Format.pageByteCount else { return nil }
        let page = file.slice(slot * Format.pageByteCount, Format.pageByteCount)
        return PageChecksum.isValid(page) && page.load(UInt64.self, at: 0) == Format.storeMagic ? page : nil
    }

    /// How far above the generation that `decode` finds the next one must be: a slot that cannot be read may have held
    /// the one after it, and records may bear that already.
    package static func generationStep(_ file: Memory) -> UInt64 {
        (0..<2).allSatisfy { validSlot($0, of: file) != nil } ? 1 : 2
    }

    package static func slotByteOffset(ofSequence sequence: UInt64) -> Int { Int(sequence & 1) * Format.pageByteCount }
}
