import MillraceIO

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Of each key the newest ordinal: what key compaction goes by. Keys are kept whole and compared byte by byte, so no two are ever
/// taken for one. Open addressing with a hash that nobody outside the process can foresee; memory up to a bound.
///
/// A class because a pass and its filter share it. One thread at a time.
final class KeyTable {
    private struct Entry {
        var ordinal: UInt64
        let keyAt: Int
        let keyByteCount: Int32
        let hash: UInt32
    }

    private let byteLimit: Int
    private var entries: [Entry] = []
    private var keys = AlignedMemory(byteCount: 1 << 12)
    private var keysEnd = 0
    /// Entry number plus one; 0: free. A power of two of them, at most half of them taken.
    private var slots = [UInt32](repeating: 0, count: 1 << 8)

    /// - Parameter byteLimit: of keys, entries and slots together; what doubles may take twice as much for a moment.
    init(byteLimit: Int) { self.byteLimit = byteLimit }

    var count: Int { entries.count }

    /// The newest record with the key is at `ordinal`, unless one was noted before that is newer. False, and nothing is noted, when there
    /// is no room for another key.
    func note(_ key: Memory, ordinal: UInt64) -> Bool {
        let hash = Self.hash(key)
        let slot = slot(of: key, hash)
        if slots[slot] > 0 {
            let at = Int(slots[slot]) - 1
            entries[at].ordinal = max(entries[at].ordinal, ordinal)
            return true
        }
        let needed = keysEnd + key.byteCount + (entries.count + 1) * MemoryLayout<Entry>.stride + slots.count * 4
        guard needed <= byteLimit, entries.count < Int(Int32.max) else { return false }
        if keysEnd + key.byteCount > keys.memory.byteCount {
            let grown = AlignedMemory(byteCount: max(2 * keys.memory.byteCount, keysEnd + key.byteCount))
            grown.memory.copy(keys.memory.slice(0, keysEnd), at: 0)
            keys = grown
        }
        if key.byteCount > 0 { keys.memory.copy(key, at: keysEnd) }
        entries.append(Entry(ordinal: ordinal, keyAt: keysEnd, keyByteCount: Int32(key.byteCount), hash: hash))
        keysEnd += key.byteCount
        slots[slot] = UInt32(entries.count)
        if entries.count * 2 > slots.count { grow() }
        return true
    }

    /// Of the newest record with the key that was noted; nil when none was.
    func newest(_ key: Memory) -> UInt64? {
        let slot = slot(of: key, Self.hash(key))
        return slots[slot] == 0 ? nil : entries[Int(slots[slot]) - 1].ordinal
    }

    /// Where the key is, or belongs.
    private func slot(of key: Memory, _ hash: UInt32) -> Int {
        var slot = Int(hash) & (slots.count - 1)
        while slots[slot] > 0 {
            let entry = entries[Int(slots[slot]) - 1]
            if entry.hash == hash, isEqual(entry, key) { return slot }
            slot = (slot + 1) & (slots.count - 1)
        }
        return slot
    }

    private func isEqual(_ entry: Entry, _ key: Memory) -> Bool {
        guard Int(entry.keyByteCount) == key.byteCount else { return false }
        let kept = keys.memory.slice(entry.keyAt, key.byteCount)
        // Safe because both are valid for the count while they are compared.
        let order = unsafe memcmp(kept.address, key.address, key.byteCount)
        return order == 0
    }

    private func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        for (number, entry) in entries.enumerated() {
            var slot = Int(entry.hash) & (slots.count - 1)
            while slots[slot] > 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = UInt32(number + 1)
        }
    }

    private static func hash(_ key: Memory) -> UInt32 {
        var hasher = Hasher()
        // Safe because the key is valid while it is hashed.
        unsafe hasher.combine(bytes: UnsafeRawBufferPointer(start: key.address, count: key.byteCount))
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }
}

/// Which records key compaction leaves: of each key that the table knows the newest.
struct KeyFilter {
    let table: KeyTable
    /// Tombstones that arrived before go as well. Only those that the table knows: with them goes everything older of their keys.
    let tombstonesBefore: UInt64

    func lets(_ record: DecodedBlock.Record) -> Bool {
        if seeded(.tombstoneFirst), record.isTombstone, record.arrival < tombstonesBefore { return false }
        guard let newest = table.newest(record.key), newest >= record.ordinal else { return true }
        if seeded(.newestRemoved) { return false }
        return newest == record.ordinal && !(record.isTombstone && record.arrival < tombstonesBefore)
    }
}
