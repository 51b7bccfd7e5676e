// The states that power loss may leave of a `ShadowIO`.
extension ShadowIO {
    /// A new, independent disk in one of the states that power loss at this moment may leave, drawn from `entropy`.
    ///
    /// Every synced byte and name survives. Of each unit (a sector or a page) written since, one of the versions
    /// since the last sync survives, or a mixture of two cut at multiples of 8 bytes. A file has its synced
    /// length or one it got since. Of the names, `CrashOptions.Names` tells. What survived is durable in the new disk, which has
    /// no open handles, no locks and no hook. The same disk and the same draw give the same state.
    /// Costs the pages that differ, once states are dropped as fast as they are made.
    package func crash(_ options: CrashOptions = CrashOptions(), entropy: any Entropy) -> ShadowIO {
        var dice = Dice(seed: entropy.next())
        let unitByteCount = options.unitByteCount ?? (dice.next() & 1 == 0 ? 512 : 4096)
        let draw = dice.next(below: 6)
        let isInOrder = options.keepProbability == nil && draw == 5
        let keep = options.keepProbability ?? [0, 0.1, 0.5, 0.9, 1, 0.5][draw]
        return locked {
            let isChosen = chooseNames(options.names, keep, &dice)
            return build(choosing: isChosen) { file in
                let lengths = file.byteCounts
                let length =
                    lengths.count > 1 && dice.chance(keep)
                    ? dice.chance(options.newestProbability) ? lengths.count - 1 : dice.next(below: lengths.count) : 0
                let firstLost = Int32(dice.next(below: file.writes.count + 1))
                return file.crashed(byteCount: lengths[length], unitByteCount: unitByteCount) { writes, _ in
                    let version: Int
                    if isInOrder {
                        version = writes.count { $0 < firstLost }
                        // Only what the last surviving write touched can have been under way.
                        guard version > 0, writes[writes.startIndex + version - 1] == firstLost - 1 else {
                            return .after(version)
                        }
                    } else {
                        guard dice.chance(keep) else { return .old }
                        let newest = dice.chance(options.newestProbability)
                        version = newest ? writes.count : 1 + dice.next(below: writes.count)
                    }
                    guard options.tearProbability > 0, dice.chance(options.tearProbability) else {
                        return .after(version)
                    }
                    return .torn(version, older: dice.next(below: version), ShadowTear(unitByteCount, &dice))
                }
            }
        }
    }

    /// How many things are open at this moment, each of which power loss may keep or lose: name changes, file
    /// lengths, units written. For enumerating all states of `crash(mask:unitByteCount:)`.
    package func pendingUnitCount(unitByteCount: Int = 4096) -> Int {
        locked {
            changes.list.count
                + candidates().reduce(0) { sum, file in
                    sum + (file.byteCounts.count > 1 ? 1 : 0) + file.units(of: unitByteCount).count
                }
        }
    }

    /// The state in which thing i survived, in its newest version, exactly if bit i of `mask` is set. At most 64 things.
    ///
    /// Name changes come first, oldest first, then file by file in the order of creation its length and its units.
    /// A name change of which a later one of the same name survives does so too; hence some masks give equal states.
    package func crash(mask: UInt64, unitByteCount: Int = 4096) -> ShadowIO {
        locked {
            let isChosen = changes.list.indices.map { mask >> UInt64($0) & 1 == 1 }
            var firsts: [ObjectIdentifier: Int] = [:]
            var bit = isChosen.count
            for file in candidates() {
                firsts[ObjectIdentifier(file)] = bit
                bit += (file.byteCounts.count > 1 ? 1 : 0) + file.units(of: unitByteCount).count
            }
            precondition(bit <= 64, "\(bit) things may survive; a mask has 64 bits")
            return build(choosing: isChosen) { file in
                guard var first = firsts[ObjectIdentifier(file)] else { preconditionFailure("a file from nowhere") }
                var byteCount = file.durableByteCount
                if file.byteCounts.count > 1 {
                    if mask >> UInt64(first) & 1 == 1 { byteCount = file.byteCount }
                    first += 1
                }
                return file.crashed(byteCount: byteCount, unitByteCount: unitByteCount) { writes, unit in
                    mask >> UInt64(first + unit) & 1 == 1 ? .after(writes.count) : .old
                }
            }
        }
    }

