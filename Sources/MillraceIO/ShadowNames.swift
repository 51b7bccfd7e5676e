/// What a name of a shadow directory stands for.
enum ShadowNode {
    case file(ShadowFile)
    case directory(ShadowDirectory)

    var file: ShadowFile? { if case .file(let file) = self { file } else { nil } }
    var directory: ShadowDirectory? { if case .directory(let directory) = self { directory } else { nil } }
}

/// One directory of a `ShadowIO`: its names now, and those that survive power loss for certain. A class because names and
/// handles share it. Used under the lock of its `ShadowIO`.
final class ShadowDirectory {
    var current: [String: ShadowNode] = [:]
    var durable: [String: ShadowNode] = [:]
}

/// One name change that power loss may undo: create, rename, unlink. All its effects survive, or none.
struct ShadowChange {
    struct Effect {
        let directory: ShadowDirectory
        let name: String
        /// What the name stands for afterwards; nil when it is gone.
        let node: ShadowNode?
        var key: Key { Key(directory: ObjectIdentifier(directory), name: name) }
    }
    struct Key: Hashable {
        let directory: ObjectIdentifier
        let name: String
    }
    let effects: [Effect]
    /// The directories that have to be synced before the change is durable.
    var unsynced: Set<ObjectIdentifier>

    init(_ effects: [Effect]) {
        self.effects = effects
        unsynced = Set(effects.map { ObjectIdentifier($0.directory) })
    }
}

/// The name changes that are not durable yet, in order. A value.
struct ShadowChanges {
    private(set) var list: [ShadowChange] = []

    /// Makes the change visible now and remembers it as not durable.
    mutating func apply(_ effects: [ShadowChange.Effect]) {
        for effect in effects { effect.directory.current[effect.name] = effect.node }
        list.append(ShadowChange(effects))
    }

    /// The directory was synced: changes all of whose directories were are durable from now on.
    mutating func sync(_ directory: ShadowDirectory) {
        for index in list.indices { list[index].unsynced.remove(ObjectIdentifier(directory)) }
        var isDurable = list.map(\.unsynced.isEmpty)
        close(&isDurable)
        for (change, isDurable) in zip(list, isDurable) where isDurable {
            for effect in change.effects { effect.directory.durable[effect.name] = effect.node }
        }
        list = zip(list, isDurable).filter { !$0.1 }.map(\.0)
    }

    /// Adds to the chosen changes the earlier ones of the same names: a directory entry has one state, and the newer state
    /// contains the older. Hence a rename never survives without what it renamed, nor a file under two names.
    func close(_ isChosen: inout [Bool]) {
        var keys: Set<ShadowChange.Key> = []
        for (index, change) in list.enumerated().reversed() {
            if !isChosen[index] { isChosen[index] = change.effects.contains { keys.contains($0.key) } }
            if isChosen[index] { keys.formUnion(change.effects.map(\.key)) }
        }
    }

    /// The names of every directory that has chosen changes, after them.
    func names(choosing isChosen: [Bool]) -> [ObjectIdentifier: [String: ShadowNode]] {
        var names: [ObjectIdentifier: [String: ShadowNode]] = [:]
        for (change, isChosen) in zip(list, isChosen) where isChosen {
            for effect in change.effects {
                names[ObjectIdentifier(effect.directory), default: effect.directory.durable][effect.name] = effect.node
            }
        }
        return names
    }

    /// The same changes between the copies that the two functions give.
    func mapped(_ directory: (ShadowDirectory) -> ShadowDirectory, _ node: (ShadowNode) -> ShadowNode) -> ShadowChanges
    {
        var copy = ShadowChanges()
        copy.list = list.map { change in
            let effects = change.effects.map {
                ShadowChange.Effect(directory: directory($0.directory), name: $0.name, node: $0.node.map(node))
            }
            var mapped = ShadowChange(effects)
            let waiting = change.effects.filter { change.unsynced.contains(ObjectIdentifier($0.directory)) }
            mapped.unsynced = Set(waiting.map { ObjectIdentifier(directory($0.directory)) })
            return mapped
        }
        return copy
    }
}
