/// What becomes of one unsynced unit.
enum ShadowFate {
    /// As at the last sync.
    case old
    /// As after so many of its writes.
    case after(Int)
    /// Partly as after the first number of its writes, partly as after the second, smaller one.
    case torn(Int, older: Int, ShadowTear)
}

/// How a torn unit is divided between its newer and its older version, 8 bytes at a time. A value.
enum ShadowTear {
    /// So many 8-byte words newer, then older.
    case newerFirst(Int)
    /// So many 8-byte words older, then newer.
    case olderFirst(Int)
    /// Each word for itself.
    case scattered(seed: UInt64)

    init(_ unitByteCount: Int, _ dice: inout Dice) {
        let wordCount = unitByteCount / 8
        switch dice.next(below: 3) {
        case 0: self = .newerFirst(dice.next(below: wordCount + 1))
        case 1: self = .olderFirst(dice.next(below: wordCount + 1))
        default: self = .scattered(seed: dice.next())
        }
    }

    /// Puts the older words over the newer ones in `memory`.
    func mix(_ older: Memory, into memory: Memory) {
        let wordCount = memory.byteCount / 8
        switch self {
        case .newerFirst(let count): copy(older, count..<wordCount, into: memory)
        case .olderFirst(let count): copy(older, 0..<count, into: memory)
        case .scattered(let seed):
            var dice = Dice(seed: seed)
            var bits: UInt64 = 0
            for word in 0..<wordCount {
                if word % 64 == 0 { bits = dice.next() }
                if bits >> UInt64(word % 64) & 1 == 1 { copy(older, word..<word + 1, into: memory) }
            }
        }
    }

    private func copy(_ source: Memory, _ words: Range<Int>, into memory: Memory) {
        memory.copy(source.slice(words.lowerBound * 8, words.count * 8), at: words.lowerBound * 8)
    }
}

extension ShadowFile {
    /// The file with one fate for each unsynced unit, and with the given length; all of it is durable.
    /// - Parameter fate: gets the writes that touch the unit, oldest first, and which of the touched units it is, in ascending order.
    func crashed(
        byteCount: Int, unitByteCount: Int, fate: (_ writes: ArraySlice<Int32>, _ unit: Int) -> ShadowFate
    ) -> ShadowFile {
        // It begins as the file is now, and each unit that did not survive as it is now is put back.
        let survivor = ShadowFile(copyingBytesOf: self)
        let units = units(of: unitByteCount)
        var scratch: AlignedMemory?
        for unit in 0..<units.count {
            let range = units.range(unit)
            let writes = units.writes(unit)
            let target = survivor.bytes.slice(range)
            switch fate(writes, unit) {
            case .after(writes.count): continue
            case .old: rebuild(range, after: [], into: target)
            case .after(let version): rebuild(range, after: writes.prefix(version), into: target)
            case .torn(let version, let older, let tear):
                let memory = scratch ?? AlignedMemory(byteCount: unitByteCount)
                scratch = memory
                rebuild(range, after: writes.prefix(version), into: target)
                rebuild(range, after: writes.prefix(older), into: memory.memory)
                tear.mix(memory.memory, into: target)
            }
            survivor.bytes.changed(range)
        }
        survivor.settle(byteCount: byteCount, over: units, durableByteCount: durableByteCount)
        return survivor
    }
}