    /// A new, independent disk as the next process finds it when this one dies and the machine goes on: every byte
    /// and name is there, what was unsynced still is, all handles are closed and all locks free.
    package func kill() -> ShadowIO {
        locked {
            let copy = ShadowIO(capacityByteCount: capacity)
            var files: [ObjectIdentifier: ShadowFile] = [:]
            var directories: [ObjectIdentifier: ShadowDirectory] = [:]
            func clone(_ node: ShadowNode) -> ShadowNode {
                switch node {
                case .directory(let directory): return .directory(clone(directory))
                case .file(let file):
                    let known = files[ObjectIdentifier(file)] ?? file.copyWithUnsynced()
                    files[ObjectIdentifier(file)] = known
                    return .file(known)
                }
            }
            func clone(_ directory: ShadowDirectory) -> ShadowDirectory {
                if let known = directories[ObjectIdentifier(directory)] { return known }
                let made = ShadowDirectory()
                directories[ObjectIdentifier(directory)] = made
                made.current = directory.current.mapValues(clone)
                made.durable = directory.durable.mapValues(clone)
                return made
            }
            copy.roots = roots.mapValues { clone($0) }
            copy.changes = changes.mapped({ clone($0) }, { clone($0) })
            copy.fileCount = fileCount
            copy.usedByteCount = files.values.reduce(0) { $0 + ($1.nameCount > 0 ? $1.byteCount : 0) }
            return copy
        }
    }

    // MARK: Building a state

    private func chooseNames(_ names: CrashOptions.Names, _ keep: Double, _ dice: inout Dice) -> [Bool] {
        let count = changes.list.count
        switch names {
        case .none: return Array(repeating: false, count: count)
        case .all: return Array(repeating: true, count: count)
        case .prefix:
            let first = dice.next(below: count + 1)
            return (0..<count).map { $0 < first }
        case .subset:
            // At the extremes of `keep`, too, each name of its own: the data are what `keep` is about.
            let probability = min(max(keep, 0.2), 0.8)
            return (0..<count).map { _ in dice.chance(probability) }
        case .either: return chooseNames(dice.next() & 1 == 0 ? .prefix : .subset, keep, &dice)
        }
    }

    /// The disk with the durable names and the chosen changes, and with what `survivor` leaves of each file in it.
    /// Asks for the files in the order of paths, so that no draw depends on hashing.
    private func build(choosing isChosen: [Bool], _ survivor: (ShadowFile) -> ShadowFile) -> ShadowIO {
        let disk = ShadowIO(capacityByteCount: capacity)
        var isChosen = isChosen
        changes.close(&isChosen)
        let changed = changes.names(choosing: isChosen)
        // A file with several names survives once.
        var survivors: [ObjectIdentifier: ShadowFile] = [:]
        func build(_ directory: ShadowDirectory) -> ShadowDirectory {
            let made = ShadowDirectory()
            let names = changed[ObjectIdentifier(directory)] ?? directory.durable
            for (name, node) in names.sorted(by: { $0.key < $1.key }) {
                switch node {
                case .directory(let directory): made.durable[name] = .directory(build(directory))
                case .file(let file):
                    let known = survivors[ObjectIdentifier(file)]
                    let left = known ?? survivor(file)
                    left.nameCount = (known?.nameCount ?? 0) + 1
                    if known == nil { disk.usedByteCount += left.byteCount }
                    survivors[ObjectIdentifier(file)] = left
                    made.durable[name] = .file(left)
                }
            }
            made.current = made.durable
            return made
        }
        for (path, directory) in roots.sorted(by: { $0.key < $1.key }) { disk.roots[path] = build(directory) }
        disk.fileCount = fileCount
        return disk
    }

    /// The files that have a name in some state, in the order of their creation.
    private func candidates() -> [ShadowFile] {
        var effects: [ObjectIdentifier: [ShadowNode]] = [:]
        for change in changes.list {
            for effect in change.effects {
                if let node = effect.node { effects[ObjectIdentifier(effect.directory), default: []].append(node) }
            }
        }
        var files: [ObjectIdentifier: ShadowFile] = [:]
        var seen: Set<ObjectIdentifier> = []
        func visit(_ directory: ShadowDirectory) {
            guard seen.insert(ObjectIdentifier(directory)).inserted else { return }
            for node in Array(directory.durable.values) + (effects[ObjectIdentifier(directory)] ?? []) {
                if let file = node.file { files[ObjectIdentifier(file)] = file }
                if let directory = node.directory { visit(directory) }
            }
        }
        for root in roots.values { visit(root) }
        return files.values.sorted { $0.number < $1.number }
    }
}
